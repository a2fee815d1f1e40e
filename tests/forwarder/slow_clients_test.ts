import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { CallSlots } from "../../lib/forwarder/call_slots.ts";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import { forwarderOver, type Layer, type Outer, Post } from "../../lib/forwarder/layer.ts";
import type { SlotsState } from "../../lib/forwarder/scarcity.ts";
import { Slots } from "../../lib/forwarder/slots.ts";
import { Cell } from "../../lib/metrics/tally.ts";
import { request } from "../support/backend_reply.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Random } from "../support/random.ts";

const DONE: BackendReply = { ok: true, status: 200, body: "" };
const TIMEOUT: BackendReply = { ok: false, fault: "timeout" };
const TIMEOUT_MS = 30_000;
/** Of these 56 may be CALLs: 4 that hang are trouble, 7 are left to quick clients, 28 slow ones may have. */
const MAX = 64;

/** Slots, and a backend that answers when it is told to. */
class Field implements Layer {
  readonly clock = new FakeClock();
  readonly told: (SlotsState | number)[] = [];
  readonly hanging = new Cell();
  readonly slowClients = new Cell();
  readonly awaited = new Cell();
  readonly replies = new Map<string, BackendReply>();
  readonly #underWay = new Map<string, Post[]>();
  readonly slots: Slots;
  readonly #forwarder: ReturnType<typeof forwarderOver>;
  #outer!: Outer;

  constructor(max = MAX) {
    const { clock, hanging, slowClients, awaited } = this;
    this.slots = new Slots(this, {
      max,
      maxWaitMs: TIMEOUT_MS,
      clock,
      hanging,
      slowClients,
      awaited,
      events: {
        scarce: (state) => void this.told.push(state),
        free: (afterMs) => void this.told.push(afterMs),
      },
    });
    this.#forwarder = forwarderOver(this.slots);
  }

  forward(post: Post): void {
    const { clientId } = post.request.origin;
    this.#underWay.set(clientId, [...this.#underWay.get(clientId) ?? [], post]);
    this.begun(clientId);
  }

  /** A client's CALL got its slot. */
  begun: (clientId: string) => void = () => {};

  repliesTo(outer: Outer): void {
    this.#outer = outer;
  }

  close(): void {}

  /** Clients whose CALLs have a slot. */
  get underWay(): string[] {
    return [...this.#underWay.keys()];
  }

  /** A CALL of each of these clients. */
  call(...clients: string[]): void {
    for (const clientId of clients) {
      const { origin, ...rest } = request("call");
      this.#forwarder.forward({ ...rest, origin: { ...origin, clientId } }, {
        replied: (reply) => void this.replies.set(clientId, reply),
      });
    }
  }

  /** The backend answers the CALLs of these clients. */
  answer(clients: readonly string[], reply = DONE): void {
    for (const clientId of clients) {
      const posts = this.#underWay.get(clientId);
      ok(posts !== undefined, `${clientId} has no CALL under way`);
      this.#underWay.delete(clientId);
      for (const post of posts) this.#outer.replied(post, reply);
    }
  }

  /** How many clients of a kind have a CALL under way. */
  count(letter: string): number {
    return this.underWay.filter((clientId) => clientId.startsWith(letter)).length;
  }

  /** So many of the clients `h1`, `h2`, … hang for long enough to be known for it. */
  hang(count: number): void {
    this.call(...many("h", count));
    this.clock.tick(1500);
  }

  /** Clients have a CALL answered at once. */
  prove(clients: readonly string[]): void {
    for (const clientId of clients) {
      this.call(clientId);
      this.answer([clientId]);
    }
  }

  [Symbol.dispose](): void {
    this.slots.close();
    strictEqual(this.clock.timers, 0);
  }
}

function many(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);
}

Deno.test("while nothing hangs a client may have as many slots as there are, and all go in order", () => {
  using field = new Field();
  field.call(...many("a", 60));
  deepStrictEqual(field.underWay, many("a", 56));
  field.clock.tick(200);
  field.answer(["a1", "a2"]);
  deepStrictEqual(field.underWay.slice(-2), ["a57", "a58"]);
  strictEqual(field.slowClients.own, 0);
});

