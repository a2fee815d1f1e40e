import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isFromGateway } from "../../examples/signature.ts";
import { json, type Recorded, RecordingBackend } from "../support/backend.ts";
import { connected } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { programOf, stepWith } from "../support/needs.ts";
import { startProgram, TempDir } from "../support/program.ts";

const KEY = "k\u00e9y of the test";
const HOOKS = ["--connect-hook", "--disconnect-hook"];

/** Checks a signature with WebCrypto, from the words of the contract. @returns Its time. */
async function assertSigned(
  request: Recorded,
  key: string | Uint8Array<ArrayBuffer>,
): Promise<number> {
  const value = request.headers.get("x-ws2api-signature") ?? "";
  const [, time = "", hex = ""] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(value) ?? [];
  const encoder = new TextEncoder();
  const bytes = typeof key === "string" ? encoder.encode(key) : key;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const hmacKey = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]);
  const text = encoder.encode(`${time}\n${request.method}\n${request.path}\n${request.body}`);
  const isRight = await crypto.subtle.verify("HMAC", hmacKey, Uint8Array.fromHex(hex), text);
  ok(isRight, `${value} on ${request.path}`);
  const age = Date.now() / 1000 - Number(time);
  ok(age > -1 && age < 30, `${age} s old`);
  return Number(time);
}

Deno.test("each kind of request is signed, over the path as in the request line", async (t) => {
  using dir = new TempDir();
  const flags = [`--sign-key-file=${dir.file("key", KEY)}`, ...HOOKS];
  for (const prefix of ["/", "/base/p%20q/", "/a'b(c)!*~/"]) {
    await t.step(`backend ${prefix}`, async () => {
      await using backend = new RecordingBackend();
      {
        await using gateway = await TestGateway.start(new URL(prefix, backend.url).href, flags);
        const client = await connected(gateway, "C%20P%2B'(1)%C3%A9", { protocols: ["ocpp2.1"] });
        await client.ask('[2,"id/1?#","Boot %41 é😀",{"s":"é\u2028😀","n":1.0}]');
        client.send('[6,"2","Notify",{}]');
        for (
          const [id, answer] of [["r1", '[3,"r1",{"a": 1}]'], ["r2", '[4,"r2","Code","é",{}]']]
        ) {
          strictEqual((await gateway.call(`Reset/C%20P%2B'(1)%C3%A9/${id}`)).status, 202);
          await client.next("[2,");
          client.send(answer!);
        }
        await client.close();
      }
      const kinds = backend.requests.map(({ path }) => path.slice(prefix.length).split("/")[0]);
      deepStrictEqual(
        new Set(kinds),
        new Set(["connect", "call", "send", "result", "error", "disconnect"]),
      );
      for (const request of backend.requests) {
        await assertSigned(request, KEY);
        ok(isFromGateway(request, new TextEncoder().encode(KEY)), request.path);
      }
    });
  }
});

Deno.test("each try is signed anew", async () => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [
    `--sign-key-file=${dir.file("key", KEY)}`,
  ]);
  const client = await connected(gateway);
  backend.answer = () => json("{}", backend.requests.length < 3 ? 503 : 200);
  strictEqual((await gateway.call("Reset/CP1/r1")).status, 202);
  await client.next("[2,");
  client.send('[3,"r1",{}]');
  const times: number[] = [];
  for (let k = 0; k < 3; k++) times.push(await assertSigned(await backend.next("/result/"), KEY));
  // The pauses between three tries are 1.6 s or more.
  ok(times[2]! > times[0]!, `signed at ${times}`);
});

Deno.test("the key is the file's bytes without one line end at the end", async (t) => {
  const bytes = Uint8Array.from({ length: 256 }, (_, k) => k);
  const rows: [
    name: string,
    content: string | Uint8Array,
    key: string | Uint8Array<ArrayBuffer>,
  ][] = [
    ["no line feed", "secret", "secret"],
    ["one line feed", "secret\n", "secret"],
    ["carriage return and line feed", "secret\r\n", "secret"],
    ["two line feeds", "secret\n\n", "secret\n"],
    ["one inside", "sec\nret", "sec\nret"],
    ["any bytes", bytes, bytes],
  ];
  using dir = new TempDir();
  for (const [name, content, key] of rows) {
    await t.step(name, async () => {
      await using backend = new RecordingBackend();
      const file = dir.file("key", content);
      await using gateway = await TestGateway.start(backend.url, [`--sign-key-file=${file}`]);
      const client = await gateway.connect("CP1");
      await client.ask('[2,"1","Act",{}]');
      await assertSigned(await backend.next(), key);
    });
  }
});

