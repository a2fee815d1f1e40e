/**
 * An outbox on disk in a folder of its own.
 *
 * @module
 */

import { systemClock } from "../../lib/clock.ts";
import { type Log, silentLog } from "../../lib/log/log.ts";
import type { Outbox } from "../../lib/outbox/outbox.ts";
import { createOutboxWorker } from "../../lib/outbox/sqlite/create_worker.ts";
import { openSqlite } from "../../lib/outbox/sqlite/open.ts";
import { PortStore } from "../../lib/outbox/thread/port_store.ts";
import type { Store } from "../../lib/outbox/store.ts";
import { TempDir } from "../support/program.ts";
import type { OutboxUnderTest } from "./store_contract.ts";

export class SqliteUnderTest implements OutboxUnderTest {
  readonly isDurable = true;
  readonly #dir = new TempDir();
  readonly #stores: Store[] = [];
  folder = this.#dir.path("outbox");
  thread: Worker | undefined;
  outbox: Outbox | undefined;

  constructor(readonly log: Log = silentLog) {}

  async open(): Promise<Outbox> {
    const opened = await this.tryOpen();
    if (!opened.ok) throw new Error(opened.message);
    this.outbox = opened.outbox;
    return opened.outbox;
  }

  tryOpen(): ReturnType<typeof openSqlite> {
    const createWorker = (folder: string): Worker => this.thread = createOutboxWorker(folder);
    return openSqlite(this.folder, { clock: systemClock, log: this.log }, createWorker);
  }

  /** Its thread goes without a word, and so do the locks, as with the process. */
  async kill(): Promise<void> {
    const copy = `${this.folder}-copy`;
    Deno.mkdirSync(copy);
    for (const { name } of Deno.readDirSync(this.folder)) {
      Deno.copyFileSync(`${this.folder}/${name}`, `${copy}/${name}`);
    }
    await this.outbox?.close();
    this.folder = copy;
  }

  worker(port: MessagePort | undefined): Store {
    const store = new PortStore(port!, { clock: systemClock, log: this.log });
    this.#stores.push(store);
    return store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#stores) await store.close();
    await this.outbox?.close();
    this.#dir[Symbol.dispose]();
  }
}
