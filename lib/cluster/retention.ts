/**
 * What is known of CALLs after their ends, as the configuration has it.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { TimeOrderedIds } from "../ids.ts";
import { CallRecords } from "./call_records.ts";
import { RequestKeys } from "./request_keys.ts";

/** CALLs whose end is known, and keys, for each process; and what their outcomes may hold, each. */
const MAX_RETAINED = 100_000;
const MAX_RETAINED_BYTES = 64 * 1024 ** 2;

export interface Retention {
  readonly records: CallRecords;
  readonly keys: RequestKeys;
}

/** Makes those of one thread. @param threads How many share the bounds. */
export function retentionOf(
  { outcomeRetentionMs, callTimeoutMs }: Pick<Config, "outcomeRetentionMs" | "callTimeoutMs">,
  { clock, ids }: { readonly clock: Clock; readonly ids: Pick<TimeOrderedIds, "next"> },
  threads: number,
): Retention {
  const common = { clock, ids, retentionMs: outcomeRetentionMs };
  const max = Math.ceil(MAX_RETAINED / threads);
  const maxBytes = Math.ceil(MAX_RETAINED_BYTES / threads);
  const callTimeoutText = durationText(callTimeoutMs);
  return {
    records: new CallRecords({ ...common, callTimeoutText, maxRecords: max, maxBytes }),
    keys: new RequestKeys({ ...common, maxKeys: max, maxBytes }),
  };
}

/** A duration as a person would write it. */
export function durationText(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
