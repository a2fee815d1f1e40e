/**
 * Several workers, each with the whole gateway, as one gateway.
 *
 * @module
 */

import { Switchboard } from "../cluster/switchboard.ts";
import type { Config } from "../config/config.ts";
import type { Changes } from "../config/live.ts";
import type { Secrets, TlsPair } from "../config/secret.ts";
import type { Token } from "../config/token.ts";
import { EarlierClients } from "../report/earlier.ts";
import { MemoryOutbox } from "../outbox/memory.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { ShutdownOrder } from "../gateway/shutdown_times.ts";
import { totalOf } from "../metrics/family.ts";
import { createAftermath, type OwnReports } from "./create_aftermath.ts";
import { createWorker } from "./create_worker.ts";
import type { Addresses, Death, Done } from "./message.ts";
import { reservePlaces } from "./places.ts";
import { shutDownWorkers } from "./shutdown.ts";
import { SharedMemory } from "./shared_memory.ts";
import { Slot } from "./slot.ts";
import type { SupervisorDeps } from "./deps.ts";
import { StartError } from "./start_error.ts";
import { Thread, WORKER_DIED } from "./thread.ts";

/**
 * Owns the workers: starts them, starts one again that has died, and ends them.
 *
 * It holds the memory that all threads share, and the slots that their threads are in; a thread that
 * has died is in none. When a worker dies, its clients are gone; what it owed the backend is reported
 * from here. A worker that hangs for good is noticed at the shutdown alone: until then its part of the
 * clients hangs too.
 */
export class Supervisor implements Addresses {
  #config: Config;
  readonly #deps: SupervisorDeps;
  #secrets: Secrets;
  readonly #memory: SharedMemory;
  readonly #outbox: Outbox;
  readonly #switchboard: Switchboard;
  readonly #reports: OwnReports;
  readonly #earlier: EarlierClients;
  readonly #slots: readonly Slot[];
  #addresses: Addresses = { url: "", apiUrl: undefined };
  #isStopping = false;
  /** Undefined until the shutdown is over. */
  #undelivered: number | undefined;

