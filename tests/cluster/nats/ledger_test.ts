import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { Client } from "../../../lib/cluster/bus.ts";
import { Ledger } from "../../../lib/cluster/nats/ledger.ts";
import { runs } from "../../support/runs.ts";

const client: Client = {
  clientId: "CP1",
  connectionId: "c",
  protocol: "ocpp1.6",
  remoteAddress: "127.0.0.1",
  connectedAt: 0,
};

function enter(ledger: Ledger, peerId: string, messageId: string, epoch?: number): number {
  const number = ledger.enter(peerId, client, { action: "Reset", messageId });
  if (epoch !== undefined) ledger.accepted(number, epoch);
  return number;
}

function lost(ledger: Ledger, peerId: string, epoch: number | null): string[] {
  return ledger.takeLost(peerId, epoch).map(({ call }) => call.messageId);
}

Deno.test("the ledger gives up what an instance took in another epoch, once", () => {
  const ledger = new Ledger();
  enter(ledger, "b", "old", 1);
  enter(ledger, "b", "new", 2);
  enter(ledger, "c", "other", 1);
  deepStrictEqual(lost(ledger, "b", 2), ["old"]);
  deepStrictEqual(lost(ledger, "b", 2), []);
  deepStrictEqual(ledger.debtors, ["b", "c"]);
});

Deno.test("the ledger gives up all that an instance took which has gone", () => {
  const ledger = new Ledger();
  enter(ledger, "b", "1", 1);
  enter(ledger, "b", "2", 2);
  deepStrictEqual(lost(ledger, "b", null), ["1", "2"]);
  deepStrictEqual([ledger.size, ledger.debtors], [0, []]);
});

Deno.test("what was never taken is not lost: its caller was told", () => {
  const ledger = new Ledger();
  const number = enter(ledger, "b", "1");
  deepStrictEqual(lost(ledger, "b", null), []);
  ledger.ended(number);
  strictEqual(ledger.size, 0);
});

Deno.test("an instance is asked for what it is not known to have taken, and not believed about it", () => {
  const ledger = new Ledger();
  const number = enter(ledger, "b", "1");
  deepStrictEqual(ledger.owedBy("b", 10), [number]);
  // It was asked before it took the CALL, or its word of that is still on the way.
  ledger.endedThere(number);
  ledger.accepted(number, 1);
  deepStrictEqual(ledger.owedBy("b", 10), [number]);
  ledger.endedThere(number);
  strictEqual(ledger.size, 0);
});

Deno.test("an outcome that is told before the CALL's acceptance ends it", () => {
  const ledger = new Ledger();
  const number = enter(ledger, "b", "1");
  ledger.ended(number);
  ledger.accepted(number, 1);
  deepStrictEqual([ledger.size, lost(ledger, "b", null)], [0, []]);
});

Deno.test("any order of steps leaves the ledger equal to a plain model", () => {
  interface Entry {
    peerId: string;
    messageId: string;
    epoch: number | undefined;
  }
  const step = fc.record({
    kind: fc.constantFrom("enter", "accepted", "ended", "ended there", "lost"),
    peerId: fc.constantFrom("b", "c"),
    which: fc.nat(9),
    epoch: fc.option(fc.nat(2)),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ledger = new Ledger();
      const model = new Map<number, Entry>();
      const numbers: number[] = [];
      for (const [k, { kind, peerId, which, epoch }] of steps.entries()) {
        const number = numbers[which % Math.max(1, numbers.length)] ?? 999;
        switch (kind) {
          case "enter": {
            const entered = enter(ledger, peerId, `m${k}`);
            strictEqual(numbers.includes(entered), false);
            numbers.push(entered);
            model.set(entered, { peerId, messageId: `m${k}`, epoch: undefined });
            break;
          }
          case "accepted":
            ledger.accepted(number, epoch ?? 0);
            if (model.has(number)) model.get(number)!.epoch = epoch ?? 0;
            break;
          case "ended":
            ledger.ended(number);
            model.delete(number);
            break;
          case "ended there":
            ledger.endedThere(number);
            if (model.get(number)?.epoch !== undefined) model.delete(number);
            break;
          case "lost": {
            const expected = [...model].filter(([, entry]) =>
              entry.peerId === peerId && entry.epoch !== undefined && entry.epoch !== epoch
            );
            for (const [gone] of expected) model.delete(gone);
            deepStrictEqual(
              lost(ledger, peerId, epoch),
              expected.map(([, { messageId }]) => messageId),
            );
          }
        }
        strictEqual(ledger.size, model.size);
        for (const peer of ["b", "c"]) {
          const owed = [...model].filter(([, entry]) => entry.peerId === peer)
            .map(([number]) => number);
          deepStrictEqual(ledger.owedBy(peer, 100), owed);
          deepStrictEqual(ledger.owedBy(peer, 2), owed.slice(0, 2));
        }
        const debtors = new Set([...model.values()].map((entry) => entry.peerId));
        deepStrictEqual([...ledger.debtors].sort(), [...debtors].sort());
      }
    }),
    { numRuns: runs(500) },
  );
});
