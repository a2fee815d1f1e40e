import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { startProgram, TempDir, urlOf } from "../support/program.ts";

Deno.test("a program with an outbox leaves one file when it is told to stop, and opens it again", async (t) => {
  for (const workers of [1, 2]) {
    await t.step(`--workers=${workers}`, async () => {
      using dir = new TempDir();
      const folder = dir.path("outbox");
      for (let life = 0; life < 2; life++) {
        const flags = ["--listen=127.0.0.1:0", `--workers=${workers}`, `--outbox=${folder}`];
        await using program = startProgram(flags);
        await urlOf(program);
        await using second = startProgram(flags);
        const refused = await second.ended();
        strictEqual(refused.code, 1);
        match(refused.stderr, /^ws2api: --outbox "[^"]+": another process has it open \(.*\)\n$/);
        program.signal("SIGTERM");
        const { code, stderr } = await program.ended();
        strictEqual(code, 0, stderr);
        match(stderr, /outbox opened/);
        deepStrictEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["outbox.sqlite"]);
      }
    });
  }
});
