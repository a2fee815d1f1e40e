/**
 * The outbox that the command line asks for.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { ownPlace } from "../config/place.ts";
import type { Secrets } from "../config/secret.ts";
import { NATS_OUTBOX } from "../config/value.ts";
import type { Log } from "../log/log.ts";
import { MemoryOutbox, MemoryStore } from "./memory.ts";
import type { Outbox } from "./outbox.ts";
import type { Store } from "./store.ts";

export interface OutboxDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** What this process is called among others. */
export interface Self {
  /** A token; nobody else's. */
  readonly instance: string;
  /** The machine's name; null where that may not be known. */
  readonly host: string | null;
}

/** An outbox, or one line that says why there is none. */
export type OpenedOutbox =
  | { readonly ok: true; readonly outbox: Outbox }
  | { readonly ok: false; readonly message: string };

/** The store of a thread that may die. */
export interface ThreadStore extends Store {
  /** This thread dies: hands over what it was told, at once. */
  leave(): void;
}

/** An entry that nothing happens to is parked, and then forgotten, before it is too old for the ledger. */
const SLACK_MS = 3_600_000;

/**
 * Opens the outbox of a process; of those that it is not nothing is even loaded.
 *
 * @param self Needed for one in NATS.
 */
export async function openOutbox(
  config: Pick<
    Config,
    "outbox" | "outboxMaxBytes" | "nats" | "natsSubject" | "reportTtlMs" | "listen" | "reusePort"
  >,
  secrets: Pick<Secrets, "natsCredentials" | "natsCa">,
  self: Self | undefined,
  deps: OutboxDeps,
): Promise<OpenedOutbox> {
  const { outbox, nats } = config;
  if (outbox === undefined) return { ok: true, outbox: new MemoryOutbox() };
  if (outbox !== NATS_OUTBOX || nats === undefined || self === undefined) {
    const { openSqlite } = await import("./sqlite/open.ts");
    return await openSqlite(outbox, deps);
  }
  const { openLedgerOutbox } = await import("./jetstream/open.ts");
  return await openLedgerOutbox({
    nats,
    secrets: { credentials: secrets.natsCredentials, ca: secrets.natsCa },
    prefix: config.natsSubject,
    maxBytes: config.outboxMaxBytes,
    maxAgeMs: config.reportTtlMs + SLACK_MS,
    instance: self.instance,
    place: ledgerPlace(self.host, config),
  }, deps);
}

/**
 * Where a process is, beside its address, when no other one can be there at the same time; undefined when
 * that cannot be said: whoever comes to one's place takes one for ended.
 *
 * @param host Needed since several machines may share the address that NATS sees.
 */
export function ledgerPlace(
  host: string | null,
  config: Pick<Config, "listen" | "reusePort">,
): string | undefined {
  const place = ownPlace(config);
  return host === null || place === undefined ? undefined : `${host} ${place}`;
}

/** The store of a worker. @param port Its place at the outbox; undefined for none. */
export async function storeOf(
  port: MessagePort | undefined,
  deps: OutboxDeps,
): Promise<ThreadStore> {
  if (port === undefined) return new MemoryStore();
  const { PortStore } = await import("./thread/port_store.ts");
  return new PortStore(port, deps);
}
