/**
 * What it costs to keep an accepted CALL on disk, beside what the disk itself takes.
 *
 *     deno task bench:outbox [FOLDER]
 *
 * Some 20 seconds. The disk's own time is measured before and behind the rest: on a shared disk figures
 * of different runs are not to be compared.
 *
 * @module
 */

import { v7 } from "uuid";
import { systemClock } from "../../lib/clock.ts";
import { silentLog } from "../../lib/log/log.ts";
import { openSqlite } from "../../lib/outbox/sqlite/open.ts";
import type { AcceptedCall, KeptReport } from "../../lib/outbox/entry.ts";
import type { Store } from "../../lib/outbox/store.ts";
import { writeOut } from "../process/text.ts";
import { readMachine } from "../report/machine.ts";
import { digits, markdownTable } from "../report/markdown.ts";

const SECONDS = 4;
const PERIOD_MS = 2;
const [parent = "."] = Deno.args;
const folder = Deno.makeTempDirSync({ dir: parent, prefix: "bench-outbox-" });

/** Milliseconds, sorted. */
type Times = number[];

function at(times: Times, share: number): string {
  return digits(times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? NaN, 2);
}

function accepted(): AcceptedCall {
  return {
    id: v7(),
    client: {
      clientId: "CP-000123",
      connectionId: v7(),
      protocol: "ocpp1.6",
      remoteAddress: "203.0.113.7",
      connectedAt: Date.now(),
    },
    action: "RemoteStartTransaction",
    messageId: crypto.randomUUID(),
    trace: undefined,
    acceptedAt: Date.now(),
  };
}

function outcomeOf({ id, client, action, messageId, trace }: AcceptedCall): KeptReport {
  const report = { kind: "result", action, messageId, trace, body: '{"status":"Accepted"}' };
  return { id, client, report: report as KeptReport["report"], since: Date.now() };
}

/** What it takes to write 4 KiB and sync them. */
function disk(): Times {
  using file = Deno.openSync(`${folder}/sync`, { write: true, create: true });
  const block = crypto.getRandomValues(new Uint8Array(4096));
  const times: Times = [];
  for (let i = 0; i < 500; i++) {
    const since = performance.now();
    file.writeSync(block);
    file.syncDataSync();
    times.push(performance.now() - since);
  }
  return times.toSorted((a, b) => a - b);
}

/** The time of each acknowledgement; the CALL ends and is delivered behind it. */
function one(store: Store, times: Times, then: () => void): void {
  const call = accepted();
  const since = performance.now();
  store.accept(call, (isKept) => {
    if (!isKept) throw new Error("not kept");
    times.push(performance.now() - since);
    store.end(outcomeOf(call));
    store.delivered(call.id);
    then();
  });
}

/** As many at once as may wait, the next one as soon as one is kept. */
async function flatOut(store: Store, atOnce: number): Promise<{ times: Times; perSecond: number }> {
  const times: Times = [];
  const since = performance.now();
  const end = since + 1000 * SECONDS;
  await new Promise<void>((resolve) => {
    let running = atOnce;
    const next = (): void => {
      if (performance.now() < end) one(store, times, next);
      else if (--running === 0) resolve();
    };
    for (let i = 0; i < atOnce; i++) one(store, times, next);
  });
  const perSecond = 1000 * times.length / (performance.now() - since);
  return { times: times.toSorted((a, b) => a - b), perSecond };
}

/** One each few milliseconds. */
async function steady(store: Store): Promise<{ times: Times; perSecond: number }> {
  const times: Times = [];
  const count = 1000 * SECONDS / PERIOD_MS;
  const since = performance.now();
  let begun = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      // What the timer is late with is made up for.
      while (begun < count && begun * PERIOD_MS <= performance.now() - since) {
        begun++;
        one(store, times, () => times.length === count && resolve());
      }
      if (begun === count) clearInterval(timer);
    }, PERIOD_MS);
  });
  const perSecond = 1000 * times.length / (performance.now() - since);
  return { times: times.toSorted((a, b) => a - b), perSecond };
}

try {
  const before = disk();
  const opened = await openSqlite(`${folder}/outbox`, {
    clock: systemClock,
    log: silentLog,
  });
  if (!opened.ok) throw new Error(opened.message);
  const { outbox } = opened;
  const rows = [["", "CALLs/s", "p50 ms", "p99 ms"]];
  const add = (name: string, { times, perSecond }: { times: Times; perSecond: number }): void =>
    void rows.push([name, digits(perSecond), at(times, 0.5), at(times, 0.99)]);
  await flatOut(outbox.store, 16);
  add(`one each ${PERIOD_MS} ms`, await steady(outbox.store));
  for (const atOnce of [1, 16, 256, 2048]) {
    add(`${atOnce} at once`, await flatOut(outbox.store, atOnce));
  }
  await outbox.close();
  const behind = disk();
  const own = (name: string, times: Times): string[] => [
    name,
    digits(1000 * times.length / times.reduce((sum, each) => sum + each, 0)),
    at(times, 0.5),
    at(times, 0.99),
  ];
  rows.push(own("the disk: 4 KiB and fdatasync, before", before));
  rows.push(own("the disk: 4 KiB and fdatasync, behind", behind));
  writeOut(`${await readMachine()}, Deno ${Deno.version.deno}\n\n${markdownTable(rows)}\n`);
} finally {
  Deno.removeSync(folder, { recursive: true });
}
