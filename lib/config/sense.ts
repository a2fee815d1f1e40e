/**
 * Settings that make no sense together or alone, though each is allowed.
 *
 * @module
 */

import type { Config } from "./config.ts";
import type { FlagName } from "./flag.ts";
import { isEverywhere, isLoopback, placeText } from "./place.ts";
import { isExposedSecret, type Settings } from "./setting.ts";
import { shownFile } from "./shown.ts";
import { type ListenAddress, NATS_OUTBOX } from "./value.ts";

/** A setting that works, and is hardly what was meant. */
export interface SettingWarning {
  readonly flag: FlagName;
  readonly reason: string;
}

/** Shorter pings cost more than they tell: a network's hiccup takes as long. */
const LEAST_PING_MS = 5000;
/** A client has given its CALL up long before. */
const LONGEST_HOLD_MS = 300_000;
/** Who repeats a request does so after a time-out of its own. */
const LEAST_RETENTION_MS = 10_000;
/** Whoever stops the program ends it by force long before. */
const LONGEST_DRAIN_MS = 3_600_000;

/**
 * What can never be meant, as one line for a person; undefined when there is nothing.
 *
 * @param config Each of its values is allowed alone.
 */
export function nonsenseOf(config: Config): string | undefined {
  const { listen, apiListen, nats } = config;
  if (nats === undefined && config.natsCredsFile !== undefined) {
    return "--nats-creds: is not allowed alone; allowed is with --nats URL";
  }
  if (nats === undefined && config.natsCaFile !== undefined) {
    return "--nats-ca: is not allowed alone; allowed is with --nats URL";
  }
  if (nats === undefined && config.outbox === NATS_OUTBOX) {
    return "--outbox: nats is not allowed alone; allowed is with --nats URL, or a folder (./nats)";
  }
  if (config.isOutboxMaxBytesAsked && config.outbox !== NATS_OUTBOX) {
    return "--outbox-max-bytes: is not allowed alone; allowed is with --outbox nats";
  }
  if (config.compression && config.websocket !== "ws") {
    return "--compression: is not allowed alone; allowed is with --websocket ws";
  }
  const { clientCaFile, clientCrlFile, tls } = config;
  if (clientCaFile !== undefined && (config.websocket !== "ws" || tls === undefined)) {
    return "--client-ca: is not allowed alone; allowed is with --websocket ws, --tls-cert FILE " +
      "and --tls-key FILE";
  }
  if (clientCrlFile !== undefined && clientCaFile === undefined) {
    return "--client-crl: is not allowed alone; allowed is with --client-ca FILE";
  }
  if (apiListen !== undefined && overlap(listen, apiListen)) {
    return `--api-listen: ${placeText(apiListen)} is not allowed beside --listen ` +
      `${placeText(listen)}; allowed is another port, or leave it out for one listener`;
  }
  if ([listen, apiListen].some((place) => place !== undefined && isAt(place, config.backend))) {
    return "--backend: is not allowed to be where the gateway itself listens; allowed is the " +
      "address of your HTTP service";
  }
  return fileNonsense(config);
}

/** A profile is written over what is there. */
function fileNonsense(config: Config): string | undefined {
  const { cpuProfileFile, memProfileFile, tls, outbox } = config;
  const read: readonly (readonly [flag: FlagName, name: string | undefined])[] = [
    ["api-token-file", config.apiTokenFile],
    ["api-tokens-file", config.apiTokensFile],
    ["sign-key-file", config.signKeyFile],
    ["nats-creds", config.natsCredsFile],
    ["nats-ca", config.natsCaFile],
    ["tls-cert", tls?.certFile],
    ["tls-key", tls?.keyFile],
    ["client-ca", config.clientCaFile],
    ["client-crl", config.clientCrlFile],
    ["config", config.configFile],
    ["outbox", outbox && outbox !== NATS_OUTBOX ? `${outbox}/outbox.sqlite` : undefined],
  ];
  const written = [["cpuprofile", cpuProfileFile], ["memprofile", memProfileFile]] as const;
  for (const [flag, name] of written) {
    const [other] = read.find(([, each]) => name !== undefined && each === name) ?? [];
    if (name !== undefined && other !== undefined) {
      return `--${flag}: ${
        shownFile(name)
      } is not allowed: it would be written over --${other}'s ` +
        "file; allowed is another one";
    }
  }
  return undefined;
}

