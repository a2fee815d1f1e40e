/**
 * What each thread tells of a client that somebody looks at. Plain data.
 *
 * @module
 */

import type { TapReading } from "../client/tap.ts";
import type { Taps } from "../client/taps.ts";
import type { TailRefusal } from "./followed.ts";

/** A question to all, for the client may connect anywhere. */
export interface TailQuestion {
  readonly kind: "tail";
  readonly clientId: string;
  /** By its name, `next` of the last reading of each thread that has told something. */
  readonly cursors: Readonly<Record<string, number>>;
  readonly withPayloads: boolean;
}

/** One thread's part. What passes there is kept for a while from now on. */
export type TailAnswer =
  | { readonly refusal: TailRefusal }
  | {
    readonly refusal: null;
    /** The thread's name, another one after its end. */
    readonly source: string;
    /** The client's connection to it; null without one. */
    readonly connectionId: string | null;
    readonly reading: TapReading;
  };

/** @param taps Undefined where nobody may look at frames. */
export function answerTail(
  { clientId, cursors, withPayloads }: TailQuestion,
  taps: Taps | undefined,
): TailAnswer {
  if (taps === undefined) return { refusal: "no_tail" };
  const { source } = taps;
  const since = Object.hasOwn(cursors, source) ? cursors[source]! : -1;
  const read = taps.read(clientId, since, withPayloads);
  if (read === undefined) return { refusal: "overloaded" };
  const { connectionId, ...reading } = read;
  return { refusal: null, source, connectionId, reading };
}
