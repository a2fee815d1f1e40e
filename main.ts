/**
 * The program: flags, environment, signals, exit code.
 *
 * @module
 */

import info from "./deno.json" with { type: "json" };
import { systemClock } from "./lib/clock.ts";
import type { Bus, Peer } from "./lib/cluster/bus.ts";
import { type Config, readInvocation } from "./lib/config/config.ts";
import { readSecrets, readTlsPair, type Secrets } from "./lib/config/secret.ts";
import { type Gateway, startGateway } from "./lib/gateway.ts";
import { configureLog, createLog, type Log } from "./lib/ops/log.ts";
import type { Profiles } from "./lib/ops/profile/profile.ts";

function print(file: typeof Deno.stdout, text: string | Uint8Array): void {
  let bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  try {
    while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
  } catch {
    // Whoever read this has gone; the gateway works without.
  }
}

/** An environment variable; one that may not be read is taken for absent. */
function variable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

/** What ties this instance to others; loaded only when there are any. */
async function busFor(
  config: Config,
  { natsCredentials, natsCa }: Secrets,
  log: Log,
): Promise<((local: Peer) => Bus) | undefined> {
  const { nats, natsSubject } = config;
  if (nats === undefined) return undefined;
  const { NatsBus } = await import("./lib/cluster/nats.ts");
  const { connectNats } = await import("./lib/cluster/nats_connect.ts");
  return (local) =>
    new NatsBus({
      prefix: natsSubject,
      peerId: crypto.randomUUID(),
      local,
      connect: () => connectNats(nats, { credentials: natsCredentials, ca: natsCa }),
      clock: systemClock,
      log,
    });
}

async function main(): Promise<void> {
  const invocation = readInvocation(Deno.args, variable, info.version);
  if (invocation.kind === "print") {
    print(Deno.stdout, invocation.text);
    return;
  }
  if (invocation.kind === "refuse") {
    print(Deno.stderr, `ws2api: ${invocation.message}\n`);
    Deno.exit(2);
  }
  const { config } = invocation;
  await configureLog(config.logLevel, config.logFormat, (bytes) => print(Deno.stderr, bytes));
  const log = createLog(systemClock);
  const read = readSecrets(config, (name) => Deno.readFileSync(name));
  if (!read.ok) {
    print(Deno.stderr, `ws2api: ${read.message}\n`);
    Deno.exit(2);
  }
  const { cpuProfileFile: cpuFile, memProfileFile: memFile } = config;
  const isProfiled = cpuFile !== undefined || memFile !== undefined;
  let profiles: Profiles | undefined;
  if (isProfiled) {
    const { startProfiles } = await import("./lib/ops/profile/profile.ts");
    const started = await startProfiles({ cpuFile, memFile }, { clock: systemClock, log });
    if (!started.ok) {
      print(Deno.stderr, `ws2api: ${started.message}\n`);
      Deno.exit(2);
    }
    profiles = started.profiles;
  }
  // Files are read once, but for a certificate, which may be renewed. A profile is put in its place by
  // renaming, which needs both leaves; they cannot be narrowed to its folder once given for all.
  // A socket file needs both as well.
  const usesFiles = isProfiled || config.backend.startsWith("unix:");
  if (config.tls === undefined && !usesFiles) await Deno.permissions.revoke({ name: "read" });
  if (!usesFiles) await Deno.permissions.revoke({ name: "write" });
  // The inspector asks for it when it is opened, and only then.
  await Deno.permissions.revoke({ name: "sys" });
  let gateway: Gateway;
  try {
    gateway = startGateway(config, {
      log,
      clock: systemClock,
      version: info.version,
      secrets: read.secrets,
      createBus: await busFor(config, read.secrets, log),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof Deno.errors.InvalidData) {
      print(
        Deno.stderr,
        `ws2api: --tls-cert, --tls-key: not a certificate and its key: ${reason}\n`,
      );
      Deno.exit(2);
    }
    const isTaken = error instanceof Deno.errors.AddrInUse;
    const places = [config.listen, config.apiListen].filter((place) => place !== undefined)
      .map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`);
    const what = isTaken ? "the port is in use" : reason;
    print(Deno.stderr, `ws2api: cannot listen on ${places.join(" or ")}: ${what}\n`);
    Deno.exit(1);
  }
  let isStopping = false;
  const stop = async (): Promise<void> => {
    if (isStopping) Deno.exit(1);
    isStopping = true;
    await gateway.shutdown();
    await profiles?.stop();
    Deno.exit(0);
  };
  Deno.addSignalListener("SIGINT", () => void stop());
  Deno.addSignalListener("SIGTERM", () => void stop());
  const renewCertificate = async (): Promise<void> => {
    try {
      const pair = readTlsPair(config, (name) => Deno.readFileSync(name));
      if (pair === undefined) return;
      await gateway.reloadTls(pair);
      log.info("certificate read again");
    } catch (error) {
      log.error("certificate not read again, the old one stays", { error: String(error) });
    }
  };
  Deno.addSignalListener("SIGHUP", () => void renewCertificate());
  // Without a listener the signal would end the process.
  Deno.addSignalListener("SIGUSR2", () => {
    if (profiles !== undefined) void profiles.write();
    else log.warn("SIGUSR2: no profile to write without --cpuprofile or --memprofile");
  });
  print(Deno.stdout, `ws2api listening on ${gateway.url}\n`);
  if (gateway.apiUrl !== undefined) print(Deno.stdout, `ws2api api on ${gateway.apiUrl}\n`);
}

await main();
