/**
 * One round: traffic, a loss in the midst of it, and what came of it.
 *
 * @module
 */

import { acceptedAt, takenOf } from "./books.ts";
import { now } from "./journal.ts";
import { BOUND_MS, judge, type Verdict } from "./judge.ts";
import type { Loss } from "./losses.ts";
import { pause } from "./stations.ts";
import type { Traffic } from "./traffic.ts";
import type { World } from "./world.ts";

/** A round that is over. */
export interface Round {
  readonly what: string;
  readonly verdict: Verdict;
}

/** Traffic before the loss, and after it at least. */
const BEFORE_MS = 4000;
const AFTER_MS = 8000;
/** Traffic goes on so long after a cut is mended. */
const MENDED_MS = 2000;
/** Waited for beyond the bound: what is late is told from what is missing. */
const LATE_MS = 5000;

/** Runs one; the world is whole at its beginning, and not at its end. */
export async function runRound(
  world: World,
  traffic: Traffic,
  loss: Loss,
  callTimeoutMs: number,
): Promise<Round> {
  const { books, journal } = world;
  books.clear();
  let isOver = false;
  const asking = traffic.run(() => isOver);
  await pause(BEFORE_MS);
  const lossAt = now();
  journal.note("loss", loss.what);
  await loss.happen();
  if (loss.lastsMs > 0) {
    await pause(loss.lastsMs);
    journal.note("loss", "mended");
    world.mend();
    await pause(MENDED_MS);
  }
  await pause(Math.max(0, lossAt + AFTER_MS - now()));
  isOver = true;
  await asking;
  // The last ones may wait behind others of their client.
  const end = now() + BOUND_MS + 4 * callTimeoutMs + LATE_MS;
  while (now() < end && openOf(world) > 0) await pause(100);
  const verdict = judge(books, lossAt, callTimeoutMs);
  return { what: loss.what, verdict };
}

function openOf({ books }: World): number {
  let open = 0;
  for (const call of books.calls.values()) {
    if (acceptedAt(call) !== undefined && takenOf(call) === undefined) open++;
  }
  return open;
}