Deno.test("without a key there is no signature", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await gateway.connect("CP1");
  await client.ask('[2,"1","Act",{}]');
  strictEqual((await backend.next()).headers.get("x-ws2api-signature"), null);
});

Deno.test("the examples tell the gateway's requests from all others", async (t) => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [
    `--sign-key-file=${dir.file("key", KEY)}`,
  ]);
  const client = await gateway.connect("CP1");
  await client.ask('[2,"1","Act",{"s":"é"}]');
  const genuine = await backend.next();
  const value = genuine.headers.get("x-ws2api-signature")!;
  const now = Math.floor(Date.now() / 1000);
  const signed = (text: string): Headers => new Headers({ "x-ws2api-signature": text });
  const rows: [name: string, isGenuine: boolean, change: Partial<Recorded>, key?: string][] = [
    ["what the gateway sent", true, {}],
    ["another key", false, {}, "k\u00e9y of the tesT"],
    ["an empty key", false, {}, ""],
    ["another body", false, { body: '{"s":"e"}' }],
    ["another path", false, { path: "/call/Act/CP2/1" }],
    ["another method", false, { method: "PUT" }],
    ["a line moved from the path to the body", false, {
      path: "/call/Act/CP1",
      body: `1\n${genuine.body}`,
    }],
    ["no signature", false, { headers: new Headers() }],
    ["an empty one", false, { headers: signed("") }],
    ["another time", false, { headers: signed(value.replace(/\d+/, String(now + 7))) }],
    ["a time that is no number", false, { headers: signed(value.replace(/\d+/, "x")) }],
    ["one that is cut short", false, { headers: signed(value.slice(0, -1)) }],
    ["one that is too long", false, { headers: signed(`${value}0`) }],
    ["one with no digits", false, { headers: signed(value.replace(/v1=.*/, "v1=")) }],
    ["upper case", false, { headers: signed(value.toUpperCase()) }],
    ["two of them", false, { headers: signed(`${value}, ${value}`) }],
  ];
  const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
  for (const [name, isGenuine, change, key = KEY] of rows) {
    await t.step(`TypeScript, ${name}`, () => {
      strictEqual(isFromGateway({ ...genuine, ...change }, bytesOf(key)), isGenuine);
    });
  }
  const time = Number(/\d+/.exec(value)![0]);
  for (
    const [age, isGenuine] of [[300, true], [301, false], [-300, true], [-301, false]] as const
  ) {
    await t.step(`TypeScript, ${age} s old`, () => {
      strictEqual(isFromGateway(genuine, bytesOf(KEY), 300, time + age), isGenuine);
    });
  }
  await t.step("TypeScript, a body of bytes", () => {
    ok(isFromGateway({ ...genuine, body: bytesOf(genuine.body) }, bytesOf(KEY)));
  });
  await stepWith(t, "php", "PHP", async () => {
    const cases = rows.map(([name, isGenuine, change, key = KEY]) => {
      const { method, path, headers, body } = { ...genuine, ...change };
      const signature = headers.get("x-ws2api-signature") ?? "";
      return { name, isGenuine, args: [method, path, signature, body, key] };
    });
    const { args } = cases[0]!;
    cases.push({ name: "too old", isGenuine: false, args: [...args, -1] as string[] });
    const script = `require $argv[1];
        foreach (json_decode($argv[2]) as $case) {
          if (isFromGateway(...$case->args) !== $case->isGenuine) echo $case->name, "\\n";
        }`;
    const file = fileURLToPath(new URL("../../examples/signature.php", import.meta.url));
    const { stdout, stderr, success } = await new Deno.Command(programOf("php"), {
      args: ["-d", "error_reporting=-1", "-r", script, file, JSON.stringify(cases)],
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    deepStrictEqual([text.decode(stdout), text.decode(stderr), success], ["", "", true]);
  });
});

