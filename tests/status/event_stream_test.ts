import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { EventStream } from "../../lib/status/event_stream.ts";
import { inTime } from "../support/deadline.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";

/** Nothing is expected to fail. */
function onFailure(error: unknown): never {
  throw error;
}

/** A stream that says a number at each tick, and how often it ended. */
function counting(size = 1): { clock: FakeClock; stream: EventStream; ends: () => number } {
  const clock = new FakeClock();
  let ends = 0;
  let count = 0;
  const stream = new EventStream({
    clock,
    intervalMs: 1000,
    tick(write) {
      write("count", `${++count} ${"x".repeat(size)}`);
      return count < 5;
    },
    onEnd: () => ends++,
    onFailure,
  });
  return { clock, stream, ends: () => ends };
}

/** Moves time on, second by second. */
async function pass(clock: FakeClock, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    clock.tick(1000);
    await microtasks();
  }
}

Deno.test("a stream says something at once and at each interval, and ends when there is no more", async () => {
  const { clock, stream, ends } = counting();
  const { headers, body } = stream.response;
  strictEqual(headers.get("content-type"), "text/event-stream");
  strictEqual(headers.get("cache-control"), "no-store, no-transform");
  const texts: string[] = [];
  const reading = (async () => {
    for await (const text of body!.pipeThrough(new TextDecoderStream())) texts.push(text);
  })();
  await microtasks();
  deepStrictEqual([clock.timers, ends()], [1, 0]);
  await pass(clock, 4);
  await reading;
  deepStrictEqual(texts, [1, 2, 3, 4, 5].map((n) => `event: count\ndata: "${n} x"\n\n`));
  deepStrictEqual([clock.timers, ends()], [0, 1]);
  stream.close();
  strictEqual(ends(), 1);
});

Deno.test("a reader that takes nothing is told nothing more, and ends when it has taken all", async () => {
  const { clock, stream, ends } = counting(200_000);
  await microtasks();
  await pass(clock, 10);
  deepStrictEqual([clock.timers, ends()], [1, 0]);
  await pass(clock, 6);
  deepStrictEqual([clock.timers, ends()], [0, 0]);
  const text = await new Response(stream.response.body).text();
  strictEqual(text.split("event: count").length, 2);
  deepStrictEqual([clock.timers, ends()], [0, 1]);
});

Deno.test("a reader that takes nothing keeps its place until it goes or all end", async () => {
  for (const how of ["cancel", "close"] as const) {
    const { clock, stream, ends } = counting(200_000);
    await microtasks();
    await pass(clock, 20);
    deepStrictEqual([clock.timers, ends()], [0, 0]);
    if (how === "cancel") await stream.response.body!.cancel();
    else stream.close();
    strictEqual(ends(), 1, how);
  }
});

Deno.test("a socket that nobody reads counts until it is closed", async () => {
  const clock = new FakeClock();
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  let isEnded = false;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    begun.resolve();
    return new EventStream({
      clock,
      intervalMs: 1000,
      tick(write) {
        write("more", "x".repeat(2 ** 20));
        return true;
      },
      onEnd() {
        isEnded = true;
        ended.resolve();
      },
      onFailure,
    }).response;
  });
  const { hostname, port } = server.addr;
  const conn = await Deno.connect({ hostname, port });
  await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
  await inTime(begun.promise, "the request");
  // More than the system takes for a socket.
  const unread = (async () => {
    do {
      clock.tick(1000);
      await new Promise((resolve) => setTimeout(resolve));
    } while (clock.timers > 0);
  })();
  await inTime(unread, "the end of the timer");
  ok(!isEnded);
  conn.close();
  await inTime(ended.promise, "the end of the stream");
  await inTime(server.shutdown(), "the server's shutdown");
});

Deno.test("a stream that fails ends alone, and says why", async () => {
  const clock = new FakeClock();
  const told: unknown[] = [];
  const stream = new EventStream({
    clock,
    intervalMs: 1000,
    tick(write) {
      write("count", told.length);
      if (clock.now() > 0) throw new Error("broken");
      return true;
    },
    onEnd: () => told.push("end"),
    onFailure: (error) => told.push(String(error)),
  });
  const text = new Response(stream.response.body).text();
  await microtasks();
  await pass(clock, 3);
  deepStrictEqual([told, clock.timers], [["Error: broken", "end"], 0]);
  strictEqual((await inTime(text, "the end")).split("event: count").length, 3);
});

Deno.test("a reader that goes leaves no timer behind", async () => {
  const { clock, stream, ends } = counting();
  await microtasks();
  await stream.response.body!.cancel();
  deepStrictEqual([clock.timers, ends()], [0, 1]);
});

Deno.test("a stream ends after an hour", async () => {
  const clock = new FakeClock();
  let isEnded = false;
  const stream = new EventStream({
    clock,
    intervalMs: 60_000,
    tick: () => true,
    onEnd: () => isEnded = true,
    onFailure,
  });
  for (let minute = 1; minute < 60; minute++) {
    clock.tick(60_000);
    await microtasks();
    ok(!isEnded, `minute ${minute}`);
  }
  clock.tick(60_000);
  await microtasks();
  ok(isEnded);
  strictEqual(await new Response(stream.response.body).text(), "");
});
