import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { BackendReply, BackendRequest } from "../../lib/forwarder/forwarder.ts";
import { forwarderOver, type Layer, type Outer, type Post } from "../../lib/forwarder/layer.ts";
import { Slots } from "../../lib/forwarder/slots.ts";
import { Cell } from "../../lib/metrics/tally.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { request } from "../support/backend_reply.ts";

const DONE: BackendReply = { ok: true, status: 200, body: "" };

/** The innermost layer, whose replies the test gives. */
class Inner implements Layer {
  outer!: Outer;
  readonly begun: Post[] = [];
  forward(post: Post): void {
    this.begun.push(post);
  }
  repliesTo(outer: Outer): void {
    this.outer = outer;
  }
  close(): void {}
  paths(): string[] {
    return this.begun.map(({ request }) => request.path);
  }
}

function named(kind: BackendRequest["kind"], path: string): BackendRequest {
  return { ...request(kind), path };
}

Deno.test("what a CALL that is given up lets through does not go before an outcome that waits", () => {
  const clock = new FakeClock();
  const inner = new Inner();
  const [taken, awaited] = [new Cell(), new Cell()];
  const forwarder = forwarderOver(
    new Slots(inner, { max: 2, maxWaitMs: 1000, clock, taken, awaited }),
  );
  const none = { replied() {} };
  forwarder.forward(named("call", "c1"), none);
  forwarder.forward(named("result", "r1"), none);
  forwarder.forward(named("result", "r2"), none);
  forwarder.forward(named("call", "c2"), {
    replied: () => forwarder.forward(named("call", "c3"), none),
  });
  deepStrictEqual(inner.paths(), ["c1", "r1"]);
  clock.tick(1001);
  inner.outer.replied(inner.begun[0]!, DONE);
  deepStrictEqual(inner.paths(), ["c1", "r1", "r2"]);
});

Deno.test("what a reply causes goes behind those who wait, whatever their kind", () => {
  const inner = new Inner();
  const forwarder = forwarderOver(
    new Slots(inner, { max: 2, maxWaitMs: 1000, clock: new FakeClock() }),
  );
  const none = { replied() {} };
  forwarder.forward(named("call", "c1"), {
    replied: () => forwarder.forward(named("call", "c2"), none),
  });
  forwarder.forward(named("result", "r1"), none);
  forwarder.forward(named("result", "r2"), none);
  inner.outer.replied(inner.begun[0]!, DONE);
  deepStrictEqual(inner.paths(), ["c1", "r1", "r2"]);
});

Deno.test("counts stay right and nobody goes deep when replies cause requests", () => {
  const clock = new FakeClock();
  const inner = new Inner();
  const [taken, awaited] = [new Cell(), new Cell()];
  const forwarder = forwarderOver(
    new Slots(inner, { max: 8, maxWaitMs: 1000, clock, taken, awaited }),
  );
  let replies = 0;
  let asked = 0;
  const ask = (rest: number): void => {
    asked++;
    forwarder.forward(named("call", `c${rest}`), {
      replied() {
        replies++;
        if (rest > 0) ask(rest - 1);
      },
    });
  };
  for (let i = 0; i < 20000; i++) ask(3);
  clock.tick(1001);
  for (let i = 0; i < inner.begun.length; i++) {
    inner.outer.replied(inner.begun[i]!, DONE);
    if (i % 5000 === 0) clock.tick(1001);
  }
  deepStrictEqual([replies, taken.own, awaited.own], [asked, 0, 0]);
  strictEqual(asked, 80000);
});
