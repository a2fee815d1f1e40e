/**
 * How a load stands at each second, and the memory of those that it is on.
 *
 * @module
 */

import { proportionalKib, residentKib } from "../process/usage.ts";
import { writeErr } from "../process/text.ts";
import type { Load } from "./load.ts";
import { unanswered } from "./tally.ts";

/** How it stood at one second. */
export interface Moment {
  readonly second: number;
  readonly open: number;
  readonly answersPerSecond: number;
}

/** In KiB; of several processes together. */
export interface Memory {
  /** Resident memory added up: before the first client, at the end, and the most. */
  readonly emptyKib: number;
  readonly endKib: number;
  readonly maxKib: number;
  /** The same with what they have in common counted once: before the first client, and the most. */
  readonly emptyShareKib: number;
  readonly maxShareKib: number;
}

/** Between two looks at what memory is shared: they take long. */
const SHARE_SECONDS = 10;

/** Looks each second until it is stopped. */
export class Record {
  readonly moments: Moment[] = [];
  readonly #load: Load;
  readonly #pids: readonly number[];
  readonly #isShown: boolean;
  readonly #residentKib: number[] = [];
  readonly #shareKib: number[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #startAt = 0;
  #lastAt = 0;
  #answers = 0;

  /**
   * @param pids Whose memory; nobody's costs nothing.
   * @param isShown Whether a line goes to standard error each second.
   */
  constructor(load: Load, pids: readonly number[], isShown: boolean) {
    this.#load = load;
    this.#pids = pids;
    this.#isShown = isShown;
  }

  /** Looks at the memory without a client, and begins. */
  async start(): Promise<void> {
    await this.#look(true);
    this.#startAt = this.#lastAt = performance.now();
    // Who of them has ended is told by what else is asked of them.
    this.#timer = setInterval(() => void this.#tick().catch(() => {}), 1000);
  }

  pause(): void {
    clearInterval(this.#timer);
  }

  /** Takes a last look. @returns Null when it is nobody's memory. */
  async stop(): Promise<Memory | null> {
    this.pause();
    await this.#look(true);
    if (this.#pids.length === 0) return null;
    return {
      emptyKib: this.#residentKib[0]!,
      endKib: this.#residentKib.at(-1)!,
      maxKib: Math.max(...this.#residentKib),
      emptyShareKib: this.#shareKib[0]!,
      maxShareKib: Math.max(...this.#shareKib),
    };
  }

  async #look(withShares: boolean): Promise<void> {
    if (this.#pids.length === 0) return;
    this.#residentKib.push(await residentKib(this.#pids));
    if (withShares) this.#shareKib.push(await proportionalKib(this.#pids));
  }

  async #tick(): Promise<void> {
    const now = performance.now();
    const { totals } = this.#load;
    const answers = totals.answered + totals.errors;
    const answersPerSecond = ((answers - this.#answers) / (now - this.#lastAt)) * 1000;
    const second = (now - this.#startAt) / 1000;
    this.#answers = answers;
    this.#lastAt = now;
    this.moments.push({ second, open: totals.open, answersPerSecond });
    await this.#look(Math.round(second) % SHARE_SECONDS === 0);
    if (!this.#isShown) return;
    const resident = this.#residentKib.at(-1);
    writeErr(
      `${second.toFixed(0).padStart(4)} s  open ${totals.open}  ` +
        `answers/s ${answersPerSecond.toFixed(0)}  under way ${unanswered(totals)}  ` +
        `failed ${totals.failed}  lost ${totals.lost}  errors ${totals.errors}  bad ${totals.bad}` +
        `${resident === undefined ? "" : `  RSS ${(resident / 1024).toFixed(0)} MiB`}\n`,
    );
  }
}
