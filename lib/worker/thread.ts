/**
 * One web worker, as the main thread sees it.
 *
 * @module
 */

import type { FromWorker, Port, ToWorker } from "../cluster/message.ts";
import type { Death, Done, FromThread, Order, ToThread } from "./message.ts";

/** The part of a `Worker` that is used. */
export interface WorkerLike {
  postMessage(message: ToThread, transfer?: Transferable[]): void;
  terminate(): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
}

/** Names the fault of an order that its worker did not live to carry out. */
export const WORKER_DIED = "WorkerDied";

/**
 * Owns a worker: gives it orders, and tells when it has died.
 *
 * Always true: an order ends once, with the worker's death at the latest; of the dead nothing is asked.
 */
export class Thread implements Port<FromWorker, ToWorker> {
  /** Its modules are there; or it has died. */
  readonly loaded: Promise<void>;
  /** It has died, and all that it had said has been taken. */
  readonly died: Promise<Death>;
  readonly #worker: WorkerLike;
  readonly #orders = new Map<number, (done: Done) => void>();
  #lastId = 0;
  #isDead = false;
  #take: (message: FromWorker) => void = () => {};
  #onLoaded = (): void => {};
  #onDied: (death: Death) => void = () => {};

  constructor(worker: WorkerLike) {
    this.#worker = worker;
    this.loaded = new Promise((resolve) => this.#onLoaded = resolve);
    this.died = new Promise((resolve) => this.#onDied = resolve);
    worker.addEventListener("message", (event) => {
      this.#receive((event as MessageEvent<FromThread>).data);
    });
    // It could not even be loaded, or did not live to say why it dies.
    worker.addEventListener("error", (event) => {
      // Otherwise it would end the whole program.
      event.preventDefault();
      this.#die({ message: (event as ErrorEvent).message, stack: "" });
    });
  }

  onMessage(take: (message: FromWorker) => void): void {
    this.#take = take;
  }

  post(message: ToWorker): void {
    if (!this.#isDead) this.#worker.postMessage({ kind: "bus", message });
  }

  /**
   * Gives an order.
   *
   * @param transfer What of it goes to the worker and is not this thread's any more.
   * @returns How it ended, also when the worker died of it; never rejects.
   */
  order(order: Order, transfer: Transferable[] = []): Promise<Done> {
    if (this.#isDead) return this.died.then(failed);
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#orders.set(id, resolve);
      this.#worker.postMessage({ kind: "order", id, order }, transfer);
    });
  }

  /** Ends it at once; `died` does not follow. */
  terminate(): void {
    this.#worker.terminate();
  }

  #receive(message: FromThread): void {
    switch (message.kind) {
      case "loaded":
        return this.#onLoaded();
      case "bus":
        return this.#take(message.message);
      case "done":
        this.#orders.get(message.id)?.(message.done);
        this.#orders.delete(message.id);
        return;
      case "died":
        return this.#die(message.death);
    }
  }

  #die(death: Death): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.terminate();
    // First: whoever gave an order and is told of its end finds the dead one's affairs in order.
    this.#onDied(death);
    for (const resolve of this.#orders.values()) resolve(failed(death));
    this.#orders.clear();
    this.#onLoaded();
  }
}

function failed({ message }: Death): Done {
  return { ok: false, fault: { name: WORKER_DIED, message } };
}
