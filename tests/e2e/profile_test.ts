import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { json, RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { type ReadProfile, readProfile } from "../support/pprof.ts";
import { programOf, stepWith } from "../support/needs.ts";
import { startProgram, TempDir, urlOf } from "../support/program.ts";

const LIB = fileURLToPath(new URL("../../lib/", import.meta.url));
const CODEC = `${LIB}codec/`;
/** Rounds of traffic until a function must have been seen; one is plenty on an idle machine. */
const MAX_ROUNDS = 20;

/** CPU time spent in the codec's own functions, in nanoseconds. */
function timeInCodec(profile: ReadProfile): number {
  return profile.functions.filter(({ file }) => file.startsWith(CODEC))
    .reduce((sum, { flat }) => sum + flat[1]!, 0);
}

/** Whether any of it was allocated by the gateway's own functions, or by what they called. */
function isOurs(profile: ReadProfile): boolean {
  return profile.functions.some(({ file }) => file.startsWith(LIB));
}

Deno.test("profiles of a gateway at work are there after SIGUSR2, while it runs, and after SIGTERM", async (t) => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  backend.answer = () => json("{}");
  const [cpuFile, memFile] = [dir.path("cpu.pprof"), dir.path("mem.pprof")];
  await using program = startProgram([
    ...["--listen=127.0.0.1:0", `--backend=${backend.url}`],
    ...[`-cpuprofile=${cpuFile}`, "-memprofile", memFile],
  ]);
  const client = new TestClient(`${(await urlOf(program)).replace("http", "ws")}/CP1`);
  await client.opened;
  const payload = JSON.stringify({ list: Array.from({ length: 80_000 }, (_, i) => i) });
  let rounds = 0;
  let cpu: ReadProfile;
  let heap: ReadProfile;
  do {
    for (let i = 0; i < 20; i++) {
      strictEqual(
        await client.ask(`[2,"${rounds}-${i}","Data",${payload}]`),
        `[3,"${rounds}-${i}",{}]`,
      );
    }
    program.signal("SIGUSR2");
    await program.logged("profile written", 2 * ++rounds);
    [cpu, heap] = [readProfile(cpuFile), readProfile(memFile)];
  } while ((timeInCodec(cpu) === 0 || !isOurs(heap)) && rounds < MAX_ROUNDS);

  await t.step("CPU time went to the codec, at its lines", () => {
    ok(timeInCodec(cpu) > 0);
    const named = cpu.functions.filter(({ file, name }) =>
      file.startsWith(CODEC) && /^\w+$/.test(name)
    );
    for (const { name, file, startLine } of named) {
      const line = Deno.readTextFileSync(file).split("\n")[startLine - 1];
      ok(line?.includes(`function ${name}(`), `${name} ${file}:${startLine}`);
    }
    ok(named.length > 0);
    deepStrictEqual(cpu.sampleTypes, ["samples/count", "cpu/nanoseconds"]);
    ok(!cpu.functions.some(({ name }) => name === "(idle)"));
  });
  await t.step("the heap is there too", () => {
    ok(isOurs(heap));
    deepStrictEqual(heap.sampleTypes, ["objects/count", "space/bytes"]);
    ok(heap.total[0]! > 0 && heap.total[1]! > 0);
  });
  await t.step("the gateway still serves", async () => {
    strictEqual(await client.ask('[2,"after","Heartbeat",{}]'), '[3,"after",{}]');
  });
  await t.step("the last write has what the one before had", async () => {
    program.signal("SIGTERM");
    deepStrictEqual(await client.whenClosed(), { code: 1001, reason: "shutting down" });
    strictEqual((await program.ended()).code, 0);
    const last = readProfile(cpuFile);
    ok(timeInCodec(last) >= timeInCodec(cpu));
    ok(last.total[1]! >= cpu.total[1]! && last.durationMs > cpu.durationMs);
    deepStrictEqual([...Deno.readDirSync(dir.path("."))].map(({ name }) => name).toSorted(), [
      "cpu.pprof",
      "mem.pprof",
    ]);
  });
  await stepWith(t, "go", "go tool pprof reads them", async () => {
    for (
      const [file, part] of [[cpuFile, / lib\/codec\/\w+\.ts:\d+/], [
        memFile,
        /lib\//,
      ]] as const
    ) {
      const { success, stdout } = await new Deno.Command(programOf("go"), {
        args: ["tool", "pprof", "-top", "-nodefraction=0", file],
        stdin: "null",
        stderr: "null",
      }).output();
      ok(success);
      match(new TextDecoder().decode(stdout), part);
    }
  });
});

Deno.test("a profile that cannot be written ends neither the gateway nor its exit code", async () => {
  using dir = new TempDir();
  Deno.mkdirSync(dir.path("gone"));
  const memFile = dir.path("gone/mem.pprof");
  await using program = startProgram(["--listen=127.0.0.1:0", "--memprofile", memFile]);
  const url = await urlOf(program);
  Deno.removeSync(dir.path("gone"));
  program.signal("SIGUSR2");
  const logged = await program.logged("profile not written");
  match(logged, /ERROR profile not written file="\S+\/gone\/mem.pprof" error="NotFound: .*\n/i);
  const response = await fetch(`${url}/healthz`);
  strictEqual(await response.text(), "ok");
  program.signal("SIGTERM");
  const { code, stderr } = await program.ended();
  strictEqual(code, 0);
  strictEqual(stderr.split("profile not written").length - 1, 2);
});

Deno.test("SIGUSR2 without a profile is one line in the log", async () => {
  await using program = startProgram(["--listen=127.0.0.1:0"]);
  const url = await urlOf(program);
  program.signal("SIGUSR2");
  await program.logged("SIGUSR2: no profile to write without --cpuprofile or --memprofile");
  const response = await fetch(`${url}/healthz`);
  strictEqual(await response.text(), "ok");
  program.signal("SIGTERM");
  strictEqual((await program.ended()).code, 0);
});

Deno.test("a profile that could never be written is refused at the start, with 2 and one line", async () => {
  using dir = new TempDir();
  await using program = startProgram(["--listen=127.0.0.1:0"], {
    WS2API_CPUPROFILE: dir.path("no/cpu.pprof"),
  });
  const { code, stdout, stderr } = await program.ended();
  deepStrictEqual([code, stdout], [2, ""]);
  match(stderr, /^ws2api: --cpuprofile: "\S+" cannot be written \(NotFound\); allowed is .*\n$/);
});
