import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { testWith } from "../support/needs.ts";
import { CTRL_C, Terminal } from "../support/terminal.ts";

testWith(
  "script",
  "Ctrl+C in a terminal, which signals the task and the gateway, is one shutdown that loses no CALL",
  async () => {
    await using backend = new RecordingBackend();
    const flags = `--listen=127.0.0.1:0 --backend=${backend.url} --drain-timeout=300ms`;
    await using terminal = new Terminal(`exec "${Deno.execPath()}" task start ${flags}`);
    const [, url = ""] = await terminal.until(/ws2api listening on (http:\/\/[^\s]+)/);
    const client = new TestClient(`${url.replace("http", "ws")}/CP1`);
    await client.opened;
    const accepted = await fetch(`${url}/call/Reset/CP1/r1`, { method: "POST" });
    await accepted.body?.cancel();
    strictEqual(accepted.status, 202);
    await client.next('[2,"r1"');

    await terminal.press(CTRL_C);

    const { path, body } = await backend.next();
    strictEqual(path, "/error/Reset/CP1/r1");
    strictEqual(JSON.parse(body).description, "the gateway is shutting down");
    deepStrictEqual(await client.whenClosed(), { code: 1001, reason: "shutting down" });
    strictEqual(await terminal.ended(), 0);
  },
);
