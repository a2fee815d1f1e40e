/**
 * The flags: one table that `--help`, the environment variables and the defaults come from.
 *
 * @module
 */

import {
  actionList,
  backendUrl,
  bearerToken,
  duration,
  filePath,
  integer,
  listenAddress,
  natsUrls,
  oneOf,
  openFileCount,
  originList,
  outboxPlace,
  rateLimit,
  size,
  subjectPrefix,
  workerCount,
} from "./value.ts";
import { DOOR_FLAGS } from "./door_flags.ts";
import { flag, list, onOff, unset } from "./flag_kind.ts";

/** Every flag by its name without the dashes, in the order of the help. */
export const FLAGS = {
  "listen": flag(
    listenAddress,
    "[HOST]:PORT",
    "127.0.0.1:4000",
    "WebSocket clients and, unless --api-listen is given, the HTTP API",
  ),
  "backend": flag(
    backendUrl,
    "URL",
    "http://127.0.0.1:5000/",
    "base URL of the HTTP backend; its path is kept as a prefix; or unix:/PATH of its socket",
  ),
  "api-listen": unset(
    listenAddress,
    "[HOST]:PORT",
    "moves the HTTP API and the operator's pages off --listen",
  ),
  "api-token": {
    ...unset(bearerToken, "TOKEN", "the API then needs Authorization: Bearer TOKEN"),
    isSecret: true,
  },
  "api-token-file": unset(
    filePath,
    "FILE",
    "reads the API's token from a file; read again at SIGHUP",
  ),
  "api-tokens-file": unset(
    filePath,
    "FILE",
    "several tokens, each with a name and a role (JSON); read again at SIGHUP",
  ),
  "allow-origin": list(unset(
    originList,
    "LIST",
    "origins whose pages may connect and use the API, such as https://ops.example.com",
  )),
  "insecure-api": onOff("allow an API without a token on an address that is not loopback"),
  "no-tail": onOff("nobody can look at the frames of a client on the status page"),
  ...DOOR_FLAGS,
  "sign-key-file": unset(
    filePath,
    "FILE",
    "signs requests to the backend with the key in a file (Standard Webhooks); read again at SIGHUP",
  ),
  "backend-timeout": flag(
    duration(1),
    "DURATION",
    "30s",
    "one request to the backend, from sending to the whole answer",
  ),
  "backend-connections": flag(
    integer(1, 10_000),
    "N",
    "256",
    "most requests under way to the backend",
  ),
  "forwarder": flag(
    oneOf("auto", "fetch", "tcp"),
    "KIND",
    "auto",
    "tcp: own connections, what may have arrived is not repeated; fetch: for https and proxies",
  ),
  "retries": flag(
    integer(0, 100),
    "N",
    "3",
    "more tries after a request that failed; CALLs wait for --away-hold instead",
  ),
  "outbox": unset(
    outboxPlace,
    "DIR",
    "keeps accepted CALLs and their outcomes in a folder, or with the word nats in JetStream, until the backend has taken them",
  ),
  "outbox-max-bytes": flag(
    size(1024 ** 2, 1024 ** 4, "1024GiB"),
    "SIZE",
    "1GiB",
    "what --outbox nats may take in JetStream, on each server that keeps it; then CALLs to clients get 503",
  ),
  "away-hold": flag(
    duration(0),
    "DURATION",
    "15s",
    "how long a CALL waits for a backend that cannot be reached; then the backend is away",
  ),
  "backend-away": flag(
    oneOf("close", "answer"),
    "WHAT",
    "close",
    "a CALL while the backend is away: close closes its client with 1013 and refuses upgrades with 503; answer answers CALLERROR",
  ),
  "outcome-retention": flag(
    duration(1),
    "DURATION",
    "10m",
    "how long GET /call/... and an Idempotency-Key know a CALL after its end",
  ),
  "report-ttl": flag(
    // Thirty days: longer than any outage that somebody mends.
    duration(1000, 720),
    "DURATION",
    "72h",
    "how long an outcome or another report is tried before it is parked",
  ),
  "max-reports": flag(
    integer(1, 10_000_000),
    "N",
    "100000",
    "accepted CALLs whose outcome the backend has not; then CALLs to clients get 503",
  ),
  "call-timeout": flag(
    duration(1),
    "DURATION",
    "30s",
    "how long a client may take to answer a CALL",
  ),
  "call-concurrency": flag(
    integer(1, 1000),
    "N",
    "1",
    "CALLs outstanding to one client; more wait their turn",
  ),
  "max-queue": flag(
    integer(1, 100_000),
    "N",
    "256",
    "waiting messages for each client and direction",
  ),
  "max-waiting": flag(
    integer(1, 10_000_000),
    "N",
    "10000",
    "messages of all clients that wait for the backend; then CALLs are refused",
  ),
  "max-message": flag(
    size(128, 64 * 1024 ** 2, "64MiB"),
    "SIZE",
    "1MiB",
    "the largest frame, request body or backend answer",
  ),
  "max-buffered": unset(
    size(128, 1024 ** 3, "1GiB"),
    "SIZE",
    "bytes that may wait for a client that does not read; 4 times --max-message if not given",
  ),
  "max-memory": flag(
    size(64 * 1024 ** 2, 1024 ** 4, "1024GiB"),
    "SIZE",
    "8GiB",
    "resident memory; above it upgrades are refused, and clients cut that were silent longest",
  ),
  "max-connections": flag(
    integer(1, 10_000_000),
    "N",
    "200000",
    "clients connected; then upgrades are refused with 503",
  ),
  "open-files": unset(
    openFileCount,
    "N",
    "files that this process may open, or unlimited: deno task start tells it ulimit -n",
  ),
  "connect-rate": unset(
    integer(1, 1_000_000),
    "N",
    "upgrades let in each second; the rest is refused with 503 and Retry-After",
  ),
  "client-rate": unset(
    rateLimit,
    "N[:BURST]",
    "CALLs and SENDs a second from one client, BURST at once (10 times N if not given); others wait",
  ),
  "tcp-backlog": flag(
    integer(1, 65_535),
    "N",
    "4096",
    "connections that the kernel may hold until they are accepted",
  ),
  "ping-interval": flag(
    duration(0),
    "DURATION",
    "30s",
    "WebSocket ping to an idle client; one that stays silent is closed; 0s turns it off",
  ),
  "drain-timeout": flag(duration(0), "DURATION", "10s", "time for what is under way at a shutdown"),
  "workers": flag(
    workerCount,
    "N",
    "1",
    "threads that share the port, each with the whole gateway; auto is one for each core",
  ),
  "reuse-port": onOff("several gateways listen on one port; the kernel spreads the connections"),
  "nats": {
    ...list(unset(
      natsUrls,
      "URL[,URL]",
      "ties instances together over NATS: a CALL on any of them reaches every client",
    )),
    isSecret: true,
  },
  "nats-creds": unset(filePath, "FILE", "NATS credentials (JWT and seed)"),
  "nats-ca": unset(
    filePath,
    "FILE",
    "CA certificates (PEM) to check those of NATS servers against; implies TLS",
  ),
  "nats-subject": flag(
    subjectPrefix,
    "PREFIX",
    "ws2api",
    "begins each NATS subject; instances with another one are another gateway",
  ),
  "validate": flag(
    oneOf("off", "warn", "strict"),
    "MODE",
    "off",
    "payloads against the OCPP schemas, and who may send which Action: warn logs and counts what is wrong, strict refuses it",
  ),
  "allow-action": list(
    unset(actionList, "LIST", "Actions that --validate lets pass unchecked"),
  ),
  "tls-cert": unset(filePath, "FILE", "serve WSS and HTTPS with this certificate chain (PEM)"),
  "tls-key": unset(filePath, "FILE", "the key of --tls-cert (PEM); both are read again at SIGHUP"),
  "client-ca": unset(
    filePath,
    "FILE",
    "clients must show a certificate signed by one of these CAs (PEM); needs --websocket ws and TLS; " +
      "read again at SIGHUP",
  ),
  "client-crl": unset(
    filePath,
    "FILE",
    "certificates of --client-ca that are revoked (CRLs, PEM); read again at SIGHUP",
  ),
  "config": unset(
    filePath,
    "FILE",
    "reads flags from a file, their names without dashes (TOML or JSON by its name's end); a flag " +
      "and a variable count more; read again at SIGHUP",
  ),
  "check": onOff(
    "says whether configuration, files, backend and NATS are as they should be, and ends with 0 or 2",
  ),
  "log-level": flag(
    oneOf("debug", "info", "warn", "error"),
    "LEVEL",
    "info",
    "debug, info, warn or error",
  ),
  "log-format": flag(oneOf("text", "json"), "FORMAT", "text", "text or json, to standard error"),
  "cpuprofile": unset(
    filePath,
    "FILE",
    "where CPU time went, for go tool pprof; written at the shutdown and at SIGUSR2",
  ),
  "memprofile": unset(
    filePath,
    "FILE",
    "what is on the heap, for go tool pprof; written at the shutdown and at SIGUSR2",
  ),
} as const;

export type FlagName = keyof typeof FLAGS;

/** The environment variable of a flag: `--api-token` is `WS2API_API_TOKEN`. */
export function variableOf(name: FlagName): string {
  return `WS2API_${name.toUpperCase().replaceAll("-", "_")}`;
}
