/**
 * The HTTP upgrade: ask, refuse, or hand over a socket.
 *
 * @module
 */

import { isIP } from "node:net";
import { v7 as uuidv7 } from "uuid";
import { pause } from "../clock.ts";
import { decodeClientId } from "../codec/route.ts";
import { negotiate, offeredProtocols } from "../codec/subprotocol.ts";
import type { RefusalReason } from "../metrics/metrics.ts";
import { problem } from "../problem.ts";
import { TurnGate } from "../queue/turn_gate.ts";
import { Connection, type Shared } from "../client/connection.ts";
import type { Identity } from "../identity.ts";
import { askBackend, type Credentials } from "./hook.ts";
import { Rate } from "./rate.ts";
import { disconnectReport, postReport } from "../report/report.ts";

export interface UpgradeOptions {
  /** Begins and ends with a slash. */
  readonly wsPath: string;
  readonly protocols: readonly string[];
  readonly requireProtocol: boolean;
  readonly trustProxy: boolean;
  readonly maxConnections: number;
  /** 0 for no pings. */
  readonly pingIntervalMs: number;
  /** Upgrades let in each second; undefined for no limit. */
  readonly connectRate: number | undefined;
  /** Whether the backend is asked about each client. */
  readonly connectHook: boolean;
}

export interface UpgradeDeps {
  readonly shared: Shared;
  readonly memory: { readonly isTight: boolean };
  readonly random: () => number;
}

/**
 * Answers a client's request.
 *
 * @param request The request.
 * @param path Its path as `rawPath` gives it.
 * @param peer The address at the other end of the socket.
 */
export type Upgrade = (
  request: Request,
  path: string,
  peer: string,
) => Response | Promise<Response>;

/** Whether a request wants to become a WebSocket. */
export function isUpgrade(request: Request): boolean {
  return request.method === "GET" && hasToken(request.headers.get("upgrade"), "websocket");
}

function hasToken(header: string | null, token: string): boolean {
  return header !== null &&
    header.split(",").some((part) => part.trim().toLowerCase() === token);
}

/** Sockets beyond the bound for clients that replace their own: the older ones close in seconds. */
const TAKEOVER_ROOM = 1000;

/**
 * Upgrades in one turn of the event loop. Each is 0.4 ms of CPU: in a storm of them those who are
 * connected are served on.
 */
const MAX_UPGRADES = 8;

/** In this time the end of a client that has gone while it was held back comes round. */
const SETTLE_MS = 5;

/** Who asks for an upgrade, as far as that is known. */
interface Asker {
  readonly clientId?: string;
  readonly remoteAddress: string;
}

