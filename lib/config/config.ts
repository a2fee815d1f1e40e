/**
 * Command line and environment to a configuration.
 *
 * @module
 */

import { readCommandLine, type Told } from "./command_line.ts";
import type { ConfigFile } from "./config_file.ts";
import type { NatsAddress } from "./nats_address.ts";
import { forwarderOf, PROXY_VARIABLES } from "./forwarder_kind.ts";
import { type FlagName, FLAGS, variableOf } from "./flag.ts";
import type { Flag } from "./flag_kind.ts";
import { type Setting, settingOf, type Settings, type Source } from "./setting.ts";
import { isLoopback } from "./place.ts";
import { shownFile, shownValue } from "./shown.ts";
import type { ListenAddress, RateLimit, ReadValue } from "./value.ts";

/** All settings, checked. Durations are in milliseconds, sizes in bytes. */
export interface Config {
  readonly listen: ListenAddress;
  readonly apiListen: ListenAddress | undefined;
  /** Base URL of the backend, which ends with a slash; or `unix:/path/of.socket`. */
  readonly backend: string;
  readonly apiToken: string | undefined;
  readonly apiTokenFile: string | undefined;
  readonly apiTokensFile: string | undefined;
  /** As browsers write them. */
  readonly allowOrigins: readonly string[];
  readonly noTail: boolean;
  /** Begins and ends with a slash. */
  readonly wsPath: string;
  readonly trustProxy: boolean;
  readonly protocols: readonly string[];
  readonly requireProtocol: boolean;
  readonly noCommonProtocol: "refuse" | "close";
  /** The implementation of WebSockets. */
  readonly websocket: "deno" | "ws";
  /** Whether messages are compressed for clients that offer it. */
  readonly compression: boolean;
  readonly connectHook: boolean;
  readonly disconnectHook: boolean;
  readonly signKeyFile: string | undefined;
  readonly backendTimeoutMs: number;
  readonly backendConnections: number;
  readonly forwarder: "fetch" | "tcp";
  /** The environment names a proxy, which `fetch` goes through. */
  readonly hasProxy: boolean;
  readonly retries: number;
  readonly awayHoldMs: number;
  /** What comes of a CALL while the backend is away: its client is closed, or gets a CALLERROR. */
  readonly backendAway: "close" | "answer";
  /** A folder, or `NATS_OUTBOX`; undefined for none. */
  readonly outbox: string | undefined;
  readonly outboxMaxBytes: number;
  readonly isOutboxMaxBytesAsked: boolean;
  /** How long a CALL is known after its end. */
  readonly outcomeRetentionMs: number;
  readonly reportTtlMs: number;
  readonly maxReports: number;
  readonly callTimeoutMs: number;
  readonly callConcurrency: number;
  readonly maxQueue: number;
  readonly maxWaiting: number;
  readonly maxMessageBytes: number;
  readonly maxBufferedBytes: number;
  readonly maxMemoryBytes: number;
  readonly maxConnections: number;
  /** Whether somebody asked for that many: the default is no wish. */
  readonly isMaxConnectionsAsked: boolean;
  /** Infinity for no limit, undefined when nobody knows. */
  readonly openFiles: number | undefined;
  /** Undefined for no limit. */
  readonly connectRate: number | undefined;
  /** Undefined for no limit. */
  readonly clientRate: RateLimit | undefined;
  readonly tcpBacklog: number;
  /** 0 for no pings. */
  readonly pingIntervalMs: number;
  readonly drainTimeoutMs: number;
  /** Threads, or one for each core. */
  readonly workers: number | "auto";
  /** Other gateways may listen on the same ports. */
  readonly reusePort: boolean;
  /** Undefined for an instance without others. */
  readonly nats: NatsAddress | undefined;
  readonly natsCredsFile: string | undefined;
  readonly natsCaFile: string | undefined;
  readonly natsSubject: string;
  readonly validate: "off" | "warn" | "strict";
  /** Actions that pass unchecked. */
  readonly allowActions: readonly string[];
  readonly tls: TlsFiles | undefined;
  /** The CAs of clients' certificates; undefined when none is asked for. */
  readonly clientCaFile: string | undefined;
  /** Certificates of those that are revoked. */
  readonly clientCrlFile: string | undefined;
  readonly configFile: string | undefined;
  /** Whether it only says what it would run with. */
  readonly isCheck: boolean;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly logFormat: "text" | "json";
  readonly cpuProfileFile: string | undefined;
  readonly memProfileFile: string | undefined;
}

