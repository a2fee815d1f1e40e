/**
 * Other instances: who is there, and since when nothing was heard of whom.
 *
 * @module
 */

import { type Clock, every } from "../../clock.ts";
import { ALIVE_MS, FORGET_MS } from "../times.ts";
import type { Link } from "./link.ts";

export interface PeersOptions {
  readonly clock: Clock;
  readonly link: Pick<Link, "isUp" | "upSince">;
  /** Tells all others that this instance is there. */
  readonly sayAlive: () => void;
}

/**
 * Owns when each other instance was last heard of.
 *
 * Always true: whoever is in it was heard of, and has not said farewell since. One that falls silent
 * while NATS can be reached is left out after a while; while NATS cannot, nobody is.
 */
export class Peers {
  readonly #options: PeersOptions;
  readonly #heardAt = new Map<string, number>();
  #stop = (): void => {};

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** The others that are there. */
  get known(): string[] {
    return [...this.#heardAt.keys()];
  }

  /** Something came from it just now. */
  heard(peerId: string): void {
    this.#heardAt.set(peerId, this.#options.clock.now());
  }

  /** @returns Undefined when it is not known. */
  lastHeard(peerId: string): number | undefined {
    return this.#heardAt.get(peerId);
  }

  /** It left. */
  forget(peerId: string): void {
    this.#heardAt.delete(peerId);
  }

  /** Whether those who were there before a cut have been heard of since. */
  get areBack(): boolean {
    const { upSince } = this.#options.link;
    return [...this.#heardAt.values()].every((heardAt) => heardAt >= upSince);
  }

  /** Says from now on, again and again, that this instance is there; `close` must follow. */
  stayAlive(): void {
    const { clock, sayAlive } = this.#options;
    this.#stop();
    this.#stop = every(clock, ALIVE_MS, () => {
      sayAlive();
      this.#forgetSilent();
    });
  }

  #forgetSilent(): void {
    const { clock, link } = this.#options;
    const oldest = clock.now() - FORGET_MS;
    const isLongEnough = link.isUp && link.upSince < oldest;
    for (const [peerId, heardAt] of this.#heardAt) {
      if (heardAt < oldest && isLongEnough) this.#heardAt.delete(peerId);
    }
  }

  close(): void {
    this.#stop();
  }
}
