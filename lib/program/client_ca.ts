/**
 * What an operator is told of the lists of revoked certificates.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { type ClientCaFiles, nextUpdateOf, readAuthorities } from "../config/client_ca.ts";
import type { Log } from "../log/log.ts";

/** When a list should have been replaced before now: that moment, as text. */
export function staleSince(files: ClientCaFiles, now: number): string | undefined {
  const read = readAuthorities(files);
  const nextUpdate = read.ok ? nextUpdateOf(read.authorities) : undefined;
  return nextUpdate === undefined || now < nextUpdate
    ? undefined
    : new Date(nextUpdate).toISOString();
}

/** Warns of a list that should have been replaced: it counts all the same. */
export function tellStaleList(
  files: ClientCaFiles,
  clock: Pick<Clock, "wallNow">,
  log: Pick<Log, "warn">,
): void {
  const nextUpdate = staleSince(files, clock.wallNow());
  if (nextUpdate === undefined) return;
  log.warn("the list of revoked certificates is out of date, it counts all the same", {
    nextUpdate,
  });
}
