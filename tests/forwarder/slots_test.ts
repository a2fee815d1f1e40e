import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { RequestKind } from "../../lib/codec/route.ts";
import type { BackendReply, BackendRequest, Forwarder } from "../../lib/forwarder/forwarder.ts";
import { limitForwarder } from "../../lib/forwarder/slots.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";

const MAX_WAIT_MS = 1000;
const DONE: BackendReply = { ok: true, status: 200, body: "" };
const OVERLOADED: BackendReply = { ok: false, fault: "overloaded" };

/** A limited forwarder, and the backend behind it, which answers when the test says so. */
class Bench implements Forwarder {
  readonly clock = new FakeClock();
  /** Paths of the requests that got their slot, in that order. */
  readonly begun: string[] = [];
  readonly replies = new Map<string, BackendReply>();
  closed = 0;
  readonly limited: Forwarder;
  readonly #underWay = new Map<string, () => void>();

  constructor(max: number) {
    this.limited = limitForwarder(this, { max, maxWaitMs: MAX_WAIT_MS, clock: this.clock });
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
      };
      const kind = kinds[name[0]!]!;
      const origin = { connectionId: "c", protocol: null, remoteAddress: "127.0.0.1" };
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

Deno.test("waiting sets no timers, and closing closes the forwarder inside", async () => {
  const bench = new Bench(1);
  await bench.ask("c1", "c2", "r1");
  strictEqual(bench.clock.timers, 0);
  bench.limited.close();
  strictEqual(bench.closed, 1);
});

Deno.test("whatever comes, the limit holds, no slot stays idle, and every request ends", async () => {
  const step = fc.oneof(
    fc.constantFrom("c", "s", "r", "e", "x").map((letter) => ({ letter, n: 0 })),
    fc.nat(20).map((n) => ({ letter: "", n })),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 10 }),
      fc.array(step, { maxLength: 60 }),
      async (max, steps) => {
        const bench = new Bench(max);
        const asked: string[] = [];
        const forCalls = max === 1 ? 1 : max - Math.ceil(max / 8);
        const isCall = (name: string): boolean => /^[cs]/.test(name);

        function check(): void {
          const { underWay } = bench;
          const calls = underWay.filter(isCall).length;
          ok(underWay.length <= max && calls <= forCalls);
          const waiting = asked.filter((name) => !bench.begun.includes(name));
          const isFull = underWay.length === max;
          if (waiting.some((name) => !isCall(name))) ok(isFull);
          if (waiting.some(isCall)) ok(isFull || calls === forCalls);
          // First come, first served among those that have the same rights.
          for (const hasRights of [isCall, (name: string) => !isCall(name)]) {
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
