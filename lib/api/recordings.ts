/**
 * `/recordings`: what clients send and get, kept for a while.
 *
 * @module
 */

import type { Clients } from "../cluster/clients.ts";
import type { RecordingInfo, RecordingPart } from "../cluster/recording.ts";
import { MAX_RECORDINGS, type Recordings } from "../cluster/recordings.ts";
import type { Token } from "../config/token.ts";
import { isUuid } from "../ids.ts";
import { problem, respond } from "../problem.ts";
import type { HttpRequest } from "../request.ts";
import { timeText } from "./call_state.ts";
import { lacks, may } from "./may.ts";
import { faultOf, isClientId, queryOf } from "./query.ts";

export interface RecordingsDeps {
  readonly clients: Pick<Clients, "survey">;
  /** Undefined when nobody may look at frames. */
  readonly recordings: Pick<Recordings, "start"> | undefined;
}

const NO_TAIL = "the gateway was started with --no-tail";
const RECORDED = "the client is being recorded already";
const NO_RECORDING = "there is no such recording";
const RETRY = { "retry-after": "2" };
const LATER = { "retry-after": "60" };
const NOT_STORED = { "cache-control": "no-store" };

/** Who may not look at payloads at all is not told what is recorded. */
function refusalOf(token: Token, { recordings }: RecordingsDeps): Response | undefined {
  const missing = lacks(token, "payloads");
  if (missing !== null) return problem(403, missing);
  return recordings === undefined ? problem(403, NO_TAIL) : undefined;
}

/** `GET /recordings`: those that the token may read, the oldest first. */
export async function listRecordings(
  request: HttpRequest,
  deps: RecordingsDeps,
  token: Token,
): Promise<Response> {
  const refusal = refusalOf(token, deps);
  if (refusal !== undefined) return refusal;
  if (queryOf(request).size > 0) return problem(400, "nothing may stand in the query");
  const { answers, isComplete } = await deps.clients.survey<"recordings">({ kind: "recordings" });
  const recordings = answers.flat()
    .filter(({ clientId }) => may(token, { kind: "payloads", clientId }) === null)
    .sort((a, b) => a.id < b.id ? -1 : 1)
    .map(shownOf);
  return json(200, { recordings, ...(!isComplete && { incomplete: true }) });
}

/** `POST /recordings?client=ID`: records a client for an hour. */
export async function startRecording(
  request: HttpRequest,
  deps: RecordingsDeps,
  token: Token,
): Promise<Response> {
  const query = queryOf(request);
  const clientId = query.get("client");
  const fault = faultOf(query, ["client"]);
  const refusal = refusalOf(token, deps);
  if (refusal !== undefined) return refusal;
  if (fault !== undefined) return problem(400, fault);
  if (clientId === null || !isClientId(clientId)) return problem(400, "client must be a ClientId");
  const missing = may(token, { kind: "payloads", clientId });
  if (missing !== null) return problem(403, missing);
  const { answers } = await deps.clients.survey<"recordings">({ kind: "recordings" });
  if (answers.flat().some((each) => each.clientId === clientId && each.endedAt === null)) {
    return problem(409, RECORDED);
  }
  const started = await deps.recordings!.start(clientId);
  switch (started) {
    case "recorded":
      return problem(409, RECORDED);
    case "full":
      return problem(
        503,
        `there are ${MAX_RECORDINGS} recordings already: one has to be removed`,
        LATER,
      );
    case "overloaded":
      return problem(503, "too many clients are being looked at", LATER);
    case "no_tail":
      return problem(403, NO_TAIL);
    default:
      return json(202, shownOf(started), { location: `/recordings/${started.id}` });
  }
}

/** `GET` and `DELETE /recordings/<id>`, `POST /recordings/<id>/end`. */
export async function handleRecording(
  request: HttpRequest,
  id: string,
  deps: RecordingsDeps,
  token: Token,
): Promise<Response> {
  const refusal = refusalOf(token, deps);
  if (refusal !== undefined) return refusal;
  if (queryOf(request).size > 0) return problem(400, "nothing may stand in the query");
  if (!isUuid(id)) return problem(404, NO_RECORDING);
  const { clients } = deps;
  const { part, isComplete } = await partOf(clients, id, 0);
  if (part === null) return unknown(isComplete);
  const foreign = may(token, { kind: "payloads", clientId: part.info.clientId });
  if (foreign !== null) return problem(403, foreign);
  if (request.method === "GET" || request.method === "HEAD") return await download(clients, part);
  const kind = request.method === "DELETE" ? "remove_recording" : "end_recording";
  const done = await clients.survey<"remove_recording" | "end_recording">({ kind, id });
  // One that has ended is as it should be.
  if (kind === "end_recording" || done.answers.some((isDone) => isDone)) return respond(null, 204);
  return unknown(done.isComplete);
}

async function partOf(
  clients: RecordingsDeps["clients"],
  id: string,
  after: number,
): Promise<{ part: RecordingPart | null; isComplete: boolean }> {
  const asked = { kind: "recording", id, after } as const;
  const { answers, isComplete } = await clients.survey<"recording">(asked);
  return { part: answers.find((answer) => answer !== null) ?? null, isComplete };
}

/** As lines of JSON. Bounded, as each recording is; one that goes on has what it has now. */
async function download(
  clients: RecordingsDeps["clients"],
  first: RecordingPart,
): Promise<Response> {
  const { id, dropped, startedAt } = first.info;
  const parts = dropped === 0 ? [] : [gapText(startedAt)];
  let part = first;
  for (;;) {
    for (const line of part.lines) parts.push(`${line}\n`);
    if (part.next === null) break;
    const { part: following } = await partOf(clients, id, part.next);
    if (following === null) return problem(503, "who has the recording cannot be asked", RETRY);
    part = following;
  }
  return respond(parts.join(""), 200, {
    ...NOT_STORED,
    "content-type": "application/x-ndjson",
    "content-disposition": `attachment; filename="recording-${id}.jsonl"`,
  });
}

/** Its beginning is not kept any more. */
function gapText(at: number): string {
  return `${
    JSON.stringify({ kind: "gap", connectionId: null, at: timeText(at), why: "dropped" })
  }\n`;
}

function unknown(isComplete: boolean): Response {
  return isComplete
    ? problem(404, NO_RECORDING)
    : problem(503, "others who may have it cannot be asked", RETRY);
}

function shownOf(
  { id, clientId, startedAt, endsAt, endedAt, lines, bytes, dropped }: RecordingInfo,
): Record<string, unknown> {
  return {
    ...{ id, client: clientId, startedAt: timeText(startedAt), endsAt: timeText(endsAt) },
    ...{ endedAt: endedAt === null ? null : timeText(endedAt), lines, bytes, dropped },
  };
}

function json(status: number, document: unknown, headers: Record<string, string> = {}): Response {
  const type = { "content-type": "application/json" };
  return respond(JSON.stringify(document), status, { ...type, ...NOT_STORED, ...headers });
}
