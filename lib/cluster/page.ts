/**
 * One part of the list of clients.
 *
 * @module
 */

import type { ConnectionMap } from "../client/map.ts";
import type { Client, ClientPage } from "./bus.ts";
import { matcherOf } from "./search.ts";

/**
 * The page of those who are in a map.
 *
 * @param after Exclusive; null for the first page.
 * @param search Only clients with this in their ClientId, in upper or lower case.
 */
export function pageOf(
  clients: Pick<ConnectionMap<Client>, "page">,
  after: string | null,
  limit: number,
  search?: string,
): ClientPage {
  const { total, connections, next } = clients.page(after ?? undefined, limit, matcherOf(search));
  return { total, clients: connections, hasMore: next !== null };
}
