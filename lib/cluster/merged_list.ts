/**
 * Parts of a list of clients as one list.
 *
 * @module
 */

import {
  type ClientList,
  compareOf,
  type ListCursor,
  type ListedClient,
  type ListQuery,
  placeOf,
} from "./list.ts";

/** One page of a list over all threads and instances. */
export interface ListPage {
  /** How many there are on all pages. */
  readonly total: number;
  readonly rows: readonly ListedClient[];
  /** Where the list goes on; null when this was the last page. */
  readonly next: ListCursor | null;
}

/** Makes one page of what each thread or instance said. */
export function mergedList(parts: readonly ClientList[], query: ListQuery): ListPage {
  const { sort, limit, after } = query;
  const compare = compareOf(query);
  const byPlace = (a: ListedClient, b: ListedClient): number => compare(placeOf(a), placeOf(b));
  const ofEnds = sort === "ends";
  // Whoever only went does not come and go.
  const all = [...(ofEnds ? summed(parts) : newest(parts)).values()]
    .filter(({ rank }) => !ofEnds || rank > 1).sort(byPlace);
  // Behind the end of a part that is not the last one there may be more.
  const ends = parts.filter(({ hasMore }) => hasMore)
    .map(({ rows }) => rows.at(-1)).filter((row) => row !== undefined);
  const known = all.filter((row) =>
    (ofEnds || ends.every((end) => byPlace(row, end) <= 0)) &&
    (after === null || compare(placeOf(row), after) > 0)
  );
  const rows = known.slice(0, limit);
  const hasMore = (!ofEnds && ends.length > 0) || known.length > limit;
  const seenTo = rows.length === limit ? rows.at(-1) : ends.toSorted(byPlace)[0] ?? rows.at(-1);
  return {
    total: ofEnds ? all.length : parts.reduce((sum, part) => sum + part.total, 0),
    rows,
    next: hasMore && seenTo !== undefined ? placeOf(seenTo) : null,
  };
}

/** Of a client that is being replaced, and so twice here, the newer connection. */
function newest(parts: readonly ClientList[]): Map<string, ListedClient> {
  const byId = new Map<string, ListedClient>();
  for (const row of parts.flatMap(({ rows }) => rows)) {
    const { clientId } = row.client;
    byId.set(clientId, newerOf(byId.get(clientId), row));
  }
  return byId;
}

/** A client may end here and there: all that count, and the newest connection is told of. */
function summed(parts: readonly ClientList[]): Map<string, ListedClient> {
  const byId = new Map<string, ListedClient>();
  for (const row of parts.flatMap(({ rows }) => rows)) {
    const { clientId } = row.client;
    const other = byId.get(clientId);
    const rank = row.rank + (other?.rank ?? 0);
    byId.set(clientId, { ...newerOf(other, row), rank });
  }
  return byId;
}

function newerOf(a: ListedClient | undefined, b: ListedClient): ListedClient {
  return a === undefined || a.client.connectionId < b.client.connectionId ? b : a;
}
