/**
 * HTTP on the connections that come in, until each is a WebSocket or at its end.
 *
 * @module
 */

import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Clock, within } from "../clock.ts";
import { problem } from "../problem.ts";
import { type Answer, type HttpRequest, isSwitched, type UpgradeSocket } from "../request.ts";
import { asksForWebSocket, hasBody, type HttpConnection, readRequest } from "./incoming.ts";
import { Listening, type Place } from "./listening.ts";
import { sendResponse } from "./outgoing.ts";
import {
  faultOf,
  lastWords,
  type RefusalsDeps,
  tellRefusal,
  TOO_SLOW,
  type Unread,
} from "./refusals.ts";
import { Unfinished } from "./unfinished.ts";

/** Answers one request from the peer with this address. */
export type Handler = (request: HttpRequest, peer: string) => Answer | Promise<Answer>;

export interface HttpServerOptions extends RefusalsDeps {
  readonly handler: Handler;
  /** @returns The address of who is at the other end; undefined for one who has no business here. */
  readonly peerOf: (socket: Socket) => string | undefined;
  /** The certificate that it showed in the handshake of TLS, checked (DER). */
  readonly certificateOf?: ((socket: Socket) => Uint8Array | undefined) | undefined;
  /** Whether one more connection may be held, beside so many that speak HTTP here. */
  readonly hasRoom: (count: number) => boolean;
  readonly clock: Clock;
}

/** How long a head, a whole request, or the peer's taking of a response may take. */
const LIMIT_MS = 10_000;
/** How long a connection may be idle between requests; the runtime adds a second. */
const IDLE_MS = 9000;
const CHECK_MS = 500;
/** What a head may have. Node's own bound, and twice that of nginx. */
const MAX_HEAD_BYTES = 16 * 1024;
/** What is read of a body that nobody takes. */
const READ_AHEAD_BYTES = 16 * 1024;
/** Requests of one connection that may wait for the answers to earlier ones. */
const MAX_PIPELINED = 100;
/** Also an answer to a `POST /call` that is none: nothing was sent. */
const NOT_SENT = { "ws2api-outcome": "not-sent" };