Deno.test("clients of whom nothing is known leave an eighth of the slots to quick ones, while CALLs hang", () => {
  using field = new Field();
  field.hang(4);
  field.prove(["q1", "q2"]);
  field.call(...many("u", 60));
  strictEqual(field.count("u"), 56 - 7 - 4);
  field.call("q1", "q2");
  strictEqual(field.count("q"), 2);
  strictEqual(field.slowClients.own, 4);
});

Deno.test("slow clients have half of the slots at most, and others go past them", () => {
  using field = new Field();
  field.hang(40);
  field.prove(many("q", 60));
  field.answer(many("h", 40), TIMEOUT);
  field.call(...many("h", 40));
  strictEqual(field.count("h"), 28);
  field.call("u1", "q1");
  deepStrictEqual([field.count("u"), field.count("q")], [1, 1]);
});

Deno.test("a client is slow from when its CALL hangs, also on another connection", () => {
  using field = new Field();
  field.hang(40);
  field.prove(many("q", 60));
  strictEqual(field.slowClients.own, 40);
  field.call(...many("h", 40));
  strictEqual(field.awaited.own, 40);
  field.call("u1");
  strictEqual(field.count("u"), 1);
});

Deno.test("a slow client whose CALL is answered at once is quick again, and a quick one that hangs slow", () => {
  using field = new Field();
  field.hang(30);
  field.prove(many("q", 60));
  field.answer(many("h", 30), TIMEOUT);
  field.call(...many("h", 30));
  strictEqual(field.count("h"), 28);
  field.answer(["h1", "h2"]);
  strictEqual(field.count("h"), 28);
  field.call("h1");
  strictEqual(field.count("h"), 29);
  field.call("q1");
  field.clock.tick(1500);
  // Its second CALL waits, for more than half of all hang.
  field.call("q1");
  strictEqual(field.awaited.own, 1);
});

Deno.test("when slots come free quick clients go first, and of eight one each is for those behind", () => {
  using field = new Field();
  field.hang(10);
  field.prove(many("q", 80));
  field.call(...many("q", 46));
  const order: string[] = [];
  field.begun = (clientId) => void order.push(clientId);
  field.call(...many("u", 20), ...many("h", 10), ...many("q", 80).slice(46));
  strictEqual(order.length, 0);
  field.answer(many("q", 32));
  const places = (letter: string): number[] =>
    order.flatMap((clientId, i) => clientId.startsWith(letter) ? [i] : []);
  for (const letter of ["u", "h"]) {
    strictEqual(places(letter).length, 4);
    const [first = -1, ...rest] = places(letter);
    deepStrictEqual(rest, [first + 8, first + 16, first + 24]);
  }
});

Deno.test("a backend that is slow for everybody holds nobody back", () => {
  using field = new Field();
  for (let round = 0; round < 5; round++) {
    const clients = many(`r${round}-`, 80);
    field.call(...clients);
    field.clock.tick(2000);
    strictEqual(field.underWay.length, 56);
    field.answer(field.underWay);
    field.clock.tick(2000);
    strictEqual(field.underWay.length, 24);
    field.answer(field.underWay);
  }
  field.call(...many("r0-", 80));
  strictEqual(field.underWay.length, 56);
});

Deno.test("quick clients that hang make the proof of the others void", () => {
  using field = new Field();
  field.hang(30);
  field.prove(many("q", 60));
  field.call(...many("q", 4));
  field.clock.tick(1500);
  field.call(...many("q", 60).slice(4));
  // 34 hang, and 7 are left to those who are quick from now on.
  strictEqual(field.count("q"), 56 - 7 - 30);
  field.answer(["q10"]);
  field.call("q10");
  ok(field.underWay.includes("q10"));
});

Deno.test("all is forgotten when for the time-out too few have hung, and when nothing is under way", async (t) => {
  const rows: [name: string, rest: number, ms: number][] = [
    ["few hang", 3, TIMEOUT_MS + 500],
    ["nothing is under way", 0, 250],
  ];
  for (const [name, rest, ms] of rows) {
    await t.step(name, () => {
      using field = new Field();
      field.hang(40);
      field.prove(many("q", 60));
      field.answer(many("h", 40).slice(rest), TIMEOUT);
      field.clock.tick(ms);
      strictEqual(field.slowClients.own, 0);
      // Nobody looks any longer: what was seen last says nothing.
      strictEqual(field.hanging.own, 0);
      field.call(...many("h", 60).slice(rest));
      strictEqual(field.underWay.length, 56);
    });
  }
});

