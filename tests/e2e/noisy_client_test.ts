import { match, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { inTime } from "../support/deadline.ts";
import { startProgram, urlOf } from "../support/program.ts";

/** No valid frame: it has a MessageId, so each one is answered and logged. */
const BAD_FRAME = '[2,"1"]';
const NOISE = 300;

Deno.test("a client that floods the log hides no other one, and what was left out is told at the end", async () => {
  await using backend = new RecordingBackend();
  await using program = startProgram(["--listen=127.0.0.1:0", `--backend=${backend.url}`]);
  const url = (await urlOf(program)).replace("http", "ws");
  const noisy = new TestClient(`${url}/noisy`);
  const quiet = new TestClient(`${url}/quiet`);
  for (const client of [noisy, quiet]) await inTime(client.opened, "an upgrade");
  for (let i = 0; i < NOISE; i++) await noisy.ask(BAD_FRAME);
  await quiet.ask(BAD_FRAME);
  for (const client of [noisy, quiet]) await client.close();
  const api = await fetch(`${url.replace("ws", "http")}/metrics`);
  const suppressed = /^ws2api_log_lines_suppressed_total\{level="warn"\} (\d+)$/m
    .exec(await api.text())?.[1];
  program.signal("SIGTERM");
  const { code, stderr } = await program.ended();
  strictEqual(code, 0);
  const refused = (clientId: string): number =>
    stderr.split("\n").filter((line) => line.includes(` frame refused clientId="${clientId}"`))
      .length;
  strictEqual(refused("quiet"), 1);
  ok(refused("noisy") > 0 && refused("noisy") <= NOISE / 10, `${refused("noisy")} lines`);
  const left = NOISE - refused("noisy");
  strictEqual(suppressed, String(left));
  match(
    stderr,
    new RegExp(` lines left out event="frame refused" suppressed=${left} clientId="noisy"\n`),
  );
});
