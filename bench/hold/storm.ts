/**
 * The reconnect storm: the gateway is killed with all clients on, starts again, and they all come back at
 * once. Measures how long until every one is served: connected, and its CALL answered.
 *
 *     deno task bench:storm [CLIENTS [FLAG OF THE GATEWAY …]]
 *
 * @module
 */

import { Command } from "commander";
import type { Load } from "../load/load.ts";
import { integer } from "../process/flags.ts";
import type { Processes } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeOut } from "../process/text.ts";
import { startWave } from "./wave.ts";

/** Open files a process: a socket each in the generator and in the gateway. */
const MAX_CLIENTS = 18_000;
/** A client's pause before it tries again when nothing listens. */
const RETRY_MS = 100;
const MAX_MS = 120_000;

const command = new Command("bench:storm")
  .description("The gateway is killed and all clients come back at once.")
  .argument("[clients]", "WebSocket clients", integer(1, MAX_CLIENTS), 10_000)
  .argument("[flags...]", "for the gateway, such as --connect-rate=1500")
  .passThroughOptions();

/** Tells when the last client was served; its time counts from its first try. */
async function finish(load: Load, name: string): Promise<void> {
  const areServed = await load.until(
    ({ answered, errors }) => answered + errors >= load.clients,
    MAX_MS,
  );
  if (!areServed) throw new Error(`${name}: not all served`);
  const { totals, roundTrip, reasons } = await load.stop();
  const [half, last] = [50, 100].map((each) => (roundTrip.percentile(each) / 1000).toFixed(1));
  writeOut(
    `${name}: ${load.clients} clients served after ${last} s (half after ${half} s), ` +
      `${totals.errors + totals.bad} errors, ${totals.lost} lost, ` +
      `${totals.failed} connects refused and tried again\n`,
  );
  if (totals.failed > 0) writeOut(`  such as: ${reasons.join("; ")}\n`);
}

async function main(_flags: object, processes: Processes): Promise<number> {
  const [clients, flags] = command.processedArgs as [number, string[]];
  const stub = await processes.startStub();
  const first = await processes.startGateway(stub, flags);
  const wave = await startWave(processes, first.port, clients, RETRY_MS);
  const storm = await startWave(processes, first.port, clients, RETRY_MS);
  await wave.order("go");
  await finish(wave, "first connect");
  await processes.kill(first.pid);
  // They come back at once and find nothing; the gateway starts into the storm.
  await storm.order("go");
  const startedAt = performance.now();
  await processes.startGateway(stub, [...flags, `--listen=127.0.0.1:${first.port}`]);
  writeOut(`the gateway was back after ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
  await finish(storm, "reconnect storm");
  return 0;
}

if (import.meta.main) await runTask(command, main);
