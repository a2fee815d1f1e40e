/**
 * What is told of the connections of a client that somebody looks at. Plain data.
 *
 * @module
 */

import type { FrameSummary } from "../codec/summary.ts";
import type { CloseReason } from "../metrics/labels.ts";

/** Which frame passes, and when. */
export interface Passing {
  /** Counts the frames of a connection, both directions together, from 1. */
  readonly number: number;
  readonly direction: "in" | "out";
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A frame as it passed. */
export interface FrameRow extends Passing, FrameSummary {
  readonly kind: "frame";
  readonly connectionId: string;
  /** UTF-16 code units of the whole frame. */
  readonly size: number;
  /** The frame, perhaps only its beginning; null when it was not asked for. */
  readonly text: string | null;
}

export interface ConnectedRow {
  readonly kind: "connected";
  readonly connectionId: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly protocol: string | null;
  readonly remoteAddress: string;
}

export interface DisconnectedRow {
  readonly kind: "disconnected";
  readonly connectionId: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly cause: CloseReason;
  readonly code: number;
  readonly reason: string;
}

/** What passed, and what became of the connections that it passed on. */
export type TapRow = FrameRow | ConnectedRow | DisconnectedRow;
