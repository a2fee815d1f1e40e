/**
 * A process: charging stations that send a CALL every so often, one at a time, and wait for its answer as
 * long as it takes. On some CALLs the backend hangs: they are named so that it knows them.
 *
 * Arguments: port, stations, seconds between an answer and the next CALL, share that is hit, `clients` or
 * `requests`, seconds before the backend hangs, seconds for which it does. Writes one line of JSON at
 * the end of those.
 *
 * @module
 */

import { FrameReader, maskedFrame, PING, PONG, TEXT } from "../load/frame.ts";
import { Latencies } from "../load/latencies.ts";
import { readUpgrade, upgradeRequest } from "../load/upgrade.ts";
import { writeOut } from "../process/text.ts";

/** CALLs that are not hit and were sent within so many seconds of each other. */
export interface Window {
  readonly sent: number;
  readonly errors: number;
  /** Not answered when the run ended; their age is among the latencies. */
  readonly unanswered: number;
  /** To the answer, also to a CALLERROR; of `Latencies`. */
  readonly latencies: string;
}

export const WINDOW_S = 10;
const CONNECT_MS = 10;
const encoder = new TextEncoder();

/** What is known of a window while the run goes on. */
class Record {
  sent = 0;
  errors = 0;
  unanswered = 0;
  readonly latencies = new Latencies();
}

interface Run {
  readonly port: number;
  readonly periodMs: number;
  /** Whether the backend hangs on this station's next CALL. */
  isHit(station: number): boolean;
  /** Of a CALL that is sent now; undefined before the backend hangs, and after the run. */
  record(): Record | undefined;
}

class Station {
  readonly #number: number;
  readonly #run: Run;
  #calls = 0;
  #sentAt = 0;
  /** Of the CALL that waits for its answer and is not hit. */
  #record: Record | undefined;

  constructor(number: number, run: Run) {
    this.#number = number;
    this.#run = run;
  }

  /** The run is over. */
  end(): void {
    if (this.#record === undefined) return;
    this.#record.unanswered++;
    this.#record.latencies.record(performance.now() - this.#sentAt);
  }

  async run(): Promise<never> {
    const { port, periodMs } = this.#run;
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    await conn.write(
      upgradeRequest({ hostname: "127.0.0.1", port, path: "/" }, `S${this.#number}`),
    );
    const bytes = new Uint8Array(1024);
    let length = 0;
    const more = async (): Promise<void> => {
      const count = await conn.read(bytes.subarray(length));
      if (count === null) throw new Error("a station was cut off");
      length += count;
    };
    let start = 0;
    while ((start = readUpgrade(bytes.subarray(0, length))) === 0) await more();
    setTimeout(() => this.#send(conn), Math.random() * periodMs);
    const reader = new FrameReader();
    while (true) {
      while (reader.next(bytes, start, length)) {
        start = reader.payloadEnd;
        const payload = bytes.subarray(reader.payloadStart, reader.payloadEnd);
        if (reader.opcode === PING) await conn.write(maskedFrame(PONG, payload));
        if (reader.opcode !== TEXT) continue;
        this.#answered(payload[1] !== 0x33);
        setTimeout(() => this.#send(conn), periodMs);
      }
      bytes.copyWithin(0, start, length);
      length -= start;
      start = 0;
      await more();
    }
  }

  #send(conn: Deno.TcpConn): void {
    const isHit = this.#run.isHit(this.#number);
    const name = `${isHit ? "hang-" : ""}${this.#number}-${this.#calls++}`;
    this.#record = isHit ? undefined : this.#run.record();
    if (this.#record !== undefined) this.#record.sent++;
    this.#sentAt = performance.now();
    void conn.write(maskedFrame(TEXT, encoder.encode(`[2,"${name}","Heartbeat",{}]`)));
  }

  #answered(isError: boolean): void {
    const record = this.#record;
    if (record === undefined) return;
    this.#record = undefined;
    record.latencies.record(performance.now() - this.#sentAt);
    if (isError) record.errors++;
  }
}

/** @param hits Whom or what the backend hangs on. */
async function main(
  [port, count, period, share, calm, hanging]: readonly number[],
  hits: string,
): Promise<void> {
  let since = Infinity;
  const records = Array.from({ length: Math.ceil(hanging! / WINDOW_S) }, () => new Record());
  const every = Math.round(1 / share!);
  const run: Run = {
    port: port!,
    periodMs: period! * 1000,
    isHit(station) {
      if (performance.now() < since) return false;
      return hits === "clients" ? station % every === 0 : Math.random() < share!;
    },
    record: () => records[Math.floor((performance.now() - since) / 1000 / WINDOW_S)],
  };
  const stations = Array.from({ length: count! }, (_, i) => new Station(i, run));
  for (const [i, station] of stations.entries()) {
    void station.run();
    if (i % 10 === 9) await new Promise((resolve) => setTimeout(resolve, CONNECT_MS));
  }
  await new Promise((resolve) => setTimeout(resolve, calm! * 1000));
  since = performance.now();
  await new Promise((resolve) => setTimeout(resolve, hanging! * 1000));
  for (const station of stations) station.end();
  const windows: Window[] = records.map(({ sent, errors, unanswered, latencies }) => ({
    sent,
    errors,
    unanswered,
    latencies: latencies.encode(),
  }));
  writeOut(`${JSON.stringify(windows)}\n`);
  Deno.exit(0);
}

if (import.meta.main) {
  const [hits = "clients", ...numbers] = Deno.args;
  await main(numbers.map(Number), hits);
}
