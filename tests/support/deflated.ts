/**
 * Compressed messages of a client (RFC 7692), made by hand.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { upgradeHead } from "./client.ts";
import { ByteSocket, frameBytes, type FrameShape } from "./websocket_bytes.ts";

const FLUSH = { finishFlush: constants.Z_SYNC_FLUSH } as const;
const RSV1 = 4;

/** What a message's payload is compressed. */
export function deflated(text: string | Uint8Array): Uint8Array {
  const bytes = deflateRawSync(Buffer.from(text as string), FLUSH);
  return new Uint8Array(bytes.subarray(0, bytes.length - 4));
}

/** The text of a compressed payload, inflated with nothing from before. */
export function inflated(payload: Uint8Array): string {
  const all = Buffer.concat([payload, Uint8Array.of(0, 0, 255, 255)]);
  return inflateRawSync(all, FLUSH).toString();
}

/** One compressed message in one frame. */
export function deflatedBytes(text: string | Uint8Array, shape: FrameShape = {}): Uint8Array {
  return frameBytes(deflated(text), { rsv: RSV1, ...shape });
}

/** A raw client that offers compression. @returns Also what was agreed on; null for none. */
export async function upgradeDeflated(
  url: string,
  path: string,
  offer = "permessage-deflate; client_max_window_bits",
): Promise<{ socket: ByteSocket; agreed: string | null }> {
  const socket = await ByteSocket.connect(url);
  await socket.write(upgradeHead(path, {
    "Sec-WebSocket-Protocol": "ocpp1.6",
    "Sec-WebSocket-Extensions": offer,
  }));
  const head = await socket.head();
  if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`no upgrade: ${head}`);
  return { socket, agreed: /^sec-websocket-extensions: (.*)$/im.exec(head)?.[1] ?? null };
}
