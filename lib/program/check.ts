/**
 * `--check`: whether the gateway could run as it is configured, said line by line.
 *
 * @module
 */

import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, within } from "../clock.ts";
import { validityOf } from "../config/certificate.ts";
import { type ClientCaFiles, readAuthorities } from "../config/client_ca.ts";
import type { Config } from "../config/config.ts";
import { clientsThatFit } from "../config/open_files.ts";
import { placeText } from "../config/place.ts";
import { type ReadFile, readSecrets, type Secrets, type TlsPair } from "../config/secret.ts";
import type { Settings } from "../config/setting.ts";
import { shownFile } from "../config/shown.ts";
import { type ListenAddress, NATS_OUTBOX } from "../config/value.ts";
import { probeBackend } from "../forwarder/probe.ts";
import { reserve } from "../listener/reserve.ts";
import { checkPair } from "../listener/tls_server.ts";
import { probeOutbox } from "../outbox/probe.ts";
import { type Random, randomUuid } from "../random.ts";
import { staleSince } from "./client_ca.ts";
import type { Configuration } from "./configuration.ts";
import { mebibytes, memorySense } from "./memory.ts";

export interface CheckDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly readFile: ReadFile;
  /** Prints one line. */
  readonly say: (line: string) => void;
  /** Threads. */
  readonly workers: number;
  readonly residentBytes: number;
  readonly machineBytes: number;
}

/** `bad` alone keeps the gateway from running as it should. */
type Grade = "ok" | "note" | "warn" | "bad";

/** What was looked at, and what was found. */
type Say = (grade: Grade, what: string, found: string) => void;

const PROBE_MS = 5000;
const NATS_MS = 30_000;
/** Of NATS. */
const FROZEN = "it does not answer any more";
const DAY_MS = 86_400_000;
const DAYS_AHEAD = 30;
/** What a message to another instance may take, as a multiple of its payload. */
const NATS_SHARE = 4;

/**
 * Says what the configuration is, and looks at all that it names: files, certificate, ports, memory, open
 * files, outbox, backend, NATS. No secret is said. Nothing stays open, and neither backend nor instances
 * get a request.
 *
 * @returns Whether all is as it should be. A port that is in use counts as that: mostly by the gateway
 *   that runs while its next configuration is checked.
 */
export async function check(
  configuration: Configuration,
  deps: CheckDeps,
): Promise<boolean> {
  const { config, settings, warnings } = configuration;
  let faults = 0;
  const say: Say = (grade, what, found) => {
    if (grade === "bad") faults++;
    deps.say(`${grade.padEnd(4)} ${what}: ${found}`);
  };
  saySettings(settings, say);
  for (const { flag, reason } of warnings) say("warn", `--${flag}`, reason);
  const read = readSecrets(config, deps.readFile);
  if (read.ok) sayFiles(settings, read.secrets, say);
  // It names flag and file itself.
  else say("bad", "files", read.message);
  if (read.ok && read.secrets.tls !== undefined) {
    const { clients } = read.secrets.tls;
    sayCertificate(read.secrets.tls, deps.clock.wallNow(), say);
    if (clients !== undefined) sayClientCa(clients, deps.clock.wallNow(), say);
  }
  sayPort("--listen", config.listen, config.reusePort, say);
  if (config.apiListen !== undefined) {
    sayPort("--api-listen", config.apiListen, config.reusePort, say);
  }
  sayRoom(configuration, deps, say);
  const { outbox } = config;
  if (outbox !== undefined && outbox !== NATS_OUTBOX) await sayOutbox(outbox, say);
  await sayBackend(config, deps, say);
  if (config.nats !== undefined && read.ok) {
    await sayNats(config, read.secrets, deps, say);
    if (outbox === NATS_OUTBOX) await sayLedger(config, read.secrets, deps, say);
  }
  deps.say(
    faults === 0
      ? "the gateway can run like this"
      : `the gateway cannot run like this: ${faults === 1 ? "1 fault" : `${faults} faults`}`,
  );
  return faults === 0;
}

