/**
 * Who is connected to this instance.
 *
 * @module
 */

/**
 * ClientId to connection, newest first come: the only owner of that map.
 *
 * @example A late close of an older connection leaves the newer one
 * ```ts
 * import { ConnectionMap } from "./map.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * const map = new ConnectionMap<{ n: number }>();
 * const [older, newer] = [{ n: 1 }, { n: 2 }];
 * map.put("CP1", older);
 * strictEqual(map.put("CP1", newer), older);
 * map.remove("CP1", older);
 * strictEqual(map.get("CP1"), newer);
 * ```
 */
export class ConnectionMap<C extends object> {
  readonly #connections = new Map<string, C>();

  get size(): number {
    return this.#connections.size;
  }

  get(clientId: string): C | undefined {
    return this.#connections.get(clientId);
  }

  /** @returns The connection that had this ClientId until now; closing it is the caller's part. */
  put(clientId: string, connection: C): C | undefined {
    const older = this.#connections.get(clientId);
    this.#connections.set(clientId, connection);
    return older;
  }

  /** Removes this very connection; another one under the same ClientId stays. */
  remove(clientId: string, connection: C): void {
    if (this.#connections.get(clientId) === connection) this.#connections.delete(clientId);
  }

  /** All connections, in no order that means anything. */
  all(): C[] {
    return [...this.#connections.values()];
  }

  /**
   * One page of the connections, sorted by ClientId in UTF-16 code units.
   *
   * Walks the map once and keeps no sorted copy: a page of 100 out of 100,000 costs milliseconds,
   * and connecting costs nothing.
   *
   * @param after Exclusive; undefined for the first page.
   * @param limit The page's length, 1 or more.
   * @param matches Which ClientIds count; all without it.
   * @returns The page, the ClientId to go on after: null when this was the last one, and how many
   *   there are on all pages.
   */
  page(
    after: string | undefined,
    limit: number,
    matches?: (clientId: string) => boolean,
  ): { connections: C[]; next: string | null; total: number } {
    const ids: string[] = [];
    let hasMore = false;
    let total = matches === undefined ? this.#connections.size : 0;
    for (const id of this.#connections.keys()) {
      if (matches !== undefined) {
        if (!matches(id)) continue;
        total++;
      }
      if (after !== undefined && id <= after) continue;
      if (ids.length === limit) {
        hasMore = true;
        if (id > ids[limit - 1]!) continue;
        ids.pop();
      }
      ids.splice(lowerBound(ids, id), 0, id);
    }
    return {
      connections: ids.map((id) => this.#connections.get(id)!),
      next: hasMore ? ids[limit - 1]! : null,
      total,
    };
  }
}

function lowerBound(sorted: readonly string[], id: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
