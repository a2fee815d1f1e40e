/**
 * Bytes from and to many sockets: what is not whole yet, and what a socket had no room for, waits.
 *
 * @module
 */

import { READABLE, type Sockets, WRITABLE } from "./libc.ts";

/** A message that does not fit is taken for the end of its socket. */
const BYTES = 4 * 1024 ** 2;

/** Reads sockets: `read`, then `bytes` up to what it returned, then `keep` what was not used. */
export class Streams {
  /** One buffer for all; valid until the next `read`. */
  readonly bytes = new Uint8Array(BYTES);
  readonly #sockets: Sockets;
  /** Rare, both: a message mostly comes, and goes, in one piece. */
  readonly #unread = new Map<number, Uint8Array<ArrayBuffer>>();
  readonly #unwritten = new Map<number, Uint8Array<ArrayBuffer>>();

  constructor(sockets: Sockets) {
    this.#sockets = sockets;
  }

  /** @returns The end of what is in `bytes`, kept things first; 0 and -1 as `Sockets.read`. */
  read(fd: number): number {
    const kept = this.#unread.size === 0 ? undefined : this.#unread.get(fd);
    if (kept === undefined) return this.#sockets.read(fd, this.bytes);
    this.bytes.set(kept);
    const count = this.#sockets.read(fd, this.bytes.subarray(kept.length));
    return count <= 0 ? count : kept.length + count;
  }

  /** Keeps what is from `start` to `end` until the next `read` of that socket; nothing if they are one. */
  keep(fd: number, start: number, end: number): void {
    if (start < end) this.#unread.set(fd, this.bytes.slice(start, end));
    else if (this.#unread.size > 0) this.#unread.delete(fd);
  }

  /**
   * Writes to a watched socket. What it has no room for goes out at `flush`, which is due when the
   * socket is `WRITABLE`. That a socket is broken, its events tell.
   */
  write(fd: number, bytes: Uint8Array<ArrayBuffer>): void {
    const waiting = this.#unwritten.size === 0 ? undefined : this.#unwritten.get(fd);
    if (waiting !== undefined) {
      const longer = new Uint8Array(waiting.length + bytes.length);
      longer.set(waiting);
      longer.set(bytes, waiting.length);
      this.#unwritten.set(fd, longer);
      return;
    }
    const count = this.#sockets.write(fd, bytes);
    if (count === bytes.length) return;
    this.#unwritten.set(fd, bytes.slice(count));
    this.#sockets.rewatch(fd, READABLE | WRITABLE);
  }

  flush(fd: number): void {
    const waiting = this.#unwritten.get(fd)!;
    const count = this.#sockets.write(fd, waiting);
    if (count < waiting.length) return void this.#unwritten.set(fd, waiting.slice(count));
    this.#unwritten.delete(fd);
    this.#sockets.rewatch(fd, READABLE);
  }

  close(fd: number): void {
    this.#unread.delete(fd);
    this.#unwritten.delete(fd);
    this.#sockets.close(fd);
  }
}
