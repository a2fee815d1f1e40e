import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { RequestKind } from "../../lib/codec/route.ts";
import type { BackendReply, BackendRequest } from "../../lib/forwarder/forwarder.ts";
import { hookSlots, Slots } from "../../lib/forwarder/slots.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";
import { type Answering, asked, innermost } from "../support/layers.ts";

const MAX_WAIT_MS = 1000;
const DONE: BackendReply = { ok: true, status: 200, body: "" };
const OVERLOADED: BackendReply = { ok: false, fault: "overloaded" };

/** A limited forwarder, and the backend behind it, which answers when the test says so. */
class Bench implements Answering {
  readonly clock = new FakeClock();
  /** Paths of the requests that got their slot, in that order. */
  readonly begun: string[] = [];
  readonly replies = new Map<string, BackendReply>();
  closed = 0;
  readonly limited: Answering;
  readonly #underWay = new Map<string, () => void>();

  constructor(max: number) {
    this.limited = asked(
      new Slots(innermost(this), { max, maxWaitMs: MAX_WAIT_MS, clock: this.clock }),
    );
  }

  get underWay(): string[] {
    return [...this.#underWay.keys()];
  }

  forward({ path }: BackendRequest): Promise<BackendReply> {
    this.begun.push(path);
    return new Promise((resolve) => this.#underWay.set(path, () => resolve(DONE)));
  }

  close(): void {
    this.closed++;
  }

  /** Asks for one request after the other; a name's first letter says its kind. */
  async ask(...names: string[]): Promise<void> {
    for (const name of names) {
      const kinds: Record<string, RequestKind> = {
        c: "call",
        s: "send",
        r: "result",
        e: "error",
        x: "resulterror",
        k: "connect",
        d: "disconnect",
      };
      const kind = kinds[name[0]!]!;
      const origin = {
        clientId: name,
        connectionId: "c",
        protocol: null,
        remoteAddress: "127.0.0.1",
      };
      const request = { kind, path: name, body: "{}", origin };
      void this.limited.forward(request).then((reply) => this.replies.set(name, reply));
    }
    await microtasks();
  }

  async answer(name: string): Promise<void> {
    const resolve = this.#underWay.get(name);
    ok(resolve !== undefined, `${name} is not under way`);
    this.#underWay.delete(name);
    resolve();
    await microtasks();
  }
}

function many(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);
}

Deno.test("a request that finds a slot goes at once, and its reply comes back", async () => {
  const bench = new Bench(8);
  await bench.ask("c1", "r1");
  deepStrictEqual(bench.begun, ["c1", "r1"]);
  await bench.answer("c1");
  deepStrictEqual([...bench.replies], [["c1", DONE]]);
});

Deno.test("requests wait for a slot in their order", async () => {
  const bench = new Bench(2);
  await bench.ask("r1", "r2", "e3", "r4");
  deepStrictEqual(bench.underWay, ["r1", "r2"]);
  await bench.answer("r2");
  deepStrictEqual(bench.underWay, ["r1", "e3"]);
  await bench.answer("r1");
  deepStrictEqual(bench.begun, ["r1", "r2", "e3", "r4"]);
});

Deno.test("an eighth of the slots, and one at least, is kept from CALLs and SENDs", async (t) => {
  const rows: [max: number, forCalls: number][] = [
    [2, 1],
    [3, 2],
    [8, 7],
    [9, 7],
    [16, 14],
    [17, 14],
    [256, 224],
  ];
  for (const [max, forCalls] of rows) {
    await t.step(`${forCalls} of ${max}`, async () => {
      const bench = new Bench(max);
      await bench.ask(...many("c", max), ...many("s", max));
      strictEqual(bench.underWay.length, forCalls);
      await bench.ask(...many("r", max));
      strictEqual(bench.underWay.length, max);
      deepStrictEqual(bench.begun.slice(forCalls), many("r", max - forCalls));
    });
  }
});

Deno.test("outcomes may have all the slots", async () => {
  const bench = new Bench(8);
  await bench.ask(...many("r", 9));
  deepStrictEqual(bench.underWay, many("r", 8));
});

Deno.test("a single slot is for everyone", async () => {
  const bench = new Bench(1);
  await bench.ask("c1", "c2", "r1");
  deepStrictEqual(bench.underWay, ["c1"]);
  await bench.answer("c1");
  await bench.answer("r1");
  deepStrictEqual(bench.begun, ["c1", "r1", "c2"]);
});

Deno.test("outcomes go before CALLs that came earlier", async () => {
  const bench = new Bench(2);
  await bench.ask("c1", "r1", "c2", "s3", "r2", "x3");
  deepStrictEqual(bench.underWay, ["c1", "r1"]);
  await bench.answer("c1");
  await bench.answer("r1");
  deepStrictEqual(bench.begun, ["c1", "r1", "r2", "x3"]);
  await bench.answer("r2");
  await bench.answer("c2");
  deepStrictEqual(bench.begun.slice(4), ["c2", "s3"]);
});

Deno.test("a CALL or SEND that waited too long is given up and never goes", async () => {
  const bench = new Bench(2);
  await bench.ask("c1", "c2", "s3");
  bench.clock.tick(1);
  await bench.ask("c4");
  bench.clock.tick(MAX_WAIT_MS);
  await bench.answer("c1");
  deepStrictEqual(Object.fromEntries(bench.replies), { c1: DONE, c2: OVERLOADED, s3: OVERLOADED });
  // Just at its limit: this one is not too late.
  deepStrictEqual(bench.begun, ["c1", "c4"]);
});

Deno.test("a CALL is given up also when the slot that comes free is not for CALLs", async () => {
  const bench = new Bench(2);
  await bench.ask("c1", "r1", "c2");
  bench.clock.tick(MAX_WAIT_MS + 1);
  await bench.answer("r1");
  deepStrictEqual(bench.replies.get("c2"), OVERLOADED);
  deepStrictEqual(bench.underWay, ["c1"]);
});

Deno.test("an outcome is never given up, however long it waits", async () => {
  const bench = new Bench(1);
  await bench.ask("c1", "r1", "e2");
  bench.clock.tick(1000 * MAX_WAIT_MS);
  await bench.answer("c1");
  await bench.answer("r1");
  await bench.answer("e2");
  strictEqual(bench.replies.size, 3);
  ok([...bench.replies.values()].every((reply) => reply === DONE));
});

Deno.test("connects have an eighth of the slots at most, and disconnects as many, never the last of CALLs", async (t) => {
  const rows: [max: number, connects: number, both: number][] = [
    [1, 1, 1],
    [2, 1, 1],
    [3, 1, 1],
    [4, 1, 2],
    [8, 1, 2],
    [15, 1, 2],
    [16, 2, 4],
    [256, 32, 64],
  ];
  for (const [max, connects, both] of rows) {
    await t.step(`${connects} and ${connects} of ${max}`, async () => {
      const bench = new Bench(max);
      await bench.ask(...many("k", max));
      deepStrictEqual(bench.underWay, many("k", connects));
      await bench.ask(...many("d", max));
      strictEqual(bench.underWay.length, both);
      await bench.ask(...many("c", max), ...many("r", max));
      strictEqual(bench.underWay.length, max);
      if (max > 2) ok(bench.begun.includes("c1"));
      if (max > 1) ok(bench.begun.includes("r1"));
    });
  }
});

Deno.test("CALLs go before hooks that came earlier, but for one slot in eight", async () => {
  const bench = new Bench(2);
  await bench.ask("c0", "r0", "k1", "d1", "k2", ...many("c", 20));
  const begun: string[] = [];
  for (let current = "c0"; begun.length < 20;) {
    await bench.answer(current);
    current = bench.underWay.find((name) => name !== "r0")!;
    begun.push(current);
  }
  const [, ...calls] = many("c", 20).map((_, i) => `c${i}`);
  deepStrictEqual(begun, [
    ...[...calls.slice(0, 7), "k1"],
    ...[...calls.slice(7, 14), "d1"],
    ...calls.slice(14, 18),
  ]);
});

Deno.test("connects and disconnects take turns where they share a slot", async () => {
  const bench = new Bench(2);
  await bench.ask("d1", "d2", "d3", "d4", "k1", "k2");
  const order = ["d1", "k1", "d2", "k2", "d3", "d4"];
  for (const name of order) await bench.answer(name);
  deepStrictEqual(bench.begun, order);
});

Deno.test("a connect that waited too long is given up, a disconnect never", async () => {
  const bench = new Bench(2);
  await bench.ask("c1", "k1", "d1");
  bench.clock.tick(MAX_WAIT_MS + 1);
  await bench.answer("c1");
  deepStrictEqual(bench.replies.get("k1"), OVERLOADED);
  deepStrictEqual(bench.underWay, ["d1"]);
});

Deno.test("there is one timer while requests wait, and none soon after that or when closed", async () => {
  const bench = new Bench(1);
  await bench.ask("c1");
  strictEqual(bench.clock.timers, 0);
  await bench.ask("c2", "r1");
  strictEqual(bench.clock.timers, 1);
  for (const name of ["c1", "r1", "c2"]) await bench.answer(name);
  bench.clock.tick(250);
  strictEqual(bench.clock.timers, 0);
  await bench.ask("c3", "c4");
  strictEqual(bench.clock.timers, 1);
  bench.limited.close();
  strictEqual(bench.clock.timers, 0);
  strictEqual(bench.closed, 1);
});

Deno.test("whatever comes, the limit holds, no slot stays idle, and every request ends", async () => {
  const step = fc.oneof(
    fc.constantFrom("c", "s", "r", "e", "x", "k", "d").map((letter) => ({ letter, n: 0 })),
    fc.nat(20).map((n) => ({ letter: "", n })),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.array(step, { maxLength: 60 }),
      async (max, steps) => {
        const bench = new Bench(max);
        const asked: string[] = [];
        const forCalls = max === 1 ? 1 : max - Math.ceil(max / 8);
        const forHooks = Math.max(1, forCalls - 1);
        const isCall = (name: string): boolean => /^[cs]/.test(name);
        const isConnect = (name: string): boolean => name.startsWith("k");
        const isDisconnect = (name: string): boolean => name.startsWith("d");
        const isHook = (name: string): boolean => isConnect(name) || isDisconnect(name);
        const isOutcome = (name: string): boolean => !isCall(name) && !isHook(name);

        function check(): void {
          const { underWay } = bench;
          const hooks = underWay.filter(isHook).length;
          const beside = underWay.filter(isCall).length + hooks;
          ok(underWay.length <= max && beside <= forCalls && hooks <= forHooks);
          const waiting = asked.filter((name) => !bench.begun.includes(name));
          const isFull = underWay.length === max;
          if (waiting.some(isOutcome)) ok(isFull);
          if (waiting.some(isCall)) ok(isFull || beside === forCalls);
          for (const isKind of [isConnect, isDisconnect]) {
            const ofKind = underWay.filter(isKind).length;
            ok(ofKind <= hookSlots(max));
            if (!waiting.some(isKind)) continue;
            ok(isFull || beside === forCalls || hooks === forHooks || ofKind === hookSlots(max));
          }
          // First come, first served among those that have the same rights.
          for (const hasRights of [isCall, isConnect, isDisconnect, isOutcome]) {
            const begun = bench.begun.filter(hasRights);
            deepStrictEqual(begun, asked.filter(hasRights).slice(0, begun.length));
          }
        }

        for (const [i, { letter, n }] of steps.entries()) {
          if (letter !== "") {
            asked.push(`${letter}${i}`);
            await bench.ask(`${letter}${i}`);
          } else if (bench.underWay.length > 0) {
            await bench.answer(bench.underWay[n % bench.underWay.length]!);
          }
          check();
        }
        while (bench.underWay.length > 0) {
          await bench.answer(bench.underWay[0]!);
          check();
        }
        deepStrictEqual([...bench.replies.keys()].sort(), [...asked].sort());
      },
    ),
  );
});
