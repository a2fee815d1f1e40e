/**
 * All clients, wherever they are connected.
 *
 * @module
 */

import type { Bus, Client, ClientPage, ClientReply, ClientRequest, Peer } from "./bus.ts";

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

  /** Asks the instance that holds the client, which is this one if it does. */
  async ask(request: ClientRequest): Promise<ClientReply> {
    if (this.#local.find(request.clientId) !== undefined) {
      const reply = await this.#local.serve(request);
      // Otherwise it went in this very moment, and may be elsewhere.
      if (reply.kind !== "refused" || reply.reason !== "gone") return reply;
    }
    return this.#bus.ask(request);
  }

  /**
   * One page of all clients, sorted by ClientId in UTF-16 code units.
   *
   * @param after Exclusive; null for the first page.
   * @returns `next` is the ClientId to go on after, null when this was the last page.
   */
  async page(
    after: string | null,
    limit: number,
  ): Promise<{ total: number; clients: readonly Client[]; next: string | null }> {
    const pages = [this.#local.page(after, limit), ...await this.#bus.pages(after, limit)];
    const all = pages.length === 1 ? pages[0]!.clients : merged(pages);
    // Behind the end of a page that is not the last one, its instance may have more.
    const ends = pages.filter(({ hasMore }) => hasMore)
      .map(({ clients }) => clients.at(-1)?.clientId ?? "");
    const known = all.filter(({ clientId }) => ends.every((end) => clientId <= end));
    const clients = known.slice(0, limit);
    const hasMore = ends.length > 0 || known.length > limit;
    return {
      total: pages.reduce((sum, page) => sum + page.total, 0),
      clients,
      next: hasMore ? clients.at(-1)?.clientId ?? null : null,
    };
  }
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
  return [...byId.values()].sort((a, b) => (a.clientId < b.clientId ? -1 : 1));
}
