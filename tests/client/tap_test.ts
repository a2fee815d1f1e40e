import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { endedByClient } from "../../lib/client/ending.ts";
import { Tap, type Tapped } from "../../lib/client/tap.ts";
import type { FrameRow, TapRow } from "../../lib/client/tap_row.ts";
import { Taps } from "../../lib/client/taps.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A connection, by its number. */
function connectionOf(n: number, clientId = "CP1"): Tapped {
  const rest = { protocol: "ocpp1.6", remoteAddress: "192.0.2.1", connectedAt: 1000 * n };
  return { clientId, connectionId: `c${n}`, ...rest, tap: null };
}

/** Numbers from 1. */
function counter(): () => number {
  let last = 0;
  return () => ++last;
}

/** A tap that so many frames have passed, and the frame with each number as text. */
function tapOf(count: number, text = (n: number) => `[2,"${n}","Act",{}]`): Tap {
  const tap = new Tap(counter());
  for (let n = 1; n <= count; n++) {
    const passing = { number: n, direction: n % 2 === 0 ? "out" : "in", at: n } as const;
    tap.note({ connectionId: "c1" }, passing, text(n));
  }
  return tap;
}

function framesOf(rows: readonly TapRow[]): FrameRow[] {
  return rows.filter((row) => row.kind === "frame");
}

/** Taps of a thread with one place for a client. */
function tapsOf(clock: FakeClock, connections = new Map<string, Tapped>()): Taps {
  return new Taps({ clock, connections, ids: { next: () => "thread" } });
}

