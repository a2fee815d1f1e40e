/**
 * Opening the outbox on disk.
 *
 * @module
 */

import { type Opened, ThreadOutbox, type ThreadOutboxDeps } from "../thread/outbox.ts";
import { createOutboxWorker } from "./create_worker.ts";
import { reasonOf } from "./fault.ts";

/** A file of full size is checked in far less. */
const OPEN_MS = 120_000;

/**
 * Opens the outbox in a folder; both are made where they are missing.
 *
 * @param createWorker Makes a thread that runs `serveSqlite`.
 * @returns The outbox, or why there is none; never rejects. Nothing is left running then.
 */
export function openSqlite(
  folder: string,
  deps: ThreadOutboxDeps,
  createWorker: (folder: string) => Worker = createOutboxWorker,
): Promise<Opened> {
  return ThreadOutbox.open({
    name: folder,
    createWorker: () => createWorker(folder),
    command: { kind: "open", place: folder },
    openMs: OPEN_MS,
    reasonOf,
  }, deps);
}
