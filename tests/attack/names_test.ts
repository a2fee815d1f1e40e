/**
 * Names that reach another path of the backend when somebody in between resolves them.
 *
 * @module
 */

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { rawRequest, upgradeHead } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

/** Each would be resolved by a proxy that decodes a path before it looks for dot segments. */
const TRAVELLING = [
  ...["../result/Reset/CP2", "a/..", "..\\a", "a\\.\\b", "./a", "a/./b", ".."],
  ...["a\nb", "a\x7f", "a\x85b", "\0"],
];

test("a client's names stay in their place, or its frame is none", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway, "CP1", { protocols: ["ocpp1.6"] });
  for (const name of TRAVELLING) {
    await t.step(JSON.stringify(name), async () => {
      match(await client.ask(`[2,"1",${JSON.stringify(name)},{}]`), /^\[4,"1","/);
      match(
        await client.ask(`[2,${JSON.stringify(name)},"Reset",{"status":"Accepted"}]`),
        /^\[4,"[^"]*","/,
      );
    });
  }
  deepStrictEqual(backend.paths().filter((path) => !path.startsWith("/connect")), []);
});

test("the backend's names stay in their place, or its request is refused", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway, "CP1");
  for (const name of TRAVELLING) {
    await t.step(JSON.stringify(name), async () => {
      const escaped = encodeURIComponent(name).replaceAll(".", "%2E");
      for (const path of [`${escaped}/CP1/1`, `Reset/CP1/${escaped}`, `Reset/${escaped}/1`]) {
        const head = `POST /call/${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`;
        const { status, conn } = await rawRequest(gateway.url, head);
        conn.close();
        strictEqual(status, 400, path);
      }
    });
  }
  deepStrictEqual(client.left, []);
});

test("nobody connects under a name that leaves its place", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  for (const name of TRAVELLING) {
    await t.step(JSON.stringify(name), async () => {
      const escaped = encodeURIComponent(name).replaceAll(".", "%2E");
      const { status, conn } = await rawRequest(gateway.url, upgradeHead(`/${escaped}`));
      conn.close();
      strictEqual(status, 400);
    });
  }
});