function saySettings(settings: Settings, say: Say): void {
  const words = { flag: "a flag", variable: "a variable", file: "the file", default: "" };
  for (const [name, { shown, source, isDefault }] of settings) {
    if (!isDefault && name !== "check") say("ok", `--${name}`, `${shown} (by ${words[source]})`);
  }
}

function sayFiles(settings: Settings, { tokens, signKeys }: Secrets, say: Say): void {
  const shown = (name: "api-tokens-file" | "sign-key-file"): string =>
    settings.get(name)?.shown ?? "";
  if (tokens !== undefined) say("ok", "tokens", `${tokens.length} in ${shown("api-tokens-file")}`);
  if (signKeys !== undefined) {
    say("ok", "signing keys", `${signKeys.length} in ${shown("sign-key-file")}`);
  }
}

function sayCertificate(pair: TlsPair, now: number, say: Say): void {
  try {
    checkPair(pair);
  } catch (error) {
    return say("bad", "certificate", `TLS cannot be served with it: ${messageOf(error)}`);
  }
  const validity = validityOf(pair.cert);
  if (validity === undefined) return say("note", "certificate", "when it ends cannot be read");
  const { notBefore, notAfter } = validity;
  const [from, to] = [notBefore, notAfter].map((at) => new Date(at).toISOString());
  if (now < notBefore) say("bad", "certificate", `it is not valid before ${from}`);
  else if (now >= notAfter) say("bad", "certificate", `it has expired, at ${to}`);
  else if (notAfter - now < DAYS_AHEAD * DAY_MS) say("warn", "certificate", `it expires at ${to}`);
  else say("ok", "certificate", `it fits its key and is valid until ${to}`);
}

function sayClientCa(files: ClientCaFiles, now: number, say: Say): void {
  const read = readAuthorities(files);
  // That has been said of the file.
  if (!read.ok) return;
  say("ok", "client CA", `${read.authorities.length} who may sign certificates of clients`);
  if (files.crl === undefined) return;
  const unlisted = read.authorities.filter(({ lists }) => lists.length === 0).length;
  const since = staleSince(files, now);
  const revoked = new Set(read.authorities.flatMap(({ lists }) => lists))
    .values().reduce((sum, { serials }) => sum + serials.size, 0);
  if (since !== undefined) say("warn", "revoked certificates", `a newer list was due at ${since}`);
  if (unlisted > 0) say("warn", "revoked certificates", `no list for ${unlisted} of the CAs`);
  say("ok", "revoked certificates", String(revoked));
}

function sayPort(flag: string, address: ListenAddress, isShared: boolean, say: Say): void {
  const place = placeText(address);
  try {
    reserve(address, isShared).release();
    return say("ok", flag, isShared ? `${place} can be shared` : `${place} is free`);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) {
      return say("bad", flag, `${place} cannot be listened on: ${messageOf(error)}`);
    }
  }
  const who = "by the gateway that runs, or by another program: ss -ltnp names it";
  say("note", flag, `${place} is in use, ${who}`);
}

function sayRoom({ config, settings }: Configuration, deps: CheckDeps, say: Say): void {
  const { workers, residentBytes, machineBytes } = deps;
  const { maxMemoryBytes, maxConnections, openFiles, isMaxConnectionsAsked } = config;
  const sense = memorySense({ maxMemoryBytes, workers, residentBytes, machineBytes });
  const memory = `${mebibytes(maxMemoryBytes)} of the machine's ${mebibytes(machineBytes)}`;
  if (sense.kind === "refuse") say("bad", "memory", sense.message);
  else if (sense.kind === "good") say("ok", "memory", memory);
  else {
    const isGiven = settings.get("max-memory")?.isDefault === false;
    say(isGiven ? "warn" : "note", "memory", `${memory}; ${sense.reason}`);
  }
  if (openFiles === undefined) {
    return say("note", "open files", "not known: WS2API_OPEN_FILES=$(ulimit -Hn) tells it");
  }
  const clients = clientsThatFit(config, workers);
  const grade = clients === maxConnections ? "ok" : isMaxConnectionsAsked ? "warn" : "note";
  say(grade, "open files", `${openFiles}: room for ${clients} clients of ${maxConnections}`);
}