Deno.test("with fewer than eight slots for CALLs nobody is held back", () => {
  using field = new Field(8);
  field.hang(6);
  field.prove(["q1", "q2"]);
  field.call("u1");
  strictEqual(field.underWay.length, 7);
});

Deno.test("of no more than 100,000 clients it is known that they are slow", () => {
  const slots = new CallSlots(100_001, TIMEOUT_MS);
  for (let i = 0; i <= 100_000; i++) {
    const { origin, ...rest } = request("call");
    const post = new Post({ ...rest, origin: { ...origin, clientId: `C${i}` } }, { replied() {} });
    slots.judge(post);
    slots.begin(post);
  }
  for (let i = 0; i < 5; i++) slots.look();
  strictEqual(slots.slowClients, 100_000);
});

Deno.test("that requests wait for a second is told, again every minute, and its end ten seconds after", () => {
  using field = new Field();
  field.call(...many("h", 56), "w1", "w2");
  field.clock.tick(900);
  deepStrictEqual(field.told, []);
  field.clock.tick(600);
  const state = { taken: 56, waiting: 2, hanging: 56, slowClients: 56 };
  deepStrictEqual(field.told, [{ ...state, hanging: 0, slowClients: 0 }]);
  for (let i = 0; i < 4; i++) {
    strictEqual(field.told.length, 1);
    field.call("w1", "w2");
    field.clock.tick(15_000);
  }
  deepStrictEqual(field.told.slice(1), [{ ...state, waiting: 4 }]);
  field.answer(many("h", 56).slice(10), TIMEOUT);
  strictEqual(field.awaited.own, 0);
  field.clock.tick(9000);
  strictEqual(field.told.length, 2);
  field.clock.tick(1500);
  strictEqual(field.told.length, 3);
});

/** Clients with a CALL every ten seconds; the backend takes 5 ms, or never answers. */
function simulate(
  { clients, seconds, hangs }: {
    clients: number;
    seconds: number;
    hangs: (client: number, atMs: number) => boolean;
  },
): { client: number; sentAt: number; waitedMs: number; isAnswered: boolean }[] {
  const field = new Field();
  const { clock } = field;
  const random = new Random(7);
  const calls: ReturnType<typeof simulate> = [];
  const sent = new Map<string, number>();
  field.begun = (clientId) => {
    const isHit = hangs(Number(clientId), clock.now());
    if (isHit) clock.setTimeout(() => field.answer([clientId], TIMEOUT), TIMEOUT_MS);
    else clock.setTimeout(() => field.answer([clientId]), 5);
  };
  const nextAt = Array.from({ length: clients }, () => random.below(10_000));
  for (let now = 0; now < seconds * 1000; now += 10) {
    for (const [client, at] of nextAt.entries()) {
      if (at > now) continue;
      nextAt[client] = Infinity;
      sent.set(String(client), now);
      field.call(String(client));
    }
    clock.tick(10);
    for (const [clientId, reply] of field.replies) {
      const sentAt = sent.get(clientId)!;
      const client = Number(clientId);
      calls.push({ client, sentAt, waitedMs: clock.now() - sentAt, isAnswered: reply.ok });
      nextAt[client] = clock.now() + 10_000;
    }
    field.replies.clear();
  }
  field.slots.close();
  return calls;
}

Deno.test("a tenth of the clients hang for good, more than there are slots: the others are served", () => {
  const clients = 750;
  const calls = simulate({
    clients,
    seconds: 100,
    hangs: (client, at) => client % 10 === 0 && at > 11_000,
  }).filter(({ client }) => client % 10 > 0);
  const late = calls.filter(({ waitedMs }) => waitedMs > 1000);
  // Each has to be tried once, and a tenth of those tried hold a slot for the time-out: 560 clients take
  // all 56, and at the best a quarter of all waits for the first time-out. None waits twice.
  ok(late.length < 0.45 * clients, `${late.length} waited`);
  strictEqual(new Set(late.map(({ client }) => client)).size, late.length);
  ok(late.every(({ sentAt, isAnswered }) => sentAt < 22_000 && isAnswered));
  ok(calls.every(({ isAnswered }) => isAnswered));
  ok(calls.length > 5500, String(calls.length));
});
