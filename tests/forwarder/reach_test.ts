import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import type { Sight } from "../../lib/forwarder/look.ts";
import { BackendReach } from "../../lib/forwarder/reach.ts";
import { failed, request, status } from "../support/backend_reply.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";
import { asked, innermost } from "../support/layers.ts";

const FAILURES = 50;
const OUTAGE_MS = 5000;

const OK = status(200);
const UNREACHABLE = failed("unreachable");
const BAD_GATEWAY = status(502);

/** What is known of a backend that replies as it is told, and is seen as it is told. */
class Bench {
  readonly clock = new FakeClock();
  /** What was looked for, and when. */
  readonly looks: string[] = [];
  readonly told: string[] = [];
  sight: Sight = "nothing";
  readonly reach = new BackendReach({
    clock: this.clock,
    look: (wanted) => {
      this.looks.push(`${wanted} ${this.clock.now()}`);
      return Promise.resolve(this.sight);
    },
    events: {
      unreachable: () => this.told.push("unreachable"),
      away: (cause) => this.told.push(`away: ${cause}`),
      back: (afterMs) => this.told.push(`back after ${afterMs}`),
    },
  });

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.clock.tick(Math.min(left, 100));
      await microtasks();
    }
  }

  /** So many replies; this time passes before the last one. */
  many(count: number, overMs: number, reply: BackendReply): void {
    for (let i = 0; i < count; i++) {
      if (i === count - 1) this.clock.tick(overMs);
      this.reach.count(reply);
    }
  }
}

Deno.test("the backend is away when 50 requests over five seconds got 502, 503 or 504, not before", async (t) => {
  const own = (body: string): BackendReply => ({ ok: true, status: 503, body });
  const rows: [name: string, run: (bench: Bench) => void, isAway: boolean][] = [
    ["nothing yet", () => {}, false],
    ["49 in a minute", (bench) => bench.many(FAILURES - 1, 60_000, BAD_GATEWAY), false],
    ["50 in 5 s", (bench) => bench.many(FAILURES, OUTAGE_MS, BAD_GATEWAY), true],
    ["50 with 503", (bench) => bench.many(FAILURES, OUTAGE_MS, status(503)), true],
    ["50 with 504", (bench) => bench.many(FAILURES, OUTAGE_MS, status(504)), true],
    ["50 in just less", (bench) => bench.many(FAILURES, OUTAGE_MS - 1, BAD_GATEWAY), false],
    ["1,000 at once", (bench) => bench.many(1000, 0, BAD_GATEWAY), false],
    ["50 with a page of HTML", (bench) => bench.many(FAILURES, OUTAGE_MS, own("<h1>")), true],
    ["50 with JSON without a code", (bench) => bench.many(FAILURES, OUTAGE_MS, own("{}")), true],
    [
      "50 with a code of the backend's own",
      (bench) => bench.many(FAILURES, OUTAGE_MS, own('{"code":"Busy"}')),
      false,
    ],
    ["50 with 500", (bench) => bench.many(FAILURES, OUTAGE_MS, status(500)), false],
    ["50 that timed out", (bench) => bench.many(FAILURES, OUTAGE_MS, failed("timeout")), false],
    ["50 that broke off", (bench) => bench.many(FAILURES, OUTAGE_MS, failed("broken")), false],
    ["50 unreachable", (bench) => bench.many(FAILURES, OUTAGE_MS, UNREACHABLE), false],
    ["an answer in the middle", (bench) => {
      bench.many(FAILURES - 1, OUTAGE_MS, BAD_GATEWAY);
      bench.many(1, 0, OK);
      bench.many(FAILURES - 1, OUTAGE_MS, BAD_GATEWAY);
    }, false],
    ["one that hangs in the middle says nothing", (bench) => {
      bench.many(FAILURES - 1, OUTAGE_MS, BAD_GATEWAY);
      bench.many(1, 0, failed("timeout"));
      bench.many(1, 0, BAD_GATEWAY);
    }, true],
  ];
  for (const [name, run, isAway] of rows) {
    await t.step(name, () => {
      const bench = new Bench();
      run(bench);
      strictEqual(bench.reach.isAway, isAway);
      bench.reach.close();
      strictEqual(bench.clock.timers, 0);
    });
  }
});

Deno.test("it is unreachable from a try that never left until one gets an answer", async (t) => {
  const rows: [name: string, reply: BackendReply, isReachable: boolean][] = [
    ["200", OK, true],
    ["404", status(404), true],
    ["502", BAD_GATEWAY, true],
    ["an answer that is too large", failed("unusable"), true],
    ["an answer with two lengths", failed("ambiguous"), true],
    ["one that timed out: it may be old", failed("timeout"), false],
    ["one that broke off, as the last ones before the end do", failed("broken"), false],
    ["one that never left", UNREACHABLE, false],
  ];
  for (const [name, reply, isReachable] of rows) {
    await t.step(name, () => {
      const bench = new Bench();
      let calledBack = 0;
      bench.reach.onReachable(() => calledBack++);
      bench.reach.count(UNREACHABLE);
      strictEqual(bench.reach.isReachable, false);
      strictEqual(bench.clock.timers, 1);
      bench.reach.count(reply);
      strictEqual(bench.reach.isReachable, isReachable);
      strictEqual(calledBack, isReachable ? 1 : 0);
      strictEqual(bench.clock.timers, isReachable ? 0 : 1, "no look when there is no need");
      bench.reach.count(reply);
      strictEqual(calledBack, isReachable ? 1 : 0, "once each time");
    });
  }
});

