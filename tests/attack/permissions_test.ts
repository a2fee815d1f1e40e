import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import denoJson from "../../deno.json" with { type: "json" };
import { type Config, readInvocation } from "../../lib/config/config.ts";
import { createWorker } from "../../lib/worker/create_worker.ts";
import { testWith } from "../support/needs.ts";
import { makeCertificate, ROOT, startCommand, TempDir } from "../support/program.ts";
import { CTRL_C, Terminal } from "../support/terminal.ts";

/** Runs before the program: when that is ready, it asks for each permission and tells what it got. */
const SPY = `
const write = Deno.stdout.writeSync.bind(Deno.stdout);
Deno.stdout.writeSync = (bytes) => {
  const text = new TextDecoder().decode(bytes);
  if (text.startsWith("ws2api listening")) setTimeout(tell, 0);
  return write(bytes);
};
async function tell() {
  const told = [];
  for (const name of ["net", "read", "write", "env", "sys", "run", "ffi", "import"]) {
    told.push(name + "=" + (await Deno.permissions.request({ name })).state);
  }
  try {
    Deno.env.get("WS2API_NATS");
    told.push("variable=read");
  } catch {
    told.push("variable=denied");
  }
  write(new TextEncoder().encode("PERMISSIONS " + told.join(" ") + " END\\n"));
}
`;

testWith(
  ["script", "openssl"],
  "at a terminal, what the program does not hold any more is denied, and nobody is asked",
  async (t) => {
    using dir = new TempDir();
    const spy = dir.file("spy.js", SPY);
    const { cert, key } = await makeCertificate(dir);
    const tls = `--tls-cert=${dir.file("c.pem", cert)} --tls-key=${dir.file("k.pem", key)}`;
    const rows: [flags: string, kept: string][] = [
      ["", "net"],
      ["--websocket=ws", "net"],
      [`--nats=nats://u:p@127.0.0.1:1`, "net"],
      ["--validate=strict", "net"],
      // Its own thread has what it needs.
      [`--outbox=${dir.path("outbox")}`, "net"],
      // The modules of a worker that is started again, and what SIGHUP reads again, are read later.
      ["--workers=2", "net read"],
      [tls, "net read"],
      [`--config=${dir.file("ws2api.toml", "")}`, "net read"],
      [`--sign-key-file=${dir.file("key", "whsec_AQID")}`, "net read"],
      [`--cpuprofile=${dir.path("cpu.pprof")}`, "net read write"],
    ];
    for (const [flags, kept] of rows) {
      await t.step(flags === "" ? "no flags" : flags.replace(/\/\S+\//g, ""), async () => {
        const [first, ...others] = startCommand();
        const command = [first, `--preload=${spy}`, ...others].map((word) => `'${word}'`).join(" ");
        await using terminal = new Terminal(
          `exec "${Deno.execPath()}" ${command} --listen=127.0.0.1:0 ${flags}`,
        );
        const [, told = ""] = await terminal.until(/PERMISSIONS (.*) END/);
        const granted = told.split(" ").filter((each) => each.endsWith("=granted"))
          .map((each) => each.split("=")[0]).filter((name) => name !== "import");
        deepStrictEqual(granted, kept.split(" "), told);
        ok(told.endsWith("variable=denied"), told);
        ok(!/Allow\?|requests? /.test(terminal.screen), terminal.screen);
        // A terminal that hangs up would not end it: SIGHUP has files read again.
        await terminal.press(CTRL_C);
        strictEqual(await terminal.ended(), 0);
      });
    }
  },
);

function permissionsOfWorker(flags: readonly string[]): Record<string, unknown> {
  const invocation = readInvocation(flags, () => undefined, "0.0.0-test");
  ok(invocation.kind === "run");
  const { Worker } = globalThis;
  let given: unknown;
  globalThis.Worker = function (_: URL, options: unknown): void {
    given = options;
  } as never;
  try {
    createWorker(1, invocation.config satisfies Config);
  } finally {
    globalThis.Worker = Worker;
  }
  return (given as { deno: { permissions: Record<string, unknown> } }).deno.permissions;
}

Deno.test("a worker has the network alone, and files only for what needs them", () => {
  const none = { env: false, read: false, write: false, sys: false, run: false, ffi: false };
  deepStrictEqual(permissionsOfWorker([]), { ...none, net: "inherit" });
  deepStrictEqual(permissionsOfWorker(["--backend=unix:/run/backend.sock"]), {
    ...none,
    net: "inherit",
    read: "inherit",
    write: "inherit",
  });
});

Deno.test("every way to start it asks nobody for a permission that is missing", () => {
  const { start, compile } = denoJson.tasks;
  ok(start.command.includes(" deno run --no-prompt "), start.command);
  ok(compile.command.startsWith("deno compile --no-prompt "), compile.command);
  for (const file of ["Dockerfile", "examples/systemd/ws2api.service"]) {
    const text = Deno.readTextFileSync(`${ROOT}${file}`);
    strictEqual(/--no-prompt\b/.test(text), true, file);
    strictEqual(/--cached-only\b/.test(text), true, file);
  }
});
