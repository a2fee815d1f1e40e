import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { REQUEST_KINDS, type RequestKind } from "../../lib/codec/route.ts";
import type { BackendReply, BackendRequest } from "../../lib/forwarder/forwarder.ts";
import { isRetried, Retries, retryPauseMs } from "../../lib/forwarder/retry.ts";
import { failed, request, status } from "../support/backend_reply.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";
import { type Answering, asked, innermost } from "../support/layers.ts";

const UNREACHABLE = failed("unreachable");

/** Gives one reply after the other, the last one for ever, and notes what was asked and when. */
class ScriptedForwarder implements Answering {
  readonly requests: BackendRequest[] = [];
  readonly times: number[] = [];
  closed = 0;
  readonly #clock: FakeClock;
  readonly #replies: BackendReply[];

  constructor(clock: FakeClock, ...replies: BackendReply[]) {
    this.#clock = clock;
    this.#replies = replies;
  }

  forward(asked: BackendRequest): Promise<BackendReply> {
    const reply = this.#replies[Math.min(this.requests.length, this.#replies.length - 1)]!;
    this.requests.push(asked);
    this.times.push(this.#clock.now());
    return Promise.resolve(reply);
  }

  close(): void {
    this.closed++;
  }
}

interface Run {
  readonly reply: BackendReply;
  /** When each try was made. */
  readonly times: readonly number[];
  /** The failures that were tried again. */
  readonly told: readonly BackendReply[];
}

async function run(
  kind: RequestKind,
  retries: number,
  ...replies: BackendReply[]
): Promise<Run> {
  const clock = new FakeClock();
  const inner = new ScriptedForwarder(clock, ...replies);
  const told: BackendReply[] = [];
  const forwarder = asked(
    new Retries(innermost(inner), {
      retries,
      clock,
      random: () => 0,
      onRetry: (_, reply) => told.push(reply),
    }),
  );
  const wanted = request(kind);
  const reply = forwarder.forward(wanted);
  await clock.runAll();
  ok(inner.requests.every((one) => one === wanted));
  return { reply: await reply, times: inner.times, told };
}

Deno.test("only what provably never left is tried again here, and no report", async (t) => {
  const faults = ["timeout", "broken", "unusable", "ambiguous", "overloaded"] as const;
  const rows: [reply: BackendReply, forMessages: boolean][] = [
    [failed("unreachable"), true],
    ...faults.map((fault): [BackendReply, boolean] => [failed(fault), false]),
    ...[200, 204, 301, 400, 401, 404, 408, 425, 429, 500, 502, 503, 504, 599].map(
      (code): [BackendReply, boolean] => [status(code), false],
    ),
  ];
  for (const [reply, forMessages] of rows) {
    for (const kind of REQUEST_KINDS) {
      // CALLs wait elsewhere.
      const expected = forMessages && (kind === "send" || kind === "connect");
      const name = reply.ok ? reply.status : reply.fault;
      await t.step(`${kind}, ${name}: ${expected}`, () => {
        strictEqual(isRetried(kind, reply), expected);
      });
    }
  }
});

Deno.test("pauses grow by three up to half a minute", () => {
  deepStrictEqual([1, 2, 3, 4, 5, 50].map((attempt) => retryPauseMs(attempt, 0)), [
    400,
    1200,
    3600,
    10_800,
    30_000,
    30_000,
  ]);
});

Deno.test("a pause is stretched by at most a quarter and never shortened", () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(fc.property(fc.integer({ min: 1, max: 2000 }), share, (attempt, random) => {
    const [least, pause] = [retryPauseMs(attempt, 0), retryPauseMs(attempt, random)];
    ok(pause >= least && pause <= least * 1.25, `${pause}`);
  }));
  strictEqual(retryPauseMs(1, 1), 500);
});

Deno.test("a request is tried as often as allowed, and its last reply counts", async (t) => {
  const rows: [name: string, kind: RequestKind, retries: number, tries: number, BackendReply[]][] =
    [
      ["CALL, done", "call", 3, 1, [status(200)]],
      ["CALL, unreachable", "call", 3, 1, [failed("unreachable")]],
      ["SEND, unreachable twice", "send", 3, 3, [UNREACHABLE, UNREACHABLE, status(200)]],
      ["SEND, no retries", "send", 0, 1, [failed("unreachable")]],
      ["connect, one retry", "connect", 1, 2, [failed("unreachable")]],
      ["CALL, timed out", "call", 3, 1, [failed("timeout"), status(200)]],
      ["CALL, 503", "call", 3, 1, [status(503), status(200)]],
      ["SEND, unreachable, then broken off", "send", 3, 2, [
        UNREACHABLE,
        failed("broken"),
        status(200),
      ]],
      ["SEND, unreachable for ever", "send", 3, 4, [failed("unreachable")]],
      ["SEND, broken off", "send", 3, 1, [failed("broken"), status(200)]],
      ["result, unreachable", "result", 3, 1, [UNREACHABLE, status(200)]],
      ["disconnect, unreachable", "disconnect", 3, 1, [UNREACHABLE, status(200)]],
    ];
  for (const [name, kind, retries, tries, replies] of rows) {
    await t.step(name, async () => {
      const done = await run(kind, retries, ...replies);
      strictEqual(done.times.length, tries);
      strictEqual(done.reply, replies[Math.min(tries, replies.length) - 1]);
      // Told of each failure that was tried again, not of the last one.
      strictEqual(done.told.length, tries - 1);
      ok(done.told.every((reply) => isRetried(kind, reply)));
    });
  }
});

Deno.test("each further try comes after its pause", async () => {
  const { times } = await run("send", 3, failed("unreachable"));
  const [start = NaN, ...later] = times;
  deepStrictEqual(later.map((time) => time - start), [400, 1600, 5200]);
});

Deno.test("the pauses of one request do not hold another", async () => {
  const clock = new FakeClock();
  const inner = new ScriptedForwarder(clock, failed("unreachable"), status(200));
  const options = { retries: 3, clock, random: () => 0, onRetry: () => {} };
  const forwarder = asked(new Retries(innermost(inner), options));
  const first = forwarder.forward(request("send"));
  await microtasks();
  strictEqual(clock.timers, 1);
  deepStrictEqual(await forwarder.forward(request("send")), status(200));
  await clock.runAll();
  deepStrictEqual(await first, status(200));
});

Deno.test("closing closes the forwarder inside", () => {
  const clock = new FakeClock();
  const inner = new ScriptedForwarder(clock, status(200));
  asked(new Retries(innermost(inner), { retries: 0, clock, random: () => 0, onRetry: () => {} }))
    .close();
  strictEqual(inner.closed, 1);
});
