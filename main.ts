/**
 * The program: flags, environment, signals, exit code.
 *
 * @module
 */

import info from "./deno.json" with { type: "json" };
import { systemClock } from "./lib/clock.ts";
import { nameOfInstance, natsOf } from "./lib/cluster/nats/join.ts";
import type { Config } from "./lib/config/config.ts";
import { clientsThatFit } from "./lib/config/open_files.ts";
import { placeText } from "./lib/config/place.ts";
import { readSecrets } from "./lib/config/secret.ts";
import { NAMES_VARIABLE } from "./lib/config/variables.ts";
import { backendAddress } from "./lib/forwarder/dial.ts";
import { type Gateway, startGateway } from "./lib/gateway/gateway.ts";
import { configureLog, createLog } from "./lib/log/log.ts";
import { print } from "./lib/log/print.ts";
import { faultsBuffer, RecentFaults } from "./lib/log/recent_faults.ts";
import { openOutbox } from "./lib/outbox/open.ts";
import { metricsBuffer, MetricSet } from "./lib/metrics/metrics.ts";
import { hostName, machineBytes, residentBytes } from "./lib/metrics/process.ts";
import type { Profiles } from "./lib/profile/profile.ts";
import { CertificateWatch } from "./lib/program/certificate.ts";
import { tellStaleList } from "./lib/program/client_ca.ts";
import { readConfiguration, remembering } from "./lib/program/configuration.ts";
import { type MemorySense, memorySense } from "./lib/program/memory.ts";
import { Reload } from "./lib/program/reload.ts";
import { tellStart } from "./lib/program/start.ts";
import { stopProgram } from "./lib/program/stop.ts";
import { StopRequests } from "./lib/program/stop_request.ts";
import { systemRandom } from "./lib/random.ts";
import { loadTracing } from "./lib/trace/load.ts";
import { validatorOf } from "./lib/validate/load.ts";

/** An environment variable; one that may not be read is taken for absent. */
function variable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

/** What of the network is needed and not permitted, undefined when all is. */
function forbiddenPlace({ listen, apiListen, backend }: Config): string | undefined {
  const { target } = backendAddress(backend);
  const places = [listen, apiListen].filter((place) => place !== undefined)
    .map(({ host, port }) => ({ hostname: host === "" ? "0.0.0.0" : host, port }));
  if (target.kind !== "unix") places.push(target);
  return places.map(({ hostname, port }) =>
    `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`
  ).find((host) => Deno.permissions.querySync({ name: "net", host }).state !== "granted");
}

/** The names of all variables where all may be read; otherwise those that the start command tells. */
function variableNames(): string[] {
  const { state } = Deno.permissions.querySync({ name: "env" });
  if (state === "granted") return Object.keys(Deno.env.toObject());
  return (variable(NAMES_VARIABLE) ?? "").split(/\s+/).filter((name) => name !== "");
}

function refuse(message: string): never {
  print(Deno.stderr, `ws2api: ${message}\n`);
  Deno.exit(2);
}

