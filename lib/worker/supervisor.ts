/**
 * Several workers, each with the whole gateway, as one gateway.
 *
 * @module
 */

import { type Clock, within } from "../clock.ts";
import { Switchboard } from "../cluster/switchboard.ts";
import type { Config } from "../config/config.ts";
import type { Secrets, TlsPair } from "../config/secret.ts";
import type { Token } from "../config/token.ts";
import { Backlog } from "../queue/backlog.ts";
import { createForwarderStack } from "../forwarder/stack.ts";
import type { Random } from "../random.ts";
import { reserve } from "../listener/reserve.ts";
import type { Log } from "../log/log.ts";
import { metricsBuffer, MetricSet } from "../metrics/metrics.ts";
import { Cell } from "../metrics/tally.ts";
import { faultsBuffer, type RecentFaults } from "../log/recent_faults.ts";
import type { Tracing } from "../trace/tracing.ts";
import { Aftermath } from "./aftermath.ts";
import { createWorker } from "./create_worker.ts";
import type { Addresses, Death, Done } from "./message.ts";
import { Slot } from "./slot.ts";
import { StartError } from "./start_error.ts";
import { Thread, WORKER_DIED, type WorkerLike } from "./thread.ts";

export interface SupervisorDeps {
  readonly secrets: Secrets;
  readonly log: Log;
  /** Of all threads; this one's row is the first. */
  readonly faults?: RecentFaults;
  /** Of all threads too, from `metricsBuffer`. */
  readonly metricsMemory?: SharedArrayBuffer;
  readonly version: string;
  /** When the process began, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly clock: Clock;
  /** For what is reported from here; workers have their own. */
  readonly random: Random;
  /** For what is reported from here; workers have their own. */
  readonly tracing?: Tracing | undefined;
  /** Makes a thread that runs `serveOrders`. */
  readonly createWorker?: (number: number, config: Config) => WorkerLike;
}

/** Beside what depends on the drain time-out: farewells, and the last write of the profiles. */
const SHUTDOWN_MS = 25_000;
const AFTERMATH_CONCURRENCY = 64;

/**
 * Owns the workers: starts them, starts one again that has died, and ends them.
 *
 * It holds the memory that all threads share, and the slots that their threads are in; a thread that
 * has died is in none. When a worker dies, its clients are gone; what it owed the backend is reported
 * from here. A worker that hangs for good is not noticed: then its part of the clients hangs too.
 */
export class Supervisor implements Addresses {
  readonly #config: Config;
  readonly #deps: SupervisorDeps;
  #secrets: Secrets;
  readonly #buffer: SharedArrayBuffer;
  readonly #faults: SharedArrayBuffer;
  readonly #metricSet: MetricSet;
  readonly #switchboard: Switchboard;
  readonly #aftermath: Aftermath;
  readonly #closeForwarder: () => void;
  readonly #slots: readonly Slot[];
  #addresses: Addresses = { url: "", apiUrl: undefined };
  #isStopping = false;

  private constructor(config: Config, workers: number, deps: SupervisorDeps) {
    const { secrets, clock, log, version, tracing } = deps;
    this.#config = config;
    this.#deps = deps;
    this.#secrets = secrets;
    this.#faults = deps.faults?.buffer ?? faultsBuffer(1 + workers);
    this.#buffer = deps.metricsMemory ?? metricsBuffer(config.protocols, 1 + workers);
    this.#metricSet = new MetricSet(config.protocols, this.#buffer, 0);
    const { metrics } = this.#metricSet;
    this.#switchboard = new Switchboard(clock, log);
    const forwarder = createForwarderStack(config, {
      clock,
      random: deps.random,
      log,
      // It seldom sends anything, so that its breaker would tell of an outage long after its end.
      metrics: { ...metrics, breakerOpen: new Cell() },
      version,
      signKeys: secrets.signKeys,
      tracing,
    });
    this.#closeForwarder = () => forwarder.close();
    this.#aftermath = new Aftermath({
      forwarder,
      backlog: new Backlog(Infinity, Infinity, {
        count: metrics.waiting,
        chars: metrics.waitingChars,
        disconnects: metrics.disconnectsWaiting,
      }),
      metrics,
      log,
      disconnectHook: config.disconnectHook,
      concurrency: AFTERMATH_CONCURRENCY,
    });
    this.#slots = Array.from({ length: workers }, (_, i) => new Slot(i + 1, clock));
  }

  /**
   * Starts all workers.
   *
   * @param config Its ports are taken alone first: those who share a port would not notice that
   *   another program shares it too.
   * @param workers How many, 1 or more.
   * @returns When all of them listen.
   * @throws {Deno.errors.AddrInUse} and what else listening throws; a `StartError` when a worker
   *   cannot start. Nothing is left running then.
   */
  static async start(config: Config, workers: number, deps: SupervisorDeps): Promise<Supervisor> {
    const listen = reserve(config.listen, config.reusePort);
    let apiListen: ReturnType<typeof reserve> | undefined;
    try {
      if (config.apiListen !== undefined) apiListen = reserve(config.apiListen, config.reusePort);
    } catch (error) {
      listen.release();
      throw error;
    }
    const placed = { ...config, listen: listen.address, apiListen: apiListen?.address };
    const supervisor = new Supervisor(placed, workers, deps);
    const slots = supervisor.#slots;
    const threads = slots.map((slot) => supervisor.#create(slot));
    await Promise.all(threads.map((thread) => thread.loaded));
    // Not before they can take it at once.
    listen.makeWay();
    apiListen?.makeWay();
    const all = await Promise.all(slots.map((slot, i) => supervisor.#begin(slot, threads[i]!)));
    listen.release();
    apiListen?.release();
    const refused = all.find((done) => !done.ok);
    if (refused?.ok === false) {
      supervisor.#end();
      throw new StartError(refused.fault);
    }
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

  /** Each worker writes its profiles, into files of its own. */
  async writeProfiles(): Promise<void> {
    await Promise.all(this.#up().map((thread) => thread.order({ kind: "write_profiles" })));
  }

  /** Ends all workers as a gateway ends, at the same time. Once only; never rejects. */
  async shutdown(): Promise<void> {
    this.#startNoMore();
    const { log, clock } = this.#deps;
    const ended = Promise.all(this.#up().map((thread) => thread.order({ kind: "shutdown" })))
      .then(() => this.#aftermath.whenDone());
    const isInTime = await within(clock, ended, 3 * this.#config.drainTimeoutMs + SHUTDOWN_MS);
    if (!isInTime) log.error("workers did not end in time");
    this.#end();
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
    this.#closeForwarder();
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
    const done = await thread.order({
      kind: "start",
      number: slot.number,
      workers: this.#slots.length,
      config: this.#config,
      secrets: this.#secrets,
      version: this.#deps.version,
      metrics: this.#buffer,
      startedAt: this.#deps.startedAt,
      faults: this.#faults,
    });
    slot.started(done.ok);
    if (done.ok && done.addresses !== undefined) this.#addresses = done.addresses;
    return done;
  }

  #bury(slot: Slot, { message, stack }: Death): void {
    const { number } = slot;
    const line = slot.leave();
    // At the beginning it ends the program instead.
    if (line === undefined) return;
    try {
      const legacy = this.#switchboard.disconnect(line);
      this.#metricSet.clearGauges(number);
      const { closed, workerDeaths } = this.#metricSet.metrics;
      closed.worker_died.add(legacy.clients.length);
      workerDeaths.add(1);
      this.#aftermath.report(legacy);
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
