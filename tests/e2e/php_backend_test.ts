import { fileURLToPath } from "node:url";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { chargeOnce, Client } from "../../examples/client.ts";
import { rawRequest, upgradeHead } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { inTime } from "../support/deadline.ts";
import { onClosedPort } from "../support/backend.ts";
import { type ApiAnswer, TestGateway } from "../support/gateway.ts";
import { programOf, testWith } from "../support/needs.ts";
import { PhpServer } from "../support/php.ts";
import { Program, TempDir } from "../support/program.ts";
import { headerOf } from "../support/raw_client.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

/** A gateway, and behind it the example's application under PHP's own server. */
class PhpBackend implements AsyncDisposable {
  readonly gateway: TestGateway;
  readonly #php: PhpServer;

  private constructor(gateway: TestGateway, php: PhpServer) {
    this.gateway = gateway;
    this.#php = php;
  }

  /** @param env What the application reads beside the gateway's address and token. */
  static start(
    flags: readonly string[] = [],
    env: Record<string, string> = {},
  ): Promise<PhpBackend> {
    return onClosedPort(async (port) => {
      const gateway = await TestGateway.start(`http://127.0.0.1:${port}`, [
        ...["--connect-hook", "--disconnect-hook", "--api-token=t0ken"],
        ...flags,
      ]);
      try {
        const php = await PhpServer.start(port, "examples/roadrunner/app.php", {
          GATEWAY: gateway.url,
          GATEWAY_TOKEN: "t0ken",
          ...env,
        });
        return new PhpBackend(gateway, php);
      } catch (error) {
        await gateway[Symbol.asyncDispose]();
        throw error;
      }
    });
  }

  /** A request to the application's own paths. */
  async post(path: string, body = ""): Promise<ApiAnswer> {
    const response = await inTime(fetch(`${this.#php.url}${path}`, { method: "POST", body }), path);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** Waits for a line of the application's log. */
  async logged(line: string): Promise<void> {
    await this.#php.logged(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
    await this.#php[Symbol.asyncDispose]();
  }
}

testWith("php", "the examples in PHP have no syntax errors", async (t) => {
  const files = [...Deno.readDirSync(EXAMPLES), ...Deno.readDirSync(`${EXAMPLES}roadrunner`)]
    .map(({ name }) => name).filter((name) => name.endsWith(".php"));
  deepStrictEqual(files.toSorted(), ["app.php", "backend.php", "signature.php", "worker.php"]);
  for (const file of files) {
    await t.step(file, async () => {
      const isAbove = file === "backend.php" || file === "signature.php";
      const path = isAbove ? `examples/${file}` : `examples/roadrunner/${file}`;
      await using lint = new Program(programOf("php"), ["-l", path]);
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
  for (const action of ["Frobnicate", "call/connect", "Heartbeat ", "heartbeat"]) {
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

testWith(
  "php",
  "the example client goes through a session with PHP, and does what its own paths ask",
  async () => {
    await using backend = await PhpBackend.start();
    const url = `${backend.gateway.url.replace("http:", "ws:")}/CP1`;
    const client = await Client.connect({ url });
    try {
      strictEqual(await chargeOnce(client), 300);
      const reset = await backend.post("/reset/CP1", '{"type":"Soft"}');
      deepStrictEqual([reset.status, reset.text], [200, '{"status":"Accepted"}']);
      // Not a page that a browser would run.
      strictEqual(reset.headers.get("content-type"), "application/json");
      strictEqual((await backend.post("/unlock/CP1/1")).status, 202);
      await backend.logged("/result/UnlockConnector/CP1/");
      await backend.logged(' {"status":"Unlocked"}');
    } finally {
      await client.close();
    }
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

testWith("php", "PHP unlocks a connector, since ocpp2.0.1 one of an EVSE", async () => {
  await using backend = await PhpBackend.start();
  const client = await connected(backend.gateway, "CP1");
  for (
    const [path, payload] of [
      ["1", '{"connectorId":1}'],
      ["2/1", '{"connectorId":1,"evseId":2}'],
    ] as const
  ) {
    strictEqual((await backend.post(`/unlock/CP1/${path}`)).status, 202);
    const [, id, action, asked] = JSON.parse(await client.next("[2,"));
    deepStrictEqual([action, JSON.stringify(asked)], ["UnlockConnector", payload]);
    client.send(`[3,"${id}",{"status":"Unlocked"}]`);
  }
});

testWith("php", "without passwords PHP lets every client in", async () => {
  await using backend = await PhpBackend.start();
  const client = await connected(backend.gateway, "CP1");
  match(await client.ask('[2,"c1","Heartbeat",{}]'), /^\[3,"c1",/);
});

for (
  const [kind, key] of [
    ["a key", "a key of 32 bytes or more, in hex\n"],
    [
      "lines of keys",
      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\nwhsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n",
    ],
  ] as const
) {
  testWith("php", `with ${kind} PHP answers only what the gateway has signed`, async () => {
    using dir = new TempDir();
    const file = dir.file("key", key);
    await using backend = await PhpBackend.start([`--sign-key-file=${file}`], {
      SIGN_KEY_FILE: file,
    });
    const client = await connected(backend.gateway, "CP%201");
    match(await client.ask('[2,"c1","Heartbeat",{}]'), /^\[3,"c1",/);
    for (const path of ["/call/Heartbeat/CP%201/c1", "/result/Reset/CP%201/r1", "/connect/CP1"]) {
      const { status, text } = await backend.post(path, "{}");
      deepStrictEqual([status, text], [401, ""]);
    }
  });
}

testWith("php", "with a key that cannot be read PHP answers nothing", async () => {
  using dir = new TempDir();
  await using backend = await PhpBackend.start([], { SIGN_KEY_FILE: dir.path("missing") });
  strictEqual((await backend.post("/call/Heartbeat/CP1/c1", "{}")).status, 500);
});
