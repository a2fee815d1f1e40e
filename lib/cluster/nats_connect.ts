/**
 * Connecting to NATS.
 *
 * @module
 */

import {
  connect,
  type ConnectionOptions,
  credsAuthenticator,
  type NatsConnection,
} from "@nats-io/transport-node";
import type { NatsAddress } from "./nats_address.ts";

/** What stands in files. */
export interface NatsSecrets {
  /** A credentials file's bytes (JWT and seed). */
  readonly credentials?: Uint8Array | undefined;
  /** Certificates (PEM) of the authority that signed the servers'. */
  readonly ca?: string | undefined;
}

/** How long one try may take. */
const CONNECT_MS = 5000;
const RECONNECT_MS = 500;
/** A server that does not answer two of these is left. */
const PING_MS = 3000;

/** Tries once. Once connected, the library reconnects for ever, and subscribes again by itself. */
export function connectNats(
  { servers, isTls, user, password, token }: NatsAddress,
  { credentials, ca }: NatsSecrets,
): Promise<NatsConnection> {
  const options: ConnectionOptions = {
    servers: [...servers],
    name: "ws2api",
    // Answers of this instance to its own questions would only be in the way.
    noEcho: true,
    timeout: CONNECT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    reconnectJitter: RECONNECT_MS,
    reconnectJitterTLS: RECONNECT_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    // Who may connect can change while this runs.
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  };
  if (isTls || ca !== undefined) options.tls = ca === undefined ? {} : { ca };
  if (user !== undefined) options.user = user;
  if (password !== undefined) options.pass = password;
  if (token !== undefined) options.token = token;
  if (credentials !== undefined) options.authenticator = credsAuthenticator(credentials);
  return connect(options);
}
