/**
 * Connections of which nothing whole has come yet.
 *
 * @module
 */

import { type Clock, every } from "../clock.ts";

/** The part of a connection that is needed to end it. */
export interface Cuttable {
  destroy(): void;
}

/** How many there may be: each may hold some 25 KiB of a head that never ends. */
const MAX = 5000;
/** None is cut for a newer one before it could speak: the event loop may have been busy. */
const MIN_MS = 500;
const LOOK_MS = 500;

/**
 * Ends each of them after the same time, without a timer of its own.
 *
 * Always true: at most `MAX` wait, but for those of the last half a second; beyond, the oldest one
 * of the address that has the most is cut.
 */
export class Unfinished {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #onTimeout: (connection: Cuttable, address: string) => void;
  /** Where each comes from and since when, in their order. */
  readonly #entries = new Map<Cuttable, { readonly address: string; readonly since: number }>();
  /** The same, for each address. */
  readonly #byAddress = new Map<string, Set<Cuttable>>();
  readonly #stop: () => void;

  /**
   * Begins to look; `stop` must follow.
   *
   * @param limitMs How long each may take.
   * @param onTimeout Told of each that takes longer, before it is ended.
   */
  constructor(
    clock: Clock,
    limitMs: number,
    onTimeout: (connection: Cuttable, address: string) => void = () => {},
  ) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onTimeout = onTimeout;
    this.#stop = every(clock, LOOK_MS, () => this.#look());
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Its time begins.
   *
   * @param address Where it comes from.
   */
  enter(connection: Cuttable, address: string): void {
    // Behind all others, also when it was here already.
    this.leave(connection);
    this.#entries.set(connection, { address, since: this.#clock.now() });
    const same = this.#byAddress.get(address);
    if (same === undefined) this.#byAddress.set(address, new Set([connection]));
    else same.add(connection);
    if (this.#entries.size > MAX) this.makeRoom();
  }

  /**
   * What was waited for has come, or it has ended.
   *
   * @returns Where it comes from; undefined when it has left before.
   */
  leave(connection: Cuttable): string | undefined {
    const entry = this.#entries.get(connection);
    if (entry === undefined) return undefined;
    this.#entries.delete(connection);
    const same = this.#byAddress.get(entry.address)!;
    same.delete(connection);
    if (same.size === 0) this.#byAddress.delete(entry.address);
    return entry.address;
  }

  /** Cuts one for a newer one. @returns False when none has waited long enough. */
  makeRoom(): boolean {
    let most = new Set<Cuttable>();
    for (const same of this.#byAddress.values()) if (same.size > most.size) most = same;
    const [oldest] = most;
    return oldest !== undefined && this.#cut(oldest, MIN_MS);
  }

  /** Ends all that wait, before their time. */
  cutAll(): void {
    for (const connection of [...this.#entries.keys()]) {
      this.leave(connection);
      connection.destroy();
    }
  }

  stop(): void {
    this.#stop();
    this.#entries.clear();
    this.#byAddress.clear();
  }

  #look(): void {
    while (this.#entries.size > MAX && this.makeRoom());
    for (const [connection, { address, since }] of this.#entries) {
      if (this.#clock.now() - since < this.#limitMs) break;
      this.#onTimeout(connection, address);
      this.#cut(connection, this.#limitMs);
    }
  }

  /** @returns Whether it was that old. */
  #cut(connection: Cuttable, ageMs: number): boolean {
    if (this.#clock.now() - this.#entries.get(connection)!.since < ageMs) return false;
    this.leave(connection);
    connection.destroy();
    return true;
  }
}
