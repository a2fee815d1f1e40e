import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { BackendReply, BackendRequest, Forwarder } from "../../lib/forwarder/forwarder.ts";
import { Hold } from "../../lib/forwarder/hold.ts";
import { forwarderOver, type Layer, type Outer, type Post } from "../../lib/forwarder/layer.ts";
import type { Sight } from "../../lib/forwarder/look.ts";
import { BackendReach } from "../../lib/forwarder/reach.ts";
import { Cell } from "../../lib/metrics/tally.ts";
import { failed, request, status } from "../support/backend_reply.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";

const HOLD_MS = 15_000;

const OK = status(200);
const BAD_GATEWAY = status(502);
const UNREACHABLE = failed("unreachable");

/** A backend that replies when it is told, or always alike. */
class FakeBackend implements Layer {
  readonly underWay: Post[] = [];
  /** Tries, as the numbers of their requests. */
  readonly tried: number[] = [];
  always: BackendReply | undefined;
  isClosed = false;
  #outer!: Outer;

  forward(post: Post): void {
    this.tried.push(numberOf(post.request));
    if (this.always === undefined) this.underWay.push(post);
    else {
      const reply = this.always;
      queueMicrotask(() => this.#outer.replied(post, reply));
    }
  }

  reply(reply: BackendReply): void {
    const post = this.underWay.shift();
    ok(post !== undefined, "nothing is under way");
    this.#outer.replied(post, reply);
  }

  repliesTo(outer: Outer): void {
    this.#outer = outer;
  }

  close(): void {
    this.isClosed = true;
  }
}

function numberOf({ path }: BackendRequest): number {
  return Number(path.split("/").at(-1));
}

class Bench {
  readonly clock = new FakeClock();
  readonly backend = new FakeBackend();
  readonly held = new Cell();
  readonly told: string[] = [];
  sight: Sight = "nothing";
  readonly reach = new BackendReach({
    clock: this.clock,
    look: () => Promise.resolve(this.sight),
    events: {
      unreachable: () => {},
      away: (cause) => this.told.push(`away: ${cause}`),
      back: () => this.told.push("back"),
    },
  });
  readonly hold: Hold;
  readonly #forward: Forwarder["forward"];
  readonly #close: () => void;
  /** What came of each, by its number. */
  readonly replies = new Map<number, BackendReply>();
  /** Nobody waits for these any more. */
  readonly voided = new Set<number>();
  #number = 0;

  constructor(holdMs = HOLD_MS) {
    const { clock, reach, held } = this;
    this.hold = new Hold(reach.counting(this.backend), { reach, holdMs, clock, held });
    const forwarder = forwarderOver(this.hold);
    this.#forward = forwarder.forward;
    this.#close = forwarder.close;
  }

  /** @returns Its number. */
  send(kind: BackendRequest["kind"] = "call"): number {
    const number = ++this.#number;
    const { voided } = this;
    const asked = {
      ...request(kind),
      path: `${kind}/${number}`,
      get isVoid() {
        return voided.has(number);
      },
    };
    this.#forward(asked, { replied: (reply) => this.replies.set(number, reply) });
    return number;
  }

  /** One CALL finds that there is nobody. */
  lose(): number {
    const number = this.send();
    this.backend.reply(UNREACHABLE);
    return number;
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.clock.tick(Math.min(left, 100));
      await microtasks();
    }
  }

  close(): void {
    this.reach.close();
    this.#close();
  }

  /** Nothing is left that a gateway without work would have. */
  checkIdle(): void {
    strictEqual(this.hold.count, 0);
    strictEqual(this.held.own, 0);
    strictEqual(this.clock.timers, 0);
  }
}

function faultOf(reply: BackendReply | undefined): string {
  return reply === undefined ? "none" : reply.ok ? String(reply.status) : reply.fault;
}

