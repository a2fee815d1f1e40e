import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { logCommand } from "../../lib/api/command.ts";
import { respond } from "../../lib/problem.ts";
import { readTokens, type Token } from "../../lib/config/token.ts";
import { type LogFields, silentLog } from "../../lib/log/log.ts";
import { RecordingBackend } from "../support/backend.ts";
import { connected } from "../support/connected.ts";
import { EventReader } from "../support/event_reader.ts";
import { TestGateway } from "../support/gateway.ts";
import { assertProblem } from "../support/problem.ts";
import { TempDir } from "../support/program.ts";
import { tokensFile, tokensText } from "../support/tokens.ts";

type Entry = Omit<Token, "sha256">;

const TOKENS: readonly Entry[] = [
  { name: "reader", role: "read" },
  { name: "caller", role: "command" },
  { name: "bound", role: "command", actions: ["Reset", "Get*"], clients: ["CP*"] },
  { name: "ops", role: "admin" },
];

function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}

/** A gateway with a file of tokens, and the lines of its audit. */
class Setup implements AsyncDisposable {
  readonly backend: RecordingBackend;
  readonly #dir: TempDir;
  readonly audited: readonly LogFields[];
  readonly gateway: TestGateway;

  private constructor(
    backend: RecordingBackend,
    dir: TempDir,
    audited: readonly LogFields[],
    gateway: TestGateway,
  ) {
    this.backend = backend;
    this.#dir = dir;
    this.audited = audited;
    this.gateway = gateway;
  }

  static async start(
    flags: readonly string[] = [],
    tokens: readonly Entry[] | null = TOKENS,
  ): Promise<Setup> {
    const backend = new RecordingBackend();
    const dir = new TempDir();
    const audited: LogFields[] = [];
    const audit = (event: string, fields: LogFields = {}): void => {
      strictEqual(event, "command");
      audited.push(fields);
    };
    const log = {
      ...silentLog,
      audit,
      // Of strangers, and of those who may not, as many lines as of any event.
      info: (event: string, fields?: LogFields) => {
        if (event === "command") audit(event, { ...fields, isLimited: true });
      },
    };
    const file = tokens === null ? [] : [`--api-tokens-file=${tokensFile(dir, tokens)}`];
    const gateway = await TestGateway.start(backend.url, [...file, ...flags], log);
    return new Setup(backend, dir, audited, gateway);
  }

  /** The status that a token gets. */
  async status(token: string | null, method: string, path: string): Promise<number> {
    const headers = token === null ? {} : bearer(token);
    return (await this.gateway.api(path, { method, headers })).status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
    await this.backend[Symbol.asyncDispose]();
    this.#dir[Symbol.dispose]();
  }
}

Deno.test("each role may what it is for, and nothing else", async (t) => {
  await using setup = await Setup.start();
  for (const id of ["CP1", "CP2", "X"]) {
    await connected(setup.gateway, id, { protocols: ["ocpp2.1"] });
  }
  const names = [null, "wrong", ...TOKENS.map(({ name }) => name)];
  const rows: [method: string, path: string, statuses: number[]][] = [
    ["GET", "/healthz", [200, 200, 200, 200, 200, 200]],
    ["GET", "/", [401, 401, 200, 200, 200, 200]],
    ["GET", "/metrics", [401, 401, 200, 200, 200, 200]],
    ["GET", "/clients", [401, 401, 200, 200, 200, 200]],
    ["GET", "/clients/X", [401, 401, 200, 200, 200, 200]],
    ["GET", "/status/clients", [401, 401, 200, 200, 200, 200]],
    ["GET", "/status/access", [401, 401, 200, 200, 200, 200]],
    ["GET", "/status/access/CP1", [401, 401, 200, 200, 200, 200]],
    ["POST", "/call/Reset/CP1/1", [401, 401, 403, 202, 409, 409]],
    ["POST", "/call/Reset/X/1", [401, 401, 403, 202, 403, 409]],
    ["POST", "/call/Clear/CP2/1", [401, 401, 403, 202, 403, 409]],
    ["POST", "/send/GetLog/CP1/1", [401, 401, 403, 202, 202, 202]],
    ["POST", "/send/Clear/CP1/1", [401, 401, 403, 202, 403, 202]],
    ["POST", "/send/Reset/X/1", [401, 401, 403, 202, 403, 202]],
    // What may not be asked says nothing of whether there is one.
    ["POST", "/call/Reset/CP-gone/1", [401, 401, 403, 404, 404, 404]],
    ["POST", "/call/Reset/gone/1", [401, 401, 403, 404, 403, 404]],
    ["DELETE", "/clients/gone", [401, 401, 403, 403, 403, 404]],
    ["DELETE", "/clients/X", [401, 401, 403, 403, 403, 204]],
    // What is no request of the API is the same for all.
    ["POST", "/clients", [401, 401, 405, 405, 405, 405]],
    ["POST", "/call/Reset/CP1", [401, 401, 404, 404, 404, 404]],
    ["POST", "/call/Reset/%ff/1", [401, 401, 400, 400, 400, 400]],
  ];
  for (const [method, path, statuses] of rows) {
    await t.step(`${method} ${path}`, async () => {
      const got: number[] = [];
      for (const name of names) got.push(await setup.status(name, method, path));
      deepStrictEqual(got, statuses);
    });
  }
});

