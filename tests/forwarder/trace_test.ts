import { deepStrictEqual } from "node:assert/strict";
import type { TraceContext } from "../../lib/codec/trace_context.ts";
import type { BackendReply, BackendRequest } from "../../lib/forwarder/forwarder.ts";
import { Retries } from "../../lib/forwarder/retry.ts";
import { Spans } from "../../lib/forwarder/trace.ts";
import { WebhookIds } from "../../lib/forwarder/webhook_id.ts";
import type { Tracing } from "../../lib/trace/tracing.ts";
import { failed, request, status } from "../support/backend_reply.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { asked, innermost } from "../support/layers.ts";

const CALLER: TraceContext = { traceparent: "00-caller" };

/** Replies in turn; notes requests as they leave. */
class Backend {
  readonly requests: BackendRequest[] = [];
  readonly #replies: BackendReply[];

  constructor(...replies: BackendReply[]) {
    this.#replies = replies;
  }

  forward(request: BackendRequest): Promise<BackendReply> {
    this.requests.push(request);
    return Promise.resolve(this.#replies.shift()!);
  }

  close(): void {}
}

Deno.test("each try has a span of its own, below the request's trace, and its headers name it", async () => {
  const ends: unknown[] = [];
  let count = 0;
  const tracing = {
    post(kind: string, path: string, parent: TraceContext | undefined) {
      const number = ++count;
      ends.push(["begun", number, kind, path, parent]);
      return {
        context: { traceparent: `00-try-${number}` },
        end: (...how: unknown[]) => ends.push(["ended", number, ...how]),
      };
    },
  } as unknown as Tracing;
  const clock = new FakeClock();
  const backend = new Backend(failed("unreachable"), failed("unreachable"), status(503));
  const retries = { retries: 3, clock, random: () => 0, onRetry() {} };
  const forwarder = asked(new Retries(new Spans(innermost(backend), tracing), retries));
  const reply = forwarder.forward({ ...request("send"), trace: CALLER });
  await clock.runAll();
  deepStrictEqual(await reply, status(503));
  const { path } = request("send");
  deepStrictEqual(ends, [
    ["begun", 1, "send", path, CALLER],
    ["ended", 1, "unreachable"],
    ["begun", 2, "send", path, CALLER],
    ["ended", 2, "unreachable"],
    ["begun", 3, "send", path, CALLER],
    ["ended", 3, "503", 503],
  ]);
  deepStrictEqual(backend.requests.map(({ trace }) => trace?.traceparent), [
    "00-try-1",
    "00-try-2",
    "00-try-3",
  ]);
});

Deno.test("a report has an id; a SEND has one in all its tries when requests are signed", async () => {
  const clock = new FakeClock();
  const random = { bytes: (length: number) => new Uint8Array(length) };
  const idsOf = async (kind: "send" | "result", isSigned: boolean): Promise<unknown[]> => {
    const backend = new Backend(failed("unreachable"), status(200));
    const retries = { retries: 1, clock, random: () => 0, onRetry() {} };
    const retried = new Retries(innermost(backend), retries);
    const reply = asked(new WebhookIds(retried, isSigned, random)).forward(request(kind));
    await clock.runAll();
    await reply;
    return backend.requests.map(({ webhookId }) => webhookId);
  };
  const id = "00000000-0000-4000-8000-000000000000";
  deepStrictEqual(await idsOf("result", false), [id]);
  deepStrictEqual(await idsOf("send", false), [undefined, undefined]);
  deepStrictEqual(await idsOf("send", true), [id, id]);
});
