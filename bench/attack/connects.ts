/**
 * Attacks by coming and going.
 *
 * @module
 */

import { closeQuietly, openWebSocket, pause } from "../load/raw_socket.ts";
import { digits } from "../report/markdown.ts";
import type { Attack } from "./attack.ts";

const TICK_MS = 10;
/** Upgrades under way: well inside the open files of a process. */
const MAX_WAITING = 12_000;

/** Counts upgrades. */
class Upgrades {
  tried = 0;
  accepted = 0;
  refused = 0;

  get waiting(): number {
    return this.tried - this.accepted - this.refused;
  }

  /** @returns The socket; undefined when it was refused or cut. */
  async open(port: number): Promise<Deno.TcpConn | undefined> {
    try {
      const conn = await openWebSocket(port, `passing${this.tried++}`);
      this.accepted++;
      return conn;
    } catch {
      this.refused++;
      return undefined;
    }
  }

  notes(): string[] {
    const { tried, accepted, refused, waiting } = this;
    return [
      `of ${digits(tried)} upgrades of the attackers ${digits(accepted)} accepted, ` +
      `${digits(refused)} refused, ${digits(waiting)} waiting`,
    ];
  }
}

/** So many clients a second, each of which goes as soon as it is in. */
export function passingClients(port: number, perSecond: number): Attack {
  const upgrades = new Upgrades();

  async function come(): Promise<never> {
    const startedAt = performance.now();
    while (true) {
      const due = (performance.now() - startedAt) / 1000 * perSecond;
      while (upgrades.tried < due && upgrades.waiting < MAX_WAITING) {
        void upgrades.open(port).then(closeQuietly);
      }
      await pause(TICK_MS);
    }
  }

  return { begin: () => void come(), notes: () => upgrades.notes() };
}

/** So many clients at once. */
export function upgradeBurst(port: number, connections: number): Attack {
  const upgrades = new Upgrades();
  return {
    begin() {
      for (let i = 0; i < connections; i++) void upgrades.open(port);
    },
    notes: () => upgrades.notes(),
  };
}
