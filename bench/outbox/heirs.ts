/**
 * How long it takes until an heir has all that a process left which was killed.
 *
 * @module
 */

import { silentLog } from "../../lib/log/log.ts";
import type { Found } from "../../lib/outbox/store.ts";
import type { Results, Sample } from "../compare/results.ts";
import type { Processes } from "../process/processes.ts";
import { cpuSeconds, residentKib } from "../process/usage.ts";
import { digits, markdownTable } from "../report/markdown.ts";
import { openOutbox } from "./entries.ts";
import { type Kind, type Place, withPlace } from "./kinds.ts";
import { bytesOf } from "./nats.ts";

const ENTRIES = [10_000, 100_000] as const;
const LATE_MS = 300_000;

export interface HeirOptions {
  readonly rounds: number;
  readonly folder: string;
  /** Those in NATS. */
  readonly kinds: readonly Kind[];
}

const keyOf = ({ label }: Kind, entries: number): string => `${label}, ${digits(entries)} entries`;

export async function measureHeirs(
  results: Results,
  { rounds, folder, kinds }: HeirOptions,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const entries of ENTRIES) {
      for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
        await results.take(round, keyOf(kind, entries), "takenSeconds", async (own) => ({
          sample: await withPlace(
            own,
            kind,
            folder,
            (processes, place) => measure(processes, place, entries),
          ),
        }));
      }
    }
  }
}

async function measure(processes: Processes, place: Place, entries: number): Promise<Sample> {
  const { addresses, pids, folders } = place.nats!;
  let goneAt = NaN;
  const outbox = await openOutbox("nats", place, {
    ...silentLog,
    warn: (event) => {
      if (event.startsWith("an owner has gone")) goneAt = performance.now();
    },
  });
  try {
    const ids = new Set<string>();
    let firstAt = NaN;
    let lastAt = NaN;
    const { promise: all, resolve } = Promise.withResolvers<void>();
    const take = ({ calls, reports }: Found): void => {
      for (const { id } of [...calls, ...reports]) ids.add(id);
      lastAt = performance.now();
      if (Number.isNaN(firstAt)) firstAt = lastAt;
      if (ids.size >= entries) resolve();
    };
    outbox.store.follow?.({ inherited: take, lost: () => {} });
    await outbox.store.recover();
    const startAt = performance.now();
    const leaver = await processes.startScript("--allow-all", "bench/outbox/leaver.ts", [
      String(entries),
      ...addresses,
    ]);
    const filledAt = performance.now();
    const folderBytes = await bytesOf(folders[0]!);
    const residentMib = await residentKib([pids[0]!]) / 1024;
    const before = await cpuSeconds(pids);
    await processes.kill(leaver.pid);
    const killedAt = performance.now();
    let timer;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`late: ${ids.size} of ${entries}`)), LATE_MS);
    });
    await Promise.race([all, late]);
    clearTimeout(timer);
    return {
      fillSeconds: (filledAt - startAt) / 1000,
      silentSeconds: (goneAt - killedAt) / 1000,
      firstSeconds: (firstAt - goneAt) / 1000,
      takenSeconds: (lastAt - goneAt) / 1000,
      natsSeconds: await cpuSeconds(pids) - before,
      folderBytes: folderBytes / entries,
      residentMib,
    };
  } finally {
    await outbox.close();
  }
}

/** The part of RESULTS.md. @param machine In one line. */
export function heirSection(
  results: Results,
  { rounds, kinds }: HeirOptions,
  machine: string,
): string {
  const rows = ENTRIES.flatMap((entries) =>
    kinds.map((kind) => {
      const median = (metric: string) => results.median(keyOf(kind, entries), metric);
      return [
        digits(entries),
        kind.label,
        `${digits(median("silentSeconds"), 1)} s`,
        `${digits(median("firstSeconds"), 2)} s`,
        `${digits(median("takenSeconds"), 1)} s`,
        `${digits(median("natsSeconds"), 1)} s`,
        digits(median("folderBytes")),
        `${digits(median("residentMib"))} MiB`,
      ];
    })
  );
  return [
    "## What a dead process left: `deno task bench:outbox heirs`",
    `On ${machine}. Medians of ${rounds} ${rounds === 1 ? "round" : "rounds"}, turn by turn. A ` +
    "process that has filled the ledger is killed; another one that was there takes over. Nine of " +
    "ten entries are outcomes, the others CALLs without one. The heir and NATS share the processors.",
    markdownTable([[
      "entries",
      "outbox",
      "from the kill to the claim",
      "from the claim to the first",
      "to the last one",
      "NATS's CPU, all servers",
      "bytes of an entry in a server's folder",
      "a server's memory",
    ], ...rows]),
    ...results.troubles.length === 0
      ? []
      : [["Trouble:\n", ...results.troubles.map((trouble) => `- ${trouble}`)].join("\n")],
  ].join("\n\n") + "\n";
}
