import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { RequestKind } from "../../lib/codec/route.ts";
import { Breaker } from "../../lib/forwarder/breaker.ts";
import type { BackendReply, BackendRequest } from "../../lib/forwarder/forwarder.ts";
import { Retries } from "../../lib/forwarder/retry.ts";
import { failed, request, status } from "../support/backend_reply.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";
import { type Answering, asked, innermost } from "../support/layers.ts";

const HELD: readonly RequestKind[] = ["call", "send", "connect"];
const TRIED: readonly RequestKind[] = ["result", "error", "resulterror", "disconnect"];
const FAILURES = 50;
const OUTAGE_MS = 5000;
const PROBE_MS = 1000;

const OK = status(200);
const UNREACHABLE = failed("unreachable");

/** A breaker around a backend that answers as it is told. */
class Bench implements Answering {
  readonly clock = new FakeClock();
  readonly breaker = new Breaker(this.clock);
  readonly guarded = asked(this.breaker.guarding(this.breaker.counting(innermost(this))));
  reply: BackendReply = UNREACHABLE;
  /** Kinds that reached the backend. */
  readonly reached: RequestKind[] = [];
  closed = 0;

  forward({ kind }: BackendRequest): Promise<BackendReply> {
    this.reached.push(kind);
    return Promise.resolve(this.reply);
  }

  close(): void {
    this.closed++;
  }

  ask(kind: RequestKind = "call"): Promise<BackendReply> {
    return this.guarded.forward(request(kind));
  }

  /** So many requests that get this reply; this time passes before the last one. */
  async many(count: number, overMs: number, reply: BackendReply = UNREACHABLE): Promise<void> {
    this.reply = reply;
    for (let i = 0; i < count; i++) {
      if (i === count - 1) this.clock.tick(overMs);
      await this.ask("result");
    }
  }

  /** Fails until the breaker is open. */
  async open(): Promise<void> {
    await this.many(FAILURES, OUTAGE_MS);
    ok(this.breaker.isOpen);
    this.reached.length = 0;
  }
}

Deno.test("the breaker opens after 50 failures and five seconds without a success, not before", async (t) => {
  const rows: [name: string, run: (bench: Bench) => Promise<void>, isOpen: boolean][] = [
    ["nothing yet", () => Promise.resolve(), false],
    ["49 failures in a minute", (bench) => bench.many(FAILURES - 1, 60_000), false],
    ["50 failures in 5 s", (bench) => bench.many(FAILURES, OUTAGE_MS), true],
    ["50 failures in just less", (bench) => bench.many(FAILURES, OUTAGE_MS - 1), false],
    ["1,000 failures at once", (bench) => bench.many(1000, 0), false],
    ["a success in the middle", async (bench) => {
      await bench.many(FAILURES - 1, OUTAGE_MS);
      await bench.many(1, 0, OK);
      await bench.many(FAILURES - 1, OUTAGE_MS);
    }, false],
    ["a success that starts the time anew", async (bench) => {
      await bench.many(10, OUTAGE_MS);
      await bench.many(1, 0, OK);
      await bench.many(FAILURES, OUTAGE_MS - 1);
    }, false],
  ];
  for (const [name, run, isOpen] of rows) {
    await t.step(name, async () => {
      const bench = new Bench();
      await run(bench);
      strictEqual(bench.breaker.isOpen, isOpen);
      bench.reached.length = 0;
      await bench.ask();
      // The first CALL of an open one is its probe.
      await bench.ask();
      strictEqual(bench.reached.length, isOpen ? 1 : 2);
    });
  }
});

Deno.test("the breaker does not open by silence: a burst of failures is no outage of five seconds", async () => {
  const bench = new Bench();
  await bench.many(FAILURES, 0, failed("broken"));
  bench.clock.tick(OUTAGE_MS);
  bench.reply = OK;
  // All at once, as after a quiet time; the backend has long been back.
  const replies = await Promise.all(Array.from({ length: 20 }, () => bench.ask()));
  ok(replies.every((reply) => reply === OK));
});

Deno.test("only what says that the backend is not there counts as a failure", async (t) => {
  const rows: [name: string, reply: BackendReply, isOpen: boolean][] = [
    ["unreachable", UNREACHABLE, true],
    ["no answer in time", failed("timeout"), false],
    ["broken off", failed("broken"), false],
    ["an answer that is too large", failed("unusable"), false],
    ["an answer with two lengths", failed("ambiguous"), false],
    ["overloaded by ourselves", failed("overloaded"), false],
    ...[200, 302, 404, 500, 502, 503, 504].map((code): [string, BackendReply, boolean] => [
      `status ${code}`,
      status(code),
      false,
    ]),
  ];
  for (const [name, reply, isOpen] of rows) {
    await t.step(name, async () => {
      const bench = new Bench();
      await bench.many(2 * FAILURES, 2 * OUTAGE_MS, reply);
      strictEqual(bench.breaker.isOpen, isOpen);
    });
  }
});

