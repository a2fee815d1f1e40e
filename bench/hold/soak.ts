/**
 * The soak (arguments choose some of the attacks, see `hostile.ts`): hostile clients flood, stop reading, send 1 MiB frames, open and close 500 times a second
 * and send CALLs on which the backend hangs, for 65 seconds, with every limit at its default.
 *
 * Passes when the gateway's resident memory after 60 s is within 1.3 of that after 20 s, and honest
 * clients had a 99th percentile under a second, without one lost. Exits 1 when it does not.
 *
 *     deno task bench:soak
 *
 * @module
 */

import { CallFrames } from "../load/frame.ts";
import { Client } from "../load/client.ts";
import { Latencies } from "../load/histogram.ts";
import { Processes } from "../load/processes.ts";
import { writeErr, writeOut } from "../load/text.ts";
import { readUsage } from "../load/usage.ts";

const SECONDS = 65;
const HONEST_CLIENTS = 100;
/** Between two CALLs of an honest client. */
const PERIOD_MS = 1000;
const EARLY_SECOND = 20;
const LATE_SECOND = 60;
const MAX_GROWTH = 1.3;
const MAX_P99_MS = 1000;

const processes = new Processes();
const latencies = new Latencies();
let answered = 0;
let errors = 0;
let lost = 0;

/** Honest clients in this process, so that the attackers' work does not delay their clocks much. */
function startHonest(port: number): void {
  const frames = new CallFrames(0);
  for (let n = 0; n < HONEST_CLIENTS; n++) {
    const client: Client = new Client(`honest${n}`, frames, {
      opened: () => {
        setInterval(() => client.isOpen && client.call(performance.now()), PERIOD_MS);
      },
      failed: () => lost++,
      lost: () => lost++,
      answered: (_client, isError, roundTripMs) => {
        answered++;
        if (isError) errors++;
        latencies.record(roundTripMs);
      },
      bad: () => errors++,
    });
    void client.run({ hostname: "127.0.0.1", port, path: "/" });
  }
}

async function soak(): Promise<boolean> {
  const backendPort = await processes.startBackend("bench/hold/backend.ts");
  const gateway = await processes.startGateway(backendPort, []);
  const { port } = new URL(gateway.url);
  startHonest(Number(port));
  await processes.startScript("bench/hold/hostile.ts", [port, ...Deno.args]);
  const resident: number[] = [];
  const startedAt = performance.now();
  for (let second = 1; second <= SECONDS; second++) {
    await new Promise((resolve) =>
      setTimeout(resolve, startedAt + second * 1000 - performance.now())
    );
    const mib = Math.round((await readUsage(gateway.pid))!.residentKib / 1024);
    resident[second] = mib;
    writeErr(
      `${second} s: ${mib} MiB, honest: ${answered} answered, ${errors} errors, ${lost} lost\n`,
    );
  }
  const early = resident[EARLY_SECOND]!;
  const late = resident[LATE_SECOND]!;
  const p99 = latencies.percentile(99);
  const passes = late <= early * MAX_GROWTH && p99 < MAX_P99_MS && lost === 0;
  writeOut(
    `resident after ${EARLY_SECOND} s ${early} MiB, after ${LATE_SECOND} s ${late} MiB ` +
      `(${(late / early).toFixed(2)}), most ${Math.max(...resident.slice(1))} MiB\n` +
      `honest clients: ${HONEST_CLIENTS}, answered ${answered}, of them CALLERRORs ${errors}, lost ${lost}, ` +
      `p50 ${latencies.percentile(50).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms\n` +
      `${passes ? "passed" : "FAILED"}\n`,
  );
  return passes;
}

let passes = false;
try {
  passes = await soak();
} finally {
  await processes.end();
}
Deno.exit(passes ? 0 : 1);
