import { deepStrictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import { RecordingBackend } from "../support/backend.ts";
import { rawRequest } from "../support/client.ts";
import { TestGateway } from "../support/gateway.ts";
import { headerOf } from "../support/raw_client.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

/** RFC 6455 §1.3 */
function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

test("of many upgrades at once each is answered with its own key and subprotocol", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const protocols = ["ocpp1.6", null, "ocpp2.0.1", "ocpp2.1"];
  await Promise.all(Array.from({ length: 40 }, async (_, i) => {
    const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
    const protocol = protocols[i % protocols.length]!;
    const offer = protocol === null ? "" : `Sec-WebSocket-Protocol: ${protocol}\r\n`;
    const { head, conn } = await rawRequest(
      gateway.url,
      `GET /CP${i} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${offer}\r\n`,
    );
    conn.close();
    deepStrictEqual(
      [headerOf(head, "sec-websocket-accept"), headerOf(head, "sec-websocket-protocol")],
      [acceptOf(key), protocol ?? undefined],
    );
  }));
});