Deno.test("a CALL that cannot reach the backend is sent when it can, and nobody notices", async () => {
  const bench = new Bench();
  const first = bench.lose();
  // Without a try: it is known that there is nobody.
  const second = bench.send();
  deepStrictEqual(bench.backend.tried, [1]);
  strictEqual(bench.held.own, 2);
  await bench.pass(12_000);
  strictEqual(bench.replies.size, 0);
  bench.backend.always = OK;
  bench.sight = "connected";
  await bench.pass(1100);
  deepStrictEqual([first, second].map((each) => bench.replies.get(each)), [OK, OK]);
  deepStrictEqual(bench.backend.tried, [1, 1, 2], "in the order in which they came");
  deepStrictEqual(bench.told, ["back"], "from what was unreachable, not away");
  bench.checkIdle();
});

Deno.test("a connection that is refused once holds its CALL until the next answer, no longer", () => {
  const bench = new Bench();
  bench.send();
  const refused = bench.send();
  bench.backend.underWay.push(bench.backend.underWay.shift()!);
  bench.backend.reply(UNREACHABLE);
  strictEqual(bench.replies.size, 0);
  bench.backend.reply(OK);
  strictEqual(bench.backend.underWay.length, 1, "it is sent again at once");
  bench.backend.reply(OK);
  strictEqual(bench.replies.get(refused), OK);
  strictEqual(bench.replies.size, 2);
  bench.checkIdle();
});

Deno.test("a CALL that has waited in vain says that the backend is away, each at its own time", async () => {
  const bench = new Bench();
  const first = bench.lose();
  await bench.pass(5000);
  const later = bench.send();
  await bench.pass(9900);
  strictEqual(bench.replies.size, 0);
  await bench.pass(100);
  deepStrictEqual([faultOf(bench.replies.get(first)), bench.replies.has(later)], ["away", false]);
  deepStrictEqual(bench.told, ["away: unreachable"]);
  // One that comes now has no hope; the one that waits still has some.
  const late = bench.send();
  strictEqual(faultOf(bench.replies.get(late)), "away");
  await bench.pass(5000);
  strictEqual(faultOf(bench.replies.get(later)), "away");
  deepStrictEqual(bench.told, ["away: unreachable"]);
  deepStrictEqual(bench.backend.tried, [1]);
  bench.close();
  bench.checkIdle();
});

Deno.test("what waits goes a few at first, then two for each answer, and new ones go behind it", async () => {
  const bench = new Bench();
  bench.lose();
  for (let i = 0; i < 99; i++) bench.send();
  bench.sight = "connected";
  await bench.pass(400);
  const { underWay, tried } = bench.backend;
  strictEqual(underWay.length, 8);
  const last = bench.send();
  strictEqual(underWay.length, 8);
  for (let under = 8; bench.hold.count > 0; under++) {
    strictEqual(underWay.length, under);
    bench.backend.reply(OK);
  }
  strictEqual(tried.at(-1), last);
  deepStrictEqual(tried.slice(1), Array.from({ length: 101 }, (_, i) => i + 1));
  while (underWay.length > 0) bench.backend.reply(OK);
  strictEqual(bench.replies.size, 101);
  bench.checkIdle();
});

Deno.test("replies that are no answers keep those behind them going", async () => {
  const bench = new Bench();
  bench.lose();
  for (let i = 0; i < 49; i++) bench.send();
  bench.sight = "connected";
  await bench.pass(400);
  for (const reply of [failed("timeout"), failed("broken"), BAD_GATEWAY]) {
    bench.backend.reply(reply);
    strictEqual(bench.backend.underWay.length, 8);
  }
  bench.backend.always = failed("broken");
  while (bench.backend.underWay.length > 0) bench.backend.reply(failed("broken"));
  await microtasks();
  await bench.pass(100);
  strictEqual(bench.replies.size, 50);
  bench.checkIdle();
});

