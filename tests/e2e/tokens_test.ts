import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { inTime } from "../support/deadline.ts";
import { type Program, startProgram, TempDir, urlOf } from "../support/program.ts";
import { tokensFile } from "../support/tokens.ts";

/** The status of a request to the API, over a connection of its own. */
async function statusOf(url: string, token: string, path: string, method = "GET"): Promise<number> {
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const headers = { authorization: `Bearer ${token}` };
  const response = await inTime(fetch(url + path, { method, headers, client }), path);
  await response.body?.cancel();
  return response.status;
}

/** So many that each of two workers gets some: 2 to the power of -19 is never. */
const TRIES = 20;

Deno.test("a bad file of tokens is one line that names file and entry, and exit 2", async (t) => {
  using dir = new TempDir();
  const rows: [name: string, text: string | undefined, line: RegExp][] = [
    ["missing.json", undefined, /missing\.json" cannot be read \(NotFound\)/],
    ["empty.json", "", /empty\.json" is empty/],
    ["list.json", "{}", /list\.json" must be a list/],
    [
      "role.json",
      '[{"name":"a","sha256":"' + "0".repeat(64) + '","role":"root"}]',
      /entry 1: role/,
    ],
    ["hash.json", '[{"name":"a","sha256":"hunter2","role":"read"}]', /entry 1: sha256/],
  ];
  for (const [name, text, line] of rows) {
    await t.step(name, async () => {
      const file = text === undefined ? dir.path(name) : dir.file(name, text);
      await using program = startProgram([`--api-tokens-file=${file}`, "--listen=127.0.0.1:0"]);
      const { code, stdout, stderr } = await program.ended();
      deepStrictEqual([code, stdout], [2, ""]);
      match(stderr, /^ws2api: --api-tokens-file: "[^\n]*\n$/);
      match(stderr, line);
      ok(!stderr.includes("hunter2"));
    });
  }
});

for (const workers of [1, 2]) {
  Deno.test(`tokens are read again at SIGHUP, with ${workers} of --workers`, async () => {
    using dir = new TempDir();
    await using backend = new RecordingBackend();
    const file = tokensFile(dir, [{ name: "first", role: "command" }, {
      name: "kept",
      role: "read",
    }]);
    // On any address: a file of tokens guards the API.
    await using program: Program = startProgram([
      ...["--listen=0.0.0.0:0", `--backend=${backend.url}`, `--workers=${workers}`],
      ...[`--api-tokens-file=${file}`, "--drain-timeout=500ms"],
    ]);
    const url = (await urlOf(program)).replace("0.0.0.0", "127.0.0.1");
    const call = "/call/Reset/nobody/1";
    strictEqual(await statusOf(url, "first", call, "POST"), 404);
    strictEqual(await statusOf(url, "kept", call, "POST"), 403);

    tokensFile(dir, [{ name: "second", role: "command" }, { name: "kept", role: "command" }]);
    program.signal("SIGHUP");
    await program.logged("tokens read again tokens=2");
    for (let i = 0; i < TRIES; i++) {
      strictEqual(await statusOf(url, "first", "/clients"), 401);
      strictEqual(await statusOf(url, "second", call, "POST"), 404);
      strictEqual(await statusOf(url, "kept", call, "POST"), 404);
    }

    dir.file("tokens.json", '[{"name":"third","role":"admin"}]');
    program.signal("SIGHUP");
    const log = await program.logged("tokens not read again, the old ones stay");
    match(log, /--api-tokens-file: .*tokens\.json.* entry 1: sha256/);
    match(log, /info command .*token="first" command="call" clientId="nobody" .*status=404/);
    for (let i = 0; i < TRIES; i++) strictEqual(await statusOf(url, "second", "/clients"), 200);

    Deno.removeSync(file);
    program.signal("SIGHUP");
    await program.logged("tokens not read again, the old ones stay", 2);
    strictEqual(await statusOf(url, "second", "/clients"), 200);
    program.signal("SIGTERM");
    strictEqual((await program.ended()).code, 0);
  });
}
