import { match, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { inTime } from "../support/deadline.ts";
import { startProgram, urlOf } from "../support/program.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

/** No valid frame: it has a MessageId, so each one is answered and logged. */
const BAD_FRAME = '[2,"1"]';
const NOISE = 300;

for (const workers of [1, 2]) {
  test(`a client that floods the log hides no other one, and what was left out is told at the end: ${workers} workers`, async () => {
    await using backend = new RecordingBackend();
    const flags = ["--listen=127.0.0.1:0", `--backend=${backend.url}`, `--workers=${workers}`];
    await using program = startProgram(flags);
    const url = await urlOf(program);
    const noisy = new TestClient(`${url.replace("http", "ws")}/noisy`);
    const quiet = new TestClient(`${url.replace("http", "ws")}/quiet`);
    for (const client of [noisy, quiet]) await inTime(client.opened, "an upgrade");
    for (let i = 0; i < NOISE; i++) await noisy.ask(BAD_FRAME);
    await quiet.ask(BAD_FRAME);
    for (const client of [noisy, quiet]) await client.close();
    const metrics = await (await fetch(`${url}/metrics`)).text();
    program.signal("SIGTERM");
    const { code, stderr } = await program.ended();
    strictEqual(code, 0);
    const refused = (clientId: string): number =>
      stderr.match(new RegExp(` frame refused (?:worker=\\d )?clientId="${clientId}"`, "g"))
        ?.length ?? 0;
    strictEqual(refused("quiet"), 1);
    ok(refused("noisy") > 0 && refused("noisy") <= NOISE / 10, `${refused("noisy")} lines`);
    // On a machine that is slow there may be more windows than one, each with its line.
    const told = [...stderr.matchAll(
      / lines left out (?:worker=\d )?event="frame refused" suppressed=(\d+) clientId="noisy"\n/g,
    )].reduce((sum, [, count]) => sum + Number(count), 0);
    strictEqual(told, NOISE - refused("noisy"));
    match(
      metrics,
      new RegExp(`^ws2api_log_lines_suppressed_total\\{level="warn"\\} ${told}$`, "m"),
    );
  });
}
