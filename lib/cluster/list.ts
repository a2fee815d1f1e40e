/**
 * Lists of clients in other orders than by name, and of some of them. Plain data.
 *
 * @module
 */

import type { ConnectionState } from "../client/connection_state.ts";
import type { Identity } from "../identity.ts";

/**
 * What a list is sorted by: `activity` is when the last frame came or went, `messages` how many do in a
 * second, `connected` since when; `ends` is how many of a client's connections ended in the last hour.
 */
export const SORTS = [
  "id",
  "activity",
  "messages",
  "errors",
  "waiting",
  "connected",
  "ends",
] as const;

export type Sort = typeof SORTS[number];

/** The longest list that is made: as long as the API's. */
export const MAX_LIST = 1000;

/** Which clients are listed: those that all of this fits. */
export interface ListFilter {
  /** The subprotocol; null for clients without one. */
  readonly protocol?: string | null;
  /** How the address begins. */
  readonly address?: string;
  /** The instance's name. */
  readonly instance?: string;
  /** The client has sent no valid frame for so long. */
  readonly silentMs?: number;
  /** Something was wrong, as `ConnectionState.errors` counts it. */
  readonly hasErrors?: true;
}

/** Where a list goes on: behind this client, which need not be there any more. */
export interface ListCursor {
  /** What it was sorted by; 0 with `id`. */
  readonly rank: number;
  readonly id: string;
}

export interface ListQuery {
  readonly sort: Sort;
  /** The greatest first, and of `id` the last. Of equals those come first whose `id` does. */
  readonly isDescending: boolean;
  readonly filter: ListFilter;
  /** Only clients with this in their ClientId, in upper or lower case. */
  readonly search?: string | undefined;
  /** Null for the first page. */
  readonly after: ListCursor | null;
  readonly limit: number;
}

export interface ListedClient {
  readonly client: Identity;
  /** Null for one that is not connected. */
  readonly state: ConnectionState | null;
  /** When its last connection ended, for one that is not connected; milliseconds since 1970. */
  readonly endedAt: number | null;
  /** The name of the instance that holds it; null for one without a name. */
  readonly instance: string | null;
  /** What it is sorted by; 0 with `id`. */
  readonly rank: number;
}

/** One thread's part of a list. */
export interface ClientList {
  /** Clients of that thread that are listed in all, on all pages. */
  readonly total: number;
  /** In the order that was asked for. */
  readonly rows: readonly ListedClient[];
  /** Whether there are more behind these. */
  readonly hasMore: boolean;
}

export const EMPTY_LIST: ClientList = { total: 0, rows: [], hasMore: false };

/**
 * Which of two places in a list comes first, as for `Array.sort`.
 *
 * @param query Says the order.
 */
export function compareOf(
  { sort, isDescending }: Pick<ListQuery, "sort" | "isDescending">,
): (a: ListCursor, b: ListCursor) => number {
  const direction = isDescending ? -1 : 1;
  if (sort === "id") return (a, b) => direction * compareIds(a.id, b.id);
  return (a, b) => a.rank === b.rank ? compareIds(a.id, b.id) : direction * (a.rank - b.rank);
}

/** The place of a row. */
export function placeOf({ rank, client }: ListedClient): ListCursor {
  return { rank, id: client.clientId };
}

/** In UTF-16 code units. */
function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
