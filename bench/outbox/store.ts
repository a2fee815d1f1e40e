/**
 * What it costs to keep an accepted CALL, the store alone: nothing else is done in the process.
 *
 * @module
 */

import process from "node:process";
import type { Results, Sample } from "../compare/results.ts";
import { Latencies } from "../load/latencies.ts";
import { cpuSeconds } from "../process/usage.ts";
import { digits, markdownTable, ms } from "../report/markdown.ts";
import type { Store } from "../../lib/outbox/store.ts";
import { accepted, openOutbox, outcomeOf } from "./entries.ts";
import { type Kind, withPlace } from "./kinds.ts";

const AT_ONCE = [1, 16, 64, 256] as const;
const WARM_UP_MS = 1000;
const PERIOD_MS = 2;
const STEADY = `one each ${PERIOD_MS} ms`;

export interface StoreOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly folder: string;
  readonly kinds: readonly Kind[];
}

export async function measureStores(results: Results, options: StoreOptions): Promise<void> {
  const { rounds, folder, kinds, seconds } = options;
  for (let round = 0; round < rounds; round++) {
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
      await results.take(round, kind.label, `256 at once: callsPerSecond`, async (own) => ({
        sample: await withPlace(own, kind, folder, async (_, place) => {
          const outbox = await openOutbox(kind.holds, place);
          try {
            return await measure(outbox.store, seconds * 1000, place.nats?.pids ?? []);
          } finally {
            await outbox.close();
          }
        }),
      }));
    }
  }
}

async function measure(
  store: Store,
  durationMs: number,
  nats: readonly number[],
): Promise<Sample> {
  const sample: Record<string, number> = {};
  const take = async (name: string, turn: () => Promise<Latencies>): Promise<void> => {
    const uses = async () => nats.length === 0 ? 0 : await cpuSeconds(nats);
    const [before, own, startAt] = [await uses(), ownSeconds(), performance.now()];
    const latencies = await turn();
    const [spentMs, ownSpent] = [performance.now() - startAt, ownSeconds() - own];
    sample[`${name}: callsPerSecond`] = latencies.count / spentMs * 1000;
    sample[`${name}: p50Ms`] = latencies.percentile(50);
    sample[`${name}: p99Ms`] = latencies.percentile(99);
    sample[`${name}: ownMicros`] = ownSpent / latencies.count * 1e6;
    sample[`${name}: natsMicros`] = (await uses() - before) / latencies.count * 1e6;
  };
  await flatOut(store, 16, WARM_UP_MS);
  await flatOut(store, 256, WARM_UP_MS);
  await take(STEADY, () => steady(store, durationMs));
  for (const atOnce of AT_ONCE) {
    await take(`${atOnce} at once`, () => flatOut(store, atOnce, durationMs));
  }
  return sample;
}

/** CPU time of all of this process's threads: of the stores, and of what makes the load. */
function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** The time of each acknowledgement; the CALL ends and is delivered behind it. */
function one(store: Store, latencies: Latencies, then: () => void): void {
  const call = accepted();
  const since = performance.now();
  store.accept(call, (isKept) => {
    if (!isKept) throw new Error("not kept");
    latencies.record(performance.now() - since);
    store.end(outcomeOf(call));
    store.delivered(call.id);
    then();
  });
}

/** As many at once as may wait, the next one as soon as one is kept. */
async function flatOut(store: Store, atOnce: number, durationMs: number): Promise<Latencies> {
  const latencies = new Latencies();
  const end = performance.now() + durationMs;
  await new Promise<void>((resolve) => {
    let running = atOnce;
    // One that answers at once would call itself without end.
    const next = (): void =>
      queueMicrotask(() => {
        if (performance.now() < end) one(store, latencies, next);
        else if (--running === 0) resolve();
      });
    for (let i = 0; i < atOnce; i++) next();
  });
  return latencies;
}

/** One each few milliseconds. */
async function steady(store: Store, durationMs: number): Promise<Latencies> {
  const latencies = new Latencies();
  const count = durationMs / PERIOD_MS;
  const since = performance.now();
  let begun = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      // What the timer is late with is made up for.
      while (begun < count && begun * PERIOD_MS <= performance.now() - since) {
        begun++;
        one(store, latencies, () => latencies.count >= count && resolve());
      }
      if (begun >= count) clearInterval(timer);
    }, PERIOD_MS);
  });
  return latencies;
}

/** The part of RESULTS.md. @param machine In one line. @param disk What the disk takes, in words. */
export function storeSection(
  results: Results,
  { rounds, seconds, kinds }: StoreOptions,
  machine: string,
  disk: string,
): string {
  const rows = [STEADY, ...AT_ONCE.map((atOnce) => `${atOnce} at once`)].flatMap((name) =>
    // What keeps nothing takes nothing.
    kinds.map(({ label, servers }) => {
      const median = (metric: string) => results.median(label, `${name}: ${metric}`);
      return [
        name,
        label,
        digits(median("callsPerSecond")),
        ms(median("p50Ms"), 2),
        ms(median("p99Ms"), 2),
        `${digits(median("ownMicros"))} µs`,
        servers === 0 ? "–" : `${digits(median("natsMicros"))} µs`,
      ];
    })
  );
  return [
    "## The outbox by itself: `deno task bench:outbox store`",
    `On ${machine}. Medians of ${rounds} ${
      rounds === 1 ? "round" : "rounds"
    }, ${seconds} s each, ` +
    "turn by turn. Each CALL is accepted, ended and delivered; the time is that of the " +
    "acknowledgement. The load is made in the same process, whose CPU counts all threads. With " +
    `NATS the servers are on the same processors. ${disk}`,
    markdownTable([
      ["", "outbox", "CALLs/s", "p50", "p99", "the process's CPU", "NATS's CPU"],
      ...rows,
    ]),
    ...results.troubles.length === 0
      ? []
      : [["Trouble:\n", ...results.troubles.map((trouble) => `- ${trouble}`)].join("\n")],
  ].join("\n\n") + "\n";
}
