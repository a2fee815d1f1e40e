/**
 * Accepted CALLs and their outcomes, and an outbox by its kind.
 *
 * @module
 */

import { v7 } from "uuid";
import { systemClock } from "../../lib/clock.ts";
import { type Log, silentLog } from "../../lib/log/log.ts";
import type { AcceptedCall, KeptReport } from "../../lib/outbox/entry.ts";
import { openLedgerOutbox } from "../../lib/outbox/jetstream/open.ts";
import { MemoryOutbox } from "../../lib/outbox/memory.ts";
import type { Outbox } from "../../lib/outbox/outbox.ts";
import { openSqlite } from "../../lib/outbox/sqlite/open.ts";
import type { Place } from "./kinds.ts";

/** `--nats-subject` and `--outbox-max-bytes`. */
const PREFIX = "ws2api";
const MAX_BYTES = 4 * 1024 ** 3;
const MAX_AGE_MS = 73 * 3_600_000;

export function accepted(): AcceptedCall {
  return {
    id: v7(),
    client: {
      clientId: "CP-000123",
      connectionId: v7(),
      protocol: "ocpp1.6",
      remoteAddress: "203.0.113.7",
      connectedAt: Date.now(),
    },
    action: "RemoteStartTransaction",
    messageId: crypto.randomUUID(),
    trace: undefined,
    acceptedAt: Date.now(),
  };
}

export function outcomeOf({ id, client, action, messageId, trace }: AcceptedCall): KeptReport {
  const body = '{"status":"Accepted"}';
  return {
    id,
    client,
    report: { kind: "result", action, messageId, trace, body },
    since: Date.now(),
  };
}

/** In memory, unless it is said where it is. @throws When there can be none. */
export async function openOutbox(
  holds: "memory" | "sqlite" | "nats",
  { folder, nats }: Place,
  log: Log = silentLog,
): Promise<Outbox> {
  if (holds === "memory") return new MemoryOutbox();
  const deps = { clock: systemClock, log };
  const opened = holds === "sqlite"
    ? await openSqlite(folder, deps)
    : await openLedger(nats!.addresses, log);
  if (!opened.ok) throw new Error(opened.message);
  return opened.outbox;
}

/** That in NATS. @param servers `host:port` each. */
export async function openLedger(servers: readonly string[], log: Log) {
  return await openLedgerOutbox({
    nats: { servers, isTls: false },
    secrets: { credentials: undefined, ca: undefined },
    prefix: PREFIX,
    maxBytes: MAX_BYTES,
    maxAgeMs: MAX_AGE_MS,
    instance: `bench-${crypto.randomUUID().slice(0, 8)}`,
    place: undefined,
  }, { clock: systemClock, log });
}
