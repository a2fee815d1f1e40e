/**
 * A process: `bench/load/backend.ts` with a fraction of its cost. Answers every request at once, the
 * same text each time.
 *
 * Prints its port as the first line of standard output, and ends when its standard input is closed.
 * Needs `--allow-ffi`.
 *
 * @module
 */

import { ANSWER, requestBytes } from "../load/backend.ts";
import { writeOut } from "../load/text.ts";
import { openSockets, READABLE } from "./libc.ts";

const STDIN = 0;
const BUFFER_BYTES = 64 * 1024;

/** Serves until standard input ends. */
function serve(): void {
  const { sockets, poll } = openSockets();
  const listener = sockets.listen();
  const buffer = new Uint8Array(BUFFER_BYTES);
  /** Beginnings of requests, by connection. Rare: the gateway writes a request in one go. */
  const rests = new Map<number, Uint8Array<ArrayBuffer>>();

  function cut(fd: number): void {
    rests.delete(fd);
    sockets.close(fd);
  }

  function take(fd: number): void {
    const count = sockets.read(fd, buffer);
    if (count < 0) return;
    if (count === 0) return cut(fd);
    let bytes = buffer;
    let end = count;
    const rest = rests.get(fd);
    if (rest !== undefined) {
      bytes = new Uint8Array(rest.length + count);
      bytes.set(rest);
      bytes.set(buffer.subarray(0, count), rest.length);
      end = bytes.length;
      rests.delete(fd);
    }
    let start = 0;
    while (start < end) {
      const length = requestBytes(bytes, start, end);
      if (length === 0 || start + length > end) break;
      start += length;
      if (!sockets.write(fd, ANSWER)) return cut(fd);
    }
    if (start < end) rests.set(fd, bytes.slice(start, end));
  }

  poll.add(STDIN, READABLE);
  poll.add(listener.fd, READABLE);
  writeOut(`${listener.port}\n`);
  while (true) {
    const count = poll.wait(-1);
    for (let i = 0; i < count; i++) {
      const fd = poll.fdAt(i);
      // Nothing comes there but the end, also when whoever started this was killed.
      if (fd === STDIN) return;
      if (fd !== listener.fd) take(fd);
      else for (let next; (next = sockets.accept(fd)) >= 0;) poll.add(next, READABLE);
    }
  }
}

serve();
