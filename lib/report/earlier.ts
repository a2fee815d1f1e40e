/**
 * Clients with reports that were there before, and go to the backend from another thread.
 *
 * @module
 */

import type { Clock } from "../clock.ts";

/**
 * The clients of whom the main thread still has reports that wait, as one worker knows them: what came
 * later of such a client waits until it is told that they are gone, so that the client's reports stay in
 * order.
 */
export class EarlierReports {
  /** Null while there are none. */
  #clients: Set<string> | null;
  #onFree = (_clientId: string): void => {};

  /** @param clientIds Those at the start. */
  constructor(clientIds: readonly string[] = []) {
    this.#clients = clientIds.length === 0 ? null : new Set(clientIds);
  }

  /** Whether a client's later reports must wait. */
  has(clientId: string): boolean {
    return this.#clients !== null && this.#clients.has(clientId);
  }

  /** @param callback Told of each client whose later reports may go. Once only. */
  onFree(callback: (clientId: string) => void): void {
    this.#onFree = callback;
  }

  /** Some have, some have none any longer. */
  update({ begun, ended }: EarlierChange): void {
    if (begun.length > 0) this.#clients ??= new Set();
    for (const clientId of begun) this.#clients?.add(clientId);
    const freed = ended.filter((clientId) => this.#clients?.delete(clientId));
    if (this.#clients?.size === 0) this.#clients = null;
    for (const clientId of freed) this.#onFree(clientId);
  }
}

/** What has changed; no client is in both. */
export interface EarlierChange {
  readonly begun: readonly string[];
  readonly ended: readonly string[];
}

/** Whom the lanes of a thread tell of each client that has reports in them. */
export interface LanesFollower {
  /** It has reports from now on. */
  began(clientId: string): void;
  /** It has none any longer. */
  ended(clientId: string): void;
}

/**
 * Owns what the main thread tells its workers of the clients that it has reports of: once in a turn, and
 * only what has changed by then.
 */
export class EarlierClients implements LanesFollower {
  readonly #clock: Pick<Clock, "setImmediate">;
  readonly #tell: (change: EarlierChange) => void;
  /** How many reasons there are to hold back each. */
  readonly #reasons = new Map<string, number>();
  /** Those that workers hold back. */
  readonly #told = new Set<string>();
  /** Those of whom that may not be true any longer. */
  readonly #changed = new Set<string>();

  /** @param tell Tells all workers there are, in order. */
  constructor(clock: Pick<Clock, "setImmediate">, tell: (change: EarlierChange) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** For a worker that starts now and is told of all later changes. */
  clientIds(): string[] {
    this.#flush();
    return [...this.#told];
  }

  began(clientId: string): void {
    this.#reasons.set(clientId, 1 + (this.#reasons.get(clientId) ?? 0));
    this.#change(clientId);
  }

  ended(clientId: string): void {
    const left = (this.#reasons.get(clientId) ?? 0) - 1;
    if (left > 0) this.#reasons.set(clientId, left);
    else this.#reasons.delete(clientId);
    this.#change(clientId);
  }

  /**
   * Some may have reports, which is not known yet: they are held back at once.
   *
   * @returns To be called once, when those that have any have begun.
   */
  expect(clientIds: Iterable<string>): () => void {
    const all = new Set(clientIds);
    for (const clientId of all) this.began(clientId);
    this.#flush();
    return () => {
      for (const clientId of all) this.ended(clientId);
    };
  }

  #change(clientId: string): void {
    this.#changed.add(clientId);
    if (this.#changed.size === 1) this.#clock.setImmediate(() => this.#flush());
  }

  #flush(): void {
    const begun: string[] = [];
    const ended: string[] = [];
    for (const clientId of this.#changed) {
      const has = this.#reasons.has(clientId);
      if (has === this.#told.has(clientId)) continue;
      if (has) this.#told.add(clientId);
      else this.#told.delete(clientId);
      (has ? begun : ended).push(clientId);
    }
    this.#changed.clear();
    if (begun.length + ended.length > 0) this.#tell({ begun, ended });
  }
}
