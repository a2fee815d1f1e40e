import { match, ok, strictEqual } from "node:assert/strict";
import { onClosedPort } from "../support/backend.ts";
import { TestGateway } from "../support/gateway.ts";
import { testWith } from "../support/needs.ts";
import { PhpServer } from "../support/php.ts";
import { Program, TempDir } from "../support/program.ts";

const README = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
const CLIENT = new URL("../../examples/client.ts", import.meta.url).href;

Deno.test("the README has at most 900 words", () => {
  ok(README.split(/\s+/).filter((word) => word !== "").length <= 900);
});

testWith(
  "php",
  "the README's backend serves the example station, and gets the results of CALLs to it",
  async () => {
    const code = /```php\n([^]*?)```/.exec(README)?.[1];
    using dir = new TempDir();
    const file = dir.file("backend.php", code ?? "");
    await using php = await onClosedPort((port) => PhpServer.start(port, file));
    await using gateway = await TestGateway.start(php.url, []);
    await using station = new Program(Deno.execPath(), [
      ...["run", "--allow-net=127.0.0.1", CLIENT, `${gateway.url.replace("http", "ws")}/CP1`],
    ]);
    match((await station.lines(15)).at(14) ?? "", /^session over/);

    const waited = await fetch(`${gateway.url}/call/Reset/CP1/r1`, {
      method: "POST",
      headers: { prefer: "wait=5" },
      body: '{"type":"Soft"}',
    });
    strictEqual(await waited.text(), '{"status":"Accepted"}');
    const accepted = await fetch(`${gateway.url}/call/Reset/CP1/r2`, { method: "POST" });
    await accepted.body?.cancel();
    strictEqual(accepted.status, 202);
    await php.logged('result of Reset from CP1: {"status":"Accepted"}');
  },
);
