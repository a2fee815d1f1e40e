/**
 * Entries of the outbox as messages of the ledger, and back (pure).
 *
 * A message is one line of JSON, and the body of a report behind it, as it is.
 *
 * @module
 */

import { isObject, parseJson } from "../../codec/json.ts";
import { readTraceContext } from "../../codec/trace_context.ts";
import type { Identity } from "../../identity.ts";
import type { AcceptedCall, Entry, KeptReport, Parked, Report, RequestKey } from "../entry.ts";

/** What a message says. */
export interface LedgerEntry {
  readonly entry: Entry;
  /** Greater than that of what came to be before it. */
  readonly ord: number;
}

/** An accepted CALL as a message. */
export function callText(call: AcceptedCall, ord: number): string {
  const { id, client, action, messageId, trace, acceptedAt, key } = call;
  return `${
    JSON.stringify({ kind: "accepted", ord, id, client, action, messageId, trace, acceptedAt, key })
  }\n`;
}

/** A report as a message. @param key That of its CALL. */
export function reportText(kept: KeptReport, ord: number, key: RequestKey | undefined): string {
  const { id, client, report, since, parked } = kept;
  const { body, ...names } = report;
  return `${JSON.stringify({ ...names, ord, id, client, since, parked, key })}\n${body}`;
}

type Fields = Readonly<Record<string, unknown>>;

/** What a message says; undefined when it is none of a gateway's. */
export function readEntry(text: string): LedgerEntry | undefined {
  const end = text.indexOf("\n");
  const fields = parseJson(text.slice(0, end));
  if (end === -1 || !isObject(fields)) return undefined;
  const { kind, ord, id } = fields;
  const client = clientOf(fields.client);
  if (!isCount(ord) || !isName(id) || client === undefined) return undefined;
  const key = keyOf(fields.key);
  const report = reportOf(kind, fields, text.slice(end + 1));
  if (report !== undefined) {
    const { since } = fields;
    if (!isTime(since)) return undefined;
    const kept = { id, client, report, since, parked: parkedOf(fields.parked) };
    return { entry: { report: key === undefined ? kept : { ...kept, key } }, ord };
  }
  const names = namesOf(fields);
  const { acceptedAt } = fields;
  if (kind !== "accepted" || names === undefined || !isTime(acceptedAt)) return undefined;
  return { entry: { call: { id, client, ...names, acceptedAt, key } }, ord };
}

function reportOf(kind: unknown, fields: Fields, body: string): Report | undefined {
  switch (kind) {
    case "disconnect":
      return { kind, body };
    case "result":
    case "error":
    case "resulterror": {
      const names = namesOf(fields);
      return names && { kind, ...names, body };
    }
    default:
      return undefined;
  }
}

function namesOf(
  { action, messageId, trace }: Fields,
): Pick<AcceptedCall, "action" | "messageId" | "trace"> | undefined {
  if (!isName(action) || !isName(messageId)) return undefined;
  if (!isObject(trace)) return { action, messageId, trace: undefined };
  const { traceparent, tracestate } = trace as Fields;
  if (typeof traceparent !== "string") return { action, messageId, trace: undefined };
  const state = typeof tracestate === "string" ? tracestate : null;
  return { action, messageId, trace: readTraceContext(traceparent, state) };
}

function clientOf(value: unknown): Identity | undefined {
  if (!isObject(value)) return undefined;
  const { clientId, connectionId, protocol, remoteAddress, connectedAt } = value as Fields;
  const isClient = isName(clientId) && isName(connectionId) && isTime(connectedAt) &&
    (protocol === null || typeof protocol === "string") && typeof remoteAddress === "string";
  return isClient ? { clientId, connectionId, protocol, remoteAddress, connectedAt } : undefined;
}

function keyOf(value: unknown): RequestKey | undefined {
  if (!isObject(value)) return undefined;
  const { key, fingerprint } = value as Fields;
  return typeof key === "string" && typeof fingerprint === "string"
    ? { key, fingerprint }
    : undefined;
}

function parkedOf(value: unknown): Parked | undefined {
  if (!isObject(value)) return undefined;
  const { at, failure, tries } = value as Fields;
  return isTime(at) && typeof failure === "string" && isCount(tries)
    ? { at, failure, tries }
    : undefined;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Milliseconds that a `Date` can be made of. */
function isTime(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= 8.64e15;
}
