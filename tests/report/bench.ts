/**
 * Deliveries without a network and real time: a backend that answers as the test says, and a store that
 * notes what it is told.
 *
 * @module
 */

import type { BackendReply, BackendRequest, Requester } from "../../lib/forwarder/forwarder.ts";
import { type Metrics, MetricSet } from "../../lib/metrics/metrics.ts";
import type { AcceptedCall, KeptReport, Parked, Report } from "../../lib/outbox/entry.ts";
import type { Found, Store, StoreFollower } from "../../lib/outbox/store.ts";
import { createDeliveries } from "../../lib/report/create.ts";
import type { Deliveries, HeldReport } from "../../lib/report/deliveries.ts";
import type { EarlierReports, LanesFollower } from "../../lib/report/earlier.ts";
import { clientOf } from "../cluster/bus_contract.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { KeptLog } from "../support/nats.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export const OK: BackendReply = { ok: true, status: 204, body: "" };
export const UNREACHABLE: BackendReply = { ok: false, fault: "unreachable" };

export function status(code: number, retryAfter?: string): BackendReply {
  const reply = { ok: true, status: code, body: "" } as const;
  return retryAfter === undefined ? reply : { ...reply, retryAfter };
}

/** Notes what it is told, as `<verb> <id>`; finds nothing. */
export class NotingStore implements Store {
  readonly told: string[] = [];
  /** What `accept` says; undefined when it does not say it at once. */
  isKept: boolean | undefined = true;
  readonly asked: ((isKept: boolean) => void)[] = [];

  accept({ id }: AcceptedCall, done: (isKept: boolean) => void): void {
    this.told.push(`accept ${id}`);
    if (this.isKept === undefined) this.asked.push(done);
    else done(this.isKept);
  }

  end({ id }: KeptReport): void {
    this.told.push(`end ${id}`);
  }

  park(id: string, parked: Parked | undefined): void {
    this.told.push(`${parked === undefined ? "unpark" : "park"} ${id}`);
  }

  delivered(id: string): void {
    this.told.push(`delivered ${id}`);
  }

  recover(): Promise<Found> {
    return Promise.resolve({ calls: [], reports: [] });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** One whose entries may change hands. */
export class ChangingStore extends NotingStore {
  follower: StoreFollower | undefined;

  follow(follower: StoreFollower): void {
    this.follower = follower;
  }
}

export interface BenchOptions {
  readonly store?: NotingStore;
  readonly maxReports?: number;
  readonly reportTtlMs?: number;
  readonly maxQueue?: number;
  readonly backendConnections?: number;
  readonly earlier?: EarlierReports;
  readonly follower?: LanesFollower;
  /** Of a thread of several. */
  readonly metrics?: Metrics;
  readonly threads?: number;
}

/** One post of a report. */
export interface Posted {
  /** Its body: reports are told apart by it. */
  readonly body: string;
  readonly at: number;
  readonly request: BackendRequest;
}

export class Bench {
  readonly clock = new FakeClock();
  readonly log = new KeptLog();
  readonly store: NotingStore;
  readonly metrics: Metrics;
  readonly deliveries: Deliveries;
  readonly posted: Posted[] = [];
  /** What each post is answered at once; undefined when the test answers. */
  answer: ((posted: Posted) => BackendReply | undefined) | undefined;
  readonly #open: { readonly posted: Posted; readonly requester: Requester }[] = [];
  #ids = 0;

  constructor(options: BenchOptions = {}) {
    const { clock, log } = this;
    const store = this.store = options.store ?? new NotingStore();
    const metrics = this.metrics = options.metrics ?? new MetricSet(["ocpp1.6"]).metrics;
    this.deliveries = createDeliveries({
      ...{ maxReports: 100_000, reportTtlMs: 72 * HOUR, maxQueue: 100_000 },
      ...{ backendConnections: 256, maxQueueChars: Infinity },
      ...options,
    }, {
      ...{ clock, log, store, metrics, earlier: options.earlier, follower: options.follower },
      threads: options.threads ?? 1,
      random: { fraction: () => 0 },
      ids: { next: () => `id${String(++this.#ids).padStart(6, "0")}` },
      forwarder: { forward: (request, requester) => this.#forward(request, requester) },
    });
  }

  #forward(request: BackendRequest, requester: Requester): void {
    const posted = { body: request.body, at: this.clock.now(), request };
    this.posted.push(posted);
    const reply = this.answer?.(posted);
    if (reply === undefined) this.#open.push({ posted, requester });
    else requester.replied(reply);
  }

  /** Bodies of what was posted, in order. */
  get bodies(): string[] {
    return this.posted.map(({ body }) => body);
  }

  /** Bodies of what is under way. */
  get underWay(): string[] {
    return this.#open.map(({ posted }) => posted.body);
  }

  /** Answers the oldest of what is under way, or the one with this body. */
  reply(reply: BackendReply, body?: string): void {
    const at = body === undefined ? 0 : this.underWay.indexOf(body);
    const [one] = this.#open.splice(at, 1);
    one!.requester.replied(reply);
  }

  replyAll(reply: BackendReply): void {
    for (const { requester } of this.#open.splice(0)) requester.replied(reply);
  }

  deliver(
    clientId: string,
    body: string,
    options: Parameters<Deliveries["deliver"]>[2] = {},
    kind: "result" | "resulterror" = "result",
  ): void {
    this.deliveries.deliver(clientOf(clientId), outcome(body, kind), options);
  }

  /** A result that keeps its turn, and may not go yet. */
  hold(clientId: string, body: string, options: Parameters<Deliveries["hold"]>[2]): HeldReport {
    return this.deliveries.hold(clientOf(clientId), outcome(body), options);
  }

  /** Reports that wait and that are parked. */
  get counts(): [waiting: number, parked: number] {
    const { outbox } = this.metrics;
    return [outbox.waiting.own, outbox.parked.own];
  }
}

export function outcome(body: string, kind: "result" | "resulterror" = "result"): Report {
  return { kind, action: "Reset", messageId: body, body, trace: undefined };
}
