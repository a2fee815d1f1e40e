/**
 * A process: the gateway's way from a client's CALL to the backend and back, written for Node with
 * `ws` and `undici` as one would for production.
 *
 *     node ws_bridge.cjs http://127.0.0.1:5000
 *
 * @module
 */

"use strict";

const process = require("node:process");
const { WebSocket, WebSocketServer } = require("ws");
const { Backend, faultOf, ready } = require("./backend.cjs");
const { Lane } = require("./lane.cjs");

const PING_MS = 30_000;
const MAX_MESSAGE_BYTES = 1024 ** 2;
const MAX_WAITING = 64;
const INTERNAL_ERROR = { code: "InternalError", description: "no answer", details: {} };
const FORMATION_VIOLATION = { code: "FormationViolation", description: "no frame", details: {} };

const backend = new Backend(process.argv[2]);
/** @type {Map<string, Client>} */
const clients = new Map();

/** One client's socket. */
class Client {
  /** Whether anything came since the last ping. */
  isAlive = true;
  #socket;
  #segment;
  #address;
  #lane = new Lane();

  constructor(socket, clientId, address) {
    this.#socket = socket;
    this.#segment = encodeURIComponent(clientId);
    this.#address = address;
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    socket.on("pong", () => {
      this.isAlive = true;
    });
    // The close that follows says all there is to say.
    socket.on("error", () => {});
  }

  #receive(data, isBinary) {
    this.isAlive = true;
    if (isBinary) return this.close(1003, "binary");
    let frame;
    try {
      frame = JSON.parse(data.toString());
    } catch {
      return this.#fail("-1", FORMATION_VIOLATION);
    }
    const [type, id, action, payload] = Array.isArray(frame) ? frame : [];
    if (type === 3 || type === 4) return;
    if (
      type !== 2 || typeof id !== "string" || typeof action !== "string" ||
      typeof payload !== "object"
    ) {
      return this.#fail(typeof id === "string" ? id : "-1", FORMATION_VIOLATION);
    }
    if (this.#lane.waiting >= MAX_WAITING) return this.close(1008, "queue full");
    void this.#lane.run(() => this.#call(id, action, payload ?? {}));
  }

  async #call(id, action, payload) {
    const path = `/call/${encodeURIComponent(action)}/${this.#segment}/${encodeURIComponent(id)}`;
    let answer;
    try {
      answer = await backend.post(path, this.#address, JSON.stringify(payload));
    } catch {
      return this.#fail(id, INTERNAL_ERROR);
    }
    const { status, text } = answer;
    if (status >= 200 && status < 300) {
      this.#send(`[3,${JSON.stringify(id)},${text === "" ? "{}" : text}]`);
    } else {
      this.#fail(id, faultOf(status, text));
    }
  }

  #fail(id, { code, description, details }) {
    this.#send(JSON.stringify([4, id, code, description, details]));
  }

  #send(text) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  close(code, reason) {
    this.#socket.close(code, reason);
  }

  /** Pings, or cuts a client that did not answer the last one. */
  check() {
    if (!this.isAlive) return this.#socket.terminate();
    this.isAlive = false;
    this.#socket.ping();
  }
}

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  perMessageDeflate: false,
  // `clients` below is by ClientId.
  clientTracking: false,
  maxPayload: MAX_MESSAGE_BYTES,
});
server.on("connection", (socket, request) => {
  const clientId = decodeURIComponent(request.url.slice(request.url.lastIndexOf("/") + 1));
  const client = new Client(socket, clientId, request.socket.remoteAddress);
  clients.get(clientId)?.close(1008, "replaced");
  clients.set(clientId, client);
  socket.on("close", () => {
    if (clients.get(clientId) === client) clients.delete(clientId);
  });
});
setInterval(() => {
  for (const client of clients.values()) client.check();
}, PING_MS);
server.on("listening", () => ready(server.address().port));
