import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Tap, type Tapped, Taps } from "../../lib/client/tap.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A tap that so many frames have passed, and the frame with each number as text. */
function tapOf(count: number, text = (n: number) => `[2,"${n}","Act",{}]`): Tap {
  const tap = new Tap(0);
  for (let n = 1; n <= count; n++) {
    tap.note({ number: n, direction: n % 2 === 0 ? "out" : "in", at: n }, text(n));
  }
  return tap;
}

Deno.test("a tap tells each frame once, and the payload only on demand", () => {
  const tap = tapOf(3);
  const first = tap.read(-1, false);
  deepStrictEqual(
    first.frames.map(({ at: _, ...frame }) => frame),
    [1, 2, 3].map((number) => ({
      number,
      direction: number === 2 ? "out" : "in",
      size: 16,
      text: null,
      type: "call",
      messageId: String(number),
      action: "Act",
      code: null,
    })),
  );
  deepStrictEqual([first.next, first.isBroken], [3, false]);
  deepStrictEqual(tap.read(3, false), { frames: [], next: 3, isBroken: false });
  deepStrictEqual(tap.read(2, true).frames.map(({ text }) => text), ['[2,"3","Act",{}]']);
});

Deno.test("a tap keeps the last 200 frames, and says that others are gone", () => {
  const tap = tapOf(250);
  const { frames, next, isBroken } = tap.read(10, false);
  deepStrictEqual([frames.length, frames[0]?.number, next, isBroken], [200, 51, 250, true]);
  strictEqual(tap.read(50, false).isBroken, false);
  // Who begins to look has missed nothing.
  strictEqual(tap.read(-1, false).isBroken, false);
});

Deno.test("a tap keeps the beginnings of large frames, and not many of those", () => {
  const tap = tapOf(100, (n) => `[2,"${n}","Act",{"a":"${"é".repeat(10_000)}"}]`);
  let since = -1;
  let chars = 0;
  const numbers: number[] = [];
  for (;;) {
    const { frames, next } = tap.read(since, true);
    if (frames.length === 0) break;
    for (const { text, size, number } of frames) {
      strictEqual(text?.length, 4096);
      strictEqual(size > 10_000, true);
      chars += text.length;
      numbers.push(number);
    }
    // One reading has a bound of its own.
    strictEqual(frames.length <= 16, true);
    since = next;
  }
  deepStrictEqual(numbers, Array.from({ length: 64 }, (_, i) => 37 + i));
  strictEqual(chars, 256 * 1024);
});

Deno.test("a tap ends 10 s after the last reading, and there are 32 at most", () => {
  const clock = new FakeClock();
  const taps = new Taps(clock);
  const connections = Array.from(
    { length: 33 },
    (): Tapped => ({ framesIn: 2, framesOut: 1, tap: null }),
  );
  const [first, ...others] = connections;
  deepStrictEqual(taps.read(first!, -1, false), { frames: [], next: 3, isBroken: false });
  clock.tick(9000);
  taps.read(first!, 3, false);
  clock.tick(9000);
  strictEqual(first!.tap !== null, true);
  for (const other of others.slice(1)) strictEqual(taps.read(other, -1, false)?.next, 3);
  strictEqual(taps.read(others[0]!, -1, false), undefined);
  clock.tick(1000);
  strictEqual(first!.tap, null);
  strictEqual(taps.read(others[0]!, -1, false)?.next, 3);
  taps.close();
  strictEqual(clock.timers, 0);
  deepStrictEqual(connections.map(({ tap }) => tap).filter((tap) => tap !== null), []);
});