Deno.test("CALLs that fail once more wait on, at the head, for the rest of their time", async () => {
  const bench = new Bench();
  for (let i = 0; i < 20; i++) {
    if (i === 0) bench.lose();
    else bench.send();
  }
  await bench.pass(2000);
  bench.sight = "connected";
  await bench.pass(1000);
  strictEqual(bench.backend.underWay.length, 8);
  bench.sight = "nothing";
  while (bench.backend.underWay.length > 0) bench.backend.reply(UNREACHABLE);
  strictEqual(bench.held.own, 20);
  await bench.pass(9000);
  bench.sight = "connected";
  bench.backend.always = OK;
  const before = bench.backend.tried.length;
  await bench.pass(1000);
  deepStrictEqual(bench.backend.tried.slice(before), Array.from({ length: 20 }, (_, i) => i + 1));
  strictEqual(bench.replies.size, 20);
  deepStrictEqual(bench.told, ["back", "back"]);
  bench.checkIdle();
});

Deno.test("who waits only for his turn when the backend is back is given as long again", async () => {
  const bench = new Bench();
  bench.lose();
  for (let i = 0; i < 99; i++) bench.send();
  await bench.pass(14_300);
  bench.sight = "connected";
  await bench.pass(5000);
  strictEqual(bench.replies.size, 0, "none is given up: there is a backend");
  bench.backend.always = OK;
  while (bench.backend.underWay.length > 0) bench.backend.reply(OK);
  await bench.pass(100);
  ok([...bench.replies.values()].every((reply) => reply === OK));
  strictEqual(bench.replies.size, 100);
  deepStrictEqual(bench.told, ["back"]);
  bench.checkIdle();
});

Deno.test("a backend that only accepts connections is away after as long again", async () => {
  const bench = new Bench();
  bench.lose();
  for (let i = 0; i < 9; i++) bench.send();
  bench.sight = "connected";
  await bench.pass(400 + HOLD_MS + 1000);
  deepStrictEqual([...bench.replies.values()].map(faultOf), ["away", "away"]);
  deepStrictEqual(bench.told, ["away: unreachable"]);
  bench.close();
});

Deno.test("what waits behind CALLs that hang goes on when a look gets an answer", async () => {
  const bench = new Bench();
  bench.lose();
  for (let i = 0; i < 19; i++) bench.send();
  bench.sight = "connected";
  await bench.pass(10_000);
  const late = bench.send();
  await bench.pass(6000);
  deepStrictEqual(bench.told, ["away: unreachable"]);
  deepStrictEqual([bench.replies.size, bench.held.own], [12, 1]);
  bench.sight = "answered";
  await bench.pass(1100);
  strictEqual(bench.backend.tried.at(-1), late);
  deepStrictEqual(bench.told, ["away: unreachable", "back"]);
  strictEqual(bench.held.own, 0);
});

Deno.test("while it is away because of its answers, one CALL a second goes through, and ends it", async () => {
  const bench = new Bench();
  bench.sight = "connected";
  bench.backend.always = BAD_GATEWAY;
  for (let i = 0; i < 50; i++) {
    bench.send();
    await bench.pass(110);
  }
  deepStrictEqual(bench.told, ["away: failing"]);
  const before = bench.backend.tried.length;
  const faults = new Map<string, number>();
  for (let i = 0; i < 30; i++) {
    const number = bench.send();
    await bench.pass(100);
    const fault = faultOf(bench.replies.get(number));
    faults.set(fault, (faults.get(fault) ?? 0) + 1);
  }
  deepStrictEqual([...faults], [["502", 3], ["away", 27]]);
  strictEqual(bench.backend.tried.length - before, 3);
  bench.backend.always = OK;
  await bench.pass(1000);
  strictEqual(faultOf(bench.replies.get(bench.send())), "none");
  await microtasks();
  deepStrictEqual(bench.told, ["away: failing", "back"]);
  bench.checkIdle();
});

