/**
 * One round: traffic, a loss in the midst of it, and what came of it.
 *
 * @module
 */

import { now } from "./journal.ts";
import { judge, openUntil, type Verdict } from "./judge.ts";
import type { Loss } from "./losses.ts";
import { pause } from "./stations.ts";
import type { Traffic } from "./traffic.ts";
import type { World } from "./world.ts";

/** A round that is over. */
export interface Round {
  readonly what: string;
  readonly verdict: Verdict;
}

/** How long a round takes, in milliseconds. */
export interface RoundTimes {
  /** `--call-timeout` of the gateways. */
  readonly callTimeoutMs: number;
  /** An outcome that comes later than this is late. */
  readonly boundMs: number;
  /** Traffic before the loss … */
  readonly beforeMs: number;
  /** … after it, at least … */
  readonly afterMs: number;
  /** … and after a cut was mended. */
  readonly mendedMs: number;
}

/** Stations lose their connections all the time, this share of them every so often. */
const DROPPED_SHARE = 0.005;
const DROP_MS = 500;
/** CALLs to one client that may wait for each other at the end. */
const MAX_ROW = 8;
/** Waited for beyond the bound: what is late is told from what is missing. */
const LATE_MS = 5000;

/** Runs one; the world is whole at its beginning, and not at its end. */
export async function runRound(
  world: World,
  traffic: Traffic,
  loss: Loss,
  times: RoundTimes,
): Promise<Round> {
  const { books, journal } = world;
  books.clear();
  let isOver = false;
  const asking = traffic.run(() => isOver);
  const flapping = setInterval(() => world.stations.drop(DROPPED_SHARE), DROP_MS);
  await pause(times.beforeMs);
  const lossAt = now();
  journal.note("loss", loss.what);
  await loss.happen();
  if (loss.lastsMs > 0) {
    await pause(loss.lastsMs);
    journal.note("loss", "mended");
    world.mend();
    await pause(times.mendedMs);
  }
  await pause(Math.max(0, lossAt + times.afterMs - now()));
  isOver = true;
  clearInterval(flapping);
  await asking;
  // The last ones may wait behind others of their client.
  const end = now() + times.boundMs + MAX_ROW * times.callTimeoutMs;
  while (now() < end) {
    const until = openUntil(books, lossAt, times);
    if (until === undefined || now() > until + LATE_MS) break;
    await pause(200);
  }
  const verdict = judge(books, lossAt, times);
  return { what: loss.what, verdict };
}