Deno.test("while it is unreachable it looks by a mere connection, after 0.4 s and then each second", async () => {
  const bench = new Bench();
  let calledBack = 0;
  bench.reach.onReachable(() => calledBack++);
  bench.many(20, 0, UNREACHABLE);
  await bench.pass(3000);
  deepStrictEqual(bench.looks, ["connection 400", "connection 1400", "connection 2400"]);
  deepStrictEqual(bench.told, ["unreachable"], "once, and when a look has confirmed it");
  bench.sight = "connected";
  await bench.pass(400);
  strictEqual(bench.reach.isReachable, true);
  strictEqual(calledBack, 1);
  deepStrictEqual(bench.told, ["unreachable", "back after 3400"]);
  strictEqual(bench.clock.timers, 0);
});

Deno.test("a connection that is refused once is told to nobody", async () => {
  const bench = new Bench();
  bench.reach.count(UNREACHABLE);
  await bench.pass(300);
  bench.reach.count(OK);
  await bench.pass(5000);
  deepStrictEqual([bench.told, bench.looks], [[], []]);
});

Deno.test("while it is away a look asks for an answer, and the first one ends it", async (t) => {
  const rows: [name: string, end: (bench: Bench) => Promise<void> | void][] = [
    ["of a look", async (bench) => {
      bench.sight = "answered";
      // What a CALL may take the place of comes a little later.
      await bench.pass(1100);
    }],
    ["of a request", (bench) => bench.reach.count(status(404))],
  ];
  for (const [name, end] of rows) {
    await t.step(name, async () => {
      const bench = new Bench();
      bench.reach.count(UNREACHABLE);
      await bench.pass(400);
      bench.reach.declareAway("unreachable");
      bench.reach.declareAway("unreachable");
      await bench.pass(2000);
      deepStrictEqual(bench.looks, ["connection 400", "answer 1400", "answer 2400"]);
      bench.sight = "connected";
      await bench.pass(1000);
      ok(bench.reach.isReachable && bench.reach.isAway, "a mere connection is no answer");
      await end(bench);
      ok(!bench.reach.isAway && bench.reach.isReachable);
      const [first, second, last] = bench.told;
      deepStrictEqual([first, second], ["unreachable", "away: unreachable"]);
      ok(last?.startsWith("back after "));
      strictEqual(bench.told.length, 3);
      strictEqual(bench.clock.timers, 0);
    });
  }
});

Deno.test("a CALL that goes through in each second takes the place of the look", async () => {
  const bench = new Bench();
  bench.sight = "connected";
  bench.many(FAILURES, OUTAGE_MS, BAD_GATEWAY);
  ok(bench.reach.isAway);
  const probes: number[] = [];
  for (let at = 0; at < 5000; at += 100) {
    for (let i = 0; i < 3; i++) if (bench.reach.takeProbe()) probes.push(at);
    await bench.pass(100);
  }
  deepStrictEqual(probes, [0, 1000, 2000, 3000, 4000]);
  deepStrictEqual(bench.looks, []);
  await bench.pass(2000);
  ok(bench.looks.length > 0, "nobody sends anything any more");
  bench.reach.close();
});

Deno.test("no CALL goes through while there is no connection at all", () => {
  const bench = new Bench();
  bench.reach.count(UNREACHABLE);
  bench.reach.declareAway("unreachable");
  strictEqual(bench.reach.takeProbe(), false);
  bench.reach.close();
});

Deno.test("CALLs that waited for a slot are not tried one by one when the backend has gone", async () => {
  const bench = new Bench();
  const tried: string[] = [];
  const layers = asked(bench.reach.counting(innermost({
    forward: ({ kind }) => {
      tried.push(kind);
      return Promise.resolve(UNREACHABLE);
    },
    close: () => {},
  })));
  for (let i = 0; i < 10; i++) deepStrictEqual(await layers.forward(request("call")), UNREACHABLE);
  deepStrictEqual(tried, ["call"]);
  for (const kind of ["send", "connect", "result", "disconnect"] as const) {
    await layers.forward(request(kind));
  }
  deepStrictEqual(tried, ["call", "send", "connect", "result", "disconnect"]);
  bench.reach.close();
});

Deno.test("after the close nothing is looked for, nor told", async () => {
  const bench = new Bench();
  bench.reach.count(UNREACHABLE);
  bench.reach.close();
  bench.reach.declareAway("unreachable");
  await bench.pass(5000);
  deepStrictEqual([bench.looks, bench.told, bench.clock.timers], [[], [], 0]);
});
