import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { readConfigFile } from "../../lib/config/config_file.ts";
import { type FlagName, FLAGS } from "../../lib/config/flag.ts";

function read(name: string, text: string | Uint8Array): ReturnType<typeof readConfigFile> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return readConfigFile(name, () => bytes);
}

async function textsOf(name: string, text: string): Promise<Record<string, string>> {
  const file = await read(name, text);
  ok(file.ok, JSON.stringify(file));
  strictEqual(file.file.name, name);
  return Object.fromEntries(file.file.texts);
}

async function refusalOf(name: string, text: string | Uint8Array): Promise<string> {
  const file = await read(name, text);
  ok(!file.ok, text.toString());
  match(file.message, /^--config: [^\n]+$/);
  return file.message;
}

const TOML = `# where
listen = ":4000"
"max-queue" = 100
client-rate = '5:50'
trust-proxy = true
protocols = ["ocpp2.1", "ocpp1.6"]
nats = "nats://us3r:s3cret@a"
`;
const JSONC = `{
  // where
  "listen": ":4000", /* both */ "max-queue": 100,
  "client-rate": "5:50",
  "trust-proxy": true,
  "protocols": ["ocpp2.1", "ocpp1.6"],
  "nats": ["nats://us3r:s3cret@a"],
}
`;

Deno.test("TOML and JSON with comments say the same, numbers, booleans and lists in their own way", async () => {
  const texts = {
    "listen": ":4000",
    "max-queue": "100",
    "client-rate": "5:50",
    "trust-proxy": "true",
    "protocols": "ocpp2.1,ocpp1.6",
    "nats": "nats://us3r:s3cret@a",
  };
  deepStrictEqual(await textsOf("a.toml", TOML), texts);
  for (const name of ["a.json", "/x/a.jsonc"]) deepStrictEqual(await textsOf(name, JSONC), texts);
  deepStrictEqual(await textsOf("a.toml", ""), {});
  deepStrictEqual(await textsOf("a.json", "{}"), {});
  deepStrictEqual(await textsOf("a.json", "\ufeff{}"), {});
});

Deno.test("each flag but two is a key", async () => {
  for (const name of Object.keys(FLAGS) as FlagName[]) {
    const file = await read("a.json", JSON.stringify({ [name]: "x" }));
    strictEqual(file.ok, !["config", "check"].includes(name), name);
  }
});

Deno.test("a file that is not right is refused by its name, its key and its line", async (t) => {
  const rows: [name: string, text: string, part: string][] = [
    [
      "a.toml",
      'listen = ":1"\nbackned = "s3cret"',
      "backned: no such setting; did you mean backend? ",
    ],
    ["a.json", '{"backned": "s3cret"}', "backned: no such setting; did you mean backend? "],
    ["a.toml", 'tls_cert = "s3cret"', "tls_cert: no such setting; did you mean tls-cert? "],
    ["a.toml", '"--listen" = "s3cret"', "--listen: no such setting; did you mean listen? "],
    ["a.toml", '[server]\nlisten = "s3cret"', "server: no such setting; "],
    ["a.toml", '[listen]\nx = "s3cret"', "listen: a table is not allowed; "],
    ["a.toml", '"s3cret and so on" = 1', "a key: no such setting; "],
    ["a.json", '{"__proto__": "s3cret"}', "__proto__: no such setting; "],
    ["a.json", '{"constructor": "s3cret"}', "constructor: no such setting; "],
    ["a.json", '{"listen": "s3cret", "listen": "s3cret"}', "listen: given twice; "],
    ["a.toml", 'listen = "s3cret"\nlisten = "s3cret"', "line 2: "],
    ["a.toml", 'listen = ":1"\n\napi-token = s3cret', "line 3: "],
    ["a.json", '{\n"listen": ":1"\n"api-token": "s3cret"}', "line 3: "],
    ["a.json", '{"api-token": "s3cret"', "line 1: "],
    ["a.json", '["s3cret"]', "it must be one object"],
    ["a.json", "", "line 1: "],
    ["a.json", '{"listen": null}', "listen: null is not allowed; "],
    ["a.json", '{"retries": ["s3cret"]}', "retries: such a list is not allowed; "],
    ["a.json", '{"protocols": ["s3cret", 1]}', "protocols: such a list is not allowed; "],
    ["a.json", '{"protocols": {"s3cret": 1}}', "protocols: a table is not allowed; "],
    ["a.toml", "retries = nan", "retries: this number is not allowed; "],
    ["a.toml", "retries = 99999999999999999999", "line 1: "],
    ["a.toml", "retries = 1979-05-27", "retries: a date is not allowed; "],
    ["a.toml", 'config = "s3cret"', "config: is not allowed in a file; "],
    ["a.toml", "check = true", "check: is not allowed in a file; "],
  ];
  for (const [name, text, part] of rows) {
    await t.step(`${name} ${text}`, async () => {
      const message = await refusalOf(name, text);
      ok(message.startsWith(`--config: "${name}": ${part}`), message);
      ok(!message.includes("s3cret"), message);
    });
  }
});

Deno.test("a file of another kind, one that is no text and one that is not there are refused", async () => {
  for (const name of ["ws2api.conf", "a.toml.bak", "toml", "a.yaml"]) {
    match(
      await refusalOf(name, "s3cret"),
      /is not allowed; allowed is .*\.toml, \.json or \.jsonc$/,
    );
  }
  match(await refusalOf("a.toml", Uint8Array.of(0xff)), /"a.toml" is no UTF-8 text$/);
  const missing = await readConfigFile("a.toml", () => {
    throw new Deno.errors.NotFound("s3cret");
  });
  deepStrictEqual(missing, {
    ok: false,
    message: '--config: "a.toml" cannot be read (NotFound); allowed is a readable file',
  });
});
