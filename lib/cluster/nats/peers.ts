/**
 * Other instances: who is there, and since when nothing was heard of whom.
 *
 * @module
 */

import { type Clock, every } from "../../clock.ts";
import type { Log } from "../../log/log.ts";
import type { Metrics } from "../../metrics/metrics.ts";
import { ALIVE_MS, REMEMBER_MS, ROLL_MS, ROLL_PAUSE_MS, SILENT_MS } from "../times.ts";
import type { BusLink } from "./bus_link.ts";

/** Far more than there can be: whoever may speak here must not fill the memory. */
const MAX_PEERS = 10_000;

export interface PeersOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "natsPeers" | "natsPeersSilent">;
  readonly link: Pick<BusLink, "isUp" | "upSince">;
  /** One is there that had not been heard of for long: both may have missed what the other said. */
  readonly onBack: (peerId: string) => void;
  /** Tells all others that this instance is there. */
  readonly sayAlive: () => void;
  /** Asks all others whether they are there. */
  readonly callRoll: () => void;
}

/** So many that left are remembered: far more than leave while a word of theirs is under way. */
const MAX_LEFT = 1000;

/** What is known of another instance. */
interface Known {
  heardAt: number;
  /** Where its process listens; undefined when it does not say so, or others might listen there too. */
  place: string | undefined;
  /** That it is silent has been told. */
  isTold: boolean;
}

/** A question to all whether they are there. */
interface Roll {
  readonly missing: Set<string>;
  /** Called when none is missing. */
  all: () => void;
}

/**
 * Owns when each other instance was last heard of.
 *
 * A client that cannot be found may be with an instance that is cut off from NATS and serves on. So one
 * that falls silent without a farewell is remembered, and while it is, nobody is said to be nowhere.
 * It is forgotten when it says farewell; when another one begins where its process listened, or is the
 * same worker started again, for it has ended then; and after `REMEMBER_MS`, so that one that was killed for good holds nothing up for ever.
 *
 * Always true: whoever is in it was heard of, and was not forgotten since.
 */
