/**
 * A gateway in a web worker.
 *
 * @module
 */

import { Departures } from "../client/departures.ts";
import { History } from "../status/history.ts";
import { takeUncaught, type UncaughtScope } from "../uncaught.ts";
import { systemClock } from "../clock.ts";
import type { Bus, Peer } from "../cluster/bus.ts";
import { Chain } from "../cluster/chain.ts";
import type { FromWorker, Port, ToWorker } from "../cluster/message.ts";
import { natsOf } from "../cluster/nats/join.ts";
import { ThreadsBus } from "../cluster/threads.ts";
import type { Changes } from "../config/live.ts";
import type { BusShare } from "../gateway/deps.ts";
import { type Gateway, startGateway } from "../gateway/gateway.ts";
import { configureLog, createLog, type LimitedLog } from "../log/log.ts";
import { print } from "../log/print.ts";
import { RecentFaults } from "../log/recent_faults.ts";
import { storeOf, type ThreadStore } from "../outbox/open.ts";
import { MetricSet } from "../metrics/metrics.ts";
import type { Profiles } from "../profile/profile.ts";
import { systemRandom } from "../random.ts";
import { EarlierReports } from "../report/earlier.ts";
import { loadTracing } from "../trace/load.ts";
import { validatorOf } from "../validate/load.ts";
import type { Done, FromThread, Order, ToThread, Yield } from "./message.ts";

/** The part of a worker's global scope that is used. */
export type WorkerScope = UncaughtScope & {
  postMessage(message: FromThread): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToThread>) => void): void;
  /** Nothing runs any more, not even what stands behind it. */
  close(): void;
};

/** What `start` made. */
interface Running {
  readonly gateway: Gateway;
  readonly change: (changes: Changes) => void;
  readonly profiles: Profiles | undefined;
  readonly store: ThreadStore;
  readonly log: LimitedLog;
}

/**
 * Does what the main thread tells this worker to do, order by order.
 *
 * An error that nobody catches ends the worker, as it would end a program. That is said in a message,
 * and here rather than by the runtime: so it comes behind all that the worker had said before, and is
 * one line in the log.
 */
export function serveOrders(scope: WorkerScope): void {
  const port = new ScopePort(scope);
  let running: Running | undefined;
  let last: Promise<void> = Promise.resolve();

  async function carryOut(order: Order): Promise<Yield> {
    switch (order.kind) {
      case "start":
        running = await start(order, port);
        return { addresses: { url: running.gateway.url, apiUrl: running.gateway.apiUrl } };
      case "reload_tls":
        await running?.gateway.reloadTls(order.pair);
        return {};
      case "forget_verdicts":
        running?.gateway.forgetVerdicts();
        return {};
      case "reload_tokens":
        await running?.gateway.reloadTokens(order.tokens);
        return {};
      case "change":
        running?.change(order.changes);
        return {};
      case "write_profiles":
        void running?.profiles?.write();
        return {};
      case "shutdown":
        return running === undefined ? {} : await shutDown(running, order);
    }
  }

  async function answer(id: number, order: Order): Promise<void> {
    let done: Done;
    try {
      done = { ok: true, ...await carryOut(order) };
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      done = { ok: false, fault: { name, message } };
    }
    scope.postMessage({ kind: "done", id, done });
  }

  function die(error: unknown): void {
    const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
    // What it was told counts, also in the last moment.
    running?.store.leave();
    running?.log.flush();
    scope.postMessage({ kind: "died", death: { message, stack } });
    scope.close();
  }

  takeUncaught(scope, die);
  scope.addEventListener("message", ({ data }) => {
    if (data.kind === "bus") port.take(data.message);
    else last = last.then(() => answer(data.id, data.order));
  });
  scope.postMessage({ kind: "loaded" });
}

/** A start that the command line is to blame for; its message is whole. */
class Refusal extends Error {
  override readonly name = "Refusal";
}

async function start(order: Order & { kind: "start" }, port: ScopePort): Promise<Running> {
  const { number, workers, config, secrets, version, startedAt, instance, host } = order;
  const clock = systemClock;
  const random = systemRandom;
  const output = configureLog(
    config.logLevel,
    config.logFormat,
    (bytes) => print(Deno.stderr, bytes),
  );
  const faults = new RecentFaults(clock, order.faults, number);
  const metricSet = new MetricSet(config.protocols, order.metrics, number);
  const log = createLog(
    ...[clock, { ...(instance && { instance }), worker: number }, faults] as const,
    (level) => metricSet.metrics.linesSuppressed[level].add(1),
  );
  const { cpuProfileFile, memProfileFile } = config;
  let profiles: Profiles | undefined;
  if (cpuProfileFile !== undefined || memProfileFile !== undefined) {
    const { startProfiles } = await import("../profile/profile.ts");
    const files = { cpuFile: own(cpuProfileFile, number), memFile: own(memProfileFile, number) };
    const started = await startProfiles(files, { clock, random, log });
    if (!started.ok) throw new Refusal(started.message);
    profiles = started.profiles;
  }
  const createNats = await natsOf(config, secrets, { clock, random, log }, instance, number);
  const earlier = new EarlierReports(order.earlier);
  const threads = new ThreadsBus({
    port,
    clock,
    log,
    earlier,
    // Over NATS it is looked for anyway, and found there when it has just come to another thread.
    looksTwice: createNats === undefined,
  });
  const createBus = (local: Peer, shared: BusShare): Bus => {
    const near = threads.join(local, shared.time);
    return createNats === undefined ? near : new Chain(near, createNats(local, shared));
  };
  const team = { size: workers, metricSet };
  const validator = await validatorOf(config);
  const tracing = await loadTracing(clock);
  const store = await storeOf(order.outbox, { clock, log });
  const deps = {
    ...{ log, faults, clock, random, version, startedAt, instance, secrets, validator },
    ...{ createBus, witness: threads, team, tracing, store, earlier, host },
    departures: new Departures(clock, order.departures, number),
    history: new History(order.history),
  };
  const gateway = await startGateway(config, deps);
  const change = (changes: Changes): void => {
    if (changes.limits !== undefined) output.setLevel(changes.limits.logLevel);
    void gateway.change(changes);
  };
  return { gateway, change, profiles, store, log };
}

async function shutDown(
  { gateway, profiles, store, log }: Running,
  { elapsedMs, clients }: Order & { kind: "shutdown" },
): Promise<Yield> {
  await gateway.shutdown({
    since: systemClock.now() - elapsedMs,
    clients,
    beside: (timeoutMs) => profiles?.stop(timeoutMs) ?? Promise.resolve(),
  });
  await store.close();
  log.flush();
  return { undelivered: gateway.undelivered() };
}

/** A profile of this thread's own. */
function own(file: string | undefined, number: number): string | undefined {
  return file === undefined ? undefined : `${file}.${number}`;
}

/** The bus's way to the main thread. What comes before the bus is there waits for it. */
class ScopePort implements Port<ToWorker, FromWorker> {
  readonly #scope: WorkerScope;
  #early: ToWorker[] = [];
  #take = (message: ToWorker): void => void this.#early.push(message);

  constructor(scope: WorkerScope) {
    this.#scope = scope;
  }

  post(message: FromWorker): void {
    this.#scope.postMessage({ kind: "bus", message });
  }

  onMessage(take: (message: ToWorker) => void): void {
    this.#take = take;
    for (const message of this.#early.splice(0)) take(message);
  }

  take(message: ToWorker): void {
    this.#take(message);
  }
}