Deno.test("while it is open CALLs, SENDs and connects are answered at once as unreachable", async (t) => {
  for (const kind of HELD) {
    await t.step(kind, async () => {
      const bench = new Bench();
      await bench.open();
      await bench.ask(kind);
      deepStrictEqual(bench.reached, [kind], "the probe");
      for (let i = 0; i < 100; i++) deepStrictEqual(await bench.ask(kind), UNREACHABLE);
      strictEqual(bench.reached.length, 1);
      strictEqual(bench.breaker.holdsBack(request(kind)), true);
      strictEqual(bench.clock.timers, 0);
    });
  }
});

Deno.test("outcomes and disconnects are never held back", async (t) => {
  for (const kind of TRIED) {
    await t.step(kind, async () => {
      const bench = new Bench();
      await bench.open();
      for (let i = 0; i < 100; i++) await bench.ask(kind);
      strictEqual(bench.reached.length, 100);
      strictEqual(bench.breaker.holdsBack(request(kind)), false);
    });
  }
});

Deno.test("one CALL a second is let through while it is open, whatever its kind", async () => {
  const bench = new Bench();
  await bench.open();
  const probes: number[] = [];
  for (let ms = 0; ms < 5000; ms += 100) {
    const before = bench.reached.length;
    for (const kind of HELD) await bench.ask(kind);
    if (bench.reached.length > before) probes.push(ms);
    bench.clock.tick(100);
  }
  deepStrictEqual(probes, [0, 1000, 2000, 3000, 4000]);
  strictEqual(bench.reached.length, 5);
});

Deno.test("a probe that is under way is one: others do not wait for it", async () => {
  const bench = new Bench();
  await bench.open();
  const asked = Array.from({ length: 20 }, () => bench.ask());
  strictEqual(bench.reached.length, 1);
  await Promise.all(asked);
});

Deno.test("the first success closes it, of a probe or of an outcome", async (t) => {
  for (const kind of ["call", "result", "disconnect"] as const) {
    for (const reply of [OK, status(500), failed("unusable"), failed("ambiguous")]) {
      await t.step(`${kind}, ${reply.ok ? reply.status : reply.fault}`, async () => {
        const bench = new Bench();
        await bench.open();
        await bench.ask();
        bench.clock.tick(PROBE_MS);
        bench.reply = reply;
        deepStrictEqual(await bench.ask(kind), reply);
        strictEqual(bench.breaker.isOpen, false);
        bench.reached.length = 0;
        for (let i = 0; i < 20; i++) deepStrictEqual(await bench.ask(), reply);
        strictEqual(bench.reached.length, 20);
      });
    }
  }
});

Deno.test("retries of a CALL stop when it opens while they run", async (t) => {
  const rows: [kind: RequestKind, tries: number][] = [
    ["call", 2],
    ["send", 2],
  ];
  for (const [kind, tries] of rows) {
    await t.step(`${kind}: ${tries} tries`, async () => {
      const bench = new Bench();
      const { breaker, clock } = bench;
      const told: BackendReply[] = [];
      const retried = new Retries(breaker.counting(innermost(bench)), {
        retries: 3,
        clock,
        random: () => 0,
        givesUp: (asked) => breaker.holdsBack(asked),
        onRetry: (_, reply) => told.push(reply),
      });
      // Failing for 4.7 s; it opens between the second try, 0.4 s later, and the third, 1.2 s later.
      await bench.many(FAILURES - 1, OUTAGE_MS - 300);
      bench.reached.length = 0;
      const reply = asked(breaker.guarding(retried)).forward(request(kind));
      await microtasks();
      strictEqual(bench.reached.length, 1);
      strictEqual(breaker.isOpen, false);
      await clock.runAll();
      deepStrictEqual(await reply, UNREACHABLE);
      deepStrictEqual(bench.reached, Array.from({ length: tries }, () => kind));
      strictEqual(told.length, tries - 1);
    });
  }
});

Deno.test("closing closes the forwarder inside", () => {
  const bench = new Bench();
  bench.guarded.close();
  strictEqual(bench.closed, 1);
});
