import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { onClosedPort } from "../support/backend.ts";
import { rawRequest, upgradeHead } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { inTime } from "../support/deadline.ts";
import { type ApiAnswer, TestGateway } from "../support/gateway.ts";
import { programOf, testWith } from "../support/needs.ts";
import { Program, TempDir } from "../support/program.ts";
import { headerOf } from "../support/raw_client.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));
const APP = `${EXAMPLES}roadrunner/app.php`;

/** A gateway, and behind it the example's application under PHP's own server. */
class PhpBackend implements AsyncDisposable {
  readonly gateway: TestGateway;
  readonly #php: Program;
  readonly #port: number;

  private constructor(port: number, flags: readonly string[], env: Record<string, string>) {
    this.#port = port;
    this.gateway = new TestGateway(`http://127.0.0.1:${port}`, [
      ...["--connect-hook", "--disconnect-hook", "--api-token=t0ken"],
      ...flags,
    ]);
    // In a process group of its own: it leaves its processes behind when it alone is ended.
    this.#php = new Program("setsid", [programOf("php"), "-S", `127.0.0.1:${port}`, APP], {
      // A request that calls a client holds a process while the gateway's requests come in.
      PHP_CLI_SERVER_WORKERS: "3",
      GATEWAY: this.gateway.url,
      GATEWAY_TOKEN: "t0ken",
      ...env,
    });
  }

  /** @param env What the application reads beside the gateway's address and token. */
  static async start(
    flags: readonly string[] = [],
    env: Record<string, string> = {},
  ): Promise<PhpBackend> {
    return await onClosedPort(async (port) => {
      const backend = new PhpBackend(port, flags, env);
      try {
        await backend.#php.logged(`(http://127.0.0.1:${port}) started`);
      } catch (error) {
        await backend[Symbol.asyncDispose]();
        throw error;
      }
      return backend;
    });
  }

  /** A request to the application's own paths. */
  async post(path: string, body = ""): Promise<Pick<ApiAnswer, "status" | "text">> {
    const url = `http://127.0.0.1:${this.#port}${path}`;
    const response = await inTime(fetch(url, { method: "POST", body }), path);
    return { status: response.status, text: await response.text() };
  }

  /** Waits for a line of the application's log. */
  async logged(line: string): Promise<void> {
    await this.#php.logged(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
    try {
      Deno.kill(-this.#php.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#php.ended();
  }
}

testWith("php", "the examples in PHP have no syntax errors", async (t) => {
  const files = [...Deno.readDirSync(EXAMPLES), ...Deno.readDirSync(`${EXAMPLES}roadrunner`)]
    .map(({ name }) => name).filter((name) => name.endsWith(".php"));
  deepStrictEqual(files.toSorted(), ["app.php", "signature.php", "worker.php"]);
  for (const file of files) {
    await t.step(file, async () => {
      const folder = file === "signature.php" ? EXAMPLES : `${EXAMPLES}roadrunner/`;
      await using lint = new Program(programOf("php"), ["-l", `${folder}${file}`]);
      const { code, stdout, stderr } = await lint.ended();
      strictEqual(code, 0, stdout + stderr);
    });
  }
});

testWith("php", "a client's CALLs are answered by PHP", async (t) => {
  await using backend = await PhpBackend.start();
  const client = await connected(backend.gateway, "CP%201");
  const time = String.raw`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"`;
  const accepted = String.raw`"idTagInfo":\{"status":"Accepted"\}`;
  const rows: [action: string, payload: string, answer: string][] = [
    ["BootNotification", '{"chargePointVendor":"é"}', `"currentTime":${time},"interval":300`],
    ["Heartbeat", "{}", `{"currentTime":${time}}`],
    ["Authorize", '{"idTag":"A1"}', `{${accepted}}`],
    ["StatusNotification", '{"connectorId":1}', "{}"],
    ["MeterValues", '{"meterValue":[]}', "{}"],
    ["StartTransaction", '{"meterStart":1.0}', String.raw`{"transactionId":\d+,${accepted}}`],
    ["StopTransaction", '{"transactionId":12345678901234567890}', `{${accepted}}`],
  ];
  for (const [action, payload, answer] of rows) {
    await t.step(action, async () => {
      const frame = await client.ask(`[2,"c1","${action}",${payload}]`);
      match(frame, new RegExp(String.raw`^\[3,"c1",.*${answer}.*\]$`));
    });
  }
  for (const action of ["Frobnicate", "call/../connect", "Heartbeat\\n", "heartbeat"]) {
    await t.step(`${action}, which it does not know`, async () => {
      const frame = await client.ask(`[2,"c1","${action}",{}]`);
      match(frame, /^\[4,"c1","NotImplemented",/);
    });
  }
});

testWith(
  "php",
  "PHP calls a client, and has its answer as its own or as /result and /error",
  async () => {
    await using backend = await PhpBackend.start();
    const client = await connected(backend.gateway, "CP%201");
    const reset = async (answer: (id: string) => string): Promise<[number, string]> => {
      const asked = backend.post("/reset/CP%201", '{"type":"Hard"}');
      const frame = await client.next("[2,");
      const [, id = ""] = /^\[2,"([0-9a-f]{32})","Reset",\{"type":"Hard"\}\]$/.exec(frame) ?? [];
      // The client asks back before it answers.
      match(await client.ask('[2,"c1","Heartbeat",{}]'), /^\[3,"c1",/);
      client.send(answer(id));
      const { status, text } = await asked;
      return [status, text];
    };
    deepStrictEqual(
      await reset((id) => `[3,"${id}",{"status":"Accepted"}]`),
      [200, '{"status":"Accepted"}'],
    );
    const [status, text] = await reset((id) => `[4,"${id}","NotSupported","é",{}]`);
    strictEqual(status, 422);
    deepStrictEqual(JSON.parse(text), { code: "NotSupported", description: "é", details: {} });

    for (
      const [kind, answer, logged] of [
        ["result", '3,"ID",{"status":"Unlocked"}', '{"status":"Unlocked"}'],
        ["error", '4,"ID","GenericError","",{}', '{"code":"GenericError"'],
      ] as const
    ) {
      strictEqual((await backend.post("/unlock/CP%201/2")).status, 202);
      const frame = await client.next("[2,");
      const [, id = ""] = /^\[2,"(.+)","UnlockConnector",\{"connectorId":2\}\]$/.exec(frame) ?? [];
      client.send(`[${answer.replace("ID", id)}]`);
      await backend.logged(`/${kind}/UnlockConnector/CP%201/${id} ${logged}`);
    }
    strictEqual((await backend.post("/reset/CP2", "{}")).status, 404);
  },
);

testWith("php", "PHP says who connects, and is told who went", async (t) => {
  // 20 bytes, one of them a colon and some of them no UTF-8.
  const hex = "000102030405060708090A0B3a0d0e0fFFfeFDfc";
  const bytes = String.fromCharCode(...Uint8Array.fromHex(hex));
  const passwords = { "CP 1": "s3cret", "CP2": hex };
  await using backend = await PhpBackend.start([], { PASSWORDS: JSON.stringify(passwords) });
  const rows: [name: string, path: string, credentials: string | undefined, status: number][] = [
    ["the right password", "/CP%201", "CP 1:s3cret", 101],
    ["the bytes that hex digits stand for", "/CP2", `CP2:${bytes}`, 101],
    ["the hex digits themselves", "/CP2", `CP2:${hex}`, 101],
    ["a wrong password", "/CP%201", "CP 1:secret", 401],
    ["an empty password", "/CP%201", "CP 1:", 401],
    ["no colon", "/CP%201", "s3cret", 401],
    ["another station's name", "/CP2", `CP 1:${hex}`, 401],
    ["another station's password", "/CP2", "CP2:s3cret", 401],
    ["a station that is not known", "/CP3", "CP3:s3cret", 401],
    ["nothing", "/CP%201", undefined, 401],
  ];
  for (const [name, path, credentials, status] of rows) {
    await t.step(name, async () => {
      const authorization = credentials && `Basic ${btoa(credentials)}`;
      const head = upgradeHead(path, { Authorization: authorization });
      const got = await rawRequest(backend.gateway.url, head);
      got.conn.close();
      strictEqual(got.status, status);
      if (status === 401) ok(headerOf(got.head, "www-authenticate")?.startsWith("Basic realm="));
    });
  }
  const headers = { authorization: `Basic ${btoa("CP 1:s3cret")}` };
  const client = await connected(backend.gateway, "CP%201", { headers });
  client.socket.close(4001, "bye");
  await client.whenClosed();
  await backend.logged('/disconnect/CP%201 {"code":4001,"reason":"bye"}');
});

testWith("php", "without passwords PHP lets every client in", async () => {
  await using backend = await PhpBackend.start();
  const client = await connected(backend.gateway, "CP1");
  match(await client.ask('[2,"c1","Heartbeat",{}]'), /^\[3,"c1",/);
});

testWith("php", "with a key PHP answers only what the gateway has signed", async () => {
  using dir = new TempDir();
  const file = dir.file("key", "a key of 32 bytes or more, in hex\n");
  await using backend = await PhpBackend.start([`--sign-key-file=${file}`], {
    SIGN_KEY_FILE: file,
  });
  const client = await connected(backend.gateway, "CP%201");
  match(await client.ask('[2,"c1","Heartbeat",{}]'), /^\[3,"c1",/);
  for (const path of ["/call/Heartbeat/CP%201/c1", "/result/Reset/CP%201/r1", "/connect/CP1"]) {
    deepStrictEqual(await backend.post(path, "{}"), { status: 401, text: "" });
  }
});

testWith("php", "with a key that cannot be read PHP answers nothing", async () => {
  using dir = new TempDir();
  await using backend = await PhpBackend.start([], { SIGN_KEY_FILE: dir.path("missing") });
  strictEqual((await backend.post("/call/Heartbeat/CP1/c1", "{}")).status, 500);
});
