import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { createHmac } from "node:crypto";
import { fileURLToPath } from "node:url";
import { Webhook } from "standardwebhooks";
import { isFromGateway, isSignedByGateway } from "../../examples/signature.ts";
import { json, type Recorded, RecordingBackend } from "../support/backend.ts";
import { connected } from "../support/connected.ts";
import { testEachForwarder, TestGateway } from "../support/gateway.ts";
import { programOf, stepWith } from "../support/needs.ts";
import { startProgram, TempDir } from "../support/program.ts";

const KEY = "k\u00e9y of the test";
/** As `--sign-key-file` may hold them. */
const SECRETS = [24, 64].map((length) => {
  const bytes = Uint8Array.from({ length }, (_, k) => 7 * k + length);
  return `whsec_${bytes.toBase64()}`;
});
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

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

/** Checks the headers of Standard Webhooks by their own library. @returns The id's UUID. */
async function assertWebhook(
  { method, path, headers, body }: Recorded,
  ...secrets: (string | Uint8Array)[]
): Promise<string> {
  for (const secret of secrets) {
    const options = { format: typeof secret === "string" ? undefined : "raw" as const };
    const webhook = new Webhook(secret, options as { format?: "raw" });
    deepStrictEqual(webhook.verify(body, Object.fromEntries(headers)), JSON.parse(body), path);
  }
  strictEqual(headers.get("webhook-signature")!.split(" ").length, secrets.length);
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${method} ${path}`));
  const ending = new Uint8Array(hash).toBase64({ alphabet: "base64url", omitPadding: true });
  const id = headers.get("webhook-id")!;
  match(id, new RegExp(`^${UUID}_${ending}$`));
  return id.slice(0, 36);
}

testEachForwarder(
  "each kind of request is signed by Standard Webhooks, with an id of its own",
  async ({ TestGateway, t }) => {
    const raw = new TextEncoder().encode(KEY);
    const rows: [name: string, file: string, secrets: (string | Uint8Array)[]][] = [
      ["one line", `${SECRETS[0]}\n`, [SECRETS[0]!]],
      ["two lines", SECRETS.join("\n"), SECRETS],
      ["two lines with returns and blank ones", `\n${SECRETS.join("\r\n\r\n")}\r\n`, SECRETS],
      ["a raw key", KEY, [raw]],
    ];
    using dir = new TempDir();
    for (const [name, file, secrets] of rows) {
      await t.step(name, async () => {
        await using backend = new RecordingBackend();
        const flags = [`--sign-key-file=${dir.file("key", file)}`, ...HOOKS];
        {
          await using gateway = await TestGateway.start(
            new URL("/p%20q/", backend.url).href,
            flags,
          );
          const client = await connected(gateway, "C%20P'(1)", { protocols: ["ocpp2.1"] });
          await client.ask('[2,"id/1?#","Boot %41 é😀",{"s":"é\u2028😀","n":1.5}]');
          client.send('[6,"2","Notify",{}]');
          for (
            const [id, answer] of [["r1", '[3,"r1",{"a": 1}]'], ["r2", '[4,"r2","Code","é",{}]']]
          ) {
            strictEqual((await gateway.call(`Reset/C%20P'(1)/${id}`)).status, 202);
            await client.next("[2,");
            client.send(answer!);
          }
          await client.close();
        }
        const ids = new Set<string>();
        const lines = secrets.filter((secret) => typeof secret === "string");
        for (const request of backend.requests) {
          ids.add(await assertWebhook(request, ...secrets));
          strictEqual(isSignedByGateway(request, lines), lines.length > 0);
          const [first] = secrets;
          await assertSigned(
            request,
            typeof first === "string" ? Uint8Array.fromBase64(first.slice(6)) : KEY,
          );
        }
        deepStrictEqual([ids.size, backend.requests.length], [6, 6]);
      });
    }
  },
);

testEachForwarder(
  "a report has one id in all its tries, signed or not",
  async ({ TestGateway, t }) => {
    using dir = new TempDir();
    for (const flags of [[], [`--sign-key-file=${dir.file("key", SECRETS[0]!)}`]]) {
      await t.step(flags.length === 0 ? "not signed" : "signed", async () => {
        await using backend = new RecordingBackend();
        await using gateway = await TestGateway.start(backend.url, [...flags, "--disconnect-hook"]);
        const client = await connected(gateway);
        let tries = 0;
        backend.answer = ({ path }) =>
          json("{}", path.startsWith("/result/") && ++tries < 3 ? 503 : 200);
        const ids: string[] = [];
        for (const [messageId, count] of [["r1", 3], ["r2", 1]] as const) {
          strictEqual((await gateway.call(`Reset/CP1/${messageId}`)).status, 202);
          await client.next("[2,");
          client.send(`[3,"${messageId}",{}]`);
          for (let k = 0; k < count; k++) {
            ids.push((await backend.next("/result/")).headers.get("webhook-id")!);
          }
        }
        await client.close();
        ids.push((await backend.next("/disconnect/")).headers.get("webhook-id")!);
        for (const id of ids) {
          match(id, new RegExp(`^${UUID}${flags.length === 0 ? "" : "_.{43}"}$`));
        }
        deepStrictEqual(ids.slice(0, 3), Array(3).fill(ids[0]));
        strictEqual(new Set(ids).size, 3);
      });
    }
  },
);

testEachForwarder("what is not signed has no id but reports", async ({ TestGateway }) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--connect-hook"]);
  const client = await connected(gateway);
  await client.ask('[2,"1","Act",{}]');
  for (const { headers } of backend.requests) {
    deepStrictEqual([...headers.keys()].filter((name) => name.startsWith("webhook-")), []);
  }
  ok(backend.requests.length >= 2);
});

