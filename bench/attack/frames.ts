/**
 * Attacks by what one client says.
 *
 * @module
 */

import { againAndAgain, callFrame, drop, pause, textFrame, writeAll } from "../load/raw_socket.ts";
import { digits } from "../report/markdown.ts";
import type { Attack } from "./attack.ts";

/**
 * Written at once. In larger pieces some runs starve nobody: the runtime serves other sockets whenever
 * it has to wait for this one.
 */
const BATCH_BYTES = 4096;
const MIB = 1024 ** 2;

/** Counts what one client sends, and how often it is cut. */
class Traffic {
  readonly #startedAt = performance.now();
  bytes = 0;
  cuts = 0;

  notes(): string[] {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const rate = `${digits(this.bytes / MIB / seconds, 1)} MiB/s from the attacker`;
    return this.cuts === 0 ? [rate] : [rate, `it was cut ${digits(this.cuts)} times`];
  }
}

/** One client that sends a text as fast as the gateway takes it, and comes again when it is cut. */
export function floodingClient(port: number, text: string): Attack {
  const frame = textFrame(text);
  const times = Math.floor(BATCH_BYTES / frame.length);
  const batch = new Uint8Array(frame.length * times);
  for (let i = 0; i < times; i++) batch.set(frame, i * frame.length);
  let traffic: Traffic;

  async function flood(conn: Deno.TcpConn): Promise<void> {
    void drop(conn);
    for (;; traffic.bytes += batch.length) await writeAll(conn, batch);
  }

  return {
    begin() {
      traffic = new Traffic();
      void againAndAgain(port, "flood", flood, () => traffic.cuts++);
    },
    notes: () => traffic.notes(),
  };
}

/** One client that sends a large text so many times a second, and comes again when it is cut. */
export function largeTexts(port: number, text: string, perSecond: number): Attack {
  const frame = textFrame(text);
  let traffic: Traffic;
  let dueAt = 0;

  async function send(conn: Deno.TcpConn): Promise<void> {
    void drop(conn);
    for (;; traffic.bytes += frame.length) {
      await pause(Math.max(0, dueAt - performance.now()));
      dueAt = Math.max(dueAt + 1000 / perSecond, performance.now() - 1000);
      await writeAll(conn, frame);
    }
  }

  return {
    begin() {
      traffic = new Traffic();
      dueAt = performance.now();
      void againAndAgain(port, "large", send, () => traffic.cuts++);
    },
    notes: () => traffic.notes(),
  };
}

/** One client that sends a CALL every so often, for whose answer the backend does something. */
export function askingClient(port: number, action: string, everyMs: number): Attack {
  let sent = 0;

  async function ask(conn: Deno.TcpConn): Promise<void> {
    void drop(conn);
    while (true) {
      await writeAll(conn, callFrame(++sent, action));
      await pause(everyMs);
    }
  }

  return {
    begin: () => void againAndAgain(port, "asking", ask),
    notes: () => [`${sent} such CALLs`],
  };
}
