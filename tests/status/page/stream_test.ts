import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { Stream } from "../../../lib/status/page/stream.js";
import type { Session } from "../../../lib/status/page/session.js";
import { until } from "../../support/deadline.ts";

/** A browser's clock that a test moves. */
class PageClock {
  ms = 1_000_000;
  #look: (() => void) | null = null;
  readonly now = (): number => this.ms;
  readonly setInterval = (callback: () => void): number => {
    this.#look = callback;
    return 1;
  };
  readonly clearInterval = (): void => void (this.#look = null);

  /** Seconds pass, one by one. */
  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.ms += 1000;
      this.#look?.();
    }
  }
}

/** A gateway that says what a test says, or nothing. */
class FakeGateway implements Disposable {
  readonly paths: string[] = [];
  readonly signals: AbortSignal[] = [];
  answers = true;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;

  readonly session = {
    fetch: (path: string, { signal }: { signal: AbortSignal }): Promise<Response> => {
      this.paths.push(path);
      this.signals.push(signal);
      return new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("aborted")));
        if (!this.answers) return;
        resolve(
          new Response(
            new ReadableStream({
              start: (controller) => void (this.#controller = controller),
            }),
          ),
        );
      });
    },
  } as unknown as Session;

  say(event: string, data: unknown): void {
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    this.#controller!.enqueue(new TextEncoder().encode(text));
  }

  [Symbol.dispose](): void {
    this.#controller?.close();
  }
}

/** A stream and all that it told. */
class Followed implements Disposable {
  readonly clock = new PageClock();
  readonly gateway = new FakeGateway();
  readonly told: unknown[] = [];
  readonly stream = new Stream(this.gateway.session, {
    clock: this.clock,
    onEvent: (event, data) => void this.told.push([event, data]),
    onState: (state, reason) => void this.told.push(reason === "" ? state : `${state}: ${reason}`),
    onRefused: (detail) => void this.told.push(`refused: ${detail}`),
    onStale: (sinceMs) => void this.told.push(`stale since ${sinceMs}`),
    onFresh: () => void this.told.push("fresh"),
  });

  /** Waits for what it tells, and forgets it. */
  async next(count: number): Promise<unknown[]> {
    await until("the stream to tell", () => this.told.length >= count);
    return this.told.splice(0);
  }

  [Symbol.dispose](): void {
    this.stream.stop();
    this.gateway[Symbol.dispose]();
  }
}

Deno.test("a stream without a snapshot for 3 s is stale, and one of 5 s is opened anew", async () => {
  using followed = new Followed();
  const { clock, gateway, stream } = followed;
  stream.start();
  deepStrictEqual(await followed.next(1), ["connected"]);
  gateway.say("history", { startedAt: 7, points: [] });
  gateway.say("snapshot", { at: 55 });
  await followed.next(2);
  clock.pass(2);
  deepStrictEqual([followed.told, stream.isStale], [[], false]);
  clock.pass(1);
  deepStrictEqual([followed.told.splice(0), stream.isStale], [["stale since 1000000"], true]);
  // What is no snapshot says nothing of the gateway's numbers.
  gateway.say("faults", []);
  await followed.next(1);
  clock.pass(1);
  deepStrictEqual(followed.told.splice(0), ["stale since 1000000"]);
  clock.pass(1);
  deepStrictEqual(await followed.next(3), [
    "stale since 1000000",
    "reconnecting: no data",
    "connected",
  ]);
  deepStrictEqual(gateway.signals.map(({ aborted }) => aborted), [true, false]);
  // It goes on behind what it was told.
  deepStrictEqual(gateway.paths, ["status/stream", "status/stream?run=7&after=55"]);
  strictEqual(stream.isStale, true);
  gateway.say("snapshot", { at: 66 });
  deepStrictEqual(await followed.next(2), ["fresh", ["snapshot", { at: 66 }]]);
  strictEqual(stream.isStale, false);
});

Deno.test("a gateway that takes connections and answers nothing is asked anew every 5 s", async () => {
  using followed = new Followed();
  const { clock, gateway, stream } = followed;
  gateway.answers = false;
  stream.start();
  await until("the request", () => gateway.paths.length === 1);
  clock.pass(5);
  await until("the second", () => gateway.paths.length === 2);
  clock.pass(4);
  strictEqual(gateway.paths.length, 2);
  clock.pass(1);
  await until("the third", () => gateway.paths.length === 3);
  deepStrictEqual(gateway.signals.map(({ aborted }) => aborted), [true, true, false]);
});

Deno.test("a client that is watched is told of in the same stream, and no more when it is not", async () => {
  using followed = new Followed();
  const { gateway, stream } = followed;
  stream.watch("CP 1/ü", false);
  strictEqual(stream.isRunning, false);
  stream.start();
  await followed.next(1);
  stream.watch("CP 1/ü", false);
  stream.watch("CP 1/ü", true);
  await followed.next(1);
  gateway.say("tail-frames", { frames: [] });
  deepStrictEqual(await followed.next(1), [["tail-frames", { frames: [] }]]);
  stream.unwatch();
  await followed.next(1);
  stream.unwatch();
  deepStrictEqual(gateway.paths, [
    "status/stream?tail=CP+1%2F%C3%BC",
    "status/stream?tail=CP+1%2F%C3%BC&payloads=1",
    "status/stream",
  ]);
  // One connection at a time.
  deepStrictEqual(gateway.signals.map(({ aborted }) => aborted), [true, true, false]);
});

Deno.test("a stream that is stopped tells nothing, and is never stale", async () => {
  using followed = new Followed();
  const { clock, stream } = followed;
  stream.start();
  await followed.next(1);
  stream.stop();
  clock.pass(60);
  deepStrictEqual([followed.told, stream.isStale, stream.isRunning], [[], false, false]);
});

Deno.test("a stream that is refused says why, and asks no more", async () => {
  using followed = new Followed();
  const { clock, stream, gateway } = followed;
  gateway.session.fetch = () =>
    Promise.resolve(Response.json({ detail: "tail is no ClientId" }, { status: 400 }));
  stream.start();
  const [told] = await followed.next(1);
  match(String(told), /^refused: tail is no ClientId$/);
  clock.pass(60);
  deepStrictEqual([followed.told, stream.isRunning], [[], false]);
});
