import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../lib/clock.ts";
import { type Log, type LogFields, silentLog } from "../../lib/log/log.ts";
import { CallTree } from "../../lib/profile/call_tree.ts";
import { heapStacks, objectsIn } from "../../lib/profile/heap.ts";
import type { CpuNode, CpuProfile, HeapNode } from "../../lib/profile/inspector.ts";
import { type ProfileFiles, type Profiles, startProfiles } from "../../lib/profile/profile.ts";
import { replaceFile } from "../../lib/profile/replace_file.ts";
import { systemRandom } from "../../lib/random.ts";
import { burn, hoard } from "../support/busy.ts";
import { inTime } from "../support/deadline.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { functionOf, lineOf, readProfile } from "../support/pprof.ts";
import { TempDir } from "../support/program.ts";

// A thread's second CPU profile does not know functions that were compiled before it: hence the imports
// of busy.ts anew, under other names.
const BUSY = new URL("../support/busy.ts", import.meta.url);

/** A log that keeps what it is told at `info` and `error`. */
class RecordingLog {
  readonly lines: string[] = [];

  readonly log: Log = {
    ...silentLog,
    info: (event, fields) => this.#add("info", event, fields),
    error: (event, fields) => this.#add("error", event, fields),
  };

  #add(level: string, event: string, fields: LogFields = {}): void {
    this.lines.push(`${level} ${event} ${fields["file"]} ${fields["error"] ?? ""}`.trim());
  }
}

async function start(
  files: Partial<ProfileFiles>,
  log = silentLog,
  clock: typeof systemClock = systemClock,
): Promise<Profiles> {
  const started = await startProfiles(
    { cpuFile: undefined, memFile: undefined, ...files },
    { clock, random: systemRandom, log },
  );
  ok(started.ok, JSON.stringify(started));
  return started.profiles;
}

Deno.test("a CPU profile shows a busy function at its lines in the TypeScript", async () => {
  using dir = new TempDir();
  const cpuFile = dir.path("cpu.pprof");
  const profiles = await start({ cpuFile });
  const begin = performance.now();
  burn(400);
  const tookNs = 1e6 * (performance.now() - begin);
  await profiles.stop(10_000);
  const profile = readProfile(cpuFile);
  deepStrictEqual(profile.sampleTypes, ["samples/count", "cpu/nanoseconds"]);
  deepStrictEqual([profile.periodType, profile.period], ["cpu/nanoseconds", 10_000_000]);
  const burnt = functionOf(profile, "burn", fileURLToPath(BUSY));
  ok(burnt !== undefined);
  strictEqual(burnt.file, fileURLToPath(BUSY));
  strictEqual(burnt.startLine, lineOf(BUSY, "export function burn"));
  const [first, last] = [lineOf(BUSY, "while (process"), lineOf(BUSY, "return sums.even")];
  let inLoop = 0;
  for (const [line, nanoseconds] of burnt.lines) {
    if (line >= first && line < last) inLoop += nanoseconds;
  }
  ok(inLoop >= 0.9 * burnt.flat[1]!, JSON.stringify([...burnt.lines]));
  // A sample is one period, also when it is late or the thread has to wait for the processor.
  ok(burnt.flat[1]! >= 200e6 && burnt.flat[1]! <= tookNs + 100e6, `${burnt.flat[1]} ns`);
  strictEqual(burnt.flat[1], burnt.flat[0]! * profile.period);
});

Deno.test("a CPU profile counts from the start on, across writes and minutes, and not the idle time", async () => {
  using dir = new TempDir();
  const cpuFile = dir.path("cpu.pprof");
  const clock = new FakeClock();
  const profiles = await start({ cpuFile }, silentLog, clock);
  const { burn } = await import("../support/busy.ts?minutes");
  const burnt = (): number => functionOf(readProfile(cpuFile), "burn", "busy.ts")?.flat[1] ?? 0;
  burn(150);
  await profiles.write();
  const first = burnt();
  ok(first >= 50e6, `${first}`);
  burn(150);
  clock.tick(60_000);
  burn(150);
  clock.tick(60_000);
  await profiles.write();
  const second = burnt();
  ok(second >= first + 150e6, `${first} ${second}`);
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 300);
  await promise;
  await profiles.stop(10_000);
  const last = readProfile(cpuFile);
  ok(burnt() >= second && burnt() <= second + 50e6);
  ok(!last.functions.some(({ name }) => name === "(idle)"));
  strictEqual(last.durationMs, 120_000);
  strictEqual(clock.timers, 0);
});

