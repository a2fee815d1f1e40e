/**
 * `GET /call/<Action>/<ClientId>/<MessageId>`: how far a CALL has got.
 *
 * @module
 */

import type { Clients } from "../cluster/clients.ts";
import type { CallRecord, RecordedOutcome } from "../cluster/survey.ts";
import type { Token } from "../config/token.ts";
import { problem, respond } from "../problem.ts";
import { may } from "./may.ts";
import { BAD_TARGET, readTarget } from "./target.ts";

/**
 * Tells how far a CALL has got, of several with these names the newest.
 *
 * @param segments The path behind `/call/`, three raw segments.
 * @param token Whose request it is: who may neither send this CALL nor look at payloads gets no payload.
 */
export async function showCall(
  segments: readonly string[],
  clients: Clients,
  token: Token,
): Promise<Response> {
  const target = readTarget(segments);
  if (target === undefined) return problem(400, BAD_TARGET);
  const { answers, isComplete } = await clients.survey<"call">({ kind: "call", ...target });
  const record = newestOf(answers);
  if (record === null) {
    return isComplete
      ? problem(404, "no such CALL is known")
      : problem(503, "others who may know of it cannot be asked", { "retry-after": "2" });
  }
  const { action, clientId } = target;
  const maySee = may(token, { kind: "payloads", clientId }) === null ||
    may(token, { kind: "command", action, clientId }) === null;
  return respond(callText(record, maySee), 200, { "content-type": "application/json" });
}

/** Of one that two tell of, the one that has ended: the other has lost it. */
function newestOf(records: readonly (CallRecord | null)[]): CallRecord | null {
  let newest: CallRecord | null = null;
  for (const record of records) {
    if (record === null) continue;
    const isNewer = newest === null || record.id > newest.id ||
      (record.id === newest.id && newest.outcome === null);
    if (isNewer) newest = record;
  }
  return newest;
}

/** The document; what the client answered stands in it byte for byte. */
export function callText(record: CallRecord, maySee: boolean): string {
  const { id, isReported, outcome, delivery, acceptedAt, sentAt, endedAt, deliveredAt } = record;
  const state = outcome !== null ? "ended" : sentAt !== null ? "sent" : "queued";
  const rest = JSON.stringify({
    delivery,
    acceptedAt: timeText(acceptedAt),
    sentAt: timeText(sentAt),
    endedAt: timeText(endedAt),
    deliveredAt: timeText(deliveredAt),
    id: isReported ? id : null,
  });
  return `{"state":"${state}","outcome":${outcomeText(outcome, maySee)},${rest.slice(1)}`;
}

function outcomeText(outcome: RecordedOutcome | null, maySee: boolean): string {
  if (outcome === null) return "null";
  const { kind, body } = outcome;
  if (kind === "result") {
    return `{"kind":"result","payload":${maySee && body !== null ? body : null}}`;
  }
  if (body === null || !maySee) {
    const code = body === null ? null : (JSON.parse(body) as { code: string }).code;
    return JSON.stringify({ kind, code, description: null, details: null });
  }
  // The rest of the object is as the backend gets it.
  return `{"kind":"error",${body.slice(1)}`;
}

/** RFC 3339, or null. */
export function timeText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