Deno.test("only what is unreachable waits; what hung or broke off is not sent again", async (t) => {
  const replies = [
    OK,
    BAD_GATEWAY,
    ...(["timeout", "broken", "unusable", "ambiguous", "overloaded"] as const).map(failed),
  ];
  for (const reply of replies) {
    await t.step(faultOf(reply), () => {
      const bench = new Bench();
      const number = bench.send();
      bench.backend.reply(reply);
      strictEqual(bench.replies.get(number), reply);
      strictEqual(bench.backend.tried.length, 1);
      bench.checkIdle();
    });
  }
});

Deno.test("nothing but CALLs waits; SENDs and connects are not tried while there is no hope", async (t) => {
  const rows: [kind: BackendRequest["kind"], isTried: boolean][] = [
    ["send", false],
    ["connect", false],
    ["result", true],
    ["error", true],
    ["resulterror", true],
    ["disconnect", true],
  ];
  for (const [kind, isTried] of rows) {
    await t.step(kind, async () => {
      const bench = new Bench();
      bench.lose();
      bench.send(kind);
      strictEqual(bench.backend.underWay.length, 1, "it is not away yet");
      bench.backend.reply(UNREACHABLE);
      await bench.pass(HOLD_MS);
      deepStrictEqual(bench.told, ["away: unreachable"]);
      const late = bench.send(kind);
      strictEqual(bench.backend.underWay.length, isTried ? 1 : 0);
      if (!isTried) strictEqual(faultOf(bench.replies.get(late)), "unreachable");
      bench.close();
    });
  }
});

Deno.test("a CALL that nobody waits for any more is not sent when the backend is back", async () => {
  const bench = new Bench();
  const left = bench.lose();
  const other = bench.send();
  bench.voided.add(left);
  bench.sight = "connected";
  bench.backend.always = OK;
  await bench.pass(500);
  deepStrictEqual([left, other].map((each) => faultOf(bench.replies.get(each))), ["away", "200"]);
  deepStrictEqual(bench.backend.tried, [left, other]);
  bench.checkIdle();
});

Deno.test("a CALL that nobody waits for any more says nothing of the backend", async () => {
  const bench = new Bench();
  bench.voided.add(bench.lose());
  await bench.pass(HOLD_MS);
  strictEqual(bench.replies.size, 1);
  deepStrictEqual(bench.told, []);
  bench.reach.close();
  bench.checkIdle();
});

Deno.test("without a time to wait a CALL ends at once", () => {
  const bench = new Bench(0);
  const number = bench.lose();
  strictEqual(faultOf(bench.replies.get(number)), "away");
  deepStrictEqual(bench.told, ["away: unreachable"]);
  bench.close();
  bench.checkIdle();
});

Deno.test("at a shutdown what waits ends at once, and what comes does not wait", async () => {
  const bench = new Bench();
  bench.lose();
  for (let i = 0; i < 9; i++) bench.send();
  bench.hold.end(5000);
  strictEqual(bench.replies.size, 10);
  ok([...bench.replies.values()].every((reply) => faultOf(reply) === "away"));
  strictEqual(faultOf(bench.replies.get(bench.send())), "away");
  deepStrictEqual(bench.told, [], "it is no word on the backend");
  await bench.pass(0);
  bench.reach.close();
  bench.checkIdle();
});

Deno.test("at a shutdown more than a thousand that wait end one after the other", async () => {
  const bench = new Bench();
  bench.lose();
  for (let i = 0; i < 1999; i++) bench.send();
  bench.hold.end(5000);
  const steps: number[] = [];
  for (let at = 0; at <= 5000; at += 1000) {
    steps.push(bench.replies.size);
    await bench.pass(1000);
  }
  deepStrictEqual(steps, [20, 420, 820, 1220, 1620, 2000]);
  bench.reach.close();
  bench.checkIdle();
});

Deno.test("closing gives back what waits, once each", () => {
  const bench = new Bench();
  bench.lose();
  bench.send();
  bench.close();
  deepStrictEqual([...bench.replies.values()].map(faultOf), ["away", "away"]);
  ok(bench.backend.isClosed);
  bench.checkIdle();
});
