/**
 * The soak: hostile clients flood, stop reading, send 1 MiB frames, open and close 500 times a second
 * and send CALLs on which the backend hangs, for 65 seconds, with every limit at its default.
 *
 * Passes when the gateway's resident memory after 60 s is within 1.3 of that after 20 s, and honest
 * clients had a 99th percentile under a second, without one lost. Exits 1 when it does not.
 *
 *     deno task bench:soak [ATTACK …]
 *
 * @module
 */

import { Command } from "commander";
import { Load } from "../load/load.ts";
import { integer } from "../process/flags.ts";
import type { Processes } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeErr, writeOut } from "../process/text.ts";
import { residentKib } from "../process/usage.ts";

const HONEST_CLIENTS = 100;
/** Between two CALLs of an honest client. */
const PERIOD_MS = 1000;
const SECONDS = 65;
/** Of all seconds, when the level is looked at first; and the last time, 5 s before the end. */
const EARLY = 20 / 65;
const LATE_SECONDS = 5;
const MAX_GROWTH = 1.3;
const MAX_P99_MS = 1000;

const ATTACKS = ["flood", "deaf", "large", "hang", "openclose"];

const command = new Command("bench:soak")
  .description(
    "Hostile clients and a backend that hangs: is memory bounded, are honest clients served?",
  )
  .argument("[attacks...]", `of ${ATTACKS}`)
  .option("--seconds <n>", "how long", integer(10, 86_400), SECONDS);

async function main({ seconds }: { seconds: number }, processes: Processes): Promise<number> {
  const [attacks] = command.processedArgs as [string[]];
  const unknown = attacks.find((attack) => !ATTACKS.includes(attack));
  if (unknown !== undefined) {
    command.error(`no attack ${unknown}: allowed are ${ATTACKS.join(", ")}`);
  }
  const backend = await processes.startServer(
    ["run", "--allow-net=127.0.0.1", "bench/hold/backend.ts"],
  );
  const gateway = await processes.startGateway(backend, []);
  const { port } = gateway;
  const target = { hostname: "127.0.0.1", port, path: "/" };
  const honest = await Load.start(processes, [
    { target, prefix: "honest", clients: HONEST_CLIENTS, rampMs: 0, periodMs: PERIOD_MS },
  ]);
  await honest.order("measure");
  await honest.order("go");
  await processes.startScript("--allow-net=127.0.0.1", "bench/hold/hostile.ts", [
    `${port}`,
    ...attacks.length === 0 ? ATTACKS : attacks,
  ]);
  const resident: number[] = [];
  const startedAt = performance.now();
  for (let second = 1; second <= seconds; second++) {
    await honest.pause(startedAt + second * 1000 - performance.now());
    resident[second] = Math.round(await residentKib([gateway.pid]) / 1024);
    const { answered, errors, lost } = honest.totals;
    writeErr(
      `${second} s: ${resident[second]} MiB, honest: ${answered} answered, ${errors} errors, ` +
        `${lost} lost\n`,
    );
  }
  const { totals, roundTrip } = await honest.stop();
  const [earlySecond, lateSecond] = [Math.round(seconds * EARLY), seconds - LATE_SECONDS];
  const [early, late] = [resident[earlySecond]!, resident[lateSecond]!];
  const lost = totals.failed + totals.lost + HONEST_CLIENTS - totals.opened;
  const [p50, p99] = [roundTrip.percentile(50), roundTrip.percentile(99)];
  const passes = late <= early * MAX_GROWTH && p99 < MAX_P99_MS && lost === 0;
  writeOut(
    `resident after ${earlySecond} s ${early} MiB, after ${lateSecond} s ${late} MiB ` +
      `(${(late / early).toFixed(2)}), most ${Math.max(...resident.slice(1))} MiB\n` +
      `honest clients: ${HONEST_CLIENTS}, answered ${totals.answered}, ` +
      `CALLERRORs ${totals.errors}, lost ${lost}, ` +
      `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms\n` +
      `${passes ? "passed" : "FAILED"}\n`,
  );
  return passes ? 0 : 1;
}

if (import.meta.main) await runTask(command, main);
