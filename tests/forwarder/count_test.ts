import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import type { RequestKind } from "../../lib/codec/route.ts";
import { Count } from "../../lib/forwarder/count.ts";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import { forwarderOver, type Layer, type Outer, Post } from "../../lib/forwarder/layer.ts";
import { MetricSet } from "../../lib/metrics/metrics.ts";
import { RawBackend, write } from "../support/backend.ts";
import { failed, request, status } from "../support/backend_reply.ts";
import { inTime } from "../support/deadline.ts";
import { answer, FORWARDERS, REQUEST } from "./implementations.ts";

/** A backend that takes 250 ms, by the clock that the innermost layer has. */
class Backend implements Layer {
  reply: BackendReply = status(200);
  #outer!: Outer;

  forward(post: Post): void {
    post.sentAt = 1000;
    post.repliedAt = 1250;
    this.#outer.replied(post, this.reply);
  }

  repliesTo(outer: Outer): void {
    this.#outer = outer;
  }

  close(): void {}
}

Deno.test("each try counts by what came of it, a CALL's 2xx for those who read it", async (t) => {
  const rows: [kind: RequestKind, reply: BackendReply, outcome: string | null][] = [
    ["call", status(200), null],
    ["send", status(204), "2xx"],
    ["result", status(200), "2xx"],
    ["call", status(404), "4xx"],
    ["error", status(503), "5xx"],
    ["call", status(302), "invalid"],
    ["call", failed("timeout"), "timeout"],
    ["result", failed("unreachable"), "unreachable"],
    ["call", failed("overloaded"), "unreachable"],
    ["call", failed("broken"), "invalid"],
    ["call", failed("unusable"), "invalid"],
    ["call", failed("ambiguous"), "invalid"],
  ];
  for (const [kind, reply, outcome] of rows) {
    await t.step(`${kind}, ${reply.ok ? reply.status : reply.fault}: ${outcome}`, () => {
      const { metrics } = new MetricSet([]);
      const backend = new Backend();
      backend.reply = reply;
      const replies: BackendReply[] = [];
      const forwarder = forwarderOver(new Count(backend, metrics));
      forwarder.forward(request(kind), { replied: (came) => replies.push(came) });
      deepStrictEqual(replies, [reply]);
      const counted = Object.entries(metrics.backendRequests[kind])
        .filter(([, cell]) => cell.own > 0)
        .map(([name, cell]) => `${name} ${cell.own}`);
      deepStrictEqual(counted, outcome === null ? [] : [`${outcome} 1`]);
    });
  }
});

for (const [name, create] of FORWARDERS) {
  Deno.test(`${name}: a try lasts from when it began until its reply came`, async () => {
    await using backend = new RawBackend((conn) => write(conn, answer("{}")));
    const layer = create({
      backend: backend.url,
      timeoutMs: 5000,
      maxBytes: 100,
      maxIdleConnections: 4,
      userAgent: "ws2api/test",
      clock: systemClock,
    });
    const replied = Promise.withResolvers<Post>();
    layer.repliesTo({ replied: (post) => replied.resolve(post) });
    const before = systemClock.now();
    layer.forward(new Post(REQUEST, { replied() {} }));
    const { sentAt, repliedAt } = await inTime(replied.promise, "the reply");
    const after = systemClock.now();
    layer.close();
    ok(before <= sentAt && sentAt < repliedAt && repliedAt <= after);
  });
}

Deno.test("the time of a try is observed in seconds", () => {
  const seconds: number[] = [];
  const { metrics } = new MetricSet([]);
  const observed = { observe: (value: number) => seconds.push(value) };
  const counting = { ...metrics, backendSeconds: observed } as unknown as typeof metrics;
  forwarderOver(new Count(new Backend(), counting)).forward(request("call"), { replied() {} });
  strictEqual(seconds.join(), "0.25");
});
