/**
 * The upgrade of a connection to a WebSocket (RFC 6455 §4.1), as bytes.
 *
 * @module
 */

import type { Target } from "./part.ts";

/** RFC 6455 §1.3: its example key and the accept value that belongs to it. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = /^sec-websocket-accept: *s3pPLMBiTxaQ9kYGzzhZRbK\+xOo= *\r$/im;

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** The request; it offers no subprotocol. */
export function upgradeRequest(
  { hostname, port, path }: Target,
  clientId: string,
): Uint8Array<ArrayBuffer> {
  return encoder.encode(
    `GET ${path}${clientId} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n` +
      "Upgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
}

/**
 * Reads the response.
 *
 * @returns Where it ends, and frames begin; 0 while it is incomplete.
 * @throws When it is any other response than 101.
 */
export function readUpgrade(bytes: Uint8Array): number {
  const text = decoder.decode(bytes);
  const end = text.indexOf("\r\n\r\n") + 4;
  if (end < 4) return 0;
  const head = text.slice(0, end);
  if (head.startsWith("HTTP/1.1 101 ") && ACCEPT.test(head)) return end;
  throw new Error(`upgrade refused: ${head.slice(0, 60).split("\r")[0]}`);
}
