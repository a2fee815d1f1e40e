/**
 * Stations by the library `ws`, which compress when the gateway does.
 *
 * @module
 */

import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";

/** How a station connects. */
export interface Way {
  readonly url: string;
  readonly isCompressing: boolean;
}

/** Bytes on a connection, as TCP carries them (those of TLS are below what is seen here). */
export interface Bytes {
  readonly up: number;
  readonly down: number;
}

const OPEN_MS = 20_000;

/** One connection. */
export class Station {
  readonly #socket: WebSocket;
  readonly #bytes: () => Bytes;
  readonly #answered: (() => void)[] = [];

  private constructor(socket: WebSocket, bytes: () => Bytes) {
    this.#socket = socket;
    this.#bytes = bytes;
    socket.on("message", () => this.#answered.shift()?.());
  }

  /** @throws When it is not let in, and when compression was not agreed on as it should. */
  static async connect({ url, isCompressing }: Way): Promise<Station> {
    const socket = new WebSocket(url, "ocpp1.6", {
      perMessageDeflate: isCompressing && {
        clientNoContextTakeover: true,
        serverNoContextTakeover: true,
      },
      rejectUnauthorized: false,
    });
    let bytes = (): Bytes => ({ up: 0, down: 0 });
    socket.on("upgrade", ({ socket: below }: IncomingMessage) => {
      bytes = () => ({ up: below.bytesWritten, down: below.bytesRead });
    });
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${url} does not open`)), OPEN_MS);
      socket.on("open", () => {
        clearTimeout(timer);
        resolve();
      });
      socket.on("error", reject);
    });
    if ((socket.extensions !== "") !== isCompressing) throw new Error("compression: not as asked");
    return new Station(socket, bytes);
  }

  get bytes(): Bytes {
    return this.#bytes();
  }

  /** Sends a CALL and waits for what comes. */
  call(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#answered.push(resolve);
      this.#socket.send(text, { compress: true });
    });
  }

  end(): void {
    this.#socket.terminate();
  }
}

const MEASURANDS = [
  ["Energy.Active.Import.Register", "Wh"],
  ["Power.Active.Import", "W"],
  ["Current.Import", "A"],
  ["Voltage", "V"],
] as const;

/** A MeterValues of OCPP 1.6 with four measurands on three phases, as a station sends one each minute. */
export function meterValues(minute: number): string {
  const timestamp = new Date(Date.UTC(2026, 0, 1) + 60_000 * minute).toISOString();
  const sampledValue = MEASURANDS.flatMap(([measurand, unit], m) =>
    ["L1", "L2", "L3"].map((phase, p) => ({
      // Numbers that look like those of a meter: each differs from the last.
      value: (1000 * (m + 1) + ((minute * 7919 + p * 104729 + m * 1299709) % 99991) / 37).toFixed(
        2,
      ),
      context: "Sample.Periodic",
      format: "Raw",
      measurand,
      phase,
      location: "Outlet",
      unit,
    }))
  );
  const payload = {
    connectorId: 1,
    transactionId: 4711,
    meterValue: [{ timestamp, sampledValue }],
  };
  return JSON.stringify([2, `m${minute}`, "MeterValues", payload]);
}
