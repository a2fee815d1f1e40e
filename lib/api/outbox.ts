/**
 * `/outbox`: reports that the backend has not taken.
 *
 * @module
 */

import type { Clients } from "../cluster/clients.ts";
import {
  type ListedReport,
  REPORT_STATES,
  type ReportFilter,
  type ReportPage,
} from "../cluster/survey.ts";
import type { Token } from "../config/token.ts";
import { isUuid } from "../ids.ts";
import { problem, respond } from "../problem.ts";
import type { HttpRequest } from "../request.ts";
import { timeText } from "./call_state.ts";
import { lacks, may } from "./may.ts";
import { faultOf, isClientId, queryOf } from "./query.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
/** RFC 3339 §5.6, with a time zone; which days there are `Date` knows. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i;

type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly detail: string };

/**
 * Reads `?state=&client=&limit=&after=`. Pure.
 *
 * @returns The filter, or what is wrong.
 */
export function readReportFilter(query: URLSearchParams): Read<ReportFilter> {
  const fault = faultOf(query, ["state", "client", "limit", "after"]);
  if (fault !== undefined) return { ok: false, detail: fault };
  const stateText = query.get("state");
  const state = REPORT_STATES.find((word) => word === stateText) ?? null;
  if (stateText !== null && state === null) {
    return { ok: false, detail: `state must be ${REPORT_STATES.join(" or ")}` };
  }
  const clientId = query.get("client");
  if (clientId !== null && !isClientId(clientId)) {
    return { ok: false, detail: "client must be a ClientId" };
  }
  const limitText = query.get("limit") ?? String(DEFAULT_LIMIT);
  const limit = /^\d{1,4}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > MAX_LIMIT) {
    return { ok: false, detail: `limit must be a whole number from 1 to ${MAX_LIMIT}` };
  }
  const after = query.get("after");
  if (after !== null && !isUuid(after)) {
    return { ok: false, detail: "after must be the id of a report" };
  }
  return { ok: true, value: { state, clientId, after, limit } };
}

/**
 * Reads `?state=parked&since=TIME`. Pure.
 *
 * @returns Milliseconds since 1970, null without a time; or what is wrong.
 */
export function readRetryQuery(query: URLSearchParams): Read<number | null> {
  const fault = faultOf(query, ["state", "since"]);
  if (fault !== undefined) return { ok: false, detail: fault };
  if (query.get("state") !== "parked") return { ok: false, detail: "state must be parked" };
  const text = query.get("since");
  if (text === null) return { ok: true, value: null };
  const since = TIME.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(since)
    ? {
      ok: false,
      detail: "since must be a time such as 2026-11-28T08:00:00Z (a + is %2B in a URL)",
    }
    : { ok: true, value: since };
}

/** `GET /outbox`: one page, the oldest first. */
export async function listReports(
  request: HttpRequest,
  clients: Clients,
  token: Token,
): Promise<Response> {
  const missing = may(token, { kind: "outbox", clientId: queryOf(request).get("client") });
  if (missing !== null) return problem(403, missing);
  const read = readReportFilter(queryOf(request));
  if (!read.ok) return problem(400, read.detail);
  const { answers } = await clients.survey<"reports">({ kind: "reports", ...read.value });
  const { total, reports, next } = mergeReports(answers, read.value.limit);
  const head = JSON.stringify({ total }).slice(0, -1);
  const list = reports.map(reportText).join(",");
  return json(200, `${head},"reports":[${list}],"next":${JSON.stringify(next)}}`);
}

/**
 * One page of several. Pure.
 *
 * @returns `next` is the id to go on after, null when this was the last page.
 */
export function mergeReports(
  pages: readonly ReportPage[],
  limit: number,
): { total: number; reports: readonly ListedReport[]; next: string | null } {
  const byId = new Map(pages.flatMap(({ reports }) => reports).map((each) => [each.id, each]));
  // Behind the end of a page that is not the last one, there may be more of whoever gave it.
  const ends = pages.filter(({ hasMore }) => hasMore).map(({ reports }) =>
    reports.at(-1)?.id ?? ""
  );
  const known = [...byId.values()].filter(({ id }) => ends.every((end) => id <= end))
    .sort((a, b) => a.id < b.id ? -1 : 1);
  const reports = known.slice(0, limit);
  const hasMore = ends.length > 0 || known.length > limit;
  return {
    total: pages.reduce((sum, page) => sum + page.total, 0),
    reports,
    next: hasMore ? reports.at(-1)?.id ?? null : null,
  };
}

/** `POST /outbox/retry?state=parked&since=TIME`. */
export async function retryReports(
  request: HttpRequest,
  clients: Clients,
  token: Token,
): Promise<Response> {
  const missing = may(token, { kind: "outbox", clientId: null });
  if (missing !== null) return problem(403, missing);
  const read = readRetryQuery(queryOf(request));
  if (!read.ok) return problem(400, read.detail);
  const asked = { kind: "retry_parked", since: read.value } as const;
  const { answers, isComplete } = await clients.survey<"retry_parked">(asked);
  const retried = answers.reduce((sum, count) => sum + count, 0);
  return isComplete
    ? json(202, JSON.stringify({ retried }))
    : problem(503, "some could not be asked; to repeat this does no harm", RETRY, { retried });
}

/** `GET` and `DELETE /outbox/<id>`, `POST /outbox/<id>/retry`. */
export async function handleReport(
  request: HttpRequest,
  id: string,
  clients: Clients,
  token: Token,
): Promise<Response> {
  // Whoever may not look into the outbox at all is not told what is in it.
  const missing = lacks(token, "outbox");
  if (missing !== null) return problem(403, missing);
  if (queryOf(request).size > 0) return problem(400, "nothing may stand in the query");
  if (!isUuid(id)) return problem(404, NO_REPORT);
  const found = await clients.survey<"report">({ kind: "report", id });
  const report = found.answers.find((answer) => answer !== null);
  if (report === undefined) return unknown(found.isComplete);
  const foreign = may(token, { kind: "outbox", clientId: report.client });
  if (foreign !== null) return problem(403, foreign);
  if (request.method !== "DELETE" && request.method !== "POST") {
    return json(200, reportText(report));
  }
  const kind = request.method === "DELETE" ? "remove" : "retry";
  const { answers, isComplete } = await clients.survey<"remove" | "retry">({ kind, id });
  if (!answers.some((isDone) => isDone)) return unknown(isComplete);
  return respond(null, kind === "remove" ? 204 : 202);
}

const NO_REPORT = "no such report waits or is parked";
const RETRY = { "retry-after": "2" };

function unknown(isComplete: boolean): Response {
  return isComplete
    ? problem(404, NO_REPORT)
    : problem(503, "others who may have it cannot be asked", RETRY);
}

/** A report as the API shows it; its body stands in it byte for byte. */
export function reportText(
  { id, state, kind, client, action, messageId, body, since, tries, lastFailure }: ListedReport,
): string {
  const head = JSON.stringify({ id, state, kind, client, action, messageId }).slice(0, -1);
  const rest = JSON.stringify({ since: timeText(since), tries, lastFailure }).slice(1);
  return `${head},"body":${body ?? "null"},${rest}`;
}

function json(status: number, text: string): Response {
  return respond(text, status, { "content-type": "application/json" });
}
