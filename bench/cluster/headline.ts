/**
 * 120,000 clients on one machine.
 *
 *     deno task bench:120k                                         the whole, about 6 minutes
 *     deno task bench:120k --clients 5000 --ramp 5 --period 5 --hold 10
 *     deno task bench:120k --only full --profile
 *
 * Several gateways share a port and NATS; as many generators, a stub backend and the NATS server run
 * beside them. Linux only; needs `nats-server`. A whole run writes its part of bench/RESULTS.md and
 * bench/cluster/headline.svg.
 *
 * @module
 */

import { writeErr, writeOut } from "../load/text.ts";
import { Groups } from "../peers/groups.ts";
import { ADDRESSES } from "./cast.ts";
import { chartOf } from "./chart.ts";
import { type ReadSettings, readSettings } from "./flags.ts";
import { whatIsMissing } from "./limits.ts";
import { runTask } from "../load/task.ts";
import { isClean, sectionOf } from "./report.ts";
import { type Outcome, run } from "./run.ts";
import { titleOf } from "./scenario.ts";
import { writeResults } from "./section.ts";

const TASK = "bench:120k";

/** The exit code: 0 for a clean run, 1 for any trouble, 2 for flags that ask for none. */
async function main(read: ReadSettings, groups: Groups): Promise<number> {
  if (read.kind === "print") {
    writeOut(read.text);
    return 0;
  }
  if (read.kind === "refuse") {
    writeErr(`${TASK}: ${read.message}\n`);
    return 2;
  }
  const { settings } = read;
  const missing = await whatIsMissing({
    clients: settings.clients,
    gateways: settings.gateways,
    generators: settings.gateways,
    addresses: ADDRESSES,
  });
  if (missing !== null) {
    writeErr(`${TASK}: ${missing}\n`);
    return 1;
  }
  const outcomes: Outcome[] = [];
  for (const scenario of settings.scenarios) {
    writeErr(`${settings.clients} clients, ${titleOf(scenario)}\n`);
    const folder = await Deno.makeTempDir({ prefix: "ws2api-cluster-" });
    try {
      outcomes.push(await groups.with((processes) => run(scenario, settings, processes, folder)));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
  const section = sectionOf(outcomes, settings);
  writeOut(section);
  if (settings.jsonFile !== null) {
    const json = JSON.stringify({ settings, outcomes }, withMaps, 2);
    await Deno.writeTextFile(settings.jsonFile, `${json}\n`);
  }
  if (settings.isWritten) await writeResults(TASK, section, { "headline.svg": chartOf(outcomes) });
  return outcomes.every(isClean) ? 0 : 1;
}

/** For JSON, which leaves maps empty. */
function withMaps(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}

if (import.meta.main) {
  await runTask(TASK, new Groups(), (groups) => main(readSettings(Deno.args), groups));
}
