/**
 * A store whose outbox is in another thread.
 *
 * @module
 */

import { type Clock, type Timer, within } from "../../clock.ts";
import { identityOf } from "../../identity.ts";
import type { Log } from "../../log/log.ts";
import type { AcceptedCall, KeptReport, Parked } from "../entry.ts";
import { NOTHING_FOUND } from "../outbox.ts";
import type { Found, Store, StoreFollower } from "../store.ts";
import { type Bounds, Unwritten } from "../unwritten.ts";
import { FoundParts } from "./found_parts.ts";
import type { FromStore, ToStore } from "./message.ts";

/** This thread's end of the way to the outbox. */
export interface StorePort {
  postMessage(message: FromStore): void;
  onmessage: ((event: MessageEvent<ToStore>) => void) | null;
  close(): void;
}

export interface PortStoreDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly bounds?: Bounds;
}

/** How long a CALL may wait to be kept. */
const ACCEPT_MS = 10_000;
/** How long the last changes may take. */
const CLOSE_MS = 400;

/** A CALL that waits to be kept. */
interface Waiting {
  readonly done: (isKept: boolean) => void;
  readonly until: number;
}

/**
 * Owns what this thread told its store and the outbox has not got yet, and who waits for it.
 *
 * One batch is under way at a time, and what comes meanwhile is the next one: so the batches grow with
 * the load, and nothing piles up between the threads. Always true: each CALL's `done` is called once.
 */
export class PortStore implements Store {
  readonly isLasting = true;
  readonly #port: StorePort;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #unwritten: Unwritten;
  readonly #found: FoundParts;
  readonly #waiting = new Map<string, Waiting>();
  /** The CALLs of each batch under way. */
  readonly #underWay = new Map<number, readonly string[]>();
  #lastBatch = 0;
  #isScheduled = false;
  #timer: Timer | undefined;
  /** It did not answer in time, and has not done so since. */
  #isStuck = false;
  #isClosed = false;
  #onIdle: (() => void) | undefined;
  #follower: StoreFollower | undefined;
  /** What came before anybody followed. */
  readonly #untold: ((follower: StoreFollower) => void)[] = [];

  constructor(port: StorePort, { clock, log, bounds }: PortStoreDeps) {
    this.#port = port;
    this.#clock = clock;
    this.#log = log;
    this.#unwritten = new Unwritten(bounds);
    this.#found = new FoundParts(clock, log);
    port.onmessage = ({ data }) => {
      switch (data.kind) {
        case "found":
          return this.#found.take(data);
        case "written":
          return this.#written(data.batch, data.isKept);
        case "inherited": {
          const { calls, reports } = data;
          return this.#tellFollower((follower) => follower.inherited({ calls, reports }));
        }
        case "lost":
          return this.#lost(data.ids);
      }
    };
  }

  accept(call: AcceptedCall, done: (isKept: boolean) => void): void {
    if (this.#isClosed || this.#isStuck || this.#unwritten.isFull) return done(false);
    // Mostly it is the connection itself, whose own state must neither be copied nor kept.
    this.#unwritten.accept({ ...call, client: identityOf(call.client) });
    this.#waiting.set(call.id, { done, until: this.#clock.now() + ACCEPT_MS });
    this.#timer ??= this.#clock.setTimeout(this.#giveUp, ACCEPT_MS);
    this.#schedule();
  }

  end(report: KeptReport): void {
    if (this.#isClosed) return;
    if (!this.#unwritten.end(report)) {
      this.#log.error("too much waits to be written: a report is in memory only", {
        kind: report.report.kind,
        clientId: report.client.clientId,
      });
    }
    this.#schedule();
  }

