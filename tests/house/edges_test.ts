import { deepStrictEqual } from "node:assert/strict";
import { type Edge, edgesIn } from "./edges.ts";
import { filesBelow, textOf } from "./files.ts";

/** What a file may touch, and why it is the one. */
interface Owner {
  readonly owns: readonly string[];
  readonly because: string;
}

/** Every other file is given what it needs: a `Clock`, a `Random`, a function. */
const OWNERS: Readonly<Record<string, Owner>> = {
  "main.ts": {
    owns: [
      ...["Deno.args", "Deno.env", "Deno.permissions", "Deno.exit", "Deno.addSignalListener"],
      ...["Deno.stdout", "Deno.stderr", "Deno.readFileSync", "performance"],
    ],
    because: "it is the process: arguments, environment, permissions, signals, its start and end",
  },
  "lib/clock.ts": {
    owns: ["Date.now", "performance", "setTimeout", "clearTimeout", "setImmediate", "node:timers"],
    because: "the machine's clocks and timers",
  },
  "lib/random.ts": {
    owns: ["Math.random", "crypto.getRandomValues"],
    because: "the machine's random numbers",
  },
  "lib/metrics/process.ts": {
    owns: [
      ...[
        "Deno.hostname",
        "Deno.memoryUsage",
        "Deno.systemMemoryInfo",
        "Deno.permissions",
        "Deno.version",
      ],
      "node:process",
    ],
    because: "what the process uses",
  },
  "lib/config/certificate.ts": {
    owns: ["node:crypto"],
    because: "the runtime's reader of certificates and keys",
  },
  "lib/door/client_certificate.ts": {
    owns: ["node:crypto"],
    because: "the runtime's reader of certificates",
  },
  "lib/socket/maker.ts": {
    owns: ["node:process", "process"],
    because: "what a library looks for in the environment while it is loaded",
  },
  "lib/socket/ws/deflate.ts": { owns: ["node:zlib"], because: "compression of messages" },
  "lib/listener/http_server.ts": { owns: ["node:http"], because: "HTTP on what comes in" },
  "lib/listener/listener.ts": { owns: ["Deno.listen"], because: "whether there is IPv6" },
  "lib/listener/listening.ts": { owns: ["Deno.listen"], because: "whether a port can be had" },
  "lib/listener/reserve.ts": { owns: ["Deno.listen"], because: "a port, held for a moment" },
  "lib/listener/tls.ts": { owns: ["node:net"], because: "the way to the plain server" },
  "lib/listener/tls_server.ts": {
    owns: ["Deno.createHttpClient", "Deno.listenTls", "node:net", "node:tls"],
    because: "TLS connections, and whether certificates can be used",
  },
  "lib/listener/client_trust.ts": { owns: ["node:crypto"], because: "certificates of clients" },
  "lib/config/client_ca.ts": { owns: ["node:crypto"], because: "certificates of authorities" },
  "lib/config/crl.ts": { owns: ["node:crypto"], because: "signatures of lists" },
  "lib/socket/deno_socket.ts": {
    owns: ["Deno.upgradeWebSocket"],
    because: "a WebSocket's beginning",
  },
  "lib/socket/terminate.ts": { owns: ["Deno"], because: "a WebSocket's end by force" },
  "lib/socket/forget_request.ts": {
    owns: ["clearTimeout"],
    because: "the timer is the runtime's own, which no clock of ours made",
  },
  "lib/forwarder/dial.ts": {
    owns: ["Deno.connect", "Deno.startTls"],
    because: "a connection to the backend",
  },
  "lib/forwarder/fetch.ts": {
    owns: ["Deno.createHttpClient", "fetch"],
    because: "requests by fetch, and the connections that it keeps",
  },
  "lib/nats/connect.ts": {
    owns: ["node:net", "node:stream"],
    because: "the sockets of the NATS library",
  },
  "lib/profile/inspector.ts": { owns: ["node:inspector"], because: "the thread's inspector" },
  "lib/profile/locate.ts": { owns: ["node:vm"], because: "the runtime's source maps" },
  "lib/profile/replace_file.ts": {
    owns: ["Deno.open", "Deno.writeFile", "Deno.rename", "Deno.remove", "Deno.stat"],
    because: "the files of profiles",
  },
  "lib/outbox/sqlite/database.ts": {
    owns: [
      ...["node:sqlite", "Deno.mkdirSync", "Deno.openSync", "Deno.statSync", "Deno.chmodSync"],
    ],
    because: "the outbox's file, and its folder",
  },
  "lib/outbox/probe.ts": {
    owns: ["node:path", "Deno.statSync", "Deno.makeTempDirSync", "Deno.removeSync"],
    because: "whether there is a folder that the outbox can be in",
  },
  "lib/outbox/sqlite/serve.ts": {
    owns: ["Deno.permissions"],
    because: "it is the outbox's thread, as main.ts is one",
  },
  "lib/outbox/sqlite/create_worker.ts": { owns: ["Worker"], because: "the outbox's thread" },
  "lib/outbox/jetstream/create_worker.ts": { owns: ["Worker"], because: "the outbox's thread" },
  "lib/worker/create_worker.ts": { owns: ["Worker"], because: "a thread's beginning" },
  "lib/worker/serve.ts": { owns: ["Deno.stderr"], because: "it is the thread, as main.ts is one" },
};

