/**
 * A program that starts two workers from a file that is named, and prints what that came to: what the
 * runtime itself prints of a worker that cannot be loaded is in its standard error then.
 *
 * @module
 */

import { systemClock } from "../../lib/clock.ts";
import { readInvocation } from "../../lib/config/config.ts";
import { NO_SECRETS } from "../../lib/config/secret.ts";
import { silentLog } from "../../lib/log/log.ts";
import { StartError } from "../../lib/worker/start_error.ts";
import { Supervisor } from "../../lib/worker/supervisor.ts";
import { systemRandom } from "../../lib/random.ts";

const [entry = ""] = Deno.args;
const invocation = readInvocation(["--listen=127.0.0.1:0"], () => undefined, "0.0.0-test");
if (invocation.kind !== "run") throw new Error(JSON.stringify(invocation));
const starting = Supervisor.start(invocation.config, 2, {
  log: silentLog,
  random: systemRandom,
  clock: systemClock,
  version: "0.0.0-test",
  startedAt: 0,
  secrets: NO_SECRETS,
  createWorker: () => new Worker(new URL(entry, import.meta.url), { type: "module" }),
});
const end = await starting.then(
  () => "started",
  (error) => error instanceof StartError ? error.name : String(error),
);
Deno.stdout.writeSync(new TextEncoder().encode(`${end}\n`));
