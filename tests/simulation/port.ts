/**
 * The way between two threads of a simulated process.
 *
 * @module
 */

import type { Life } from "./life.ts";
import type { Timeline } from "./timeline.ts";

/** What a message takes, in milliseconds. */
const PASS_MS = 0.05;

/** One end: what is said there comes to the other one, in order, as a copy. */
export class SimulatedPort<In, Out> {
  readonly #life: Life;
  readonly #timeline: Timeline;
  #other: SimulatedPort<Out, In> | undefined;
  #isClosed = false;
  onmessage: ((event: MessageEvent<In>) => void) | null = null;

  constructor(life: Life, timeline: Timeline) {
    this.#life = life;
    this.#timeline = timeline;
  }

  static pair<A, B>(
    life: Life,
    timeline: Timeline,
  ): [SimulatedPort<A, B>, SimulatedPort<B, A>] {
    const one = new SimulatedPort<A, B>(life, timeline);
    const two = new SimulatedPort<B, A>(life, timeline);
    one.#other = two;
    two.#other = one;
    return [one, two];
  }

  postMessage(message: Out): void {
    const other = this.#other;
    if (this.#isClosed || other === undefined) return;
    const data = structuredClone(message);
    this.#timeline.after(PASS_MS, () => this.#life.deliver(() => other.#take(data)));
  }

  #take(data: In): void {
    if (!this.#isClosed) this.onmessage?.({ data } as MessageEvent<In>);
  }

  /** What it said before still comes. */
  close(): void {
    this.#isClosed = true;
  }
}
