/**
 * What befell the instances, as far as it excuses them.
 *
 * @module
 */

import type { Timeline } from "./timeline.ts";

/** Something that may double an outcome. */
interface Trouble {
  readonly from: number;
  readonly to: number;
}

/** How an instance ended. */
interface End {
  readonly at: number;
  /**
   * - `crash`: at any moment, with what was not synced.
   * - `unsynced`: it shut down, and its store could not write all in time.
   * - `clean`: it shut down, and all is written.
   */
  readonly how: "crash" | "unsynced" | "clean";
}

/** An instance that begins has to connect to NATS, and its first word takes its time. */
const NEW_MS = 2500;
/** After a trouble an instance may report for another one. */
const AFTERMATH_MS = 10_000;

/** Owns when there was trouble between instances, and how each one ended. */
export class Past {
  readonly #timeline: Timeline;
  readonly #instances: number;
  readonly #troubles: Trouble[] = [];
  readonly #ends = new Map<string, End>();
  /** Those that said, without an outbox, that something was not told. */
  readonly #lossy = new Map<string, number>();
  /** When the last one began to shut down. */
  #leftAt = -Infinity;
  readonly #leaving = new Set<string>();
  readonly #began = new Map<string, number>();
  crashes = 0;

  constructor(timeline: Timeline, instances: number) {
    this.#timeline = timeline;
    this.#instances = instances;
  }

  ended(instance: string, how: End["how"]): void {
    const at = this.#timeline.now;
    if (how === "crash") this.crashes++;
    if (!this.#ends.has(instance)) this.#ends.set(instance, { at, how });
    if (how === "crash") this.#lossy.set(instance, at);
    if (how !== "clean") this.trouble(0);
  }

  /** An instance begins. */
  begins(instance: string): void {
    this.#began.set(instance, this.#timeline.now);
  }

  /** When it began. */
  beganAt(instance: string): number {
    return this.#began.get(instance) ?? -Infinity;
  }

  /** Whether there is one that others may not have heard of yet, at that time or later. */
  anyIsNewSince(since: number): boolean {
    return [...this.#began.values()].some((at) => at > 0 && at + NEW_MS >= since);
  }

  /** An instance begins to shut down: another one may have its place already. */
  leaves(instance: string): void {
    this.#leftAt = this.#timeline.now;
    this.#leaving.add(instance);
  }

  isLeaving(instance: string): boolean {
    return this.#leaving.has(instance);
  }

  endOf(instance: string): End | undefined {
    return this.#ends.get(instance);
  }

  /** An instance without an outbox shut down with reports that nobody has. */
  lost(instance: string): void {
    this.#lossy.set(instance, this.#timeline.now);
    this.trouble(0);
  }

  /** Whether an instance lost what it had, at that time or later. */
  lostSince(instance: string, since: number): boolean {
    return (this.#lossy.get(instance) ?? -1) >= since;
  }

  /** From now on, for so long, two instances may report the same. */
  trouble(ms: number): void {
    const from = this.#timeline.now;
    this.#troubles.push({ from, to: from + ms });
  }

  /** Whether two instances may have reported what was open in this time. */
  wasTroubled(from: number, to: number): boolean {
    return this.#instances > 1 &&
      this.#troubles.some((trouble) => trouble.from <= to && trouble.to + AFTERMATH_MS >= from);
  }

  /** Whether any instance ended or began to, at that time or later. */
  anyEndedSince(since: number): boolean {
    return this.#leftAt >= since || [...this.#ends.values()].some(({ at }) => at >= since);
  }

  /** Whether any ended before all that it knew was written. */
  anyCrashedSince(since: number): boolean {
    return [...this.#ends.values()].some(({ at, how }) => at >= since && how !== "clean");
  }
}
