/**
 * The HTTP upgrade: ask, refuse, or hand over a socket.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { offeredProtocols } from "../codec/subprotocol.ts";
import { ABNORMAL } from "../client/ending.ts";
import type { Identity } from "../identity.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { problem } from "../problem.ts";
import type { Backlog } from "../queue/backlog.ts";
import { TurnGate } from "../queue/turn_gate.ts";
import type { Random } from "../random.ts";
import type { Deliveries } from "../report/deliveries.ts";
import { disconnectReport } from "../report/report.ts";
import { Opening } from "../socket/opening.ts";
import type { Socket, SocketMaker } from "../socket/socket.ts";
import type { Sockets } from "../socket/sockets.ts";
import { type Arrival, isGone } from "./arrival.ts";
import { STRANGENESS_TEXTS } from "./browser.ts";
import { TimeOrderedIds } from "../ids.ts";
import {
  type HandshakeOptions,
  isUpgrade,
  notAnUpgrade,
  readHandshake,
  type Refusal,
} from "./handshake.ts";
import type { ConnectHook, Credentials } from "./hook.ts";
import { retryAfter, SOON, WHILE_AWAY } from "./not_now.ts";
import { addressOf, certificateOf, tlsOf } from "./proxy.ts";
import { ChangingRate } from "./rate.ts";
import type { Answer, HttpRequest } from "../request.ts";
import { upgradesPerTurn } from "./upgrades_per_turn.ts";

/** Those that are limits are looked at for each upgrade: they may change. */
export interface UpgradeOptions extends HandshakeOptions {
  /** Whether what the peer says of the client is believed. */
  readonly trustProxy: boolean;
  readonly maxConnections: number;
  /** 0 for no pings. */
  readonly pingIntervalMs: number;
  /** Upgrades let in each second; undefined for no limit. */
  readonly connectRate: number | undefined;
  /** Whether the backend is told of each end of a connection. */
  readonly disconnectHook: boolean;
}

export interface UpgradeDeps {
  readonly maker: Pick<SocketMaker, "upgrade">;
  readonly sockets: Sockets;
  /** Asks the backend about each client; undefined when it is not asked. */
  readonly hook?: ConnectHook | undefined;
  /** Takes over a client's socket that is not open yet. */
  readonly connect: (socket: Socket, identity: Identity) => void;
  /** Who is connected. */
  readonly connections: { get(clientId: string): object | undefined };
  readonly memory: { readonly isTight: boolean };
  /** Says when nobody is let in because the backend is away; undefined when that is no reason. */
  readonly closesWhen?: { readonly isAway: boolean } | undefined;
  readonly isShuttingDown: () => boolean;
  readonly backlog: Pick<Backlog, "count">;
  readonly deliveries: Pick<Deliveries, "deliver" | "disconnects">;
  readonly metrics: Pick<Metrics, "refused">;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  /** What ids of connections are made of. */
  readonly time: Pick<Clock, "wallNow">;
}

/**
 * Answers a client's request.
 *
 * @param request The request.
 * @param path Its path as `rawPath` gives it.
 */
export type Upgrade = (
  request: HttpRequest,
  path: string,
  arrival: Arrival,
) => Answer | Promise<Answer>;

/** Sockets beyond the bound for clients that replace their own: the older ones close in seconds. */
const TAKEOVER_ROOM = 1000;

/**
 * A connection is let in only while its end can be told: those held and those whose end the backend has
 * not taken are at most this many times `--max-connections`. Twice, so that all can come back at once.
 */
const ROOM_FOR_ENDS = 2;

/** RFC 6455 §7.4.1 */
const PROTOCOL_ERROR = 1002;

/** Who asks for an upgrade, as far as that is known. */
interface Asker {
  readonly clientId?: string | undefined;
  readonly remoteAddress: string;
}

