/**
 * An outbox in the JetStream of a NATS server of its own.
 *
 * @module
 */

import { systemClock } from "../../../lib/clock.ts";
import { type Log, silentLog } from "../../../lib/log/log.ts";
import { createLedgerWorker } from "../../../lib/outbox/jetstream/create_worker.ts";
import { openLedgerOutbox } from "../../../lib/outbox/jetstream/open.ts";
import type { Outbox } from "../../../lib/outbox/outbox.ts";
import type { Store } from "../../../lib/outbox/store.ts";
import { PortStore } from "../../../lib/outbox/thread/port_store.ts";
import { NatsServer, withJetStream } from "../../support/nats.ts";
import type { OutboxUnderTest } from "../store_contract.ts";

export class JetStreamUnderTest implements OutboxUnderTest {
  readonly isDurable = true;
  readonly #log: Log;
  #server: NatsServer | undefined;
  readonly #stores: Store[] = [];
  #instances = 0;
  #thread: Worker | undefined;
  #outbox: Outbox | undefined;

  constructor(log: Log = silentLog) {
    this.#log = log;
  }

  async open(): Promise<Outbox> {
    this.#server ??= await NatsServer.start((dir) => withJetStream(dir));
    const opened = await openLedgerOutbox(
      {
        nats: { servers: [this.#server.host], isTls: false },
        secrets: {},
        prefix: "ws2api",
        maxBytes: 256 * 1024 ** 2,
        maxAgeMs: 3_600_000,
        instance: `i${++this.#instances}`,
        // The next process is where this one was: it has ended then.
        place: "here",
      },
      { clock: systemClock, log: this.#log },
      () => this.#thread = createLedgerWorker(),
    );
    if (!opened.ok) throw new Error(opened.message);
    this.#outbox = opened.outbox;
    return opened.outbox;
  }

  /** Its thread goes without a word, and the connection with it. */
  kill(): Promise<void> {
    this.#thread?.terminate();
    this.#outbox = undefined;
    return Promise.resolve();
  }

  worker(port: MessagePort | undefined): Store {
    const store = new PortStore(port!, { clock: systemClock, log: this.#log });
    this.#stores.push(store);
    return store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#stores) await store.close();
    await this.#outbox?.close();
    this.#thread?.terminate();
    await this.#server?.[Symbol.asyncDispose]();
  }
}
