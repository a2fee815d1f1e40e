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
    const clients = pages.length === 1 ? pages[0]!.clients : merged(pages);
    const hasMore = clients.length > limit || pages.some((page) => page.hasMore);
    return {
      total: pages.reduce((sum, page) => sum + page.total, 0),
      clients: clients.slice(0, limit),
      next: hasMore && clients.length > 0
        ? clients[Math.min(limit, clients.length) - 1]!.clientId
        : null,
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