Deno.test("--api-token-file holds the API's token", async (t) => {
  using dir = new TempDir();
  const rows: [name: string, content: string][] = [
    ["no line feed", "t0ken/+="],
    ["a line feed", "t0ken/+=\n"],
    ["carriage return and line feed", "t0ken/+=\r\n"],
  ];
  for (const [name, content] of rows) {
    await t.step(name, async () => {
      await using backend = new RecordingBackend();
      const file = dir.file("token", content);
      await using gateway = await TestGateway.start(backend.url, [`--api-token-file=${file}`]);
      const client = await gateway.connect("CP1");
      const bearers: [authorization: string | undefined, status: number][] = [
        [undefined, 401],
        ["Bearer ", 401],
        ["Bearer t0ken/+", 401],
        ["Bearer t0ken/+==", 401],
        ["Basic t0ken/+=", 401],
        ["Bearer t0ken/+=", 202],
      ];
      for (const [authorization, status] of bearers) {
        const headers = authorization === undefined ? undefined : { authorization };
        strictEqual((await gateway.call("Reset/CP1/r1", "{}", headers)).status, status);
      }
      strictEqual(await client.next(), '[2,"r1","Reset",{}]');
      client.send('[3,"r1",{}]');
      await backend.next("/result/");
    });
  }
});

Deno.test("a file that holds no key or token ends the program with 2 and one line that names the flag", async (t) => {
  using dir = new TempDir();
  const missing = dir.path("missing");
  const empty = dir.file("empty", "");
  const lineFeed = dir.file("line feed", "\n");
  const secret = dir.file("secret", "hunter2 hunter2\n");
  const token = dir.file("token", "hunter2\n");
  const rows: [name: string, args: string[], line: RegExp][] = [
    ["a missing key", [`--sign-key-file=${missing}`], /--sign-key-file: ".*missing" .*NotFound/],
    ["an empty key", [`--sign-key-file=${empty}`], /--sign-key-file: ".*empty" is empty/],
    [
      "a key of nothing but a line feed",
      [`--sign-key-file=${lineFeed}`],
      /--sign-key-file: .*empty/,
    ],
    ["a folder", [`--sign-key-file=${dir.path("")}`], /--sign-key-file: ".*" cannot be read/],
    ["no name of a key", ["--sign-key-file="], /--sign-key-file: /],
    [
      "a missing token",
      [`--api-token-file=${missing}`],
      /--api-token-file: ".*missing" .*NotFound/,
    ],
    ["an empty token", [`--api-token-file=${empty}`], /--api-token-file: ".*empty" is empty/],
    ["a token of nothing but a line feed", [`--api-token-file=${lineFeed}`], /--api-token-file: /],
    [
      "a token with a blank",
      [`--api-token-file=${secret}`],
      /--api-token-file: the token must be /,
    ],
    [
      "a token twice",
      [`--api-token-file=${token}`, "--api-token=hunter2"],
      /--api-token-file: .*--api-token/,
    ],
  ];
  for (const [name, args, line] of rows) {
    await t.step(name, async () => {
      await using program = startProgram(["--listen=127.0.0.1:0", ...args]);
      deepStrictEqual(await program.lines(1), [], "it does not start");
      const { code, stderr } = await program.ended();
      strictEqual(code, 2, stderr);
      match(stderr, /^ws2api: [^\n]+\n$/);
      match(stderr, line);
      ok(!stderr.includes("hunter2"), "what is in the file stays there");
    });
  }
});

Deno.test("the program that signs reads its files with the permissions of its start", async () => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  await using program = startProgram([], {
    WS2API_LISTEN: "127.0.0.1:0",
    WS2API_BACKEND: backend.url,
    WS2API_CONNECT_HOOK: "true",
    WS2API_SIGN_KEY_FILE: dir.file("key", KEY),
    WS2API_API_TOKEN_FILE: dir.file("token", "t0ken\n"),
  });
  const [line = ""] = await program.lines(1);
  const url = line.replace("ws2api listening on ", "");
  const answer = await fetch(`${url}/clients`, { headers: { authorization: "Bearer t0ken" } });
  strictEqual(answer.status, 200);
  await answer.body?.cancel();
  const refused = await fetch(`${url}/clients`);
  strictEqual(refused.status, 401);
  await refused.body?.cancel();
  const socket = new WebSocket(`${url.replace("http", "ws")}/CP1`);
  await assertSigned(await backend.next("/connect/"), KEY);
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  program.signal("SIGTERM");
  strictEqual((await program.ended()).code, 0);
  await closed;
});