Deno.test("a name that is escaped is bound as it is meant", async () => {
  await using setup = await Setup.start();
  await connected(setup.gateway, "CP%31");
  strictEqual(await setup.status("bound", "POST", "/call/%52eset/%43P1/1"), 202);
  strictEqual(await setup.status("bound", "POST", "/call/Clear%2fReset/CP1/1"), 403);
  strictEqual(await setup.status("bound", "POST", "/call/Reset/x%2fCP1/1"), 400);
});

Deno.test("what a token may not is a problem that says what is missing", async () => {
  await using setup = await Setup.start();
  const { gateway } = setup;
  const read = await gateway.call("Reset/CP1/1", "{}", bearer("reader"));
  assertProblem(read, 403, "not-sent");
  match(JSON.parse(read.text).detail, /"reader" has the role read .*command or admin is needed/);
  // Not even its body is looked at.
  assertProblem(await gateway.call("Clear/CP1/1", "no JSON", bearer("bound")), 403, "not-sent");
  const ended = await gateway.api("/clients/CP1", { method: "DELETE", headers: bearer("caller") });
  assertProblem(ended, 403);
  match(JSON.parse(ended.text).detail, /the role admin is needed/);
});

Deno.test("payloads reach an admin alone", async (t) => {
  await using setup = await Setup.start();
  const { gateway } = setup;
  const client = await connected(gateway);
  for (const name of ["reader", "caller", "bound"]) {
    await t.step(name, async () => {
      const path = "/status/tail/CP1?payloads=1";
      assertProblem(await gateway.api(path, { headers: bearer(name) }), 403);
      const url = `${gateway.url}/status/tail/CP1`;
      await using tail = await EventReader.open(url, { headers: bearer(name) });
      await tail.next("connection");
      await client.ask('[2,"1","Beat",{"secret":1}]');
      const { frames } = await tail.next("frames");
      strictEqual(frames[0].action, "Beat");
      strictEqual(JSON.stringify(frames).includes("secret"), false);
    });
  }
  await t.step("in the page's one stream too, which goes on without them", async () => {
    for (const [name, events] of [["reader", "tail-refused"], ["ops", "tail-frames"]] as const) {
      const url = `${gateway.url}/status/stream?tail=CP1&payloads=1`;
      await using stream = await EventReader.open(url, { headers: bearer(name) });
      await stream.next(name === "ops" ? "tail-connection" : "tail-refused");
      await client.ask('[2,"1","Beat",{"secret":1}]');
      const told = events === "tail-frames" && JSON.stringify(await stream.next(events));
      strictEqual(told !== false && told.includes('secret\\":1'), name === "ops");
      await stream.next("snapshot", ({ framesIn }) => framesIn.call > 0);
    }
  });
  await t.step("ops", async () => {
    const url = `${gateway.url}/status/tail/CP1?payloads=1`;
    await using tail = await EventReader.open(url, { headers: bearer("ops") });
    await tail.next("connection");
    await client.ask('[2,"2","Beat",{"secret":2}]');
    const fits = (data: unknown) => JSON.stringify(data).includes('secret\\":2');
    await tail.next("frames", fits);
  });
});

