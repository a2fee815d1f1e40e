/**
 * The clients of this thread, in any order, without holding the event loop up.
 *
 * @module
 */

import type { RecentEnds } from "../client/recent_ends.ts";
import type { ConnectionState } from "../client/connection_state.ts";
import { type Clock, pause } from "../clock.ts";
import { type Identity, identityOf } from "../identity.ts";
import { type Counted, FrameRates } from "./frame_rates.ts";
import {
  type ClientList,
  EMPTY_LIST,
  type ListedClient,
  type ListFilter,
  type ListQuery,
  MAX_LIST,
  type Sort,
} from "./list.ts";
import { matcherOf } from "./search.ts";
import { Top } from "./top.ts";

/** The part of a connection that is listed. */
export interface Listed extends Identity, Counted {
  readonly errors: number;
  readonly waiting: number;
  readonly lastActivityAt: number;
  readonly heardAt: number | null;
  readonly state: ConnectionState;
}

export interface LocalListDeps {
  readonly connections: {
    get(clientId: string): Listed | undefined;
    all(): readonly Listed[];
  };
  readonly ends: Pick<RecentEnds, "list">;
  readonly clock: Clock;
  /** This instance's name; undefined for one without others. */
  readonly instance?: string | undefined;
}

/** What a walk over the connections can sort by. */
type WalkedSort = Exclude<Sort, "ends">;
type WalkedQuery = ListQuery & { readonly sort: WalkedSort };

/** So long the walk goes on at a time, and then rests for as long: half of the thread is others'. */
const SLICE_MS = 3;
/** Clients between two looks at the clock: some 50 µs. */
const CLIENTS_PER_LOOK = 64;
/** Lists that wait while another one is made. */
const MAX_WAITING = 16;

/**
 * Makes lists of this thread's clients: one walk over all of them for each, in slices, and one at a time. Of
 * what it meets it keeps no more than the page.
 *
 * Owns which list is made, and who waits for that.
 */
export class LocalList {
  readonly #deps: LocalListDeps;
  readonly #rates: FrameRates;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(deps: LocalListDeps) {
    this.#deps = deps;
    this.#rates = new FrameRates(deps.clock);
  }

  /**
   * Makes a list.
   *
   * @returns Null when too many others wait for theirs.
   */
  async make(query: ListQuery): Promise<ClientList | null> {
    const { instance } = query.filter;
    if (instance !== undefined && instance !== this.#deps.instance) return EMPTY_LIST;
    const { sort } = query;
    if (sort === "ends") return this.#ended(query);
    if (this.#waiting >= MAX_WAITING) return null;
    this.#waiting++;
    const made = this.#last.then(() => this.#walkFor({ ...query, sort }));
    // Whoever asked for it hears of a fault; the next one begins all the same.
    this.#last = made.catch(() => {});
    try {
      return await made;
    } finally {
      this.#waiting--;
    }
  }

  /** Ends what is measured. */
  close(): void {
    this.#rates.close();
  }

  async #walkFor(query: WalkedQuery): Promise<ClientList> {
    const { clock } = this.#deps;
    const rankOf = query.sort === "messages"
      ? await this.#rates.measure((visit) => this.#walk(visit))
      : RANKS[query.sort];
    const matches = matcherOf(query.search);
    const fits = filterOf(query.filter, clock.wallNow());
    const top = new Top<Listed>(query);
    let total = 0;
    await this.#walk((connection) => {
      // Also of one that is not listed, for it counts how often it is met.
      const rank = rankOf(connection);
      if (matches?.(connection.clientId) === false || !fits(connection)) return;
      total++;
      top.offer(rank, connection.clientId, connection);
    });
    const rows = top.kept.map(({ rank, value }) =>
      this.#rowOf(rank, { client: identityOf(value), state: value.state, endedAt: null })
    );
    return { total, rows, hasMore: top.hasMore };
  }

  /** All of them, wherever the list goes on: only with those of the other threads they come to an order. */
  #ended({ filter, search }: ListQuery): ClientList {
    const { connections, ends, clock } = this.#deps;
    const matches = matcherOf(search);
    const fits = filterOf(filter, clock.wallNow());
    const isOfState = filter.silentMs !== undefined || filter.hasErrors === true;
    const rows: ListedClient[] = [];
    for (const { client: last, endedAt, ends: rank } of ends.list()) {
      if (matches?.(last.clientId) === false) continue;
      const connection = connections.get(last.clientId);
      if (connection === undefined) {
        if (isOfState || !isOf(filter, last)) continue;
        rows.push(this.#rowOf(rank, { client: last, state: null, endedAt }));
      } else if (fits(connection)) {
        const client = identityOf(connection);
        rows.push(this.#rowOf(rank, { client, state: connection.state, endedAt: null }));
      }
    }
    return { total: rows.length, rows: rows.slice(0, MAX_LIST), hasMore: false };
  }

  #rowOf(rank: number, row: Pick<ListedClient, "client" | "state" | "endedAt">): ListedClient {
    return { ...row, instance: this.#deps.instance ?? null, rank };
  }

  /** Visits all who are connected when it begins, but for those who have gone meanwhile. */
  async #walk(visit: (connection: Listed) => void): Promise<void> {
    const { connections, clock } = this.#deps;
    let since = clock.now();
    let left = CLIENTS_PER_LOOK;
    for (const connection of connections.all()) {
      if (--left === 0) {
        left = CLIENTS_PER_LOOK;
        if (clock.now() - since >= SLICE_MS) {
          await pause(clock, SLICE_MS);
          since = clock.now();
        }
      }
      if (connections.get(connection.clientId) === connection) visit(connection);
    }
  }
}

const RANKS: Readonly<
  Record<Exclude<WalkedSort, "messages">, (connection: Listed) => number>
> = {
  id: () => 0,
  activity: ({ lastActivityAt }) => lastActivityAt,
  errors: ({ errors }) => errors,
  waiting: ({ waiting }) => waiting,
  connected: ({ connectedAt }) => connectedAt,
};

/** @param now Milliseconds since 1970. */
function filterOf(filter: ListFilter, now: number): (connection: Listed) => boolean {
  const { silentMs, hasErrors } = filter;
  const silentSince = silentMs === undefined ? undefined : now - silentMs;
  return (connection) =>
    isOf(filter, connection) &&
    (silentSince === undefined ||
      (connection.heardAt ?? connection.connectedAt) <= silentSince) &&
    (hasErrors === undefined || connection.errors > 0);
}

function isOf({ protocol, address }: ListFilter, client: Identity): boolean {
  return (protocol === undefined || client.protocol === protocol) &&
    (address === undefined || client.remoteAddress.startsWith(address));
}
