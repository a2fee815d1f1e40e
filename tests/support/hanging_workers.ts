/**
 * A gateway of two workers, the first of which hangs at SIGUSR2. It prints its address, then a line when
 * that worker has been told, and ends at SIGTERM as the program itself does.
 *
 * @module
 */

import { systemClock } from "../../lib/clock.ts";
import { readInvocation } from "../../lib/config/config.ts";
import { NO_SECRETS } from "../../lib/config/secret.ts";
import { configureLog, createLog } from "../../lib/log/log.ts";
import { print } from "../../lib/log/print.ts";
import { MemoryOutbox } from "../../lib/outbox/memory.ts";
import { stopProgram } from "../../lib/program/stop.ts";
import { systemRandom } from "../../lib/random.ts";
import { Supervisor } from "../../lib/worker/supervisor.ts";

const invocation = readInvocation(Deno.args, () => undefined, "0.0.0-test");
if (invocation.kind !== "run") throw new Error(JSON.stringify(invocation));
const { config } = invocation;
configureLog(config.logLevel, config.logFormat, (bytes) => print(Deno.stderr, bytes));
const log = createLog(systemClock);
const workers: Worker[] = [];
const gateway = await Supervisor.start(config, 2, {
  log,
  random: systemRandom,
  clock: systemClock,
  version: "0.0.0-test",
  startedAt: 0,
  secrets: NO_SECRETS,
  createWorker: () => {
    const file = new URL("./hanging_worker.ts", import.meta.url);
    const worker = new Worker(file, { type: "module" });
    workers.push(worker);
    return worker;
  },
});
Deno.addSignalListener("SIGUSR2", () => {
  workers[0]!.addEventListener("message", ({ data }) => {
    if (data?.message?.clientId === "none") print(Deno.stdout, "hangs\n");
  });
  workers[0]!.postMessage("hang");
});
Deno.addSignalListener("SIGTERM", async () => {
  const { drainTimeoutMs } = config;
  const rest = { profiles: undefined, outbox: new MemoryOutbox(), isTraced: false };
  await stopProgram({ gateway, drainTimeoutMs, ...rest, clock: systemClock, log });
  Deno.exit(0);
});
print(Deno.stdout, `ws2api listening on ${gateway.url}\n`);
