/**
 * What a `POST /call` costs that is accepted with 202, over a whole gateway, by outbox.
 *
 * Clients answer at once, so that each CALL goes all of its way: accepted, sent, answered, its outcome
 * posted to the backend, and the entry removed.
 *
 * @module
 */

import { Caller } from "../cluster/caller.ts";
import { commandAll } from "../cluster/command_all.ts";
import type { Results, Sample } from "../compare/results.ts";
import { Load } from "../load/load.ts";
import type { Processes } from "../process/processes.ts";
import { cpuSeconds, threadSeconds, writtenBytes } from "../process/usage.ts";
import { digits, markdownTable, ms } from "../report/markdown.ts";
import { type Kind, type Place, withPlace } from "./kinds.ts";
import { bytesOf, lastSequence } from "./nats.ts";

/** How many requests are under way at once. */
const AT_ONCE = [1, 16, 64, 256] as const;
const MOST = 256;
/** Each gets a CALL in its turn, so that none has its queue full. */
const CLIENTS = 512;
const CONNECT_MS = 20_000;
const WARM_UP_MS = 1500;
/** What Deno calls the thread of a gateway without workers that the outbox has. */
const OUTBOX_THREAD = "worker-1";

export interface GatewayOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly folder: string;
  readonly kinds: readonly Kind[];
}

export async function measureGateways(results: Results, options: GatewayOptions): Promise<void> {
  const { rounds, folder, kinds, seconds } = options;
  for (let round = 0; round < rounds; round++) {
    // In turn from either end, so that what the machine does in time falls on all.
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
      await results.take(round, kind.label, `${MOST}: callsPerSecond`, async (own) => ({
        sample: await withPlace(
          own,
          kind,
          folder,
          (processes, place) => measure(processes, kind, place, seconds * 1000),
        ),
      }));
    }
  }
}

function flagsOf({ holds }: Kind, { folder, nats }: Place): string[] {
  if (holds === "memory") return [];
  if (nats === undefined) return [`--outbox=${folder}`];
  const urls = nats.addresses.map((address) => `nats://${address}`).join();
  return [`--nats=${urls}`, "--outbox=nats"];
}

async function measure(
  processes: Processes,
  kind: Kind,
  place: Place,
  durationMs: number,
): Promise<Sample> {
  const stub = await processes.startStub();
  const { port, pid } = await processes.startGateway(stub, flagsOf(kind, place));
  const target = { hostname: "127.0.0.1", port, path: "/" };
  const load = await Load.start(processes, [
    { target, prefix: "cp", clients: CLIENTS, rampMs: 0, periodMs: null, maxCalls: 0 },
  ]);
  await load.order("go");
  if (!await load.until(({ open }) => open === CLIENTS, CONNECT_MS)) {
    throw new Error("not all clients were let in");
  }
  const nats = place.nats?.pids ?? [];
  const uses = async () => ({
    gateway: await cpuSeconds([pid]),
    thread: kind.holds === "memory" ? 0 : await threadSeconds(pid, OUTBOX_THREAD),
    nats: nats.length === 0 ? 0 : await cpuSeconds(nats),
    written: await writtenBytes(nats.length === 0 ? [pid] : nats),
    puts: place.nats === undefined ? 0 : await lastSequence(place.nats),
  });
  const sample: Record<string, number> = {};
  const first = await connect(port, MOST, "first");
  await commandAll(first, CLIENTS, WARM_UP_MS);
  for (const caller of first) caller.close();
  for (const atOnce of AT_ONCE) {
    const callers = await connect(port, atOnce, `of${atOnce}`);
    await commandAll(callers, CLIENTS, WARM_UP_MS);
    const [before, startAt] = [await uses(), performance.now()];
    const latencies = await commandAll(callers, CLIENTS, durationMs);
    const [after, spentMs] = [await uses(), performance.now() - startAt];
    const note = (name: string, value: number): void => {
      sample[`${atOnce}: ${name}`] = value;
    };
    note("p50Ms", latencies.percentile(50));
    note("p99Ms", latencies.percentile(99));
    note("callsPerSecond", latencies.count / spentMs * 1000);
    note("gatewayMicros", (after.gateway - before.gateway) / latencies.count * 1e6);
    note("threadMicros", (after.thread - before.thread) / latencies.count * 1e6);
    note("natsMicros", (after.nats - before.nats) / latencies.count * 1e6);
    // Each is removed once.
    note("writes", (after.puts - before.puts) / latencies.count + 1);
    note("writtenKib", (after.written - before.written) / latencies.count / 1024);
    for (const caller of callers) caller.close();
  }
  for (const [i, folder] of (place.nats?.folders ?? []).entries()) {
    if (i === 0) sample["storeMib"] = await bytesOf(folder) / 1024 ** 2;
  }
  return sample;
}

/** As many as are needed now: the gateway cuts a connection on which nothing is asked for a while. */
function connect(port: number, count: number, name: string): Promise<Caller[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => Caller.connect(port, `${name}-${i}`)));
}

/** The part of RESULTS.md. @param machine In one line. */
export function gatewaySection(
  results: Results,
  { rounds, seconds, kinds }: GatewayOptions,
  machine: string,
): string {
  const rows = AT_ONCE.flatMap((atOnce) =>
    kinds.map(({ label, holds, servers }) => {
      const median = (name: string) => results.median(label, `${atOnce}: ${name}`);
      const micros = (name: string) => `${digits(median(name))} µs`;
      return [
        String(atOnce),
        label,
        digits(median("callsPerSecond")),
        ms(median("p50Ms"), 2),
        ms(median("p99Ms"), 2),
        micros("gatewayMicros"),
        holds === "memory" ? "–" : micros("threadMicros"),
        servers === 0 ? "–" : micros("natsMicros"),
        servers === 0 ? "–" : digits(median("writes"), 1),
        holds === "memory" ? "–" : `${digits(median("writtenKib"), 1)} KiB`,
      ];
    })
  );
  const stores = kinds.filter(({ servers }) => servers > 0).map(({ label }) =>
    `${label}: ${digits(results.median(label, "storeMib"))} MiB`
  );
  return [
    "## `POST /call` with 202, by outbox: `deno task bench:outbox gateway`",
    `On ${machine}. Medians of ${rounds} ${rounds === 1 ? "round" : "rounds"}, ${seconds} s for ` +
    `each number of requests under way, fresh processes in each round, turn by turn; ${CLIENTS} ` +
    "clients. From the request to the whole 202; the client answers at once, and the backend " +
    "takes the outcome at once. Gateway, NATS, callers, clients and backend share the processors. " +
    "CPU is user and system time for a CALL: all of the gateway's threads, of it the outbox's own, " +
    "and all NATS servers together. Writes: to the ledger for a CALL, its removal included; an outcome " +
    "that is delivered before its turn is not written. To disk: pages that the gateway changed, or " +
    "all NATS servers.",
    markdownTable([[
      "at once",
      "outbox",
      "CALLs/s",
      "p50",
      "p99",
      "gateway's CPU",
      "its outbox thread",
      "NATS's CPU",
      "writes",
      "to disk",
    ], ...rows]),
    ...stores.length === 0 ? [] : [
      `The folder of one NATS server behind the run, all entries removed: ${stores.join("; ")}.`,
    ],
    ...results.troubles.length === 0
      ? []
      : [["Trouble:\n", ...results.troubles.map((trouble) => `- ${trouble}`)].join("\n")],
  ].join("\n\n") + "\n";
}