  private constructor(config: Config, workers: number, deps: SupervisorDeps) {
    const { secrets, clock, log } = deps;
    this.#config = config;
    this.#deps = deps;
    this.#secrets = secrets;
    this.#memory = new SharedMemory(config.protocols, workers, deps);
    const { metrics } = this.#memory.metricSet;
    this.#outbox = deps.outbox ?? new MemoryOutbox();
    const { store } = this.#outbox;
    this.#earlier = new EarlierClients(
      clock,
      (change) => this.#switchboard.tellAll({ kind: "earlier", change }),
    );
    this.#reports = createAftermath(config, {
      ...{ ...deps, metrics, store, workers, earlier: this.#earlier },
    });
    this.#switchboard = new Switchboard(clock, log, this.#reports.aftermath);
    this.#slots = Array.from({ length: workers }, (_, i) => new Slot(i + 1, clock));
  }

  /**
   * Starts all workers.
   *
   * @param config Its ports are taken alone first.
   * @param workers How many, 1 or more.
   * @returns When all of them listen.
   * @throws {Deno.errors.AddrInUse} and what else listening throws; a `StartError` when a worker
   *   cannot start. Nothing is left running then.
   */
  static async start(config: Config, workers: number, deps: SupervisorDeps): Promise<Supervisor> {
    const places = reservePlaces(config);
    const supervisor = new Supervisor(places.config, workers, deps);
    await supervisor.#reports.aftermath.recover();
    const slots = supervisor.#slots;
    const threads = slots.map((slot) => supervisor.#create(slot));
    await Promise.all(threads.map((thread) => thread.loaded));
    // Not before they can take it at once.
    places.makeWay();
    const all = await Promise.all(slots.map((slot, i) => supervisor.#begin(slot, threads[i]!)));
    places.release();
    const refused = all.find((done) => !done.ok);
    if (refused?.ok === false) {
      supervisor.#end();
      throw new StartError(refused.fault);
    }
    supervisor.#memory.start();
    return supervisor;
  }

  get url(): string {
    return this.#addresses.url;
  }

  get apiUrl(): string | undefined {
    return this.#addresses.apiUrl;
  }

  /**
   * Hands a new certificate to all workers.
   *
   * @returns When the older certificate is not given any more; rejects when one cannot use the pair.
   */
  async reloadTls(pair: TlsPair): Promise<void> {
    const all = await Promise.all(
      this.#up().map((thread) => thread.order({ kind: "reload_tls", pair })),
    );
    for (const done of all) {
      // One that dies is started again, with the new pair.
      if (!done.ok && done.fault.name !== WORKER_DIED) throw new StartError(done.fault);
    }
    this.#secrets = { ...this.#secrets, tls: pair };
  }

  /** All workers forget them, also those that are starting. */
  forgetVerdicts(): void {
    for (const { thread } of this.#slots) void thread?.order({ kind: "forget_verdicts" });
  }

  /** Hands new tokens to all workers. @returns When none heeds the older ones any more. */
  async reloadTokens(tokens: readonly Token[]): Promise<void> {
    // Before the order: one that is started meanwhile begins with them.
    this.#secrets = { ...this.#secrets, tokens };
    await Promise.all(this.#up().map((thread) => thread.order({ kind: "reload_tokens", tokens })));
  }

  /** Hands changes to all workers, also those that are started later. @returns When all heed them. */
  async change(changes: Changes): Promise<void> {
    const { limits, signKeys, apiToken } = changes;
    this.#config = { ...this.#config, ...limits };
    if (signKeys !== undefined) {
      this.#secrets = { ...this.#secrets, signKeys };
      this.#reports.changeSignKeys(signKeys);
    }
    if (apiToken !== undefined) this.#secrets = { ...this.#secrets, apiToken };
    // Also to one that is starting: with what it began it may be late.
    await Promise.all(
      this.#slots.map(({ thread }) => thread?.order({ kind: "change", changes })),
    );
  }

  /** Each worker writes its profiles, into files of its own. */
  async writeProfiles(): Promise<void> {
    await Promise.all(this.#up().map((thread) => thread.order({ kind: "write_profiles" })));
  }

  /** Ends all workers as a gateway ends, at the same time. Once only; never rejects. */
  async shutdown(order: ShutdownOrder = {}): Promise<void> {
    this.#startNoMore();
    const clients = totalOf(this.#memory.metricSet.metrics.connections);
    this.#undelivered = await shutDownWorkers(this.#slots, clients, order, {
      ...this.#deps,
      drainTimeoutMs: this.#config.drainTimeoutMs,
      aftermath: this.#reports.aftermath,
      bury: (slot, death) => this.#bury(slot, death),
    });
    this.#end();
  }

  /**
   * Reports that the backend has not taken, as the shutdown counted them. As long as it is not over: those that
   * wait, and CALLs that will have one.
   */
  undelivered(): number {
    const { metrics } = this.#memory.metricSet;
    const { outboxPlaces, resultErrorsWaiting, disconnectsWaiting } = metrics;
    return this.#undelivered ??
      outboxPlaces.sum + resultErrorsWaiting.sum + disconnectsWaiting.sum;
  }

  #up(): Thread[] {
    return this.#slots.flatMap(({ serving }) => serving ?? []);
  }

  #startNoMore(): void {
    this.#isStopping = true;
    for (const slot of this.#slots) slot.startNoMore();
  }

  #end(): void {
    this.#startNoMore();
    for (const { thread } of this.#slots) thread?.terminate();
    this.#reports.aftermath.close();
    this.#memory.stop();
  }

  #create(slot: Slot): Thread {
    const create = this.#deps.createWorker ?? createWorker;
    const thread = new Thread(create(slot.number, this.#config));
    slot.take(thread, this.#switchboard.connect(thread));
    void thread.died.then((death) => this.#bury(slot, death)).catch((error) =>
      this.#deps.log.error("a worker's affairs failed", { error: String(error) })
    );
    return thread;
  }

  async #begin(slot: Slot, thread: Thread): Promise<Done> {
    const port = slot.attach(this.#outbox);
    const done = await thread.order({
      kind: "start",
      number: slot.number,
      workers: this.#slots.length,
      config: this.#config,
      secrets: this.#secrets,
      version: this.#deps.version,
      ...{ startedAt: this.#deps.startedAt, instance: this.#deps.instance },
      host: this.#deps.host ?? null,
      ...this.#memory.buffers,
      outbox: port,
      earlier: this.#earlier.clientIds(),
    }, port === undefined ? [] : [port]);
    slot.started(done.ok);
    if (done.ok && done.addresses !== undefined) this.#addresses = done.addresses;
    return done;
  }

  #bury(slot: Slot, { message, stack }: Death): void {
    const { number, owner } = slot;
    const line = slot.leave();
    // At the beginning it ends the program instead.
    if (line === undefined) return;
    try {
      const legacy = this.#switchboard.disconnect(line);
      this.#memory.workerDied(number, legacy.clients);
      const finding = owner === undefined ? undefined : this.#outbox.recover(owner);
      void this.#reports.aftermath.report(legacy, finding);
      this.#deps.log.error("a worker died", {
        worker: number,
        error: message,
        stack,
        clients: legacy.clients.length,
        calls: legacy.calls.length,
      });
    } finally {
      this.#startAgain(slot);
    }
  }

  /** Also when that fails: it is tried again, later each time. */
  #startAgain(slot: Slot): void {
    if (this.#isStopping) return;
    slot.startAgain(() => {
      this.#restart(slot).catch((error) => {
        const fields = { worker: slot.number, error: String(error) };
        this.#deps.log.error("a worker cannot be started again, still trying", fields);
        slot.thread?.terminate();
        const line = slot.leave();
        if (line !== undefined) this.#switchboard.disconnect(line);
        this.#startAgain(slot);
      });
    });
  }

  async #restart(slot: Slot): Promise<void> {
    const { log } = this.#deps;
    const thread = this.#create(slot);
    await thread.loaded;
    if (this.#isStopping || slot.thread !== thread) return;
    const { tls, tokens } = this.#secrets;
    const done = await this.#begin(slot, thread);
    // Read again while it started.
    const newer = this.#secrets;
    if (newer.tls !== undefined && newer.tls !== tls) {
      void thread.order({ kind: "reload_tls", pair: newer.tls });
    }
    if (newer.tokens !== undefined && newer.tokens !== tokens) {
      void thread.order({ kind: "reload_tokens", tokens: newer.tokens });
    }
    if (done.ok) return log.info("a worker was started again", { worker: slot.number });
    // One that died is buried already.
    if (slot.thread !== thread) return;
    thread.terminate();
    this.#bury(slot, { message: done.fault.message, stack: "" });
  }
}
