/**
 * The first of very many, in a bounded place.
 *
 * @module
 */

import { compareOf, type ListCursor, type ListQuery } from "./list.ts";

/** Keeps the first places of a list, behind its cursor, of all that are offered in any order. */
export class Top<T> {
  readonly #compare: (a: ListCursor, b: ListCursor) => number;
  readonly #after: ListCursor | null;
  readonly #limit: number;
  readonly #places: ListCursor[] = [];
  readonly #values: T[] = [];
  #hasMore = false;

  /** @param query Its order, cursor and limit. */
  constructor(query: Pick<ListQuery, "sort" | "isDescending" | "after" | "limit">) {
    this.#compare = compareOf(query);
    this.#after = query.after;
    this.#limit = query.limit;
  }

  offer(rank: number, id: string, value: T): void {
    const place = { rank, id };
    const [compare, places] = [this.#compare, this.#places];
    if (this.#after !== null && compare(place, this.#after) <= 0) return;
    if (places.length === this.#limit) {
      this.#hasMore = true;
      if (compare(place, places[this.#limit - 1]!) > 0) return;
      places.pop();
      this.#values.pop();
    }
    let [low, high] = [0, places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(places[middle]!, place) < 0) low = middle + 1;
      else high = middle;
    }
    places.splice(low, 0, place);
    this.#values.splice(low, 0, value);
  }

  /** Those that are kept, in order, each with its rank. */
  get kept(): { readonly rank: number; readonly value: T }[] {
    return this.#values.map((value, i) => ({ rank: this.#places[i]!.rank, value }));
  }

  /** Whether there were more behind these. */
  get hasMore(): boolean {
    return this.#hasMore;
  }
}