  park(id: string, parked: Parked | undefined): void {
    if (this.#isClosed) return;
    this.#unwritten.park(id, parked);
    this.#schedule();
  }

  delivered(id: string): void {
    if (this.#isClosed) return;
    this.#unwritten.delivered(id);
    this.#schedule();
  }

  recover(): Promise<Found> {
    if (this.#isClosed) return Promise.resolve(NOTHING_FOUND);
    this.#post();
    return this.#found.ask((ask) => this.#port.postMessage({ kind: "recover", ask }));
  }

  follow(follower: StoreFollower): void {
    this.#follower = follower;
    for (const tell of this.#untold.splice(0)) this.#tellFollower(tell);
  }

  #tellFollower(tell: (follower: StoreFollower) => void): void {
    if (this.#follower === undefined) return void this.#untold.push(tell);
    try {
      tell(this.#follower);
    } catch (error) {
      this.#log.error("what changed hands was not taken", { error: String(error) });
    }
  }

  /** What was told of them meanwhile came to the outbox when it knew nothing of them any more: it is void. */
  #lost(ids: readonly string[]): void {
    this.#tellFollower((follower) => follower.lost(ids));
    for (const id of ids) this.delivered(id);
  }

  /** Sends all that was told, and says that nothing follows: this thread dies. */
  leave(): void {
    if (this.#isClosed) return;
    this.#post();
    this.#end();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#post();
    if (this.#underWay.size > 0) {
      const idle = new Promise<void>((resolve) => this.#onIdle = resolve);
      await within(this.#clock, idle, CLOSE_MS);
    }
    this.#post();
    this.#end();
  }

  /** The outbox is no more: nothing is kept from now on. */
  abandon(): void {
    if (!this.#isClosed) this.#end();
  }

  #end(): void {
    this.#isClosed = true;
    this.#port.postMessage({ kind: "bye" });
    this.#port.onmessage = null;
    this.#port.close();
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#found.giveUp();
    this.#settle([...this.#waiting.keys()], false);
    this.#underWay.clear();
    this.#onIdle?.();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#underWay.size > 0) return;
    this.#isScheduled = true;
    this.#clock.setImmediate(() => {
      this.#isScheduled = false;
      if (!this.#isClosed && this.#underWay.size === 0) this.#post();
    });
  }

  #post(): void {
    if (this.#unwritten.size === 0) return;
    const changes = this.#unwritten.take();
    const batch = ++this.#lastBatch;
    this.#underWay.set(
      batch,
      changes.filter(({ accept }) => accept !== undefined).map(({ id }) => id),
    );
    this.#port.postMessage({ kind: "write", batch, changes });
  }

  #written(batch: number, isKept: boolean): void {
    const ids = this.#underWay.get(batch);
    if (ids === undefined) return;
    this.#underWay.delete(batch);
    if (this.#isStuck) {
      this.#isStuck = false;
      this.#log.info("the outbox answers again");
    }
    // Before who waited is told: what they do goes with the batch after it.
    if (this.#underWay.size === 0) this.#post();
    this.#settle(ids, isKept);
    if (this.#underWay.size === 0) this.#onIdle?.();
  }

  #settle(ids: readonly string[], isKept: boolean): void {
    for (const id of ids) {
      const waiting = this.#waiting.get(id);
      // One that was given up is taken back by what was told since.
      if (waiting === undefined) continue;
      this.#waiting.delete(id);
      this.#tell(waiting, isKept);
    }
    if (this.#waiting.size > 0 || this.#timer === undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** A fault of ours with one CALL costs no other one its answer. */
  #tell({ done }: Waiting, isKept: boolean): void {
    try {
      done(isKept);
    } catch (error) {
      this.#log.error("a kept CALL failed", { error: String(error) });
    }
  }

  readonly #giveUp = (): void => {
    this.#timer = undefined;
    const now = this.#clock.now();
    const late: string[] = [];
    for (const [id, { until }] of this.#waiting) {
      if (until > now) {
        this.#timer = this.#clock.setTimeout(this.#giveUp, until - now);
        break;
      }
      late.push(id);
      this.#unwritten.delivered(id);
    }
    if (late.length === 0) return;
    if (!this.#isStuck) {
      this.#isStuck = true;
      this.#log.error("the outbox does not answer: CALLs are refused", { count: late.length });
    }
    this.#settle(late, false);
  };
}
