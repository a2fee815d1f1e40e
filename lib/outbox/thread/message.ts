/**
 * What threads and the outbox's thread say to each other.
 *
 * @module
 */

import type { AcceptedCall, KeptReport } from "../entry.ts";
import type { LogFields } from "../../log/log.ts";
import type { Change } from "../unwritten.ts";

/** The main thread's number as an owner: it has what earlier processes and dead threads left. */
export const MAIN = 1;

/** A store to the outbox, over its port. */
export type FromStore =
  /** Answered by `written` with the same number. */
  | { readonly kind: "write"; readonly batch: number; readonly changes: readonly Change[] }
  | { readonly kind: "recover"; readonly ask: number }
  /** Nothing comes after it. */
  | { readonly kind: "bye" };

/** A part of what was asked for: all of it would be copied at once otherwise. */
export interface FoundPart {
  readonly kind: "found";
  readonly ask: number;
  readonly calls: readonly AcceptedCall[];
  readonly reports: readonly KeptReport[];
  readonly isLast: boolean;
}

/** The outbox to a store. */
export type ToStore =
  /** `isKept`: whether the CALLs in it are. What else was in it is written now or later. */
  | { readonly kind: "written"; readonly batch: number; readonly isKept: boolean }
  | FoundPart
  /** Another owner has gone, and what it left is this store's from now on. */
  | {
    readonly kind: "inherited";
    readonly calls: readonly AcceptedCall[];
    readonly reports: readonly KeptReport[];
  }
  /** What has these ids is another owner's by now, and must not be delivered from here. */
  | { readonly kind: "lost"; readonly ids: readonly string[] };

/**
 * The main thread to the outbox.
 *
 * @typeParam Place What it is opened with.
 */
export type Command<Place = unknown> =
  /** The first one. */
  | { readonly kind: "open"; readonly place: Place }
  | { readonly kind: "attach"; readonly owner: number; readonly port: MessagePort }
  /** What a dead owner left, for another one. */
  | {
    readonly kind: "recover";
    readonly ask: number;
    readonly owner: number;
    readonly heir: number;
  }
  /** The last one. */
  | { readonly kind: "close" };

/** The outbox to the main thread. */
export type Told =
  /** The numbers of what was found, as far as that is known. */
  | { readonly kind: "opened"; readonly calls: number; readonly reports: number }
  /** A line for the log. */
  | {
    readonly kind: "line";
    readonly level: "info" | "warn" | "error";
    readonly event: string;
    readonly fields: LogFields;
  }
  | { readonly kind: "refused"; readonly reason: string }
  | FoundPart
  /** Nothing can be written any more, for now. */
  | { readonly kind: "failing"; readonly error: string }
  /** It can be written again. */
  | { readonly kind: "writing"; readonly durationMs: number }
  /** What waits to be written has come to its bound. */
  | { readonly kind: "full" }
  | { readonly kind: "unreadable"; readonly error: string }
  | { readonly kind: "closed" }
  /** The last message: nothing runs there any more. */
  | { readonly kind: "died"; readonly error: string };