Deno.test("a heap profile shows what is alive, in objects and bytes, at the function's line", async () => {
  using dir = new TempDir();
  const memFile = dir.path("mem.pprof");
  const profiles = await start({ memFile });
  // So many that chance, which picks what is sampled, is a few per cent.
  const COUNT = 1_600_000;
  const kept = hoard(COUNT);
  await profiles.stop(10_000);
  ok(kept !== null);
  const profile = readProfile(memFile);
  deepStrictEqual(profile.sampleTypes, ["objects/count", "space/bytes"]);
  strictEqual(profile.periodType, "space/bytes");
  const hoarded = functionOf(profile, "hoard", fileURLToPath(BUSY));
  ok(hoarded !== undefined);
  strictEqual(hoarded.startLine, lineOf(BUSY, "export function hoard"));
  // An object with two fields, and maybe a number of its own: 5 to 7 words.
  const [objects = 0, bytes = 0] = hoarded.flat;
  ok(bytes > COUNT * 40 * 0.7 && bytes < COUNT * 56 * 1.3, `${bytes} bytes`);
  // V8 may take some objects that are made one behind the other for one.
  ok(objects > COUNT / 5 && objects < 2 * COUNT * 1.3, `${objects} objects`);
});

Deno.test("each thread can write a profile of its own", async () => {
  using dir = new TempDir();
  const [ours, theirs] = [dir.path("cpu.pprof"), dir.path("cpu.pprof.1")];
  const profiles = await start({ cpuFile: ours });
  const worker = new Worker(new URL("../support/busy_worker.ts", import.meta.url), {
    type: "module",
  });
  const said = new Promise((resolve) => {
    worker.addEventListener("message", ({ data }) => resolve(data));
  });
  worker.postMessage(theirs);
  strictEqual(await inTime(said, "the worker's profile"), true);
  worker.terminate();
  await profiles.stop(10_000);
  ok((functionOf(readProfile(theirs), "burn", "busy.ts")?.flat[1] ?? 0) > 50e6);
  strictEqual(functionOf(readProfile(ours), "burn", "busy.ts"), undefined);
});

Deno.test("two profiles of one thread do not end each other", async () => {
  using dir = new TempDir();
  const [one, two] = [dir.path("1"), dir.path("2")];
  const [first, second] = [await start({ cpuFile: one }), await start({ cpuFile: two })];
  const { burn } = await import("../support/busy.ts?two");
  await first.stop(10_000);
  burn(200);
  await second.stop(10_000);
  ok((functionOf(readProfile(two), "burn", "busy.ts")?.flat[1] ?? 0) > 50e6);
  strictEqual(functionOf(readProfile(one), "burn", "busy.ts"), undefined);
});

Deno.test("a profile that cannot be written is one line in the log, and the older file stays", async (t) => {
  await t.step("the folder is gone", async () => {
    using dir = new TempDir();
    Deno.mkdirSync(dir.path("gone"));
    const { log, lines } = new RecordingLog();
    const memFile = dir.path("gone/mem");
    const profiles = await start({ memFile }, log);
    Deno.removeSync(dir.path("gone"));
    await profiles.write();
    strictEqual(lines.length, 1);
    match(lines[0]!, /^error profile not written \S+\/gone\/mem NotFound: /);
    Deno.mkdirSync(dir.path("gone"));
    await profiles.stop(10_000);
    strictEqual(lines[1], `info profile written ${memFile}`);
    readProfile(memFile);
  });
  await t.step("the disk is full", async () => {
    using dir = new TempDir();
    const { log, lines } = new RecordingLog();
    const [cpuFile, memFile] = [dir.file("cpu", "older"), dir.path("mem")];
    const deps = {
      clock: systemClock,
      random: systemRandom,
      log,
      replaceFile: (name: string, bytes: Uint8Array): Promise<void> => {
        if (name !== cpuFile) return replaceFile(name, bytes, systemRandom);
        return Promise.reject(new Error("No space left on device (os error 28)"));
      },
    };
    const started = await startProfiles({ cpuFile, memFile }, deps);
    ok(started.ok);
    await started.profiles.stop(10_000);
    deepStrictEqual(lines.toSorted(), [
      `error profile not written ${cpuFile} Error: No space left on device (os error 28)`,
      `info profile written ${memFile}`,
    ]);
    strictEqual(Deno.readTextFileSync(cpuFile), "older");
  });
  await t.step("the name has become a folder's", async () => {
    using dir = new TempDir();
    const { log, lines } = new RecordingLog();
    const profiles = await start({ cpuFile: dir.path("cpu") }, log);
    Deno.mkdirSync(dir.path("cpu"));
    await profiles.stop(10_000);
    match(lines.join("\n"), /^error profile not written \S+\/cpu .+$/);
  });
});

Deno.test("many writes at once are two at the most", async () => {
  using dir = new TempDir();
  const { log, lines } = new RecordingLog();
  const profiles = await start({ memFile: dir.path("mem") }, log);
  await Promise.all(Array.from({ length: 20 }, () => profiles.write()));
  ok(lines.length >= 1 && lines.length <= 2, `${lines.length}`);
  await profiles.stop(10_000);
});

