/**
 * A process: charging stations that behave as real ones do when something is away.
 *
 * Each sends a CALL every so often, one at a time. One that loses its connection comes back after 10 to
 * 20 s and sends the CALL that was not answered again; one that is refused comes back when `Retry-After`
 * says, if it can see that, and else after 10 to 20 s too.
 *
 * Arguments: port, stations, seconds between CALLs, share that cannot see `Retry-After`. Writes what it
 * counts as a line of JSON every second; ends when standard input does.
 *
 * @module
 */

import { CLOSE, FrameReader, maskedFrame, PING, PONG, TEXT } from "../load/frame.ts";
import { readUpgrade, upgradeRequest } from "../load/upgrade.ts";
import { writeOut } from "../process/text.ts";

/** What all stations together have seen since the start; `connected` and `waiting` are of this moment. */
export interface Counts {
  connected: number;
  /** CALLs that are not answered. */
  waiting: number;
  upgrades: number;
  refused: number;
  results: number;
  errors: number;
  /** One of them in words. */
  lastError: string;
  /** Connections that ended, by close code; 1006 without one. */
  closed: Record<string, number>;
}

const BACKOFF_MS = [10_000, 20_000] as const;
/** The first connects are spread over this time. */
const RAMP_MS = 10_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const counts: Counts = {
  connected: 0,
  waiting: 0,
  upgrades: 0,
  refused: 0,
  results: 0,
  errors: 0,
  lastError: "",
  closed: {},
};

function between(least: number, most: number): number {
  return least + Math.random() * (most - least);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** When to come back, by what a refusal says. */
function comeBackMs(head: string, isBlind: boolean): number {
  const seconds = isBlind ? undefined : /^retry-after: *(\d+)/im.exec(head)?.[1];
  return seconds === undefined ? between(...BACKOFF_MS) : Number(seconds) * 1000;
}

class Station {
  readonly #name: string;
  readonly #port: number;
  readonly #periodMs: number;
  readonly #isBlind: boolean;
  #number = 0;
  /** Until it is answered. */
  #call: Uint8Array<ArrayBuffer> | null = null;

  constructor(name: string, port: number, periodMs: number, isBlind: boolean) {
    this.#name = name;
    this.#port = port;
    this.#periodMs = periodMs;
    this.#isBlind = isBlind;
  }

  async run(): Promise<never> {
    await pause(between(0, RAMP_MS));
    while (true) await pause(await this.#connectOnce());
  }

  /** @returns After how long it comes back. */
  async #connectOnce(): Promise<number> {
    let conn: Deno.TcpConn | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let code = 1006;
    let isIn = false;
    try {
      counts.upgrades++;
      conn = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
      const target = { hostname: "127.0.0.1", port: this.#port, path: "/" };
      await conn.write(upgradeRequest(target, this.#name));
      const bytes = new Uint8Array(1024);
      let length = 0;
      const more = async (): Promise<boolean> => {
        if (length === bytes.length) throw new Error("too long");
        const count = await conn!.read(bytes.subarray(length));
        length += count ?? 0;
        return count !== null;
      };
      let start = 0;
      while (start === 0) {
        if (!await more()) return between(...BACKOFF_MS);
        const head = decoder.decode(bytes.subarray(0, length));
        if (!head.startsWith("HTTP/1.1 101") && head.includes("\r\n\r\n")) {
          counts.refused++;
          return comeBackMs(head, this.#isBlind);
        }
        start = readUpgrade(bytes.subarray(0, length));
      }
      isIn = true;
      counts.connected++;
      const next = (): void => {
        if (this.#call === null) {
          const text = `[2,"${this.#name}-${this.#number++}","Heartbeat",{}]`;
          this.#call = maskedFrame(TEXT, encoder.encode(text));
          counts.waiting++;
        }
        conn!.write(this.#call).catch(() => {});
      };
      timer = setTimeout(next, this.#call === null ? between(0, this.#periodMs) : 0);
      const reader = new FrameReader();
      while (true) {
        while (reader.next(bytes, start, length)) {
          start = reader.payloadEnd;
          const payload = bytes.subarray(reader.payloadStart, reader.payloadEnd);
          if (reader.opcode === PING) await conn.write(maskedFrame(PONG, payload));
          if (reader.opcode === CLOSE) {
            code = payload[0]! * 256 + payload[1]!;
            await conn.write(maskedFrame(CLOSE, payload));
            return between(...BACKOFF_MS);
          }
          if (reader.opcode !== TEXT) continue;
          if (payload[1] === 0x33) counts.results++;
          else {
            counts.errors++;
            counts.lastError = decoder.decode(payload);
          }
          this.#call = null;
          counts.waiting--;
          timer = setTimeout(next, this.#periodMs);
        }
        bytes.copyWithin(0, start, length);
        length -= start;
        start = 0;
        if (!await more()) return between(...BACKOFF_MS);
      }
    } catch {
      return between(...BACKOFF_MS);
    } finally {
      clearTimeout(timer);
      if (isIn) {
        counts.connected--;
        counts.closed[code] = (counts.closed[code] ?? 0) + 1;
      }
      try {
        conn?.close();
      } catch {
        // It has ended by itself.
      }
    }
  }
}

if (import.meta.main) {
  const [port, stations, seconds, blind] = Deno.args.map(Number) as [
    number,
    number,
    number,
    number,
  ];
  for (let i = 0; i < stations; i++) {
    void new Station(`S${i}`, port, seconds * 1000, i < blind * stations).run();
  }
  setInterval(() => writeOut(`${JSON.stringify(counts)}\n`), 1000);
  for await (const _ of Deno.stdin.readable) {
    // Until it ends.
  }
  Deno.exit(0);
}