async function sayOutbox(folder: string, say: Say): Promise<void> {
  const name = shownFile(folder);
  const found = await probeOutbox(folder);
  switch (found.kind) {
    case "new":
      return say("ok", "outbox", `${name} can be written; its file is made at the start`);
    case "usable":
      return say(
        "ok",
        "outbox",
        `${name} can be written; in it are ${found.calls} accepted CALLs and ${found.reports} reports`,
      );
    case "in use":
      return say("note", "outbox", `${name} is in use, by the gateway that runs or by another one`);
    case "unusable":
      return say("bad", "outbox", `${name}: ${found.reason}`);
  }
}

async function sayBackend(config: Config, { clock }: CheckDeps, say: Say): Promise<void> {
  const { backend } = config;
  if (config.hasProxy && config.forwarder === "fetch") {
    return say("note", "backend", `${backend} is reached through a proxy, and was not tried`);
  }
  const reason = await probeBackend(backend, PROBE_MS, clock, undefined, true);
  if (reason === undefined) say("ok", "backend", `${backend} can be reached`);
  else say("bad", "backend", `${backend} cannot be reached: ${reason}`);
}

async function sayNats(
  { nats, natsSubject, maxMessageBytes }: Config,
  secrets: Secrets,
  { random, clock }: CheckDeps,
  say: Say,
): Promise<void> {
  if (nats === undefined) return;
  const connect = await connectorOf(nats, natsSubject, secrets);
  const { probeNats } = await import("../cluster/nats/probe.ts");
  const asked = probeNats(connect, natsSubject, randomUuid(random));
  const found = await inTime(clock, asked, { ok: false, fault: FROZEN });
  const where = nats.servers.join(",");
  if (!found.ok) return say("bad", "nats", `${where}: ${found.fault}`);
  say("ok", "nats", `${found.server} (${found.version}) takes the login and its subjects`);
  if (found.maxBytes < NATS_SHARE * maxMessageBytes) {
    say(
      "warn",
      "nats",
      `its max_payload of ${found.maxBytes} bytes is less than ${NATS_SHARE} times --max-message: ` +
        "large CALLs to clients of other instances get 413",
    );
  }
}

async function sayLedger(
  { nats, natsSubject, outboxMaxBytes }: Config,
  secrets: Secrets,
  { clock }: CheckDeps,
  say: Say,
): Promise<void> {
  if (nats === undefined) return;
  const connect = await connectorOf(nats, natsSubject, secrets);
  const { probeLedger } = await import("../outbox/jetstream/probe.ts");
  const asked = probeLedger(connect, natsSubject);
  const found = await inTime(clock, asked, { kind: "unusable", reason: FROZEN });
  switch (found.kind) {
    case "new":
      say("ok", "outbox", "JetStream takes the login; its streams are made at the start");
      if (found.isAlone) say("warn", "outbox", "one NATS server keeps it: three outlive a loss");
      return;
    case "usable": {
      const { messages, bytes, replicas, outlivesOne } = found;
      const size = `${mebibytes(bytes)} of ${mebibytes(outboxMaxBytes)}`;
      const servers = replicas === 1 ? "1 NATS server keeps" : `${replicas} NATS servers keep`;
      say("ok", "outbox", `JetStream takes the login; in it are ${messages} entries, ${size}`);
      if (outlivesOne) return say("ok", "outbox", `${servers} each of them`);
      return say("warn", "outbox", `${servers} each of them: not 3`);
    }
    case "unusable":
      return say("bad", "outbox", `in NATS: ${found.reason}`);
  }
}

/** Connects to NATS once, as the gateway does. */
async function connectorOf(
  nats: NonNullable<Config["nats"]>,
  subject: string,
  { natsCredentials: credentials, natsCa: ca }: Secrets,
): Promise<() => Promise<NatsConnection>> {
  // Only who uses NATS pays for its client.
  const { connectNats } = await import("../nats/connect.ts");
  return () => connectNats(nats, { credentials, ca }, subject);
}

/** What was asked, if it is known in time: a server of NATS that freezes would be waited for. */
async function inTime<T>(clock: Clock, asked: Promise<T>, late: T): Promise<T> {
  return await within(clock, asked, NATS_MS) ? await asked : late;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