Deno.test("a place where nothing can be written is refused at the start", async () => {
  using dir = new TempDir();
  const rows: [Partial<ProfileFiles>, RegExp][] = [
    [
      { cpuFile: dir.path("no/cpu") },
      /^--cpuprofile: "\S+\/no\/cpu" cannot be written \(NotFound\); allowed is .+$/,
    ],
    [{ memFile: dir.path("no/mem") }, /^--memprofile: "\S+\/no\/mem" cannot be written /],
    [{ memFile: dir.path(".") }, /^--memprofile: "\S+" cannot be written \(IsADirectory\)/],
  ];
  for (const [files, message] of rows) {
    const all = { cpuFile: undefined, memFile: undefined, ...files };
    const deps = { clock: systemClock, random: systemRandom, log: silentLog };
    const started = await startProfiles(all, deps);
    match(started.ok ? "started" : started.message, message);
  }
  deepStrictEqual([...Deno.readDirSync(dir.path("."))], []);
});

Deno.test("a file is replaced as a whole, and nothing else is left beside it", async () => {
  using dir = new TempDir();
  const name = dir.file("a", "old");
  await replaceFile(name, new TextEncoder().encode("new"), systemRandom);
  strictEqual(Deno.readTextFileSync(name), "new");
  await rejects(replaceFile(dir.path("no/a"), new Uint8Array(1), systemRandom));
  // No bytes at all: fails when the file beside it is already there, as on a full disk.
  await rejects(replaceFile(name, { length: 1 } as Uint8Array, systemRandom));
  await rejects(replaceFile(dir.path("."), new Uint8Array(1), systemRandom));
  deepStrictEqual([...Deno.readDirSync(dir.path("."))].map(({ name }) => name), ["a"]);
});

function nodeOf(id: number, functionName: string, more: Partial<CpuNode> = {}): CpuNode {
  return {
    id,
    callFrame: { functionName, url: "file:///a.js", lineNumber: id, columnNumber: 0 },
    ...more,
  };
}

function rowsOf(tree: CallTree): string[] {
  return tree.stacks().map(({ stack, count }) =>
    `${stack.map(({ callFrame, line }) => `${callFrame.functionName}:${line}`).join(" ")} ${count}`
  ).toArray().toSorted();
}

const PROFILE: CpuProfile = {
  nodes: [
    nodeOf(1, "(root)", { children: [2, 4, 5] }),
    nodeOf(2, "outer", { children: [3] }),
    nodeOf(3, "inner", {
      hitCount: 4,
      positionTicks: [{ line: 7, ticks: 1 }, { line: 8, ticks: 1 }, { line: 7, ticks: 1 }],
    }),
    {
      id: 4,
      callFrame: { functionName: "(idle)", url: "", lineNumber: -1, columnNumber: -1 },
      hitCount: 9,
    },
    nodeOf(5, "outer", { hitCount: 2 }),
  ],
};

Deno.test("profiles add up by stack and line, the idle time left out", () => {
  const tree = new CallTree(100);
  tree.add(PROFILE);
  const rows = [
    "inner:7 outer:undefined 2",
    "inner:8 outer:undefined 1",
    "inner:undefined outer:undefined 1",
    "outer:undefined 2",
  ];
  deepStrictEqual(rowsOf(tree), rows);
  tree.add(PROFILE);
  deepStrictEqual(rowsOf(tree), rows.map((row) => row.replace(/\d+$/, (n) => `${2 * Number(n)}`)));
  strictEqual(tree.branches, 3);
  tree.add({ nodes: [] });
});

Deno.test("call paths have a bound: what is beyond it counts for the caller, and none is lost", () => {
  const tree = new CallTree(1);
  for (let i = 0; i < 3; i++) tree.add(PROFILE);
  strictEqual(tree.branches, 1);
  const total = tree.stacks().reduce((sum, { count }) => sum + count, 0);
  strictEqual(total, 18);
  ok(
    rowsOf(tree).every((row) => /^(?:outer|\(other\)):undefined \d+$/.test(row)),
    `${rowsOf(tree)}`,
  );
});

Deno.test("samples of the heap add up by stack", () => {
  const node = (id: number, functionName: string, children: HeapNode[] = []): HeapNode => ({
    id,
    callFrame: { functionName, url: "file:///a.js", lineNumber: 0, columnNumber: 0 },
    children,
  });
  const head = node(1, "(root)", [node(2, "outer", [node(3, "inner")])]);
  const interval = 120_968;
  const samples = [3, 2, 3].map((nodeId) => ({ nodeId, size: 300_000 }));
  const rows = [...heapStacks({ head, samples }, interval)].map(({ stack, values }) => [
    stack.map(({ callFrame }) => callFrame.functionName).join(" "),
    ...values,
  ]);
  deepStrictEqual(rows, [["outer", 1, 300_000], ["inner outer", 2, 600_000]]);
});

Deno.test("the count of objects is found from V8's product of size and count", () => {
  const interval = 120_968;
  for (const size of [16, 24, 32, 40, 48, 56, 64, 72, 80, interval, 1.05 * interval, 1e6, 1e8]) {
    const whole = 8 * Math.round(size / 8);
    const count = Math.floor(1 / (1 - Math.exp(-whole / interval)) + 0.5);
    strictEqual(objectsIn(whole * count, interval), count, `${size}`);
  }
});
