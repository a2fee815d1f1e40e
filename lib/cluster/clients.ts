/**
 * All clients, wherever they are connected.
 *
 * @module
 */

import type { ListedClient, ListQuery } from "./list.ts";
import { type ListPage, mergedList } from "./merged_list.ts";
import { type AskedOnce, askOnce, type CallRequest } from "./once.ts";
import type { RequestKey } from "../outbox/entry.ts";
import type { RequestKeys } from "./request_keys.ts";
import { matcherOf } from "./search.ts";
import type { Answers, QuestionKind, QuestionOf, Survey } from "./survey.ts";
import type { Bus, Client, ClientPage, ClientReply, ClientRequest, Peer } from "./bus.ts";

/** Clients of one page that are asked for one by one. */
const MAX_DESCRIBED = 100;

/** What the API sees: one gateway, however many instances it is. */
export class Clients {
  readonly #local: Peer;
  readonly #bus: Bus;

  constructor(local: Peer, bus: Bus) {
    this.#local = local;
    this.#bus = bus;
  }

  /** Whether clients that are connected elsewhere can be reached. */
  get isAvailable(): boolean {
    return this.#bus.isAvailable;
  }

  /** Whether they could be reached once: from then on this gateway serves, whatever becomes of them. */
  get hasJoined(): boolean {
    return this.#bus.hasJoined;
  }

  /** Asks the instance that holds the client, which is this one if it does. */
  async ask(request: ClientRequest): Promise<ClientReply> {
    // Before it is closed, for it may come back anywhere and at once; and it may not be here just now.
    if (request.kind === "close") {
      this.#local.forget(request.clientId);
      this.#bus.forget(request.clientId);
    }
    if (this.#local.find(request.clientId) !== undefined) {
      const reply = await this.#local.serve(request);
      // Otherwise it went in this very moment, and may be elsewhere.
      if (reply.kind !== "refused" || reply.reason !== "gone") return reply;
    }
    return this.#bus.ask(request);
  }

  /** Asks for a CALL, unless the same was asked for under its key before, here or elsewhere. */
  askOnce(key: RequestKey, request: CallRequest, keys: RequestKeys): Promise<AskedOnce> {
    return askOnce(key, request, {
      keys,
      survey: (question) => this.#bus.survey<"key">(question),
      ask: (asked) => this.ask(asked),
    });
  }

  /** What all know of something, this instance first. */
  async survey<K extends QuestionKind>(question: QuestionOf<K>): Promise<Survey<Answers[K]>> {
    const given = this.#local.answerTo<K>(question);
    const [own, { answers, isComplete }] = await Promise.all([
      given,
      this.#bus.survey<K>(question),
    ]);
    return { answers: [own, ...answers], isComplete };
  }

  /**
   * One page of all clients, sorted by ClientId in UTF-16 code units.
   *
   * @param after Exclusive; null for the first page.
   * @param search Only clients with this in their ClientId, in upper or lower case.
   * @returns `next` is the ClientId to go on after, null when this was the last page.
   */
  async page(
    after: string | null,
    limit: number,
    search?: string,
  ): Promise<
    { total: number; clients: readonly Client[]; next: string | null; isComplete: boolean }
  > {
    const { answers: pages, isComplete } = await this.survey<"page">({
      kind: "page",
      after,
      limit,
      search,
    });
    const matches = matcherOf(search);
    const all = pages.length === 1 ? pages[0]!.clients : merged(pages);
    // Behind the end of a page that is not the last one, its instance may have more.
    const ends = pages.filter(({ hasMore }) => hasMore)
      .map(({ clients }) => clients.at(-1)?.clientId ?? "");
    // An instance of an older version does not know of the search.
    const known = all.filter(({ clientId }) =>
      ends.every((end) => clientId <= end) && matches?.(clientId) !== false
    );
    const clients = known.slice(0, limit);
    const hasMore = ends.length > 0 || known.length > limit;
    const seenTo = clients.length === limit ? clients.at(-1)!.clientId : ends.toSorted(compare)[0];
    return {
      total: pages.reduce((sum, page) => sum + page.total, 0),
      clients,
      next: hasMore ? seenTo ?? null : null,
      isComplete,
    };
  }

  /**
   * One page of a list in any order, of those clients that fit.
   *
   * By `ends` also clients are listed that are not connected, at most `MAX_DESCRIBED` on a page.
   *
   * @returns `isComplete` is false where not all have answered, also because too many lists are asked for.
   */
  async list(query: ListQuery): Promise<ListPage & { readonly isComplete: boolean }> {
    const { answers, isComplete } = await this.survey<"list">({ kind: "list", query });
    const parts = answers.filter((part) => part !== null);
    const isWhole = isComplete && parts.length === answers.length;
    if (query.sort !== "ends") return { ...mergedList(parts, query), isComplete: isWhole };
    const limit = Math.min(query.limit, MAX_DESCRIBED);
    const page = mergedList(parts, { ...query, limit });
    const rows = await Promise.all(page.rows.map((row) => this.#whereItIs(row)));
    return { ...page, rows, isComplete: isWhole };
  }

  /** A client whose connection ended in one place may be connected in another one. */
  async #whereItIs(row: ListedClient): Promise<ListedClient> {
    if (row.state !== null) return row;
    const reply = await this.ask({ kind: "describe", clientId: row.client.clientId });
    if (reply.kind !== "client" || reply.state === undefined) return row;
    return { ...row, client: reply.client, state: reply.state, endedAt: null, instance: null };
  }
}

/** In UTF-16 code units. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Sorted; of a client that is being replaced, and so twice here, the newer connection. */
function merged(pages: readonly ClientPage[]): Client[] {
  const byId = new Map<string, Client>();
  for (const client of pages.flatMap(({ clients }) => clients)) {
    const other = byId.get(client.clientId);
    if (other === undefined || other.connectionId < client.connectionId) {
      byId.set(client.clientId, client);
    }
  }
  return [...byId.values()].sort((a, b) => compare(a.clientId, b.clientId));
}
