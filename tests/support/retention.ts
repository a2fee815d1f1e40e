import type { Clock } from "../../lib/clock.ts";
import { CallRecords } from "../../lib/cluster/call_records.ts";
import { RequestKeys } from "../../lib/cluster/request_keys.ts";

/** Ids in their order. */
export class Ids {
  #last = 0;

  next(): string {
    return idOf(++this.#last);
  }
}

/** The id with this number. */
export function idOf(number: number): string {
  return `01890000-0000-7000-8000-${String(number).padStart(12, "0")}`;
}

/** What knows of no CALL and takes no key, for those who ask nothing. */
export function knowingNothing(clock: Clock): { records: CallRecords; keys: RequestKeys } {
  const options = { clock, ids: new Ids(), retentionMs: 1000, maxBytes: 0 };
  return {
    records: new CallRecords({ ...options, maxRecords: 0, callTimeoutText: "30s" }),
    keys: new RequestKeys({ ...options, maxKeys: 0 }),
  };
}
