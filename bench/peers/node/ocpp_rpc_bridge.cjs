/**
 * A process: the gateway's way from a client's CALL to the backend and back, written for Node with
 * `ocpp-rpc` and `undici` as one would for production.
 *
 *     node ocpp_rpc_bridge.cjs http://127.0.0.1:5000
 *
 * @module
 */

"use strict";

const process = require("node:process");
const { createRPCError, RPCServer } = require("ocpp-rpc");
const { Backend, faultOf, ready } = require("./backend.cjs");
const { Lane } = require("./lane.cjs");

const MAX_MESSAGE_BYTES = 1024 ** 2;
const TIMEOUT_MS = 30_000;

const backend = new Backend(process.argv[2]);
/** @type {Map<string, object>} */
const clients = new Map();

const server = new RPCServer({
  protocols: ["ocpp2.1", "ocpp2.0.1", "ocpp1.6"],
  strictMode: false,
  callConcurrency: 1,
  callTimeoutMs: TIMEOUT_MS,
  pingIntervalMs: TIMEOUT_MS,
  wssOptions: { perMessageDeflate: false, clientTracking: false, maxPayload: MAX_MESSAGE_BYTES },
});
server.auth((accept) => accept());
server.on("client", (client) => {
  const { identity, handshake } = client;
  const segment = encodeURIComponent(identity);
  const lane = new Lane();

  async function call(method, params, messageId) {
    const path = `/call/${encodeURIComponent(method)}/${segment}/${encodeURIComponent(messageId)}`;
    const body = JSON.stringify(params ?? {});
    const { status, text } = await backend.post(path, handshake.remoteAddress, body);
    if (status >= 200 && status < 300) return text === "" ? {} : JSON.parse(text);
    const { code, description, details } = faultOf(status, text);
    throw createRPCError(code, description, details);
  }

  client.handle(({ method, params, messageId }) => lane.run(() => call(method, params, messageId)));
  void clients.get(identity)?.close({ code: 1008, reason: "replaced" });
  clients.set(identity, client);
  client.once("close", () => {
    if (clients.get(identity) === client) clients.delete(identity);
  });
});

void server.listen(0, "127.0.0.1").then((listener) => ready(listener.address().port));
