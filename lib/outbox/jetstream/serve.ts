/**
 * The outbox in JetStream in a web worker.
 *
 * @module
 */

import { systemClock } from "../../clock.ts";
import type { NatsAddress } from "../../config/nats_address.ts";
import type { Log, LogFields } from "../../log/log.ts";
import { connectNats, type NatsSecrets } from "../../nats/connect.ts";
import { randomUuid, systemRandom } from "../../random.ts";
import type { Told } from "../thread/message.ts";
import { type OpenedDesk, type OutboxScope, serveOutbox } from "../thread/serve.ts";
import { LedgerDesk } from "./desk.ts";
import { openLedger } from "./jetstream_ledger.ts";

/** Where the ledger is, and what this process is there. */
export interface LedgerPlace {
  readonly nats: NatsAddress;
  readonly secrets: NatsSecrets;
  /** `--nats-subject`. */
  readonly prefix: string;
  /** `--outbox-max-bytes`. */
  readonly maxBytes: number;
  /** How long an entry is kept that nothing happens to, in milliseconds. */
  readonly maxAgeMs: number;
  /** Begins its names as an owner; a token. */
  readonly instance: string;
  /** As `LedgerDeskDeps` has it. */
  readonly place: string | undefined;
}

/** Does what the main thread says, with the ledger that it names. */
export function serveLedger(scope: OutboxScope<LedgerPlace>): void {
  serveOutbox(scope, open);
}

async function open(
  { nats, secrets, prefix, maxBytes, maxAgeMs, instance, place }: LedgerPlace,
  tell: (told: Told) => void,
): Promise<OpenedDesk> {
  const clock = systemClock;
  const opened = await openLedger({
    ...{ prefix, maxBytes, maxAgeMs, clock, log: logOver(tell) },
    connect: () => connectNats(nats, secrets, prefix),
  });
  if (!opened.ok) return opened;
  const newName = (): string => `${instance}-${randomUuid(systemRandom).slice(-12)}`;
  const desk = new LedgerDesk({ ledger: opened.ledger, prefix, newName, place, clock, tell });
  await desk.begin();
  return { ok: true, desk, calls: 0, reports: 0 };
}

/** The main thread's log. */
function logOver(tell: (told: Told) => void): Log {
  const line = (level: "info" | "warn" | "error") => (event: string, fields: LogFields = {}) =>
    tell({ kind: "line", level, event, fields });
  return {
    isDebug: false,
    debug() {},
    audit() {},
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
  };
}