/** Makes the part that turns upgrades into connections. */
export function createUpgrade(options: UpgradeOptions, deps: UpgradeDeps): Upgrade {
  const { wsPath, protocols, requireProtocol, trustProxy, maxConnections, connectRate } = options;
  const { shared, memory, random } = deps;
  const { sockets, forwarder, clock, metrics, log } = shared;
  const gate = new TurnGate(MAX_UPGRADES, clock);
  const rate = connectRate === undefined ? undefined : new Rate(connectRate, clock);

  function refuse(
    who: Asker,
    cause: RefusalReason,
    status: number,
    detail: string,
    headers?: Record<string, string>,
  ): Response {
    metrics.refused[cause].add(1);
    const { clientId = null, remoteAddress } = who;
    log.warn("upgrade refused", { clientId, remoteAddress, cause, status, reason: detail });
    return problem(status, detail, headers);
  }

  /** Not now: the jitter keeps those who are refused together from coming back together. */
  function refuseForNow(who: Asker, cause: RefusalReason, detail: string): Response {
    return refuse(who, cause, 503, detail, {
      "retry-after": String(1 + Math.floor(random() * 10)),
    });
  }

  return function upgrade(request, path, peer) {
    const { headers } = request;
    const remoteAddress = addressOf(peer, trustProxy ? headers.get("x-forwarded-for") : null);
    let who: Asker = { remoteAddress };
    const isOurs = path.startsWith(wsPath);
    const rawClientId = path.slice(wsPath.length);
    if (!isUpgrade(request)) {
      return !isOurs || rawClientId === "" || rawClientId.includes("/")
        ? problem(404, "no such path")
        : problem(426, "a client connects with a WebSocket upgrade", {
          upgrade: "websocket",
          connection: "Upgrade",
        });
    }
    if (!isOurs) return refuse(who, "path", 404, "no such path");
    const clientId = decodeClientId(rawClientId);
    if (clientId === undefined) return refuse(who, "client_id", 400, "the path holds no ClientId");
    who = { clientId, remoteAddress };
    if (headers.get("sec-websocket-version") !== "13") {
      const headers = { "sec-websocket-version": "13" };
      return refuse(who, "handshake", 426, "the WebSocket version must be 13", headers);
    }
    // Deno checks neither of these (RFC 6455 §4.2.1).
    if (!hasToken(headers.get("connection"), "upgrade")) {
      return refuse(who, "handshake", 400, "the Connection header does not say Upgrade");
    }
    if (!/^[A-Za-z0-9+/]{22}==$/.test(headers.get("sec-websocket-key") ?? "")) {
      return refuse(who, "handshake", 400, "the Sec-WebSocket-Key is not 16 bytes in base64");
    }
    const agreed = negotiate(headers.get("sec-websocket-protocol"), protocols);
    if (agreed.kind === "none_offered" && requireProtocol) {
      return refuse(
        who,
        "protocol",
        400,
        `a subprotocol is needed, one of ${protocols.join(", ")}`,
      );
    }
    if (shared.isShuttingDown()) {
      return refuseForNow(who, "shutdown", "the gateway is shutting down");
    }
    // A client that comes back before its old connection is known to be dead must be let in.
    const isTakeover = shared.connections.get(clientId) !== undefined;
    const room = isTakeover ? maxConnections + TAKEOVER_ROOM : maxConnections;
    if (sockets.total >= room) return refuseForNow(who, "connections", "too many connections");
    if (memory.isTight) return refuseForNow(who, "memory", "memory is short");
    if (rate?.take() === false) {
      return refuseForNow(who, "rate", "too many clients connect at once");
    }
    // All that is needed of the request is read before the upgrade; afterwards reading throws.
    const identity: Identity = {
      clientId,
      connectionId: uuidv7(),
      protocol: agreed.kind === "agreed" ? agreed.protocol : null,
      remoteAddress,
      connectedAt: Date.now(),
    };
    if (agreed.kind === "none_in_common") {
      // OCPP-J 1.6 §3.1.2: complete the handshake without a subprotocol, then close.
      metrics.refused.protocol.add(1);
      const reason = "no subprotocol in common";
      log.warn("upgrade refused", { ...who, cause: "protocol", status: 101, reason });
      const { response, socket } = open(request, null);
      let isGivenUp = false;
      sockets.enterOpening(socket, () => isGivenUp = true);
      socket.addEventListener("open", () => {
        if (isGivenUp) return sockets.cut(socket);
        sockets.opened(socket);
        socket.addEventListener("close", () => sockets.leave(socket), { once: true });
        sockets.close(socket, 1002, "no subprotocol in common");
      }, { once: true });
      return response;
    }
    if (!options.connectHook) return letIn(request, identity);
    const credentials = {
      protocols: offeredProtocols(headers.get("sec-websocket-protocol")),
      authorization: headers.get("authorization"),
    };
    return askAndLetIn(request, identity, credentials);
  };

  async function askAndLetIn(
    request: Request,
    identity: Identity,
    credentials: Credentials,
  ): Promise<Response> {
    // Counted while the backend decides: a storm must not pass the bound in the meantime.
    sockets.enter();
    // Taken before the wait: a signal that is first asked for later knows nothing of an earlier abort.
    const { signal } = request;
    const verdict = await askBackend(forwarder, identity, credentials);
    sockets.leave();
    switch (verdict.kind) {
      case "denied": {
        const { status, challenge } = verdict;
        const headers = challenge === null ? undefined : { "www-authenticate": challenge };
        return refuse(
          identity,
          "denied",
          status,
          "the backend does not let this client in",
          headers,
        );
      }
      case "unavailable":
        return refuseForNow(
          identity,
          "backend",
          `the backend cannot say who gets in: ${verdict.failure}`,
        );
      case "accepted":
        // Neither open nor close would ever come of a client that has gone in the meantime.
        if (signal.aborted || shared.isShuttingDown()) return turnAway(identity);
        return await letIn(request, identity);
    }
  }

  /** For a client that is not let in after all; one that the backend accepted gets its disconnect. */
  function turnAway(identity: Identity): Response {
    if (options.connectHook && shared.disconnectHook) {
      const report = disconnectReport(1006, "");
      shared.backlog.enter(report.body);
      // Never rejects, and a shutdown waits for it; the refusal need not.
      void postReport(shared, identity, report);
    }
    return shared.isShuttingDown()
      ? refuseForNow(identity, "shutdown", "the gateway is shutting down")
      : refuseForNow(identity, "gone", "the client has gone");
  }

  function letIn(request: Request, identity: Identity): Response | Promise<Response> {
    if (gate.isOpen) return gate.begin(() => connect(request, identity));
    // Counted while it waits, and asked for its end before: later it would know of none.
    sockets.enter();
    const { signal } = request;
    return gate.begin(async () => {
      await pause(clock, SETTLE_MS);
      sockets.leave();
      if (signal.aborted || shared.isShuttingDown()) return turnAway(identity);
      return connect(request, identity);
    });
  }

  function connect(request: Request, identity: Identity): Response {
    const { response, socket } = open(request, identity.protocol);
    new Connection(socket, identity, shared);
    return response;
  }

  function open(request: Request, protocol: string | null): Deno.WebSocketUpgrade {
    // The runtime pings after half of its idle time-out, and closes at its end.
    const idleTimeout = 2 * options.pingIntervalMs / 1000;
    const upgraded = Deno.upgradeWebSocket(request, { idleTimeout });
    // Given as an option it would throw for offers without a blank behind the comma.
    if (protocol !== null) upgraded.response.headers.set("sec-websocket-protocol", protocol);
    upgraded.socket.binaryType = "arraybuffer";
    return upgraded;
  }
}

/**
 * The client's address: the last one that the trusted peer named, or the peer's own.
 *
 * The last, because that is the one which the peer has seen itself; whatever stands before it may
 * come from the client.
 *
 * @param peer The address at the other end of the socket.
 * @param forwardedFor The X-Forwarded-For header, null when it is absent or not to be believed.
 */
export function addressOf(peer: string, forwardedFor: string | null): string {
  const named = forwardedFor?.split(",").at(-1)?.trim() ?? "";
  const address = isIP(named) === 0 ? peer : named;
  // A socket that listens on [::] shows IPv4 peers in this form.
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}
