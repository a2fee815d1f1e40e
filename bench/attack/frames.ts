/**
 * Attacks by what one client says.
 *
 * @module
 */

import { CallFrame, FrameReader, TEXT } from "../load/frame.ts";
import { againAndAgain, callFrame, drop, pause, textFrame, writeAll } from "../load/raw_socket.ts";
import { digits } from "../report/markdown.ts";
import type { Attack } from "./attack.ts";

/** Written at once. With pieces of 64 KiB or 1 MiB about half of the runs starved nobody, with these none. */
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
  return flood(port, () => batch);
}

/** The same with CALLs, of which none has the MessageId of another. */
export function callingClient(port: number): Attack {
  const frame = new CallFrame(0);
  const { length } = frame.of(0);
  const batch = new Uint8Array(length * Math.floor(BATCH_BYTES / length));
  let id = 0;
  return flood(port, () => {
    for (let at = 0; at < batch.length; at += length) batch.set(frame.of(++id), at);
    return batch;
  });
}

/**
 * Clients that send so many CALLs at once, and the next ones when those are answered: never so many that
 * they are cut for it.
 */
export function busyClients(port: number, clients: number, outstanding: number): Attack {
  let answered = 0;
  let cuts = 0;
  let startedAt = 0;

  async function call(conn: Deno.TcpConn): Promise<void> {
    const frame = new CallFrame(0);
    const { length } = frame.of(0);
    const batch = new Uint8Array(length * outstanding);
    const reader = new FrameReader();
    const buffer = new Uint8Array(BATCH_BYTES * 16);
    let end = 0;
    for (let id = 0;;) {
      for (let at = 0; at < batch.length; at += length) batch.set(frame.of(++id), at);
      await writeAll(conn, batch);
      for (let left = outstanding; left > 0;) {
        const count = await conn.read(buffer.subarray(end));
        if (count === null) return;
        end += count;
        let start = 0;
        for (; reader.next(buffer, start, end); start = reader.payloadEnd) {
          if (reader.opcode !== TEXT) continue;
          left--;
          answered++;
        }
        buffer.copyWithin(0, start, end);
        end -= start;
      }
    }
  }

  return {
    begin() {
      startedAt = performance.now();
      for (let i = 0; i < clients; i++) {
        void againAndAgain(port, `busy${i}`, call, () => cuts++);
      }
    },
    notes() {
      const perSecond = answered / ((performance.now() - startedAt) / 1000);
      const notes = [`${digits(perSecond)} answers/s to the attackers`];
      return cuts === 0 ? notes : [...notes, `they were cut ${digits(cuts)} times`];
    },
  };
}

/** @param next What is written next; valid until it is called again. */
function flood(port: number, next: () => Uint8Array): Attack {
  let traffic: Traffic;

  async function send(conn: Deno.TcpConn): Promise<void> {
    void drop(conn);
    while (true) {
      const batch = next();
      await writeAll(conn, batch);
      traffic.bytes += batch.length;
    }
  }

  return {
    begin() {
      traffic = new Traffic();
      void againAndAgain(port, "flood", send, () => traffic.cuts++);
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