/**
 * Serves HTTP/1.1 by `node:http`: `Deno.serve` has no time limit for a head, a body or an idle
 * connection. What has not become a WebSocket or a whole request in 10 s is closed.
 */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #listening: Listening;
  /** Connections that speak HTTP. */
  readonly #connections = new Map<Socket, HttpConnection>();
  /** Connections that wait for the answer to their upgrade. */
  readonly #upgrading = new Set<Socket>();
  readonly #fresh: Unfinished;
  readonly #idle: Unfinished;
  readonly #leaving: Unfinished;
  /** For connections that another server has accepted; it listens nowhere. */
  #adopting: Server | undefined;
  /** One for all connections. */
  readonly #onClose: (this: Socket) => void;
  #underWay = 0;
  #onNoneUnderWay = (): void => {};

  constructor(options: HttpServerOptions) {
    this.#options = options;
    // Those of which no whole request has come, between two requests, and whose peer takes no response.
    this.#fresh = new Unfinished(options.clock, LIMIT_MS, (connection) => {
      const socket = connection as Socket;
      if (socket.bytesRead > 0) this.#tell(socket, TOO_SLOW);
    });
    this.#idle = new Unfinished(options.clock, LIMIT_MS);
    const forget = (socket: Socket): void => this.#forget(socket);
    this.#onClose = function () {
      forget(this);
    };
    this.#leaving = new Unfinished(options.clock, LIMIT_MS);
    this.#listening = new Listening(() => this.#create(), options.clock, options.log);
  }

  /** Begins to listen; rejects when it cannot. */
  listen(place: Place): Promise<Deno.NetAddr> {
    return this.#listening.start(place);
  }

  /** Serves a connection that another server has accepted. */
  adopt(socket: Socket): void {
    // One that does not listen ends each connection behind its first answer.
    this.#adopting ??= Object.defineProperty(this.#create(), "listening", { value: true });
    this.#adopting.emit("connection", socket);
  }

  /** Stops listening, waits for the responses under way, and cuts what is left at the time-out. */
  async stop(timeoutMs: number): Promise<void> {
    const { clock } = this.#options;
    this.#listening.stop();
    const answered = new Promise<void>((resolve) => this.#onNoneUnderWay = resolve);
    if (this.#underWay > 0) await within(clock, answered, timeoutMs);
    for (const list of [this.#fresh, this.#idle, this.#leaving]) list.stop();
    for (const socket of [...this.#connections.keys(), ...this.#upgrading]) socket.destroy();
  }

  #create(): Server {
    const limits = {
      headersTimeout: LIMIT_MS,
      requestTimeout: LIMIT_MS,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: CHECK_MS,
      maxHeaderSize: MAX_HEAD_BYTES,
      highWaterMark: READ_AHEAD_BYTES,
      shouldUpgradeCallback: asksForWebSocket,
      // It would answer without a word in the log; `readRequest` looks at it.
      requireHostHeader: false,
    };
    const server = createServer(limits);
    // By their size heads are bounded; what is beyond a number would be left out without a word.
    server.maxHeadersCount = 0;
    // A peer may end its side behind its request.
    Reflect.set(server, "httpAllowHalfOpen", true);
    return server
      .on("connection", (socket: Socket) => this.#accept(socket))
      .on("request", (message, out) => this.#request(message, out))
      .on("checkExpectation", ({ socket }, out) => {
        this.#tell(socket, { status: "417", reason: "an Expect header that means nothing here" });
        // Its body, if it has one, is not waited for.
        out.writeHead(417, { "content-length": "0", "connection": "close" }).end();
      })
      .on("upgrade", (message, stream, head) => {
        const socket = stream as Socket;
        const certificate = this.#options.certificateOf?.(socket);
        this.#own(socket, this.#upgrade(message, { socket, head, certificate }));
      })
      .on("clientError", (error, socket) => this.#refuse(error, socket as Socket));
  }

  /** A fault of ours costs the connection, and nothing else. */
  #own(socket: Socket, served: Promise<void>): void {
    served.catch((error) => {
      this.#options.log.error("a request failed", { error: String(error) });
      socket.destroy();
    });
  }

  #accept(socket: Socket): void {
    const { hasRoom } = this.#options;
    const hasPlace = hasRoom(this.#connections.size) || this.#fresh.makeRoom() ||
      this.#idle.makeRoom();
    if (!hasPlace) return void socket.destroy();
    const address = socket.remoteAddress ?? "";
    this.#connections.set(socket, { address, current: undefined, waiting: [] });
    this.#fresh.enter(socket, address);
    socket.setNoDelay(true);
    socket.once("close", this.#onClose);
  }

  #forget(socket: Socket): void {
    this.#connections.delete(socket);
    this.#upgrading.delete(socket);
    for (const list of [this.#fresh, this.#idle, this.#leaving]) list.leave(socket);
  }

  /** Serves a connection's requests one after the other: many may come at once. */
  #request(message: IncomingMessage, out: ServerResponse): void {
    const { socket } = message;
    const connection = this.#connections.get(socket);
    if (connection === undefined || socket.destroyed) return;
    const serve = (): void => this.#own(socket, this.#serve(message, out, connection));
    if (connection.current === undefined) serve();
    else if (connection.waiting.length < MAX_PIPELINED) connection.waiting.push(serve);
    else socket.destroy();
  }

  async #serve(
    message: IncomingMessage,
    out: ServerResponse,
    connection: HttpConnection,
  ): Promise<void> {
    const { socket } = message;
    connection.current = message;
    const end = this.#begin(socket);
    out.once("finish", end).once("close", end);
    if (hasBody(message)) {
      this.#fresh.enter(socket, connection.address);
      message.once("end", () => this.#fresh.leave(socket));
    } else this.#fresh.leave(socket);
    // Behind a request that asks for another protocol the parser reads no other one.
    if (message.headers.upgrade !== undefined) {
      out.shouldKeepAlive = false;
      out.once("finish", () => socket.destroySoon());
    }
    const response = await this.#answer(readRequest(message), socket);
    if (isSwitched(response)) throw new TypeError("only an upgrade becomes a WebSocket");
    const { address } = connection;
    await sendResponse(response, out, {
      waits: () => this.#connections.has(socket) && this.#leaving.enter(socket, address),
      goesOn: () => this.#leaving.leave(socket),
    });
  }

  async #upgrade(message: IncomingMessage, upgrade: UpgradeSocket): Promise<void> {
    const { socket } = upgrade;
    const connection = this.#connections.get(socket);
    // No client asks for that before it has its answer to what it asked first.
    if (connection?.current !== undefined || connection === undefined) return void socket.destroy();
    this.#forget(socket);
    this.#upgrading.add(socket);
    const end = this.#begin(socket);
    socket.once("close", end);
    // One that breaks while it waits is noticed by whoever writes to it.
    socket.on("error", ignore);
    const response = await this.#answer(readRequest(message, upgrade), socket);
    if (isSwitched(response)) {
      // It is the WebSocket's from now on, and keeps nothing of this.
      socket.off("close", end).off("close", this.#onClose);
      this.#forget(socket);
      return end();
    }
    const out = new ServerResponse(message);
    out.shouldKeepAlive = false;
    out.assignSocket(socket);
    out.once("finish", () => socket.destroySoon());
    const { address } = connection;
    await sendResponse(response, out, {
      waits: () => this.#upgrading.has(socket) && this.#leaving.enter(socket, address),
      goesOn: () => this.#leaving.leave(socket),
    });
  }

  /** Rejects only for bugs of this file. */
  async #answer(request: HttpRequest | undefined, socket: Socket): Promise<Answer> {
    const { handler, peerOf, log } = this.#options;
    const peer = peerOf(socket);
    if (peer === undefined) {
      const reason = "TLS is needed";
      this.#tell(socket, { status: "403", reason });
      return problem(403, reason, NOT_SENT);
    }
    if (request === undefined) {
      const reason = "the request's version, target, Host or another header is not valid";
      this.#tell(socket, { status: "400", reason });
      return problem(400, reason, NOT_SENT);
    }
    try {
      return await handler(request, peer);
    } catch (error) {
      log.error("a request failed", { error: String(error) });
      return problem(500, "the gateway failed", NOT_SENT);
    }
  }

  /**
   * A request is under way until its response has left, or its connection has ended.
   *
   * @returns Ends it; once is enough.
   */
  #begin(socket: Socket): () => void {
    this.#idle.leave(socket);
    this.#underWay++;
    let isUnderWay = true;
    return () => {
      if (!isUnderWay) return;
      isUnderWay = false;
      if (--this.#underWay === 0) this.#onNoneUnderWay();
      const connection = this.#connections.get(socket);
      if (connection === undefined) return;
      this.#leaving.leave(socket);
      connection.current = undefined;
      const next = connection.waiting.shift();
      if (next !== undefined) next();
      else if (socket.readableEnded) socket.destroySoon();
      else this.#idle.enter(socket, connection.address);
    };
  }

  /** Tells a peer whose bytes are no request, as far as it listens, and ends its connection. */
  #refuse(error: Error & { code?: string }, socket: Socket): void {
    const fault = faultOf(error);
    const current = this.#connections.get(socket)?.current;
    // Nothing is refused where nothing was sent, or where the peer has gone.
    if (socket.bytesRead > 0 && socket.writable) this.#tell(socket, fault);
    // Behind a whole request whose answer has not left it would be taken for that answer.
    if (current?.complete === true || !socket.writable) return void socket.destroy();
    socket.end(lastWords(fault), () => socket.destroy());
  }

  #tell(socket: Socket, refusal: Unread): void {
    tellRefusal(this.#options, this.#options.peerOf(socket) ?? socket.remoteAddress, refusal);
  }
}

function ignore(): void {}
