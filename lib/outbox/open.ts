/**
 * The outbox that the command line asks for.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Log } from "../log/log.ts";
import { MemoryOutbox, MemoryStore } from "./memory.ts";
import type { Outbox } from "./outbox.ts";
import type { Store } from "./store.ts";

export interface OutboxDeps {
  readonly clock: Clock;
  readonly log: Log;
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

/**
 * Opens the outbox of a process.
 *
 * @param folder That of `--outbox`; undefined for none: then nothing of SQLite is even loaded.
 */
export async function openOutbox(
  folder: string | undefined,
  deps: OutboxDeps,
): Promise<OpenedOutbox> {
  if (folder === undefined) return { ok: true, outbox: new MemoryOutbox() };
  const { openSqlite } = await import("./sqlite/open.ts");
  return await openSqlite(folder, deps);
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