/** Names of PEM files. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** What the command line asks for. */
export type Invocation =
  | {
    readonly kind: "run";
    readonly config: Config;
    /** Each flag's setting, with where it comes from. */
    readonly settings: Settings;
  }
  | Told;

/** Without these an API may be open that should not be: empty is not as good as absent. */
const GUARDS: readonly FlagName[] = ["api-token", "api-token-file", "api-tokens-file"];

/**
 * Reads the command line. A flag counts more than its variable, a variable more than the file, the file
 * more than the default; an empty variable counts as none, except for the token and the files, where that
 * would open the API.
 *
 * @param args The arguments behind the program's name.
 * @param variable Reads one environment variable.
 * @param version The program's version.
 * @param file The one that `--config` names.
 * @returns What to do. Pure but for `variable`; never throws for bad input.
 */
export function readInvocation(
  args: readonly string[],
  variable: (name: string) => string | undefined,
  version: string,
  file?: ConfigFile,
): Invocation {
  const line = readCommandLine(args, version);
  if (line.kind !== "given") return line;
  const { texts } = line;
  let refusal: string | undefined;
  const settings = new Map<FlagName, Setting>();

  function take<N extends FlagName>(name: N): ValueOf<N> | undefined {
    const flag: Flag<unknown> = FLAGS[name];
    let source: Source = "flag";
    let text = texts.get(name);
    if (text === undefined) {
      source = "variable";
      text = variable(variableOf(name));
      if (text === "" && !GUARDS.includes(name)) text = undefined;
    }
    if (text === undefined) {
      source = "file";
      text = file?.texts.get(name);
    }
    if (text === undefined) {
      source = "default";
      text = flag.default;
    }
    if (text === undefined) return undefined;
    const read = flag.read(text);
    if (read.ok) {
      settings.set(name, settingOf(name, text, read.value, source));
      return read.value as ValueOf<N>;
    }
    const shown = flag.isSecret === true ? "the value given" : shownValue(text);
    refusal ??= `${placeOf(name, source)}: ${shown} is not allowed; allowed is ${read.allowed}`;
    return undefined;
  }

  function placeOf(name: FlagName, source: Source): string {
    if (source === "variable") return `--${name} (${variableOf(name)})`;
    if (source === "file") return `--${name} (${name} in ${shownFile(file?.name ?? "")})`;
    return `--${name}`;
  }

  // A flag with a default has a value or has set `refusal`.
  function must<N extends FlagName>(name: N): ValueOf<N> {
    return take(name) as ValueOf<N>;
  }

  function isAsked(name: FlagName): boolean {
    return (settings.get(name)?.source ?? "default") !== "default";
  }

  const hasProxy = PROXY_VARIABLES.some((name) =>
    [name, name.toUpperCase()].some((each) => (variable(each) ?? "") !== "")
  );
  const insecureApi = must("insecure-api");
  const maxMessageBytes = must("max-message");
  const certFile = take("tls-cert");
  const keyFile = take("tls-key");
  const config: Config = {
    listen: must("listen"),
    apiListen: take("api-listen"),
    backend: must("backend"),
    apiToken: take("api-token"),
    apiTokenFile: take("api-token-file"),
    apiTokensFile: take("api-tokens-file"),
    allowOrigins: take("allow-origin") ?? [],
    noTail: must("no-tail"),
    wsPath: must("ws-path"),
    trustProxy: must("trust-proxy"),
    protocols: must("protocols"),
    requireProtocol: must("require-protocol"),
    noCommonProtocol: must("no-common-protocol"),
    websocket: must("websocket"),
    compression: must("compression"),
    connectHook: must("connect-hook"),
    disconnectHook: must("disconnect-hook"),
    signKeyFile: take("sign-key-file"),
    backendTimeoutMs: must("backend-timeout"),
    backendConnections: must("backend-connections"),
    forwarder: forwarderOf(must("forwarder"), take("backend") ?? "", hasProxy),
    hasProxy,
    retries: must("retries"),
    awayHoldMs: must("away-hold"),
    backendAway: must("backend-away"),
    outbox: take("outbox"),
    outboxMaxBytes: must("outbox-max-bytes"),
    isOutboxMaxBytesAsked: isAsked("outbox-max-bytes"),
    outcomeRetentionMs: must("outcome-retention"),
    reportTtlMs: must("report-ttl"),
    maxReports: must("max-reports"),
    callTimeoutMs: must("call-timeout"),
    callConcurrency: must("call-concurrency"),
    maxQueue: must("max-queue"),
    maxWaiting: must("max-waiting"),
    maxMessageBytes,
    maxBufferedBytes: take("max-buffered") ?? 4 * maxMessageBytes,
    maxMemoryBytes: must("max-memory"),
    maxConnections: must("max-connections"),
    isMaxConnectionsAsked: isAsked("max-connections"),
    openFiles: take("open-files"),
    connectRate: take("connect-rate"),
    clientRate: take("client-rate"),
    tcpBacklog: must("tcp-backlog"),
    pingIntervalMs: must("ping-interval"),
    drainTimeoutMs: must("drain-timeout"),
    workers: must("workers"),
    reusePort: must("reuse-port"),
    nats: take("nats"),
    natsCredsFile: take("nats-creds"),
    natsCaFile: take("nats-ca"),
    natsSubject: must("nats-subject"),
    validate: must("validate"),
    allowActions: take("allow-action") ?? [],
    tls: certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile },
    clientCaFile: take("client-ca"),
    clientCrlFile: take("client-crl"),
    // Read by now.
    configFile: take("config"),
    isCheck: must("check"),
    logLevel: must("log-level"),
    logFormat: must("log-format"),
    cpuProfileFile: take("cpuprofile"),
    memProfileFile: take("memprofile"),
  };
  if (refusal !== undefined) return { kind: "refuse", message: refusal };
  if ((certFile === undefined) !== (keyFile === undefined)) {
    const [given, missing] = certFile === undefined ? ["key", "cert"] : ["cert", "key"];
    const message = `--tls-${given}: is not allowed alone; allowed is with --tls-${missing} FILE`;
    return { kind: "refuse", message };
  }
  if (config.apiToken !== undefined && config.apiTokenFile !== undefined) {
    const message = "--api-token-file: is not allowed with --api-token; allowed is one of them";
    return { kind: "refuse", message };
  }
  if (config.forwarder === "fetch" && config.backend.startsWith("unix:")) {
    const message = "--forwarder: fetch is not allowed with a unix: backend; allowed is tcp";
    return { kind: "refuse", message };
  }
  if (config.cpuProfileFile !== undefined && config.cpuProfileFile === config.memProfileFile) {
    const message =
      "--memprofile: is not allowed to be --cpuprofile's file; allowed is another one";
    return { kind: "refuse", message };
  }
  const apiAddress = config.apiListen ?? config.listen;
  const hasToken = [config.apiToken, config.apiTokenFile, config.apiTokensFile]
    .some((given) => given !== undefined);
  if (!hasToken && !insecureApi && !isLoopback(apiAddress.host)) {
    const name = config.apiListen === undefined ? "--listen" : "--api-listen";
    return {
      kind: "refuse",
      message:
        `${name}: an API without a token on an address that is not loopback would let anyone ` +
        "command every client; give --api-token-file FILE (or --api-tokens-file FILE), or a loopback " +
        "--api-listen (such as --api-listen 127.0.0.1:4001), or --insecure-api",
    };
  }
  return { kind: "run", config, settings };
}

type ValueOf<N extends FlagName> = (typeof FLAGS)[N]["read"] extends
  (text: string) => ReadValue<infer T> ? T : never;