/** Makes the part that turns upgrades into connections. */
export function createUpgrade(options: UpgradeOptions, deps: UpgradeDeps): Upgrade {
  const { wsPath, trustProxy } = options;
  const { sockets, memory, hook, backlog, deliveries } = deps;
  const { isShuttingDown, clock, random, metrics, log } = deps;
  const ids = new TimeOrderedIds(deps.time, random);
  const gate = new TurnGate<() => void>(
    () => upgradesPerTurn(backlog.count),
    clock,
    (begin) => begin(),
  );
  const rate = new ChangingRate(() => options.connectRate, clock);

  function refuse(who: Asker, { cause, status, detail, headers }: Refusal): Response {
    metrics.refused[cause].add(1);
    const { clientId = null, remoteAddress } = who;
    log.warn("upgrade refused", { clientId, remoteAddress, cause, status, reason: detail });
    return problem(status, detail, headers);
  }

  function refuseForNow(
    who: Asker,
    cause: Refusal["cause"],
    detail: string,
    comeBack = SOON,
  ): Response {
    const headers = retryAfter(comeBack, random);
    return refuse(who, { cause, status: 503, detail, headers });
  }

  return function upgrade(request, path, { peer, isTls, strangeness }) {
    const { headers } = request;
    if (!isUpgrade(request)) {
      return strangeness === null
        ? notAnUpgrade(path, wsPath)
        : problem(403, STRANGENESS_TEXTS[strangeness]);
    }
    const believed = trustProxy ? headers : null;
    const remoteAddress = addressOf(peer, believed);
    const handshake = readHandshake(headers, path, options);
    const { clientId } = handshake;
    const who: Asker = { clientId, remoteAddress };
    if (strangeness !== null) {
      const detail = STRANGENESS_TEXTS[strangeness];
      return refuse(who, { cause: "origin", status: 403, detail });
    }
    if (!handshake.ok) return refuse(who, handshake.refusal);
    // Its headers ask for one, but the HTTP parser did not see it.
    if (request.upgrade === undefined) {
      const detail = "the Connection header is not valid";
      return refuse(who, { cause: "handshake", status: 400, detail });
    }
    const clientCertificate = certificateOf(believed, request.upgrade.certificate);
    if (clientCertificate === undefined) {
      const detail = "the Client-Cert header is not one certificate";
      return refuse(who, { cause: "certificate", status: 400, detail });
    }
    if (isShuttingDown()) return refuseForNow(who, "shutdown", "the gateway is shutting down");
    // Before anything is asked or closed: who is connected stays, also when it asks once more.
    if (deps.closesWhen?.isAway === true) {
      return refuseForNow(who, "backend", "the backend is away", WHILE_AWAY);
    }
    // A client that comes back before its old connection is known to be dead must be let in.
    const isTakeover = deps.connections.get(handshake.clientId) !== undefined;
    const room = options.maxConnections + (isTakeover ? TAKEOVER_ROOM : 0);
    if (sockets.total >= room) return refuseForNow(who, "connections", "too many connections");
    if (memory.isTight) return refuseForNow(who, "memory", "memory is short");
    if (!hasRoomForEnd()) {
      return refuseForNow(who, "hooks", "too many ends of connections wait for the backend");
    }
    const credentials: Credentials = {
      protocols: offeredProtocols(headers.get("sec-websocket-protocol")),
      authorization: headers.get("authorization"),
      tls: tlsOf(isTls, believed),
      clientCertificate,
    };
    const isAsked = hook !== undefined && !hook.remembers(handshake.clientId, credentials);
    if (isAsked && !hook.hasRoom) {
      return refuseForNow(who, "hooks", "too many clients wait for the backend's answer");
    }
    if (!rate.take()) {
      return refuseForNow(who, "rate", "too many clients connect at once");
    }
    const { agreed } = handshake;
    const identity: Identity = {
      clientId: handshake.clientId,
      connectionId: ids.next(),
      protocol: agreed.kind === "agreed" ? agreed.protocol : null,
      remoteAddress,
      connectedAt: clock.wallNow(),
    };
    if (agreed.kind === "none_in_common") return refuseOpen(request, identity);
    return isAsked ? askAndLetIn(request, identity, hook, credentials) : letIn(request, identity);
  };

  /** None is ever dropped, so there must be room for one before it can come to be. */
  function hasRoomForEnd(): boolean {
    return !options.disconnectHook ||
      sockets.total + deliveries.disconnects < ROOM_FOR_ENDS * options.maxConnections;
  }

  /** As OCPP-J has it (1.6 §3.2): complete the handshake without a subprotocol, then close. */
  function refuseOpen(request: HttpRequest, { clientId, remoteAddress }: Identity): Answer {
    const reason = "no subprotocol in common";
    metrics.refused.protocol.add(1);
    const names = { clientId, remoteAddress, cause: "protocol" };
    log.warn("upgrade refused", { ...names, status: 101, reason });
    const { response, socket } = open(request, null);
    new Opening(socket, sockets, {
      onOpen() {
        socket.addEventListener("close", {
          handleEvent() {
            socket.removeEventListener("close", this);
            sockets.leave(socket);
          },
        });
        sockets.close(socket, PROTOCOL_ERROR, reason);
      },
      onNever() {},
    });
    return response;
  }

  async function askAndLetIn(
    request: HttpRequest,
    identity: Identity,
    hook: ConnectHook,
    credentials: Credentials,
  ): Promise<Answer> {
    // Counted while the backend decides: a storm must not pass the bound in the meantime.
    sockets.enter();
    const verdict = await hook.ask(identity, credentials);
    sockets.leave();
    switch (verdict.kind) {
      case "denied": {
        const { status, challenge } = verdict;
        const detail = "the backend does not let this client in";
        const headers = challenge === null ? undefined : { "www-authenticate": challenge };
        return refuse(identity, { cause: "denied", status, detail, headers });
      }
      case "unavailable":
        return refuseForNow(
          identity,
          "backend",
          `the backend cannot say who gets in: ${verdict.failure}`,
        );
      case "accepted":
        // Neither open nor close would ever come of a client that has gone in the meantime.
        if (isGone(request) || isShuttingDown()) return turnAway(identity);
        return await letIn(request, identity);
    }
  }

  /** For a client that is not let in after all; one that the backend accepted gets its disconnect. */
  function turnAway(identity: Identity): Response {
    if (hook !== undefined && options.disconnectHook) {
      // The refusal need not wait for it.
      deliveries.deliver(identity, disconnectReport(ABNORMAL, ""));
    }
    return isShuttingDown()
      ? refuseForNow(identity, "shutdown", "the gateway is shutting down")
      : refuseForNow(identity, "gone", "the client has gone");
  }

  function letIn(request: HttpRequest, identity: Identity): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (gate.isOpen) return gate.begin(() => settle(() => connect(request, identity)));
      // Counted while it waits.
      sockets.enter();
      gate.begin(() => {
        sockets.leave();
        const isLate = isGone(request) || isShuttingDown();
        settle(() => isLate ? turnAway(identity) : connect(request, identity));
      });

      function settle(respond: () => Answer): void {
        try {
          resolve(respond());
        } catch (error) {
          reject(error);
        }
      }
    });
  }

  function connect(request: HttpRequest, identity: Identity): Answer {
    const { response, socket } = open(request, identity.protocol);
    deps.connect(socket, identity);
    return response;
  }

  function open(request: HttpRequest, protocol: string | null): ReturnType<SocketMaker["upgrade"]> {
    // It pings after half of its idle time-out.
    return deps.maker.upgrade(request, protocol, 2 * options.pingIntervalMs / 1000);
  }
}