/** What works, and is hardly meant. In the order of the flags that it names. */
export function warningsOf(config: Config, settings: Settings): SettingWarning[] {
  const warnings: SettingWarning[] = [];
  const warn = (flag: FlagName, is: boolean, reason: string): void => {
    if (is) warnings.push({ flag, reason });
  };
  const isGiven = (flag: FlagName): boolean => settings.get(flag)?.isDefault === false;
  for (const [name, setting] of settings) {
    const instead = name === "nats" ? "WS2API_NATS" : "--api-token-file FILE or WS2API_API_TOKEN";
    warn(
      name,
      isExposedSecret(name, setting),
      "a secret on the command line is seen by every user of this machine, and printed by " +
        `deno task: give it by ${instead}`,
    );
  }
  const hasToken = [config.apiToken, config.apiTokenFile, config.apiTokensFile]
    .some((given) => given !== undefined);
  warn("insecure-api", isGiven("insecure-api") && hasToken, "a token is given, so it does nothing");
  warn(
    "forwarder",
    config.forwarder === "tcp" && config.hasProxy && isGiven("forwarder"),
    "a variable names a proxy, which only fetch goes through",
  );
  warn(
    "away-hold",
    config.awayHoldMs > LONGEST_HOLD_MS,
    "hardly any client waits for more than five minutes for the answer to a CALL",
  );
  warn(
    "outcome-retention",
    config.outcomeRetentionMs < LEAST_RETENTION_MS,
    "an Idempotency-Key that is forgotten within 10 s hardly keeps a CALL from being sent twice",
  );
  warn(
    "report-ttl",
    config.reportTtlMs < config.backendTimeoutMs,
    "it is shorter than --backend-timeout: a report may be parked after its first try",
  );
  warn(
    "max-queue",
    isGiven("max-queue") && config.maxQueue > config.maxWaiting,
    "it is more than --max-waiting, which holds for all clients together",
  );
  warn(
    "max-buffered",
    config.maxBufferedBytes < config.maxMessageBytes,
    "it is less than --max-message: a client that is sent a larger one may be closed for it",
  );
  warn(
    "ping-interval",
    config.pingIntervalMs > 0 && config.pingIntervalMs < LEAST_PING_MS,
    "pings closer than 5 s cost much and end connections that are only slow",
  );
  warn(
    "drain-timeout",
    config.drainTimeoutMs > LONGEST_DRAIN_MS,
    "whoever stops the gateway hardly waits for more than an hour",
  );
  warn(
    "nats-subject",
    isGiven("nats-subject") && config.nats === undefined,
    "without --nats it does nothing",
  );
  warn(
    "allow-action",
    config.allowActions.length > 0 && config.validate === "off",
    "without --validate it does nothing",
  );
  return warnings;
}

/** Whether two listeners cannot be there at once. Port 0 is another one each time. */
function overlap(a: ListenAddress, b: ListenAddress): boolean {
  if (a.port === 0 || a.port !== b.port) return false;
  return a.host === b.host || isEverywhere(a.host) || isEverywhere(b.host) ||
    (isLoopback(a.host) && isLoopback(b.host) && [a.host, b.host].includes("localhost"));
}

/** Whether a base URL leads to a listener on this machine. */
function isAt({ host, port }: ListenAddress, backend: string): boolean {
  if (port === 0 || backend.startsWith("unix:")) return false;
  const url = new URL(backend);
  const backendPort = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  const backendHost = url.hostname.replace(/^\[|\]$/g, "");
  if (backendPort !== port) return false;
  return backendHost === host || (isEverywhere(host) && isLoopback(backendHost)) ||
    (isLoopback(host) && isLoopback(backendHost) && [host, backendHost].includes("localhost"));
}
