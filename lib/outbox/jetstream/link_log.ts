/**
 * What the way to NATS says of itself, for the ledger.
 *
 * @module
 */

import type { Log, LogFields } from "../../log/log.ts";
import { rightText } from "./rights.ts";

/** Something that keeps the ledger from being used. */
export interface LinkFault {
  /** Each is said once in an outage. */
  readonly kind: string;
  /** One line for people. */
  readonly reason: string;
  /** No waiting mends it. */
  readonly isDefinite: boolean;
}

/**
 * The gateway's own connection says already that NATS is away. What is said of this one is the outbox's
 * reason, and not a line of its own.
 */
export class LinkLog implements Log {
  readonly isDebug = false;
  readonly #log: Log;
  readonly #onFault: (fault: LinkFault) => void;

  constructor(log: Log, onFault: (fault: LinkFault) => void) {
    this.#log = log;
    this.#onFault = onFault;
  }

  debug(): void {}

  info(): void {}

  audit(): void {}

  warn(event: string, fields: LogFields = {}): void {
    if (event.startsWith("nats disconnected")) this.#fault("disconnected", "NATS disconnected");
    // Those that `Link` documents.
    else this.#log.warn(event, fields);
  }

  error(_event: string, { reason, operation, subject }: LogFields = {}): void {
    if (operation !== undefined) {
      const right = rightText(operation, subject);
      this.#fault("forbidden", `the login at NATS may not ${right}`, true);
    } else this.#fault(`away: ${reason}`, `NATS cannot be used: ${reason}`);
  }

  #fault(kind: string, reason: string, isDefinite = false): void {
    this.#onFault({ kind, reason, isDefinite });
  }
}
