import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { EventStream } from "../../lib/status/event_stream.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";

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

Deno.test("a reader that takes nothing is told nothing more, and is given up", async () => {
  const { clock, stream, ends } = counting(200_000);
  await microtasks();
  await pass(clock, 10);
  deepStrictEqual([clock.timers, ends()], [1, 0]);
  await pass(clock, 6);
  deepStrictEqual([clock.timers, ends()], [0, 1]);
  const text = await new Response(stream.response.body).text();
  strictEqual(text.split("event: count").length, 2);
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