/** The page's own modules run in a browser. */
const FILES = ["main.ts", ...filesBelow("lib", ".ts")];

function named({ file, line, name }: Edge): string {
  return `${file}:${line} touches ${name}, which no edge of that file is: take it as an argument`;
}

Deno.test("clocks, chance, timers and the runtime are touched by their owners only", () => {
  const edges = FILES.flatMap((file) => edgesIn(file, textOf(file)));
  const strays = edges.filter(({ file, name }) => OWNERS[file]?.owns.includes(name) !== true);
  deepStrictEqual(strays.map(named), []);
});

Deno.test("nobody owns an edge that it does not touch", () => {
  const unused = Object.entries(OWNERS).flatMap(([file, { owns }]) => {
    const names = FILES.includes(file) ? edgesIn(file, textOf(file)).map(({ name }) => name) : [];
    return owns.filter((name) => !names.includes(name)).map((name) => `${file}: ${name}`);
  });
  deepStrictEqual(unused, []);
});

Deno.test("an edge is seen wherever it stands for a value, and nowhere else", () => {
  const rows: [code: string, names: string[]][] = [
    ["const at = Date.now();", ["Date.now"]],
    ['const at = Date["now"]();', ["Date.now"]],
    ["const at = new Date();", ["new Date()"]],
    ["const at = Date();", ["Date()"]],
    ["const at = new Date(7).toISOString();", []],
    ["const at = performance.timeOrigin;", ["performance"]],
    ["const at = { performance };", ["performance"]],
    ["const at = performance!.now();", ["performance"]],
    ["const n = Math.random() + Math.floor(1);", ["Math.random"]],
    ["const { random } = Math;", ["Math"]],
    ["f(Math); const n = (Math as Any).random();", ["Math", "Math"]],
    ["const n = globalThis.Math.random();", ["globalThis.Math"]],
    ["const late = AbortSignal.timeout(5);", ["AbortSignal.timeout"]],
    ["const all = AbortSignal.any([a, b]);", []],
    ["const at = process.hrtime();", ["process"]],
    ["const r = await fetch(url); new WebSocket(url); new Worker(url);", [
      "fetch",
      "WebSocket",
      "Worker",
    ]],
    ["const deps = { random: Math.random };", ["Math.random"]],
    ["const id = crypto.randomUUID();", ["crypto.randomUUID"]],
    ["crypto.getRandomValues(bytes);", ["crypto.getRandomValues"]],
    ["const sum = await crypto.subtle.digest(name, bytes);", []],
    ["setTimeout(f, 1); setInterval(f, 1); clearTimeout(t);", [
      "setTimeout",
      "setInterval",
      "clearTimeout",
    ]],
    ["later(setImmediate);", ["setImmediate"]],
    ["globalThis.setTimeout(f, 1);", ["globalThis.setTimeout"]],
    ["const { setTimeout: later } = globalThis;", ["globalThis"]],
    ["clock.setTimeout(f, 1); const { setTimeout } = clock;", []],
    ["interface Clock { setTimeout(f: () => void): ReturnType<typeof setTimeout>; }", []],
    ["const clock = { setTimeout: f, now() {} };", []],
    ["class C { setTimeout(): void {} performance = 1; }", []],
    ["const c = Deno.connect({ port: 1 });", ["Deno.connect"]],
    ["const { connect } = Deno;", ["Deno"]],
    ["const c = Deno[name];", ["Deno"]],
    ["function f(conn: Deno.Conn): Promise<Deno.Conn> { return g<Deno.Conn>(conn); }", []],
    ["const c = given as Deno.Conn;", []],
    ["if (e instanceof Deno.errors.NotFound) f();", []],
    ['import { isIP } from "node:net";', []],
    ['import { isIP, Socket } from "node:net";', ["node:net"]],
    ['import { isIP, type Socket } from "node:net";', []],
    ['import type { Socket } from "node:net";', []],
    ['import net from "node:net";', ["node:net"]],
    ['import { randomUUID } from "node:crypto";', ["node:crypto"]],
    ['const fs = await import("node:fs");', ["node:fs"]],
    ["const it = await import(name);", ["import() of no text"]],
    ['export { readFileSync } from "node:fs";', ["node:fs"]],
    ['export * from "node:fs";', ["node:fs"]],
    ["// Date.now(), Deno.connect()\n/* Math.random() */", []],
    ['const text = "Date.now()" + `Deno.exit ${Date.now()}`;', ["Date.now"]],
  ];
  for (const [code, names] of rows) {
    deepStrictEqual(edgesIn("row.ts", code).map(({ name }) => name), names, code);
  }
  deepStrictEqual(edgesIn("lib/x.ts", "const a = 1;\n\nconst b = Date.now();\n").map(named), [
    "lib/x.ts:3 touches Date.now, which no edge of that file is: take it as an argument",
  ]);
});
