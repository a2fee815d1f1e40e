/**
 * Which faults there are, and how often.
 *
 * @module
 */

import type { Chance } from "./chance.ts";
import type { Timeline } from "./timeline.ts";

/** Shares of what is done that go wrong, from 0 to 1. */
export interface Faults {
  /** A message on any way takes long. */
  readonly slow: number;
  /** A request to the backend: refused, though the backend is there. */
  readonly refused: number;
  /** It is cut before it arrives, or its answer is. */
  readonly cutBefore: number;
  readonly cutAfter: number;
  /** It gets no answer in time; it may have arrived or not. */
  readonly hung: number;
  /** The backend answers with a status that says "not now", or that ends it. */
  readonly badStatus: number;
  /** The response to a request to the API does not come back. */
  readonly lostResponse: number;
  /** Of the ledger: what is to be written is lost, or the answer to any question is. */
  readonly lostWrite: number;
  readonly lostAnswer: number;
  /** What is said to it takes longer than an answer is waited for, and comes. */
  readonly stall: number;
  /** A sign of life of another one is not heard. */
  readonly unheard: number;
  /** A leader is asked that has just become one, and has not done the last writes. */
  readonly staleRead: number;
}

export const NO_FAULTS: Faults = {
  slow: 0,
  refused: 0,
  cutBefore: 0,
  cutAfter: 0,
  hung: 0,
  badStatus: 0,
  lostResponse: 0,
  lostWrite: 0,
  lostAnswer: 0,
  stall: 0,
  unheard: 0,
  staleRead: 0,
};

/** Owns whether faults happen: at one moment all of them end. */
export class Weather {
  readonly #faults: Faults;
  readonly #chance: Chance;
  isCalm = false;

  constructor(faults: Faults, chance: Chance) {
    this.#faults = faults;
    this.#chance = chance;
  }

  happens(fault: keyof Faults): boolean {
    return !this.isCalm && this.#chance.happens(this.#faults[fault]);
  }

  /** How long something is on its way, in milliseconds. */
  delayMs(): number {
    return this.happens("slow") ? this.#chance.between(5, 500) : this.#chance.between(0.1, 1.5);
  }
}

/** One direction of a connection: what goes in comes out in the same order, later. */
export class Pipe {
  readonly #timeline: Timeline;
  readonly #weather: Weather;
  #lastAt = 0;
  #held: (() => void)[] | null = null;
  #isCut = false;

  constructor(timeline: Timeline, weather: Weather) {
    this.#timeline = timeline;
    this.#weather = weather;
  }

  push(arrive: () => void): void {
    if (this.#isCut) return;
    if (this.#held !== null) return void this.#held.push(arrive);
    this.#lastAt = Math.max(this.#lastAt, this.#timeline.now + this.#weather.delayMs());
    this.#timeline.at(this.#lastAt, () => {
      if (this.#isCut) return;
      // It was on its way when the way was held up.
      if (this.#held !== null) this.#held.push(arrive);
      else arrive();
    });
  }

  /** Nothing gets through from now on, and nobody knows. */
  hold(): void {
    this.#held ??= [];
  }

  /** What was held up goes on its way. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const arrive of held) this.push(arrive);
  }

  /** What is under way is lost, and all that comes. */
  cut(): void {
    this.#isCut = true;
    this.#held = null;
  }
}
