/**
 * Entries of the outbox, as tests make them.
 *
 * @module
 */

import { v7 } from "uuid";
import type { AcceptedCall, KeptReport, Report } from "../../lib/outbox/entry.ts";
import type { Store } from "../../lib/outbox/store.ts";
import { inTime } from "../support/deadline.ts";

/** A client with all that there is to know of one, in characters beyond ASCII where there may be. */
export function clientOf(clientId = "CP é 1"): AcceptedCall["client"] {
  return {
    clientId,
    connectionId: v7(),
    protocol: "ocpp2.0.1",
    remoteAddress: "2001:db8::1",
    connectedAt: 1_790_000_000_123,
  };
}

/** An accepted CALL. */
export function call(messageId: string, more: Partial<AcceptedCall> = {}): AcceptedCall {
  return {
    id: v7(),
    client: clientOf(),
    action: "Reset",
    messageId,
    trace: undefined,
    acceptedAt: 1_790_000_000_456,
    key: undefined,
    ...more,
  };
}

/** The outcome of an accepted CALL. */
export function outcomeOf(
  { id, client, action, messageId, trace }: AcceptedCall,
  body = '{"status":"Accepted","n":1.0}',
  kind: "result" | "error" | "resulterror" = "result",
): KeptReport {
  const report: Report = { kind, action, messageId, body, trace };
  return { id, client, report, since: 1_790_000_000_789, parked: undefined };
}

/** The end of a connection. */
export function disconnect(clientId = "CP1"): KeptReport {
  return {
    id: v7(),
    client: clientOf(clientId),
    report: { kind: "disconnect", body: '{"code":1001,"reason":""}' },
    since: 1_790_000_000_999,
    parked: undefined,
  };
}

/** Whether a CALL was kept. */
export function accept(store: Store, accepted: AcceptedCall): Promise<boolean> {
  return inTime(
    new Promise((resolve) => store.accept(accepted, resolve)),
    `the answer for ${accepted.messageId}`,
    20_000,
  );
}
