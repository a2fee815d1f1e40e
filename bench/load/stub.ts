/**
 * A process: an HTTP backend that answers every request at once, with as little work as it can, so
 * that it does not limit what is measured.
 *
 * Keep-alive and pipelining, bodies with a Content-Length. Prints its port as the first line of
 * standard output, and ends when its standard input is closed. Needs `--allow-ffi`.
 *
 * @module
 */

import { writeOut } from "../process/text.ts";
import { BROKEN, READABLE, Sockets, WRITABLE } from "./libc.ts";
import { Streams } from "./streams.ts";

const BODY = '{"currentTime":"2026-01-01T00:00:00Z"}';
/** All that it ever says. */
const ANSWER = new TextEncoder().encode(
  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" +
    `Content-Length: ${BODY.length}\r\n\r\n${BODY}`,
);
const STDIN = 0;
const LF = 0x0a;
const CR = 0x0d;
const NAME = new TextEncoder().encode("content-length:");

/**
 * The length of the request at the front of some bytes, body included.
 *
 * @returns 0 while its head is incomplete. A request without a length has no body.
 */
function requestBytes(bytes: Uint8Array, start: number, end: number): number {
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

/** Serves until standard input ends. */
function serve(): void {
  const sockets = new Sockets();
  const streams = new Streams(sockets);
  const listener = sockets.listen();

  function take(fd: number, events: number): void {
    if ((events & (WRITABLE | BROKEN)) === WRITABLE) streams.flush(fd);
    const end = streams.read(fd);
    if (end === 0 || (end < 0 && (events & BROKEN) !== 0)) return streams.close(fd);
    let start = 0;
    while (start < end) {
      const length = requestBytes(streams.bytes, start, end);
      if (length === 0 || start + length > end) break;
      start += length;
      streams.write(fd, ANSWER);
    }
    if (end > 0) streams.keep(fd, start, end);
  }

  sockets.watch(STDIN, READABLE);
  sockets.watch(listener.fd, READABLE);
  writeOut(`${listener.port}\n`);
  while (true) {
    const count = sockets.wait(60_000);
    for (let i = 0; i < count; i++) {
      const fd = sockets.fdAt(i);
      // Nothing comes there but the end, also when whoever started this was killed.
      if (fd === STDIN) return;
      if (fd !== listener.fd) take(fd, sockets.eventsAt(i));
      else for (let next; (next = sockets.accept(fd)) >= 0;) sockets.watch(next, READABLE);
    }
  }
}

serve();
