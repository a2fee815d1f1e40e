import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { NotTold, Told } from "../../lib/cluster/followed.ts";
import { Lines } from "../../lib/cluster/recording.ts";
import {
  KEPT_MS,
  MAX_RECORDING_BYTES,
  MAX_RECORDINGS,
  RECORDING_MS,
  Recordings,
} from "../../lib/cluster/recordings.ts";
import { silentLog } from "../../lib/log/log.ts";
import { FakeClock } from "../support/fake_clock.ts";

const NOTHING: Told = { connectionId: null, missing: null, rows: [] };

/** What is told of clients, and recordings of it. */
class Bench {
  readonly clock = new FakeClock();
  readonly told: (Told | NotTold | Error)[] = [];
  asked = 0;
  readonly recordings: Recordings;
  readonly errors: unknown[] = [];

  constructor() {
    let last = 0;
    this.recordings = new Recordings({
      clock: this.clock,
      log: { ...silentLog, error: (event) => void this.errors.push(event) },
      ids: { next: () => `r${++last}` },
      follow: () => ({ next: () => this.#next() }),
    });
  }

  #next(): Promise<Told | NotTold> {
    this.asked++;
    const told = this.told.shift() ?? NOTHING;
    return told instanceof Error ? Promise.reject(told) : Promise.resolve(told);
  }

  /** So long passes, question by question. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      this.clock.tick(Math.min(500, left));
      await settled();
    }
  }

  lines(id: string): Record<string, unknown>[] {
    return this.recordings.read(id, 0)!.lines.map((line) => JSON.parse(line));
  }
}

/** Promises that can be kept are. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

function frame(at: number, text = "[2]"): Told {
  const names = { type: null, messageId: null, action: null, code: null };
  const rest = { number: 1, direction: "in", size: text.length, text, ...names } as const;
  return { ...NOTHING, rows: [{ kind: "frame", connectionId: "c1", at, ...rest }] };
}

Deno.test("a recording has what passed, line by line, whoever looks", async () => {
  const bench = new Bench();
  bench.told.push({ ...NOTHING, connectionId: "c1" }, frame(1000, '[2,"1"]'), frame(2000));
  const info = await bench.recordings.start("CP1");
  ok(typeof info === "object");
  await bench.pass(1000);
  deepStrictEqual(bench.lines(info.id).map(({ kind, at, text }) => [kind, at, text]), [
    ["state", new Date(bench.clock.wallNow() - 1000).toISOString(), undefined],
    ["frame", "1970-01-01T00:00:01.000Z", '[2,"1"]'],
    ["frame", "1970-01-01T00:00:02.000Z", "[2]"],
  ]);
  deepStrictEqual(bench.lines(info.id)[0]?.["connectionId"], "c1");
  bench.recordings.close();
  strictEqual(bench.clock.timers, 0);
});

Deno.test("a recording ends after an hour, and is forgotten an hour later", async () => {
  const bench = new Bench();
  const info = await bench.recordings.start("CP1");
  ok(typeof info === "object");
  await bench.pass(RECORDING_MS - 500);
  strictEqual(bench.recordings.list()[0]?.endedAt, null);
  await bench.pass(500);
  const [ended] = bench.recordings.list();
  strictEqual(ended?.endedAt, info.startedAt + RECORDING_MS);
  const { asked } = bench;
  await bench.pass(KEPT_MS - 1000);
  deepStrictEqual([bench.recordings.list().length, bench.asked], [1, asked]);
  await bench.pass(1000);
  deepStrictEqual([bench.recordings.list(), bench.clock.timers], [[], 0]);
});

Deno.test("one that is ended has what passed until then, and nothing later", async () => {
  const bench = new Bench();
  const info = await bench.recordings.start("CP1");
  ok(typeof info === "object");
  bench.told.push(frame(1000), frame(2000));
  strictEqual(bench.recordings.end(info.id), true);
  strictEqual(bench.recordings.end(info.id), false);
  await bench.pass(5000);
  deepStrictEqual(bench.lines(info.id).map(({ kind }) => kind), ["state", "frame"]);
  strictEqual(bench.recordings.remove(info.id), true);
  strictEqual(bench.recordings.remove(info.id), false);
  deepStrictEqual([bench.recordings.read(info.id, 0), bench.clock.timers], [null, 0]);
});

Deno.test("one that is removed while it asks leaves nothing behind", async () => {
  const bench = new Bench();
  const info = await bench.recordings.start("CP1");
  ok(typeof info === "object");
  bench.clock.tick(500);
  bench.recordings.remove(info.id);
  await settled();
  deepStrictEqual([bench.recordings.list(), bench.clock.timers], [[], 0]);
});

Deno.test("there are no more recordings than may be, those that have ended included", async () => {
  const bench = new Bench();
  for (let i = 0; i < MAX_RECORDINGS; i++) await bench.recordings.start(`CP${i}`);
  strictEqual(await bench.recordings.start("one more"), "full");
  bench.recordings.end("r1");
  strictEqual(await bench.recordings.start("one more"), "full");
  bench.recordings.remove("r1");
  strictEqual(typeof await bench.recordings.start("one more"), "object");
  bench.recordings.close();
});

Deno.test("one that may not be is not there, and a fault ends none", async () => {
  const bench = new Bench();
  bench.told.push({ refusal: "overloaded" });
  strictEqual(await bench.recordings.start("CP1"), "overloaded");
  deepStrictEqual(bench.recordings.list(), []);
  const info = await bench.recordings.start("CP1");
  ok(typeof info === "object");
  bench.told.push(new Error("broken"), { refusal: "overloaded" }, frame(1000));
  await bench.pass(1500);
  deepStrictEqual(bench.errors, ["a recording failed"]);
  deepStrictEqual(
    bench.lines(info.id).map(({ kind, missing }) => [kind, missing]),
    [["state", null], ["state", "overloaded"], ["state", null], ["frame", undefined]],
  );
  bench.recordings.close();
});

Deno.test("a recording keeps its newest lines, within its bytes, and says how many went", () => {
  const lines = new Lines(MAX_RECORDING_BYTES);
  const text = "x".repeat(1000);
  for (let i = 0; i < 10_000; i++) lines.add(text + i);
  ok(lines.bytes <= MAX_RECORDING_BYTES && lines.bytes > MAX_RECORDING_BYTES - 2000);
  strictEqual(lines.count + lines.dropped, 10_000);
  let read = 0;
  for (let after: number | null = 0; after !== null;) {
    const part = lines.after(after);
    ok(part.lines.reduce((sum, line) => sum + line.length, 0) <= 128 * 1024);
    read += part.lines.length;
    strictEqual(part.lines[0], text + (lines.dropped + read - part.lines.length));
    after = part.next;
  }
  strictEqual(read, lines.count);
});
