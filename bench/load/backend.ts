/**
 * A process: an HTTP backend that answers every request at once, with as little work as it can, so
 * that it does not limit what is measured.
 *
 * Keep-alive and pipelining, bodies with a Content-Length; anything else gets its connection cut.
 * Prints its port as the first line of standard output, and ends when its standard input is closed.
 *
 * @module
 */

import { writeOut } from "./text.ts";

const BODY = '{"currentTime":"2026-01-01T00:00:00Z"}';
/** All that it ever says. */
export const ANSWER = new TextEncoder().encode(
  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" +
    `Content-Length: ${BODY.length}\r\n\r\n${BODY}`,
);
const LF = 0x0a;
const CR = 0x0d;
const NAME = new TextEncoder().encode("content-length:");

/**
 * The length of the request at the front of some bytes, body included.
 *
 * @returns 0 while its head is incomplete. A request without a length has no body.
 */
export function requestBytes(bytes: Uint8Array, start: number, end: number): number {
  let bodyBytes = 0;
  for (let line = bytes.indexOf(LF, start) + 1; line > 0; line = bytes.indexOf(LF, line) + 1) {
    if (line >= end) return 0;
    const first = bytes[line]!;
    if (first === CR) return line + 2 > end ? 0 : line + 2 - start + bodyBytes;
    if ((first | 0x20) === NAME[0]) bodyBytes = contentLength(bytes, line, end) ?? bodyBytes;
  }
  return 0;
}

/** The value of the header line at `at`, when it is a Content-Length. */
function contentLength(bytes: Uint8Array, at: number, end: number): number | undefined {
  for (let i = 0; i < NAME.length; i++) {
    // A letter's case is this bit; `-` and `:` have it set already.
    if ((bytes[at + i]! | 0x20) !== NAME[i]) return undefined;
  }
  let value = 0;
  for (let i = at + NAME.length; i < end && bytes[i] !== CR; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit >= 0 && digit <= 9) value = value * 10 + digit;
  }
  return value;
}

/** Answers one connection's requests until it ends. Never rejects. */
async function serve(conn: Deno.TcpConn): Promise<void> {
  let buffer = new Uint8Array(4096);
  let end = 0;
  try {
    conn.setNoDelay(true);
    while (true) {
      const count = await conn.read(end === 0 ? buffer : buffer.subarray(end));
      if (count === null) break;
      end += count;
      let start = 0;
      while (start < end) {
        const bytes = requestBytes(buffer, start, end);
        if (bytes === 0 || start + bytes > end) break;
        start += bytes;
        // Short enough to go out in one piece: whoever asked is waiting for it.
        await conn.write(ANSWER);
      }
      buffer.copyWithin(0, start, end);
      end -= start;
      if (end === buffer.length) {
        const larger = new Uint8Array(buffer.length * 2);
        larger.set(buffer);
        buffer = larger;
      }
    }
  } catch {
    // The gateway cut it: at its end it always does.
  }
  conn.close();
}

async function acceptAll(listener: Deno.TcpListener): Promise<void> {
  for await (const conn of listener) void serve(conn);
}

if (import.meta.main) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  writeOut(`${listener.addr.port}\n`);
  void acceptAll(listener);
  // Nothing comes here; the end does, also when whoever started this was killed.
  for await (const _chunk of Deno.stdin.readable);
  Deno.exit(0);
}
