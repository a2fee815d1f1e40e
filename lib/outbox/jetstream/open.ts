/**
 * Opening the outbox in JetStream.
 *
 * @module
 */

import { type Opened, ThreadOutbox, type ThreadOutboxDeps } from "../thread/outbox.ts";
import { createLedgerWorker } from "./create_worker.ts";
import type { LedgerPlace } from "./serve.ts";

/** The thread itself waits for NATS for a few seconds. */
const OPEN_MS = 20_000;

/**
 * Opens it. When NATS is away that is no fault: it is used as soon as it is there.
 *
 * @returns The outbox, or why there can be none; never rejects. Nothing is left running then.
 */
export function openLedgerOutbox(
  place: LedgerPlace,
  deps: ThreadOutboxDeps,
  createWorker: () => Worker = createLedgerWorker,
): Promise<Opened> {
  return ThreadOutbox.open({
    name: "nats",
    createWorker,
    command: { kind: "open", place },
    openMs: OPEN_MS,
    reasonOf: (error) => error instanceof Error ? error.message.slice(0, 200) : "unknown",
  }, deps);
}
