/**
 * Who takes part in a run: all processes, by their roles.
 *
 * @module
 */

import { firstLine, type Processes, type Started } from "../load/processes.ts";
import type { Settings } from "./flags.ts";
import { startNats } from "./nats_server.ts";
import type { Scenario } from "./scenario.ts";
import type { Share } from "./share.ts";

export type Role = "gateways" | "generators" | "stub" | "nats";

/** Everybody, started; the generators wait for their orders. */
export interface Cast {
  readonly pids: Readonly<Record<Role, readonly number[]>>;
  readonly generators: readonly Started[];
  /** Of the first gateway, when it is profiled. */
  readonly profileFile: string | null;
}

/** Loopback addresses of each generator: two leave half of the ports free, so one is found at once. */
export const ADDRESSES = 2;
/** For answers under way when the sending stops. */
export const GRACE_MS = 10_000;

/**
 * Starts all: NATS, the stub, the gateways as `deno task start` runs them, and the generators.
 *
 * @param folder For the profile.
 * @throws When one does not start.
 */
export async function startCast(
  processes: Processes,
  scenario: Scenario,
  settings: Settings,
  folder: string,
): Promise<Cast> {
  const nats = await startNats(processes);
  const stub = await processes.startServer(["run", "--allow-ffi", "bench/cluster/stub.ts"]);
  const profileFile = settings.isProfiled ? `${folder}/cpu.pprof` : null;
  const gateways = await startGateways(processes, settings, nats.url, stub.port, profileFile);
  const generators: Started[] = [];
  for (const share of sharesOf(scenario, settings, gateways.map(({ port }) => port))) {
    generators.push(await startGenerator(processes, share));
  }
  return {
    pids: {
      gateways: gateways.map(({ pid }) => pid),
      generators: generators.map(({ pid }) => pid),
      stub: [stub.pid],
      nats: [nats.pid],
    },
    generators,
    profileFile,
  };
}

async function startGateways(
  processes: Processes,
  { gateways, sharesPort, gatewayFlags }: Settings,
  natsUrl: string,
  stubPort: number,
  profileFile: string | null,
): Promise<{ pid: number; port: number }[]> {
  const started: { pid: number; port: number }[] = [];
  for (let i = 0; i < gateways; i++) {
    const port = sharesPort ? started[0]?.port ?? 0 : 0;
    const flags = [
      ...[`--listen=0.0.0.0:${port}`, "--insecure-api", `--nats=${natsUrl}`],
      // A gateway has a third of a processor here. What waits longer than a second in it keeps the garbage
      // collector busy, so that it would never catch up again.
      "--max-waiting=1500",
    ];
    if (sharesPort) flags.push("--reuse-port");
    if (i === 0 && profileFile !== null) flags.push(`-cpuprofile=${profileFile}`);
    const all = [...flags, ...gatewayFlags];
    const { pid, url } = await processes.startGateway(stubPort, all);
    started.push({ pid, port: Number(new URL(url).port) });
  }
  return started;
}

/**
 * A generator that waits for its orders.
 *
 * @throws When it does not start.
 */
export async function startGenerator(processes: Processes, share: Share): Promise<Started> {
  const generator = processes.start(
    ["run", "--allow-ffi", "bench/cluster/generator.ts", JSON.stringify(share)],
  );
  await firstLine(generator, "a generator");
  return generator;
}

/** Shares the clients out evenly, with addresses of their own for each process. */
function sharesOf(
  { rampSeconds, periodSeconds }: Scenario,
  { clients, gateways }: Settings,
  ports: readonly number[],
): Share[] {
  return ports.map((port, i) => ({
    hostnames: Array.from({ length: ADDRESSES }, (_, k) => `127.0.${k + 1}.${i + 1}`),
    port,
    prefix: `load${i}-`,
    clients: Math.floor((clients * (i + 1)) / gateways) - Math.floor((clients * i) / gateways),
    rampMs: rampSeconds * 1000,
    periodMs: Math.round(periodSeconds * 1000),
    graceMs: GRACE_MS,
  }));
}