export class Peers {
  readonly #options: PeersOptions;
  readonly #known = new Map<string, Known>();
  /** Those that said farewell, the last ones. An answer of theirs may still come. */
  readonly #left = new Set<string>();
  readonly #rolls = new Set<Roll>();
  #nextRoll: Promise<boolean> | undefined;
  #rollAt = -Infinity;
  /** The last question was answered by all. */
  #areAll = true;
  /** What ends each wait. */
  readonly #waits = new Set<() => void>();
  #isClosed = false;
  #stop = (): void => {};

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Those that are there: the silent ones do not count. */
  get known(): string[] {
    const since = this.#silentSince;
    return [...this.#known].filter(([, { heardAt }]) => heardAt >= since).map(([peerId]) => peerId);
  }

  get count(): number {
    return this.known.length;
  }

  /** Whether nobody is silent, and those who were there before a cut have been heard of since. */
  get areBack(): boolean {
    const since = Math.max(this.#silentSince, this.#options.link.upSince);
    return [...this.#known.values()].every(({ heardAt }) => heardAt >= since);
  }

  get #silentSince(): number {
    return this.#options.clock.now() - SILENT_MS;
  }

  /** Those that are remembered, and not heard of. */
  get silent(): number {
    return this.#known.size - this.count;
  }

  /**
   * Something came from it just now.
   *
   * @param greets It says so itself that it comes, and tells all that others may have missed.
   */
  heard(peerId: string, greets = false): void {
    if (this.#left.has(peerId)) return;
    const { clock, log, link, onBack } = this.#options;
    const now = clock.now();
    const known = this.#known.get(peerId);
    if (known === undefined) {
      if (this.#known.size >= MAX_PEERS) return;
      this.#begins(peerId);
      this.#known.set(peerId, { heardAt: now, place: undefined, isTold: false });
      this.#count();
    } else {
      if (known.isTold) {
        const silentMs = Math.round(now - known.heardAt);
        log.info("an instance is heard of again", { peerId, silentMs });
      }
      const wasAwayMs = now - Math.max(known.heardAt, link.upSince);
      known.heardAt = now;
      known.isTold = false;
      if (wasAwayMs > 2 * ALIVE_MS && !greets) onBack(peerId);
    }
    this.#answered(peerId);
  }

  /** A worker that is started again has its process's name and its number, and one more. */
  #begins(peerId: string): void {
    const kin = /^[^-]+-\d+-/.exec(peerId)?.[0];
    if (kin === undefined) return;
    for (const otherId of this.#known.keys()) {
      if (otherId.startsWith(kin)) this.#succeeds(peerId, otherId);
    }
  }

  #succeeds(peerId: string, before: string): void {
    this.#options.log.info("an instance took another's place", { peerId, before });
    this.forget(before);
  }

  /** Its process listens there: whoever was there before has ended. */
  isAt(peerId: string, place: string): void {
    const known = this.#known.get(peerId);
    if (known === undefined || known.place === place) return;
    known.place = place;
    for (const [otherId, other] of this.#known) {
      if (otherId !== peerId && other.place === place) this.#succeeds(peerId, otherId);
    }
  }

  /** @returns Undefined when it is not known. */
  lastHeard(peerId: string): number | undefined {
    return this.#known.get(peerId)?.heardAt;
  }

  /** It said farewell, and will never be there again. */
  leaves(peerId: string): void {
    this.#left.add(peerId);
    const [oldest] = this.#left;
    if (this.#left.size > MAX_LEFT && oldest !== undefined) this.#left.delete(oldest);
    this.forget(peerId);
  }

  /** It is not there any more. */
  forget(peerId: string): void {
    this.#known.delete(peerId);
    this.#answered(peerId);
    this.#count();
  }

  /**
   * Whether all that are known are there, after a question to all. One question serves many who ask at
   * about the same time; while somebody is missing, who asks is told so at once. Never rejects.
   */
  async areThere(): Promise<boolean> {
    if (this.#isClosed) return false;
    if (this.#known.size === 0) return true;
    this.#nextRoll ??= this.#callRoll();
    return this.#areAll ? await this.#nextRoll : false;
  }

  async #callRoll(): Promise<boolean> {
    const { clock, callRoll } = this.#options;
    // Also when it is 0: whoever asks meanwhile has the same question.
    await this.#wait(Math.max(0, this.#rollAt + ROLL_PAUSE_MS - clock.now()));
    this.#nextRoll = undefined;
    if (this.#isClosed) return false;
    this.#rollAt = clock.now();
    const roll: Roll = { missing: new Set(this.#known.keys()), all: () => {} };
    if (roll.missing.size > 0) {
      this.#rolls.add(roll);
      const late = this.#wait(ROLL_MS, (done) => roll.all = done);
      callRoll();
      await late;
      this.#rolls.delete(roll);
    }
    this.#areAll = roll.missing.size === 0;
    return this.#areAll;
  }

  /** Until so long has passed, `done` is called, or this is closed. */
  #wait(ms: number, begin: (done: () => void) => void = () => {}): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const done = (): void => {
        clock.clearTimeout(timer);
        this.#waits.delete(done);
        resolve();
      };
      const timer = clock.setTimeout(done, ms);
      this.#waits.add(done);
      begin(done);
    });
  }

  #answered(peerId: string): void {
    for (const roll of this.#rolls) {
      roll.missing.delete(peerId);
      if (roll.missing.size === 0) roll.all();
    }
  }

  /** Says from now on, again and again, that this instance is there; `close` must follow. */
  stayAlive(): void {
    const { clock, sayAlive } = this.#options;
    this.#stop();
    this.#stop = every(clock, ALIVE_MS, () => {
      sayAlive();
      this.#lookForSilent();
    });
  }

  #lookForSilent(): void {
    const { clock, link, log } = this.#options;
    const now = clock.now();
    // After a cut of this instance's own, the others have their time to be heard.
    if (!link.isUp || now - link.upSince < SILENT_MS) return;
    for (const [peerId, known] of this.#known) {
      const silentMs = Math.round(now - known.heardAt);
      if (silentMs < SILENT_MS) continue;
      if (!known.isTold) log.warn("an instance is silent", { peerId, silentMs });
      known.isTold = true;
      if (silentMs < REMEMBER_MS) continue;
      log.warn("an instance is silent for long, and forgotten", { peerId, silentMs });
      this.forget(peerId);
    }
    this.#count();
  }

  #count(): void {
    const { natsPeers, natsPeersSilent } = this.#options.metrics;
    const { silent } = this;
    natsPeers.own = this.#known.size - silent;
    natsPeersSilent.own = silent;
  }

  /** Says and asks nothing any more. */
  close(): void {
    this.#isClosed = true;
    this.#stop();
    for (const done of [...this.#waits]) done();
  }
}
