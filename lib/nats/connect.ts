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
  type Server,
} from "@nats-io/transport-node";
import { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { NatsAddress } from "../config/nats_address.ts";
import { CONNECT_MS, PING_MS, RECONNECT_MS } from "./times.ts";
import { inboxPrefix } from "./subject.ts";

/** What stands in files. */
export interface NatsSecrets {
  /** A credentials file's bytes (JWT and seed). */
  readonly credentials?: Uint8Array | undefined;
  /** Certificates (PEM) of the authority that signed the servers'. */
  readonly ca?: string | undefined;
}

/**
 * Tries once. Once connected, the library reconnects for ever, and subscribes again by itself.
 *
 * @param prefix Begins each subject, those of answers too.
 */
export function connectNats(
  { servers, isTls, user, password, token }: NatsAddress,
  { credentials, ca }: NatsSecrets,
  prefix: string,
): Promise<NatsConnection> {
  const options: ConnectionOptions = {
    servers: [...servers],
    name: "ws2api",
    inboxPrefix: inboxPrefix(prefix),
    // Answers of this instance to its own questions would only be in the way.
    noEcho: true,
    timeout: CONNECT_MS,
    maxReconnectAttempts: -1,
    reconnectToServer: (servers) => triedLongestAgo(servers),
    reconnectTimeWait: RECONNECT_MS,
    reconnectJitter: RECONNECT_MS,
    reconnectJitterTLS: RECONNECT_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    // Who may connect can change while this runs.
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  };
  keepErrorListeners();
  if (isTls || ca !== undefined) options.tls = ca === undefined ? {} : { ca };
  if (user !== undefined) options.user = user;
  if (password !== undefined) options.pass = password;
  if (token !== undefined) options.token = token;
  if (credentials !== undefined) {
    // The library looks for the line feed of the last line, which may have been the file's last byte.
    options.authenticator = credsAuthenticator(Uint8Array.of(...credentials, 0x0a));
  }
  return connect(options);
}

/**
 * Not the one that has just been lost, as long as there is another: one that is frozen takes a connection
 * and says nothing.
 */
function triedLongestAgo(servers: readonly Server[]): Server {
  return servers.reduce((best, one) => one.lastConnect < best.lastConnect ? one : best);
}

/**
 * The library takes all listeners off a socket that it gives up, also while the socket's error is on
 * its way: a server that refuses a password often resets the connection right behind that. An error
 * without a listener ends the process. The library offers no way to its sockets, and nothing else
 * here uses Node's.
 */
function keepErrorListeners(): void {
  Socket.prototype.removeAllListeners = removeListeners;
}

function removeListeners(this: Socket, ...events: string[]): Socket {
  Duplex.prototype.removeAllListeners.apply(this, events as [string]);
  return this.on("error", ignore);
}

function ignore(): void {}
