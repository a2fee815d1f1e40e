/**
 * Lists of clients between instances.
 *
 * @module
 */

import type { Log } from "../../log/log.ts";
import { type ClientPage, identityOf } from "../bus.ts";
import { PAGES_MS } from "../times.ts";
import { isNoResponders, type Link } from "./link.ts";
import type { AllNote } from "./note.ts";
import { readPage } from "./read_answer.ts";

/** What page is asked for. */
export type PageNote = AllNote & { readonly kind: "page" };

export interface PagesDeps {
  readonly link: Link;
  /** The subject of all instances. */
  readonly subject: string;
  /** How many others there are. */
  readonly count: number;
  readonly log: Log;
}

/** Asks all others for their part of a list; those that do not answer in time are left out. */
export async function collectPages(
  note: PageNote,
  { link, subject, count, log }: PagesDeps,
): Promise<readonly ClientPage[]> {
  const { connection } = link;
  if (connection === null || !link.isUp || count === 0) return [];
  const pages: ClientPage[] = [];
  try {
    const answers = await connection.requestMany(subject, JSON.stringify(note), {
      strategy: "count",
      maxMessages: count,
      maxWait: PAGES_MS,
    });
    for await (const message of answers) {
      const page = readPage(message.string(), note.limit);
      if (page === undefined) link.notUnderstood("part of a list");
      else pages.push(page);
    }
  } catch (error) {
    if (!isNoResponders(error)) link.warn("nats request failed", error);
  }
  if (pages.length < count) {
    log.warn("instances without an answer", { expected: count, answers: pages.length });
  }
  return pages;
}

/** As much of a page as NATS takes. */
export function pageText(
  { total, clients, hasMore }: ClientPage,
  fits: (text: string) => boolean,
): string {
  let part = clients.map(identityOf);
  for (;;) {
    const isWhole = part.length === clients.length;
    const page: ClientPage = { total, clients: part, hasMore: hasMore || !isWhole };
    const text = JSON.stringify(page);
    if (part.length <= 1 || fits(text)) return text;
    part = part.slice(0, Math.ceil(part.length / 2));
  }
}
