/**
 * What the backend must be told, as it is kept until it was.
 *
 * @module
 */

import type { TraceContext } from "../codec/trace_context.ts";
import type { Identity } from "../identity.ts";

/** One message to the backend that must not be lost. */
export type Report =
  | {
    readonly kind: "result" | "error" | "resulterror";
    readonly action: string;
    readonly messageId: string;
    readonly body: string;
    readonly trace: TraceContext | undefined;
  }
  | { readonly kind: "disconnect"; readonly body: string; readonly trace?: undefined };

/** A CALL that was accepted with 202: one report of kind `result` or `error` must follow. */
export interface AcceptedCall {
  /** A UUIDv7, made when the CALL came: the `Webhook-Id` of its report, whoever sends it. */
  readonly id: string;
  readonly client: Identity;
  readonly action: string;
  readonly messageId: string;
  readonly trace: TraceContext | undefined;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  /** What its caller may repeat it by; undefined without an `Idempotency-Key`. */
  readonly key?: RequestKey | undefined;
}

/** An `Idempotency-Key`, and what it was used for. */
export interface RequestKey {
  readonly key: string;
  /** Of the request: another one under the same key is refused. */
  readonly fingerprint: string;
}

/** A report that the backend has not taken. */
export interface KeptReport {
  /** A UUIDv7: its `Webhook-Id`; that of its CALL, if it is the outcome of one. */
  readonly id: string;
  readonly client: Identity;
  readonly report: Report;
  /** When it came to be, in milliseconds since 1970. */
  readonly since: number;
  /** Set when it is not tried any more. */
  readonly parked?: Parked | undefined;
  /** Of one that was found: that of its CALL, as `AcceptedCall` has it. */
  readonly key?: RequestKey | undefined;
}

/** Why and since when a report is kept for inspection only. */
export interface Parked {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The last failure in words, such as `status 400`. */
  readonly failure: string;
  readonly tries: number;
}

/** A CALL without an outcome, or a report. */
export type Entry = { readonly call: AcceptedCall } | { readonly report: KeptReport };
