/**
 * Both implementations of WebSockets, with and without TLS and compression, turn by turn.
 *
 *     deno task bench:sockets                              about 7 minutes
 *     deno task bench:sockets --rounds 1 --clients 2000
 *
 * Stations send a day of MeterValues, one after the other; idle ones have sent one. Stations are of this
 * process, which shares the machine with the gateway: only the ratios say something. What the gateway costs
 * under load is `bench:peers`. Linux only; needs `openssl`.
 *
 * @module
 */

import { Command } from "commander";
import { openFilesOf } from "../../tests/support/machine.ts";
import { makeCertificate, TempDir } from "../../tests/support/program.ts";
import { Results } from "../compare/results.ts";
import { integer } from "../process/flags.ts";
import type { Processes, Server } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeOut } from "../process/text.ts";
import { look } from "../process/usage.ts";
import { readMachine } from "../report/machine.ts";
import { digits, markdownTable, writeResults } from "../report/markdown.ts";
import { meterValues, Station, type Way } from "./station.ts";

interface Flags {
  readonly rounds: number;
  readonly clients: number;
  readonly write: boolean;
}

const ROUNDS = 3;
const CLIENTS = 3000;
const MINUTES_OF_A_DAY = 1440;
const STATIONS = 16;
/** Of each of them. */
const MESSAGES = 400;
/** Idle ones connect so many at once. */
const AT_ONCE = 50;
const SETTLE_MS = 3000;

interface Kind {
  readonly name: string;
  readonly flags: readonly string[];
  readonly isTls?: true;
  readonly isCompressing?: true;
}

const KINDS: readonly Kind[] = [
  { name: "deno", flags: ["--websocket=deno"] },
  { name: "ws", flags: ["--websocket=ws"] },
  { name: "ws, compression", flags: ["--websocket=ws", "--compression"], isCompressing: true },
  { name: "deno, TLS", flags: ["--websocket=deno"], isTls: true },
  { name: "ws, TLS", flags: ["--websocket=ws"], isTls: true },
  {
    name: "ws, TLS, compression",
    flags: ["--websocket=ws", "--compression"],
    isTls: true,
    isCompressing: true,
  },
];

const command = new Command("bench:sockets")
  .description("Both implementations of WebSockets: memory, CPU, bytes on the wire.")
  .option("--rounds <n>", "rounds; the medians count", integer(1, 100), ROUNDS)
  .option("--clients <n>", "idle ones", integer(1, 9000), CLIENTS)
  .option("--no-write", "leaves bench/RESULTS.md alone");

const seconds = async ({ pid }: Server): Promise<number> => {
  const { userSeconds, systemSeconds } = (await look([pid])).processes[pid]!;
  return userSeconds + systemSeconds;
};

async function connect(way: Way, name: string, count: number): Promise<Station[]> {
  const stations: Station[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - from);
    const some = Array.from(
      { length: size },
      (_, i) => Station.connect({ ...way, url: `${way.url}/${name}${from + i}` }),
    );
    stations.push(...await Promise.all(some));
  }
  return stations;
}

/** Each station sends its next message as soon as the last one is answered. */
async function sendAll(stations: readonly Station[]): Promise<void> {
  await Promise.all(stations.map(async (station) => {
    for (let i = 0; i < MESSAGES; i++) await station.call(meterValues(i));
  }));
}

/** One gateway's turn. */
async function turn(
  processes: Processes,
  kind: Kind,
  tls: readonly string[],
  clients: number,
): Promise<Readonly<Record<string, number>>> {
  const stub = await processes.startStub();
  const flags = [...kind.flags, ...kind.isTls === true ? tls : [], "--max-connections=20000"];
  const gateway = await processes.startGateway(stub, flags);
  const scheme = kind.isTls === true ? "wss" : "ws";
  const way = {
    url: `${scheme}://127.0.0.1:${gateway.port}`,
    isCompressing: kind.isCompressing === true,
  };
  const [counter] = await connect(way, "counter", 1);
  const before = counter!.bytes;
  for (let minute = 0; minute < MINUTES_OF_A_DAY; minute++) {
    await counter!.call(meterValues(minute));
  }
  const after = counter!.bytes;
  const busy = await connect(way, "busy", STATIONS);
  await sendAll(busy);
  const began = await seconds(gateway);
  await sendAll(busy);
  const callMicros = 1e6 * (await seconds(gateway) - began) / (STATIONS * MESSAGES);
  for (const station of [counter!, ...busy]) station.end();
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const emptyKib = (await look([gateway.pid])).processes[gateway.pid]!.residentKib;
  const files = await openFilesOf(gateway.pid);
  const idle = await connect(way, "idle", clients);
  for (const station of idle) await station.call(meterValues(1));
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const fullKib = (await look([gateway.pid])).processes[gateway.pid]!.residentKib;
  const perClient = (await openFilesOf(gateway.pid) - files) / clients;
  for (const station of idle) station.end();
  return {
    upKib: (after.up - before.up) / 1024,
    downKib: (after.down - before.down) / 1024,
    callMicros,
    clientKib: (fullKib - emptyKib) / clients,
    files: perClient,
  };
}

const COLUMNS: readonly (readonly [name: string, metric: string, decimals: number])[] = [
  ["a day of MeterValues, up, KiB", "upKib", 0],
  ["down, KiB", "downKib", 0],
  ["CPU for a message, µs", "callMicros", 1],
  ["an idle client, KiB", "clientKib", 1],
  ["open files a client", "files", 1],
];

async function main({ rounds, clients, write }: Flags, processes: Processes): Promise<number> {
  using folder = new TempDir();
  await makeCertificate(folder);
  const tls = [`--tls-cert=${folder.path("made.crt")}`, `--tls-key=${folder.path("made.key")}`];
  const results = new Results(processes);
  for (let round = 0; round < rounds; round++) {
    for (const kind of round % 2 === 0 ? KINDS : KINDS.toReversed()) {
      results.add(
        round,
        kind.name,
        await processes.with((own) => turn(own, kind, tls, clients)),
      );
    }
  }
  const section = [
    "## Both WebSockets: `deno task bench:sockets`",
    `On ${await readMachine()}. Medians of ${rounds} ${
      rounds === 1 ? "round" : "rounds"
    }, turn by ` +
    `turn. A day is ${MINUTES_OF_A_DAY} MeterValues of ${
      meterValues(0).length
    } characters, whose ` +
    `answer is \`{}\`; bytes are those that TCP carries, or TLS. CPU is the gateway's, with ${STATIONS} ` +
    `stations in a closed loop. Idle: ${digits(clients)} clients, each of which has sent one.`,
    markdownTable([
      ["", ...COLUMNS.map(([name]) => name)],
      ...KINDS.map(({ name }) => [
        name,
        ...COLUMNS.map(([, metric, decimals]) => digits(results.median(name, metric), decimals)),
      ]),
    ]),
  ].join("\n\n") + "\n";
  writeOut(section);
  if (write && rounds === ROUNDS && clients === CLIENTS) {
    await writeResults("bench:sockets", section);
  }
  return results.troubles.length === 0 ? 0 : 1;
}

if (import.meta.main) await runTask(command, main);
