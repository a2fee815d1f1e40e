/**
 * An outbox in a thread of its own, as the main thread sees it.
 *
 * @module
 */

import { type Clock, within } from "../../clock.ts";
import type { Log } from "../../log/log.ts";
import { type Attachment, NOTHING_FOUND, type Outbox } from "../outbox.ts";
import type { Found } from "../store.ts";
import { FoundParts } from "./found_parts.ts";
import { type Command, MAIN, type Told } from "./message.ts";
import { PortStore } from "./port_store.ts";

export interface ThreadOutboxDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** What an outbox is begun with. */
export interface Beginning {
  /** Names it in the log and in messages to people. */
  readonly name: string;
  /** Makes its thread, which must take `Command`s and answer as `Told` says. */
  readonly createWorker: () => Worker;
  /** Its first command. */
  readonly command: Command & { readonly kind: "open" };
  /** How long its thread may take to open it. */
  readonly openMs: number;
  /** The reason for people in what its thread, or the runtime, says. */
  readonly reasonOf: (error: unknown) => string;
}

export type Opened =
  | { readonly ok: true; readonly outbox: ThreadOutbox }
  /** One line, which names the outbox. */
  | { readonly ok: false; readonly message: string };

const CLOSE_MS = 500;

/**
 * Owns the outbox's thread, and numbers the owners of what is in it.
 *
 * When that thread dies, no CALL is kept any more; the rest of the process goes on.
 */
export class ThreadOutbox implements Outbox {
  readonly store: PortStore;
  readonly isLasting = true;
  readonly #name: string;
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #found: FoundParts;
  #lastOwner = MAIN;
  #isDead = false;
  #onClosed: () => void = () => {};

  private constructor(name: string, worker: Worker, { clock, log }: ThreadOutboxDeps) {
    this.#name = name;
    this.#worker = worker;
    this.#clock = clock;
    this.#log = log;
    this.#found = new FoundParts(clock, log);
    this.store = new PortStore(this.#connect(MAIN), { clock, log });
    worker.onmessage = ({ data }: MessageEvent<Told>) => this.#hear(data);
    worker.onerror = (event) => {
      // Otherwise it would end the whole program.
      event.preventDefault();
      this.#die(event.message);
    };
  }

  /**
   * Opens it.
   *
   * @returns The outbox, or why there is none; never rejects. Nothing is left running then.
   */
  static async open(
    { name, createWorker, command, openMs, reasonOf }: Beginning,
    deps: ThreadOutboxDeps,
  ): Promise<Opened> {
    const refused = (reason: string): Opened => ({
      ok: false,
      message: `--outbox ${JSON.stringify(name)}: ${reason}`,
    });
    let worker: Worker;
    try {
      worker = createWorker();
    } catch (error) {
      return refused(reasonOf(error));
    }
    const first = new Promise<Told>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<Told>) => {
        if (data.kind === "line") deps.log[data.level](data.event, data.fields);
        else resolve(data);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        resolve({ kind: "refused", reason: reasonOf(new Error(event.message)) });
      };
    });
    worker.postMessage(command);
    const isInTime = await within(deps.clock, first, openMs);
    const told: Told = isInTime ? await first : { kind: "refused", reason: "it does not open" };
    if (told.kind === "opened") {
      const { calls, reports } = told;
      deps.log.info("outbox opened", { outbox: name, accepted: calls, reports });
      return { ok: true, outbox: new ThreadOutbox(name, worker, deps) };
    }
    worker.terminate();
    if (told.kind === "died") return refused(reasonOf(new Error(told.error)));
    return refused(told.kind === "refused" ? told.reason : "it does not open");
  }

  attach(): Attachment {
    const owner = ++this.#lastOwner;
    return { owner, port: this.#connect(owner) };
  }

  recover(owner: number): Promise<Found> {
    if (this.#isDead) return Promise.resolve(NOTHING_FOUND);
    return this.#found.ask((ask) => this.#send({ kind: "recover", ask, owner, heir: MAIN }));
  }

  async close(): Promise<void> {
    const since = this.#clock.now();
    await this.store.close();
    if (!this.#isDead) {
      const closed = new Promise<void>((resolve) => this.#onClosed = resolve);
      this.#send({ kind: "close" });
      const leftMs = Math.max(CLOSE_MS / 5, CLOSE_MS - (this.#clock.now() - since));
      // What is in a file's log is found at the next start; in JetStream another one takes over later.
      if (!await within(this.#clock, closed, leftMs)) {
        this.#log.warn("the outbox did not close in time", { outbox: this.#name });
      }
    }
    this.#isDead = true;
    this.#found.giveUp();
    this.#worker.terminate();
  }

  #connect(owner: number): MessagePort {
    const { port1, port2 } = new MessageChannel();
    if (!this.#isDead) this.#send({ kind: "attach", owner, port: port2 }, [port2]);
    return port1;
  }

  #send(command: Command, transfer: Transferable[] = []): void {
    this.#worker.postMessage(command, transfer);
  }

  #hear(told: Told): void {
    const outbox = this.#name;
    switch (told.kind) {
      case "found":
        return this.#found.take(told);
      case "line":
        return this.#log[told.level](told.event, told.fields);
      case "failing":
        return this.#log.error("the outbox cannot be written: CALLs are refused until it can", {
          outbox,
          error: told.error,
        });
      case "writing":
        return this.#log.info("the outbox is written again", {
          outbox,
          durationMs: told.durationMs,
        });
      case "full":
        return this.#log.error("too much waits to be written: reports are in memory only", {
          outbox,
        });
      case "unreadable":
        return this.#log.error("the outbox cannot be read", { outbox, error: told.error });
      case "closed":
        return this.#onClosed();
      case "died":
        return this.#die(told.error);
    }
  }

  #die(error: string): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#worker.terminate();
    const fields = { outbox: this.#name, error };
    this.#log.error("the outbox's thread died: CALLs are refused until a restart", fields);
    this.#found.giveUp();
    this.store.abandon();
    this.#onClosed();
  }
}