Deno.test("a tap tells each frame once, and the payload only on demand", () => {
  const tap = tapOf(3);
  const first = tap.read(-1, false);
  deepStrictEqual(
    framesOf(first.rows).map(({ at: _, ...frame }) => frame),
    [1, 2, 3].map((number) => ({
      kind: "frame",
      connectionId: "c1",
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
  strictEqual(first.isBroken, false);
  deepStrictEqual(tap.read(first.next, false), { rows: [], next: first.next, isBroken: false });
  deepStrictEqual(
    framesOf(tap.read(first.next - 1, true).rows).map(({ text }) => text),
    ['[2,"3","Act",{}]'],
  );
});

Deno.test("a tap keeps the last 200 rows, and says that others are gone", () => {
  const tap = tapOf(250);
  const { rows, next, isBroken } = tap.read(10, false);
  deepStrictEqual([rows.length, framesOf(rows)[0]?.number, isBroken], [200, 51, true]);
  strictEqual(tap.read(next - 200, false).isBroken, false);
  strictEqual(tap.read(next - 201, false).isBroken, true);
  // Who begins to look has missed nothing.
  strictEqual(tap.read(-1, false).isBroken, false);
});

Deno.test("a tap keeps the beginnings of large frames, and not many of those", () => {
  const tap = tapOf(100, (n) => `[2,"${n}","Act",{"a":"${"é".repeat(10_000)}"}]`);
  let since = -1;
  let chars = 0;
  const numbers: number[] = [];
  for (;;) {
    const { rows, next } = tap.read(since, true);
    if (rows.length === 0) break;
    for (const { text, size, number } of framesOf(rows)) {
      strictEqual(text?.length, 4096);
      strictEqual(size > 10_000, true);
      chars += text.length;
      numbers.push(number);
    }
    // One reading has a bound of its own.
    strictEqual(rows.length <= 16, true);
    since = next;
  }
  deepStrictEqual(numbers, Array.from({ length: 64 }, (_, i) => 37 + i));
  strictEqual(chars, 256 * 1024);
});

Deno.test("names as long as a client likes count in a reading, without payloads too", () => {
  const tap = tapOf(200, (n) => `[2,"${n}","${"x".repeat(2000)}",{}]`);
  const { rows } = tap.read(-1, false);
  strictEqual(rows.length > 10 && rows.length < 40, true);
});

Deno.test("a tap sees a connection from its first frame to its end, and the next one", () => {
  const clock = new FakeClock();
  const taps = tapsOf(clock);
  const { next } = taps.read("CP1", -1, true)!;
  for (const n of [1, 2]) {
    const connection = connectionOf(n);
    taps.begin(connection);
    connection.tap!.note(connection, { number: 1, direction: "in", at: 1000 * n + 1 }, "[2]");
    strictEqual(taps.read("CP1", next, true)?.connectionId, `c${n}`);
    const ending = endedByClient({ wasClean: false, code: 1005, reason: "" });
    connection.tap!.end(connection, ending, 1000 * n + 2);
    strictEqual(connection.tap, null);
  }
  const { rows, connectionId, isBroken } = taps.read("CP1", next, true)!;
  deepStrictEqual([connectionId, isBroken], [null, false]);
  deepStrictEqual(rows.map(({ kind, connectionId, at }) => [kind, connectionId, at]), [
    ["connected", "c1", 1000],
    ["frame", "c1", 1001],
    ["disconnected", "c1", 1002],
    ["connected", "c2", 2000],
    ["frame", "c2", 2001],
    ["disconnected", "c2", 2002],
  ]);
  deepStrictEqual(rows[2], {
    ...{ kind: "disconnected", connectionId: "c1", at: 1002 },
    ...{ cause: "lost", code: 1006, reason: "" },
  });
  taps.close();
});

Deno.test("a client that nobody looks at has no tap, another one's looker or not", () => {
  const clock = new FakeClock();
  const taps = tapsOf(clock);
  const connection = connectionOf(1);
  taps.begin(connection);
  taps.read("other", -1, false);
  taps.begin(connectionOf(2));
  strictEqual(connection.tap, null);
  taps.close();
});

Deno.test("a tap that was taken away and put back says that something may be missing", () => {
  const clock = new FakeClock();
  const taps = tapsOf(clock);
  const { next } = taps.read("CP1", -1, false)!;
  clock.tick(10_000);
  strictEqual(clock.timers, 0);
  const { isBroken, rows } = taps.read("CP1", next, false)!;
  deepStrictEqual([isBroken, rows], [true, []]);
  taps.close();
});

Deno.test("a tap ends 10 s after the last reading, and there are 32 at most", () => {
  const clock = new FakeClock();
  const connections = new Map<string, Tapped>();
  const taps = tapsOf(clock, connections);
  const names = Array.from({ length: 33 }, (_, i) => `CP${i}`);
  for (const [i, name] of names.entries()) connections.set(name, connectionOf(i, name));
  const [first, second, ...others] = names;
  strictEqual(taps.read(first!, -1, false)?.connectionId, "c0");
  clock.tick(9000);
  taps.read(first!, 3, false);
  clock.tick(9000);
  strictEqual(connections.get(first!)!.tap !== null, true);
  for (const name of others) strictEqual(taps.read(name, -1, false) === undefined, false);
  strictEqual(taps.read(second!, -1, false), undefined);
  clock.tick(1000);
  strictEqual(connections.get(first!)!.tap, null);
  strictEqual(taps.read(second!, -1, false)?.connectionId, "c1");
  taps.close();
  strictEqual(clock.timers, 0);
  deepStrictEqual(
    [...connections.values()].map(({ tap }) => tap).filter((tap) => tap !== null),
    [],
  );
});

Deno.test("who looks without payloads keeps nobody from those who record", () => {
  const clock = new FakeClock();
  const taps = tapsOf(clock);
  for (let n = 0; n < 32; n++) taps.read(`CP${n}`, -1, false);
  strictEqual(taps.read("other", -1, false), undefined);
  for (let n = 0; n < 32; n++) strictEqual(taps.read(`R${n}`, -1, true)?.rows.length, 0);
  // Now all belong to those who read payloads; each has its place.
  for (const withPayloads of [false, true]) {
    strictEqual(taps.read("CP0", -1, withPayloads), undefined);
  }
  for (let n = 0; n < 32; n++) strictEqual(taps.read(`R${n}`, 0, true)?.rows.length, 0);
  strictEqual(clock.timers, 32);
  taps.close();
  strictEqual(clock.timers, 0);
});
