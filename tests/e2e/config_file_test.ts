import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { Program, startProgram, TempDir, urlOf } from "../support/program.ts";

/** The program as a user starts it. What runs below the task ends only with a signal that it hands on. */
class Task extends Program {
  constructor(args: readonly string[], env: Record<string, string> = {}) {
    super(Deno.execPath(), ["task", ...args], { NO_COLOR: "1", ...env });
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.signal("SIGTERM");
    } catch {
      // It has ended.
    }
    await this.ended();
  }
}

Deno.test("--config, or its variable, names a file of settings, and the start says which there are", async (t) => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  const file = dir.file(
    "ws2api.toml",
    `listen = "127.0.0.1:0"\nbackend = "${backend.url}"\napi-token = "s3cret"\nretries = 5\n`,
  );
  for (const [args, env] of [[[`--config=${file}`], {}], [[], { WS2API_CONFIG: file }]] as const) {
    await t.step(args.join() || "by the variable", async () => {
      await using program = startProgram(["--retries=4", ...args], env);
      const url = await urlOf(program);
      const response = await fetch(`${url}/clients`);
      await response.body?.cancel();
      strictEqual(response.status, 401);
      const log = await program.logged("settings that are not the default");
      const [line = ""] = log.split("\n").filter((each) => each.includes("not the default"));
      match(line, /^\S+ info settings that are not the default listen="127\.0\.0\.1:0" backend=/);
      for (const part of ['api-token="set"', 'retries="4"', `config="${file}"`]) {
        ok(line.includes(part), line);
      }
      ok(!log.includes("s3cret"), log);
      program.signal("SIGTERM");
      strictEqual((await program.ended()).code, 0);
    });
  }
});

Deno.test("what is unknown or given twice is one line with the nearest name, and exit 2", async (t) => {
  using dir = new TempDir();
  const file = dir.file("ws2api.toml", `listen = ":0"\nbackned = "s3cret"\n`);
  const bad = dir.file("bad.json", `{ "retries": "s3cret x" }`);
  const names = { WS2API_VARIABLES: "WS2API_BACKNED WS2API_VARIABLES" };
  const rows: [name: string, args: string[], env: Record<string, string>, line: RegExp][] = [
    ["a key", [`--config=${file}`], {}, /"[^"]*ws2api\.toml": backned: .* mean backend\? /],
    ["a value", [`--config=${bad}`], {}, /--retries \(retries in "[^"]*bad\.json"\): /],
    ["a file that is not there", ["--config=none.toml"], {}, /"none\.toml" cannot be read/],
    ["a flag", ["--retries=1", "--retries=1"], {}, /--retries: given twice/],
    [
      "a variable",
      [],
      { ...names, WS2API_BACKNED: "x" },
      /WS2API_BACKNED: .* mean WS2API_BACKEND\?/,
    ],
    ["no sense", ["--nats-ca=x"], {}, /--nats-ca: .*--nats URL/],
    ["no memory", ["--max-memory=64MiB"], {}, /--max-memory: 64MiB is not allowed/],
  ];
  for (const [name, args, env, line] of rows) {
    await t.step(name, async () => {
      await using program = startProgram(args, env);
      const { code, stdout, stderr } = await program.ended();
      deepStrictEqual([code, stdout], [2, ""]);
      match(stderr, line);
      match(stderr, /^ws2api: [^\n]+\n$/);
    });
  }
});

Deno.test("deno task start notices a variable that is nobody's, and not those of Kubernetes", async () => {
  const env = {
    WS2API_SERVICE_HOST: "10.0.0.1",
    WS2API_PORT: "tcp://10.0.0.1:4000",
    WS2API_PORT_4000_TCP_ADDR: "10.0.0.1",
    // A line of another variable's value is no variable.
    OTHER: "x\nWS2API_NOTHING=1\n",
  };
  await using fine = new Task(["start", "--listen=127.0.0.1:0"], env);
  await urlOf(fine);
  await using strange = new Task(["start", "--listen=127.0.0.1:0"], { ...env, WS2API_RETRYS: "1" });
  const { code, stderr } = await strange.ended();
  strictEqual(code, 2);
  match(stderr, /\nws2api: WS2API_RETRYS: no such variable; did you mean WS2API_RETRIES\? /);
});

Deno.test("with deno task --quiet standard error is JSON from its first byte", async () => {
  const json = ["start", "--listen=127.0.0.1:0", "--log-format=json", "--ping-interval=1s"];
  await using program = new Task(["--quiet", ...json]);
  await urlOf(program);
  const text = await program.logged("cannot be reached");
  const lines = text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  deepStrictEqual([...new Set(lines.map(({ level }) => level))], ["info", "warn"]);
  deepStrictEqual(Object.keys(lines[0]).slice(0, 4), ["@timestamp", "level", "message", "logger"]);
  strictEqual(lines[1]["ping-interval"], "1s");
});

Deno.test("a secret on the command line is told of, and with --quiet it is printed nowhere", async () => {
  const args = ["start", "--listen=127.0.0.1:0", "--api-token=s3cret"];
  await using program = new Task(["--quiet", ...args]);
  await urlOf(program);
  const log = await program.logged("a secret on the command line");
  match(
    log,
    / warn a setting to look at flag="--api-token" reason="a secret .*--api-token-file FILE/,
  );
  ok(!log.includes("s3cret"), log);
  // Without it the runtime prints the task's whole line before anything of ours runs.
  await using loud = new Task([...args, "--retries=many"]);
  match((await loud.ended()).stderr, /^Task start .*s3cret/);
});
