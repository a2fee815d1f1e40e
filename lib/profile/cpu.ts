/**
 * Where the thread's CPU time goes.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { type Random, randomUuid } from "../random.ts";
import { CallTree } from "./call_tree.ts";
import type { CpuProfile, Inspector } from "./inspector.ts";
import type { Locate } from "./locate.ts";
import { encodePprof } from "./pprof.ts";

const INTERVAL_US = 10_000;
/**
 * V8 keeps every single sample of a profile, 100 a second, until that profile ends; so one ends each
 * minute, and what is kept of it are its sums.
 */
const PART_MS = 60_000;
/** 15 MB at the most; a busy gateway has 3,000. */
const MAX_BRANCHES = 50_000;

export interface CpuDeps {
  readonly clock: Clock;
  /** Names the profile: other sessions of the inspector see it too. */
  readonly random: Random;
}

/** Samples the thread's stack from `start` on. */
export class CpuRecorder {
  readonly #inspector: Inspector;
  readonly #clock: Clock;
  readonly #locate: Locate;
  readonly #tree = new CallTree(MAX_BRANCHES);
  readonly #name: string;
  readonly #startedAt: number;
  readonly #startedMs: number;
  readonly #ending = new Map<string, (profile: CpuProfile) => void>();
  #part = 0;
  #timer: Timer | undefined;

  private constructor(inspector: Inspector, locate: Locate, { clock, random }: CpuDeps) {
    this.#inspector = inspector;
    this.#clock = clock;
    this.#locate = locate;
    this.#name = `ws2api-${randomUuid(random)}`;
    this.#startedAt = clock.wallNow();
    this.#startedMs = clock.now();
  }

  /** Starts sampling. @returns What records until `stop`. */
  static async start(
    inspector: Inspector,
    locate: Locate,
    deps: CpuDeps,
  ): Promise<CpuRecorder> {
    const recorder = new CpuRecorder(inspector, locate, deps);
    inspector.onCpuProfile((title, profile) => recorder.#ending.get(title)?.(profile));
    await inspector.send("Profiler.enable");
    await inspector.send("Profiler.setSamplingInterval", { interval: INTERVAL_US });
    recorder.#begin();
    return recorder;
  }

  /** All that was sampled so far, encoded. Rejects when V8 gives no profile. */
  async take(): Promise<Uint8Array> {
    await this.#endPart();
    return encodePprof({
      sampleTypes: [["samples", "count"], ["cpu", "nanoseconds"]],
      periodType: ["cpu", "nanoseconds"],
      period: INTERVAL_US * 1000,
      startedAt: this.#startedAt,
      durationMs: this.#clock.now() - this.#startedMs,
      samples: this.#tree.stacks().map(({ stack, count }) => ({
        stack,
        values: [count, count * INTERVAL_US * 1000],
      })),
    }, this.#locate);
  }

  /** Ends the sampling. */
  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    // deno-lint-ignore no-console -- See below.
    console.profileEnd(this.#titleOf(this.#part));
  }

  #titleOf(part: number): string {
    return `${this.#name}-${part}`;
  }

  // The console's profiles, unlike the inspector's own, may overlap; it prints nothing. While one is
  // on, the next one starts in 0.1 ms. A start from nothing takes 0.7 ms for each MB of heap, all of
  // which V8 walks for the functions in it; and a second such start in one thread no longer knows the
  // names of those that were compiled before it.
  #begin(): void {
    // deno-lint-ignore no-console
    console.profile(this.#titleOf(this.#part));
    this.#timer = this.#clock.setTimeout(() => void this.#endPart(), PART_MS);
  }

  async #endPart(): Promise<void> {
    if (this.#timer === undefined) return;
    this.#clock.clearTimeout(this.#timer);
    const title = this.#titleOf(this.#part++);
    const { promise, resolve } = Promise.withResolvers<CpuProfile>();
    this.#ending.set(title, resolve);
    this.#begin();
    // deno-lint-ignore no-console
    console.profileEnd(title);
    this.#tree.add(await promise);
    this.#ending.delete(title);
  }
}