async function main(): Promise<void> {
  const readFile = (name: string): Uint8Array => Deno.readFileSync(name);
  const surroundings = {
    ...{ args: Deno.args, version: info.version, readFile },
    ...{ variable: remembering(variable), names: variableNames() },
  };
  const configuration = await readConfiguration(surroundings);
  if (configuration.kind === "print") {
    print(Deno.stdout, configuration.text);
    return;
  }
  if (configuration.kind === "refuse") refuse(configuration.message);
  // All of it has been read; of what is loaded later nothing has any business there.
  await Deno.permissions.revoke({ name: "env" });
  const asked = configuration.config;
  const forbidden = forbiddenPlace(asked);
  if (forbidden !== undefined) {
    print(
      Deno.stderr,
      `ws2api: no permission to use ${forbidden}: start it with deno task start, ` +
        "or with deno run --allow-net\n",
    );
    Deno.exit(1);
  }
  const workers = asked.workers === "auto" ? navigator.hardwareConcurrency : asked.workers;
  const machine = { residentBytes: residentBytes(), machineBytes: machineBytes(), workers };
  if (asked.isCheck) {
    const { check } = await import("./lib/program/check.ts");
    const say = (line: string): void => print(Deno.stdout, `${line}\n`);
    const deps = { ...machine, clock: systemClock, random: systemRandom, readFile, say };
    Deno.exit(await check(configuration, deps) ? 0 : 2);
  }
  const judgeMemory = (maxMemoryBytes: number): MemorySense =>
    memorySense({ ...machine, maxMemoryBytes });
  const memory = judgeMemory(asked.maxMemoryBytes);
  if (memory.kind === "refuse") refuse(memory.message);
  const config = { ...asked, maxConnections: clientsThatFit(asked, workers) };
  const output = configureLog(
    ...[config.logLevel, config.logFormat] as const,
    (bytes) => print(Deno.stderr, bytes),
  );
  const faults = new RecentFaults(systemClock, faultsBuffer(workers === 1 ? 1 : 1 + workers), 0);
  const metricsMemory = metricsBuffer(config.protocols, workers === 1 ? 1 : 1 + workers);
  const metricSet = new MetricSet(config.protocols, metricsMemory, 0);
  const instance = config.nats === undefined ? undefined : nameOfInstance(systemRandom);
  const log = createLog(
    ...[systemClock, instance === undefined ? {} : { instance }, faults] as const,
    (level) => metricSet.metrics.linesSuppressed[level].add(1),
  );
  const read = readSecrets(config, readFile);
  if (!read.ok) refuse(read.message);
  const { cpuProfileFile: cpuFile, memProfileFile: memFile } = config;
  const isProfiled = cpuFile !== undefined || memFile !== undefined;
  const tracing = await loadTracing(systemClock);
  let profiles: Profiles | undefined;
  // Workers profile themselves.
  if (isProfiled && workers === 1) {
    const { startProfiles } = await import("./lib/profile/profile.ts");
    const started = await startProfiles({ cpuFile, memFile }, {
      clock: systemClock,
      random: systemRandom,
      log,
    });
    if (!started.ok) refuse(started.message);
    profiles = started.profiles;
  }
  const host = hostName();
  const self = instance === undefined ? undefined : { instance, host };
  const opened = await openOutbox(config, read.secrets, self, { clock: systemClock, log });
  if (!opened.ok) {
    print(Deno.stderr, `ws2api: ${opened.message}\n`);
    Deno.exit(1);
  }
  const { outbox } = opened;
  // Files are read once, but for those that SIGHUP reads again. A profile is put in its place by
  // renaming, which needs both leaves; they cannot be narrowed to its folder once given for all.
  // A socket file needs both as well. A worker's modules are read when it starts, also when it is started
  // again after its death; it has this thread's permissions then, and gives up more itself.
  const usesFiles = isProfiled || config.backend.startsWith("unix:");
  const { tls, apiTokenFile, apiTokensFile, signKeyFile, configFile } = config;
  const renews = [tls, apiTokenFile, apiTokensFile, signKeyFile, configFile]
    .some((file) => file !== undefined);
  const readsLater = usesFiles || renews || workers > 1;
  if (!readsLater) await Deno.permissions.revoke({ name: "read" });
  if (!usesFiles) await Deno.permissions.revoke({ name: "write" });
  // The inspector asks for it when it is opened, and only then.
  if (!isProfiled || workers === 1) await Deno.permissions.revoke({ name: "sys" });
  let gateway: Gateway;
  try {
    const deps = {
      log,
      faults,
      clock: systemClock,
      random: systemRandom,
      version: info.version,
      startedAt: performance.timeOrigin,
      ...{ instance, host },
      secrets: read.secrets,
      tracing,
    };
    if (workers === 1) {
      const createBus = await natsOf(config, read.secrets, deps, instance);
      const validator = await validatorOf(config);
      gateway = await startGateway(config, {
        ...{ ...deps, createBus, validator, store: outbox.store },
        team: { size: 1, metricSet },
      });
    } else {
      const { Supervisor } = await import("./lib/worker/supervisor.ts");
      const supervisor = await Supervisor.start(config, workers, {
        ...{ ...deps, outbox, metricsMemory },
      });
      gateway = supervisor;
      if (isProfiled) {
        // Their last write is a part of the shutdown.
        profiles = { write: () => supervisor.writeProfiles(), stop: () => Promise.resolve() };
      }
    }
  } catch (error) {
    // Told by name: the errors of workers come as copies.
    const { name, message: reason } = error instanceof Error ? error : new Error(String(error));
    if (name === "Refusal") refuse(reason);
    if (name === "WorkerDied") {
      print(Deno.stderr, `ws2api: a worker cannot start: ${reason}\n`);
      Deno.exit(1);
    }
    if (name === "InvalidData") {
      const { certFile, keyFile } = config.tls ?? { certFile: "", keyFile: "" };
      refuse(
        `--tls-cert, --tls-key: not a certificate and its key: ${reason} ` +
          `(${JSON.stringify(certFile)}, ${JSON.stringify(keyFile)})`,
      );
    }
    const isTaken = name === "AddrInUse";
    const places = [config.listen, config.apiListen].filter((place) => place !== undefined)
      .map(placeText);
    const what = isTaken ? "the port is in use" : reason;
    print(Deno.stderr, `ws2api: cannot listen on ${places.join(" or ")}: ${what}\n`);
    Deno.exit(1);
  }
  const requests = new StopRequests(systemClock);
  const stop = async (): Promise<void> => {
    const request = requests.note();
    if (request === "same") return;
    if (request === "second") {
      log.flush();
      Deno.exit(1);
    }
    await stopProgram({
      ...{ gateway, profiles, outbox, log, drainTimeoutMs: config.drainTimeoutMs },
      ...{ isTraced: tracing !== undefined, clock: systemClock },
    });
    log.flush();
    Deno.exit(0);
  };
  Deno.addSignalListener("SIGINT", () => void stop());
  Deno.addSignalListener("SIGTERM", () => void stop());
  const certificate = new CertificateWatch(systemClock, log);
  const reload = new Reload(configuration, read.secrets, {
    ...{ gateway, readFile, judgeMemory, certificate, log, output, workers, clock: systemClock },
    read: () => readConfiguration(surroundings),
  });
  Deno.addSignalListener("SIGHUP", () => void reload.again());
  // Without a listener the signal would end the process.
  Deno.addSignalListener("SIGUSR2", () => {
    if (profiles !== undefined) void profiles.write();
    else log.warn("SIGUSR2: no profile to write without --cpuprofile or --memprofile");
  });
  print(Deno.stdout, `ws2api listening on ${gateway.url}\n`);
  if (gateway.apiUrl !== undefined) print(Deno.stdout, `ws2api api on ${gateway.apiUrl}\n`);
  const { tls: pair } = read.secrets;
  if (pair !== undefined) certificate.serve(pair);
  if (pair?.clients !== undefined) tellStaleList(pair.clients, systemClock, log);
  const facts = { ...configuration, version: info.version, workers, memory };
  await tellStart({ ...facts, clientsThatFit: config.maxConnections }, log, systemClock);
}

await main();
