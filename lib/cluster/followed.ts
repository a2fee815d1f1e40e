/**
 * What is told of a client that is followed. Plain data.
 *
 * @module
 */

import type { TapRow } from "../client/tap_row.ts";

/** Why a thread shows no frames. */
export const TAIL_REFUSALS = [
  /** It was started with `--no-tail`. */
  "no_tail",
  /** Too many clients are looked at. */
  "overloaded",
] as const;
export type TailRefusal = (typeof TAIL_REFUSALS)[number];

/** Something may be missing here. */
export interface GapRow {
  readonly kind: "gap";
  readonly connectionId: null;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly why: GapCause;
}

export type GapCause =
  /** More passed than is kept until it is asked for. */
  | "too_much"
  /** A thread or an instance was not asked before, and the client may have been there. */
  | "joined"
  /** One has gone, with what it had not told. */
  | "left";

export type FollowedRow = TapRow | GapRow;

/** What is new. */
export interface Told {
  /** The newest connection that is open, as far as it is known; null without one. */
  readonly connectionId: string | null;
  /** Why something may be missing as long as this lasts: of some nothing can be learned. */
  readonly missing: TailRefusal | "unreachable" | null;
  /** In the order of time. */
  readonly rows: readonly FollowedRow[];
}

/** Nobody shows anything. */
export interface NotTold {
  readonly refusal: TailRefusal;
}
