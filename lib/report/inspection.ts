/**
 * Reports as operators see them.
 *
 * @module
 */

import type { HeldReports } from "./held.ts";
import type { Tracked } from "./tracked.ts";

/** One report. */
export interface ReportInfo {
  /** The UUID of its `Webhook-Id`. */
  readonly id: string;
  readonly state: "waiting" | "parked";
  readonly kind: "result" | "error" | "resulterror" | "disconnect";
  readonly client: string;
  /** Null for the end of a connection. */
  readonly action: string | null;
  readonly messageId: string | null;
  readonly body: string;
  /** When it came to be, in milliseconds since 1970. */
  readonly since: number;
  /** Tries of this process. */
  readonly tries: number;
  /** Such as `status 503` or `unreachable`; null before the first try has failed. */
  readonly lastFailure: string | null;
}

/** Which reports are asked for. */
export interface ReportQuery {
  /** Both without it. */
  readonly state?: "waiting" | "parked" | undefined;
  readonly client?: string | undefined;
  /** An id, exclusive. */
  readonly after?: string | undefined;
  /** The page's length, 1 or more. */
  readonly limit: number;
}

export interface ReportPage {
  /** On all pages. */
  readonly total: number;
  /** Sorted by id, so the oldest first. */
  readonly reports: ReportInfo[];
}

export function infoOf(tracked: Tracked): ReportInfo {
  const { id, state, client, report, since, tries, lastFailure } = tracked;
  const isNamed = report.kind !== "disconnect";
  return {
    id,
    state: state === "parked" ? "parked" : "waiting",
    kind: report.kind,
    client: client.clientId,
    action: isNamed ? report.action : null,
    messageId: isNamed ? report.messageId : null,
    body: report.body,
    since,
    tries,
    lastFailure,
  };
}

/** One page of those that are asked for; all are looked at once, and no more than a page is kept. */
export function pageOf(
  { waiting, parking }: Pick<HeldReports, "waiting" | "parking">,
  { state, client, after, limit }: ReportQuery,
): ReportPage {
  const all: Iterable<Tracked>[] = [];
  if (state !== "parked") all.push(waiting.values());
  if (state !== "waiting") all.push(parking.values());
  let total = 0;
  const page: Tracked[] = [];
  for (const some of all) {
    for (const tracked of some) {
      if (tracked.isRemoved || (client !== undefined && tracked.client.clientId !== client)) {
        continue;
      }
      total++;
      if (after !== undefined && tracked.id <= after) continue;
      if (page.length === limit) {
        if (tracked.id > page[limit - 1]!.id) continue;
        page.pop();
      }
      page.splice(placeOf(page, tracked.id), 0, tracked);
    }
  }
  return { total, reports: page.map(infoOf) };
}

function placeOf(sorted: readonly Tracked[], id: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.id < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