Deno.test("without a key there is no signature", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await gateway.connect("CP1");
  await client.ask('[2,"1","Act",{}]');
  strictEqual((await backend.next()).headers.get("x-ws2api-signature"), null);
});

/** Runs PHP behind examples/signature.php on `$cases`. @returns Its output, its errors, its success. */
async function runPhp(code: string, cases: unknown): Promise<[string, string, boolean]> {
  const script = `require $argv[1]; $cases = json_decode($argv[2]); ${code}`;
  const file = fileURLToPath(new URL("../../examples/signature.php", import.meta.url));
  const { stdout, stderr, success } = await new Deno.Command(programOf("php"), {
    args: ["-d", "error_reporting=-1", "-r", script, file, JSON.stringify(cases)],
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return [text.decode(stdout), text.decode(stderr), success];
}

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
    const script = `foreach ($cases as $case) {
        if (isFromGateway(...$case->args) !== $case->isGenuine) echo $case->name, "\\n";
      }`;
    deepStrictEqual(await runPhp(script, cases), ["", "", true]);
  });
});

Deno.test("the examples check Standard Webhooks, and the path with it", async (t) => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  const file = dir.file("key", SECRETS.join("\n"));
  await using gateway = await TestGateway.start(backend.url, [`--sign-key-file=${file}`]);
  const client = await gateway.connect("CP1");
  await client.ask('[2,"1","Act",{"s":"é"}]');
  const genuine = await backend.next();
  const signatures = genuine.headers.get("webhook-signature")!;
  const withHeader = (name: string, value: string): Partial<Recorded> => {
    const headers = new Headers(genuine.headers);
    headers.set(name, value);
    return { headers };
  };
  const { headers: given, body: text } = genuine;
  const signed = `${given.get("webhook-id")}.${given.get("webhook-timestamp")}.${text}`;
  const forged = `v1,${createHmac("sha256", "").update(signed).digest("base64")}`;
  const rows: [name: string, isGenuine: boolean, change: Partial<Recorded>, secrets?: string[]][] =
    [
      ["what the gateway sent", true, {}],
      ["the first key alone", true, {}, [SECRETS[0]!]],
      ["the second key alone", true, {}, [SECRETS[1]!]],
      ["one of the keys and another", true, {}, ["whsec_AAAA", SECRETS[1]!]],
      ["one signature of two", true, withHeader("webhook-signature", signatures.split(" ")[1]!)],
      ["another key", false, {}, ["whsec_AAAA"]],
      ["no key", false, {}, []],
      ["another body", false, { body: '{"s":"e"}' }],
      ["another path", false, { path: "/call/Act/CP2/1" }],
      ["another time", false, withHeader("webhook-timestamp", "1700000000")],
      ["no time", false, withHeader("webhook-timestamp", "")],
      ["another id", false, withHeader("webhook-id", `x${genuine.headers.get("webhook-id")}`)],
      ["no signature", false, withHeader("webhook-signature", "")],
      [
        "another version",
        false,
        withHeader("webhook-signature", signatures.replaceAll("v1,", "v2,")),
      ],
      ["no headers", false, { headers: new Headers() }],
      // Signed with nothing, for keys that are none.
      ...["", "whsec_", "whsec_!!!!", "hunter2"].map((
        secret,
      ): [string, boolean, Partial<Recorded>, string[]] => [
        `the key ${JSON.stringify(secret)}`,
        false,
        withHeader("webhook-signature", forged),
        [secret],
      ]),
    ];
  for (const [name, isGenuine, change, secrets = SECRETS] of rows) {
    await t.step(`TypeScript, ${name}`, () => {
      strictEqual(isSignedByGateway({ ...genuine, ...change }, secrets), isGenuine);
    });
  }
  const time = Number(genuine.headers.get("webhook-timestamp"));
  for (
    const [age, isGenuine] of [[300, true], [301, false], [-300, true], [-301, false]] as const
  ) {
    await t.step(`TypeScript, ${age} s old`, () => {
      strictEqual(isSignedByGateway(genuine, SECRETS, 300, time + age), isGenuine);
    });
  }
  await stepWith(t, "php", "PHP", async () => {
    const cases = rows.map(([name, isGenuine, change, secrets = SECRETS]) => {
      const { path, headers, body } = { ...genuine, ...change };
      return { name, isGenuine, path, headers: Object.fromEntries(headers), body, secrets };
    });
    deepStrictEqual(
      await runPhp(
        `foreach ($cases as $c) {
          $is = isSignedByGateway($c->path, (array) $c->headers, $c->body, $c->secrets);
          if ($is !== $c->isGenuine) echo $c->name, "\\n";
        }`,
        cases,
      ),
      ["", "", true],
    );
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
    ...Object.entries({
      "three lines": [...SECRETS, SECRETS[0]].join("\n"),
      "no base64": "whsec_hunter2!",
      "nothing in base64": "whsec_",
      "base64 without its padding": "whsec_aHVudGVyMg",
      "base64 cut short": "whsec_hunte",
      "base64 with bits left over": "whsec_aHVudGVyMh==",
      "another alphabet": "whsec_hunter2-",
      "a blank behind it": `${SECRETS[0]} `,
      "a raw key beside a line": `hunter2\n${SECRETS[0]}`,
      "a line beside a raw key": `${SECRETS[0]}\nhunter2`,
    }).map(([name, content]): [string, string[], RegExp] => [
      `keys: ${name}`,
      [`--sign-key-file=${dir.file(name, content)}`],
      /--sign-key-file: ".*" holds no keys; allowed is one or two lines of whsec_/,
    ]),
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