Deno.test("each command is one line: who, what, whom, outcome", async () => {
  await using setup = await Setup.start(["--api-token=s3cret"]);
  const { gateway, audited } = setup;
  const client = await connected(gateway, "CP%201", { protocols: ["ocpp2.1"] });
  const waiting = gateway.call("Reset/CP%201/m1", "{}", {
    ...bearer("caller"),
    prefer: "wait=10",
  });
  await client.next('[2,"m1"');
  deepStrictEqual(audited, []);
  client.send('[3,"m1",{}]');
  strictEqual((await waiting).status, 200);
  await gateway.call("Reset/nobody/m2", "{}", bearer("s3cret"));
  await gateway.call("Reset/CP%201/m3", "{}", bearer("reader"));
  await gateway.call("Reset/%zz/m4", "{}", bearer("ops"));
  const post = { method: "POST", headers: bearer("bound") };
  await gateway.api("/send/GetLog/CP%201/m5", post);
  // None of these commands anything.
  await gateway.call("Reset/CP%201/m6", "{}", bearer("wrong"));
  await gateway.api("/clients/CP%201", { headers: bearer("ops") });
  await gateway.api("/clients", post);
  await gateway.api("/clients/CP%201", { method: "DELETE", headers: bearer("ops") });
  const call = { command: "call", action: "Reset" };
  const no = { outcome: "not-sent" };
  const told = audited.map((fields) =>
    Object.fromEntries(Object.entries(fields).filter(([name]) => name !== "durationMs"))
  );
  deepStrictEqual(told, [
    {
      ...{ token: "caller", ...call, clientId: "CP 1", messageId: "m1" },
      ...{ status: 200, outcome: "answered" },
    },
    { token: "api-token", ...call, clientId: "nobody", messageId: "m2", status: 404, ...no },
    {
      ...{ token: "reader", ...call, clientId: "CP 1", messageId: "m3", status: 403, ...no },
      isLimited: true,
    },
    { token: "ops", ...call, clientId: "%zz", messageId: "m4", status: 400, ...no },
    {
      ...{ token: "bound", command: "send", action: "GetLog" },
      ...{ clientId: "CP 1", messageId: "m5", status: 202, outcome: "sent" },
    },
    { token: "ops", command: "disconnect", clientId: "CP 1", status: 204 },
  ]);
  for (const { durationMs } of audited) ok(Number.isInteger(durationMs) && Number(durationMs) >= 0);
});

Deno.test("the line of a command says how far it got, and how long that took", () => {
  const lines: LogFields[] = [];
  const log = { ...silentLog, audit: (_: string, fields: LogFields = {}) => lines.push(fields) };
  const token = { name: "php", sha256: "", role: "command" } as const;
  const command = { kind: "call", action: "Reset", clientId: "CP1", messageId: "1" } as const;
  const headers = { "ws2api-outcome": "sent" };
  const rows: [Response | undefined, Record<string, unknown>][] = [
    [respond(null, 504, headers), { status: 504, outcome: "sent" }],
    [respond(null, 503), { status: 503, outcome: "not-sent" }],
    // A bug.
    [undefined, { status: 500, outcome: "unknown" }],
    [
      respond(null, 202, { "ws2api-outcome": "queued", "idempotency-replayed": "true" }),
      { status: 202, outcome: "queued", isReplayed: true },
    ],
  ];
  for (const [response, expected] of rows) {
    logCommand(log, token, command, { response, durationMs: 1234.4 });
    const { status, outcome, durationMs, isReplayed } = lines.pop()!;
    deepStrictEqual(
      { status, outcome, ...(isReplayed !== undefined && { isReplayed }) },
      expected,
    );
    strictEqual(durationMs, 1234);
  }
});

Deno.test("where no token is needed a command is nobody's", async () => {
  await using setup = await Setup.start([], null);
  await setup.gateway.call("Reset/CP1/1");
  deepStrictEqual(setup.audited.map(({ token, status, isLimited }) => [token, status, isLimited]), [
    ["-", 404, true],
  ]);
});

Deno.test("--api-token is an admin beside those of the file", async () => {
  await using setup = await Setup.start(["--api-token=s3cret"]);
  strictEqual(await setup.status("s3cret", "DELETE", "/clients/gone"), 404);
  strictEqual(await setup.status("ops", "DELETE", "/clients/gone"), 404);
  strictEqual(await setup.status("caller", "DELETE", "/clients/gone"), 403);
});

Deno.test("other tokens count at once, and who looked by an older one looks no more", async () => {
  await using setup = await Setup.start();
  const { gateway } = setup;
  await connected(gateway);
  const headers = bearer("ops");
  const open = (path: string) => EventReader.open(`${gateway.url}/status/${path}`, { headers });
  const streams = [await open("stream"), await open("tail/CP1?payloads=1")];
  await streams[0]!.next("snapshot");
  const read = readTokens(
    tokensText([{ name: "ops", role: "read" }, { name: "new", role: "admin" }]),
  );
  strictEqual(read.ok, true);
  await gateway.gateway.reloadTokens(read.ok ? read.tokens : []);
  for (const stream of streams) await stream.whenEnded();
  strictEqual(await setup.status("caller", "GET", "/clients"), 401);
  strictEqual(await setup.status("new", "DELETE", "/clients/gone"), 404);
  await rejects(open("tail/CP1?payloads=1"), /^Error: 403 /);
  await using stream = await open("stream");
  await stream.next("snapshot");
});
