/**
 * Entries of the outbox as rows of its table, and back (pure).
 *
 * @module
 */

import type { AcceptedCall, Entry, KeptReport, Report } from "../entry.ts";

/** Increased with each change of the tables. */
export const SCHEMA_VERSION = 1;
/** "ws2o": tells an outbox from other databases. */
export const APPLICATION_ID = 0x77_73_32_6f;

/**
 * One table, in the order of ids, which is that of time. A CALL that was accepted becomes the report
 * of its outcome in the same row. `probe` is written to see whether the disk takes anything.
 */
export const SCHEMA = `
CREATE TABLE entry (
  id NOT NULL PRIMARY KEY,
  ord INTEGER NOT NULL,
  owner INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  client TEXT NOT NULL,
  connection NOT NULL,
  protocol TEXT,
  address TEXT NOT NULL,
  connected INTEGER NOT NULL,
  action TEXT,
  message TEXT,
  traceparent TEXT,
  tracestate TEXT,
  accepted INTEGER,
  key TEXT,
  fingerprint TEXT,
  since INTEGER,
  parked INTEGER,
  failure TEXT,
  tries INTEGER,
  body TEXT
) WITHOUT ROWID;
CREATE TABLE probe (n INTEGER NOT NULL);
INSERT INTO probe VALUES (0);
`;

/** In the order of `valuesOf`. */
export const COLUMNS = [
  ...["id", "ord", "owner", "kind", "client", "connection", "protocol", "address", "connected"],
  ...["action", "message", "traceparent", "tracestate", "accepted", "key", "fingerprint"],
  ...["since", "parked", "failure", "tries", "body"],
] as const;

/** What SQLite holds. */
export type Value = string | number | Uint8Array | null;
export type Row = Readonly<Record<typeof COLUMNS[number], Value>>;

/** By their numbers in the column `kind`, which never change. */
const KINDS = ["accepted", "result", "error", "resulterror", "disconnect"] as const;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** An id as it is kept: a UUID as its 16 bytes, any other text as it is. */
export function keptId(id: string): Value {
  return UUID.test(id) ? Uint8Array.fromHex(id.replaceAll("-", "")) : id;
}

/** The id of what is kept. */
export function idOf(kept: Value): string {
  if (!(kept instanceof Uint8Array)) return String(kept);
  const hex = kept.toHex();
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return [...parts, hex.slice(20)].join("-");
}

/** The values of a row. @param end Undefined as long as the CALL has no outcome. */
export function valuesOf(
  ord: number,
  owner: number,
  accept: AcceptedCall | undefined,
  end: KeptReport | undefined,
): Value[] {
  const { id, client } = (end ?? accept)!;
  const { clientId, connectionId, protocol, remoteAddress, connectedAt } = client;
  const named = end === undefined ? accept! : end.report.kind === "disconnect" ? null : end.report;
  return [
    ...[keptId(id), ord, owner, KINDS.indexOf(end?.report.kind ?? "accepted")],
    ...[clientId, keptId(connectionId), protocol, remoteAddress, connectedAt],
    ...[named?.action ?? null, named?.messageId ?? null],
    ...[named?.trace?.traceparent ?? null, named?.trace?.tracestate ?? null],
    ...[accept?.acceptedAt ?? null, accept?.key?.key ?? null, accept?.key?.fingerprint ?? null],
    ...[end?.since ?? null, end?.parked?.at ?? null],
    ...[end?.parked?.failure ?? null, end?.parked?.tries ?? null, end?.report.body ?? null],
  ];
}

/** A row's entry; undefined when it is none. */
export function entryOf(row: Row): Entry | undefined {
  const kind = KINDS[Number(row.kind)];
  if (kind === undefined) return undefined;
  const id = idOf(row.id);
  const client = {
    clientId: String(row.client),
    connectionId: idOf(row.connection),
    protocol: row.protocol === null ? null : String(row.protocol),
    remoteAddress: String(row.address),
    connectedAt: Number(row.connected),
  };
  const names = { action: String(row.action), messageId: String(row.message), trace: traceOf(row) };
  const key = row.key === null
    ? undefined
    : { key: String(row.key), fingerprint: String(row.fingerprint) };
  if (kind === "accepted") {
    return { call: { id, client, ...names, acceptedAt: Number(row.accepted), key } };
  }
  const body = String(row.body);
  const report: Report = kind === "disconnect" ? { kind, body } : { kind, ...names, body };
  const parked = row.parked === null ? undefined : {
    at: Number(row.parked),
    failure: String(row.failure),
    tries: Number(row.tries),
  };
  const ended = { id, client, report, since: Number(row.since), parked };
  return { report: key === undefined ? ended : { ...ended, key } };
}

function traceOf({ traceparent, tracestate }: Row): AcceptedCall["trace"] {
  if (traceparent === null) return undefined;
  return {
    traceparent: String(traceparent),
    ...(tracestate === null ? {} : { tracestate: String(tracestate) }),
  };
}
