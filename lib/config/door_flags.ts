/**
 * The flags that say who gets in, and how.
 *
 * @module
 */

import { flag, list, onOff } from "./flag_kind.ts";
import { oneOf, pathPrefix, protocolList } from "./value.ts";

/** A part of `FLAGS`. */
export const DOOR_FLAGS = {
  "ws-path": flag(pathPrefix, "PREFIX", "/", "clients connect to PREFIX + ClientId"),
  "trust-proxy": onOff(
    "believe what the peer says of a client: its address (the last one), TLS, its certificate",
  ),
  "protocols": list(flag(
    protocolList,
    "LIST",
    "ocpp2.1,ocpp2.0.1,ocpp1.6",
    "subprotocols served; the first one in the client's order wins",
  )),
  "require-protocol": onOff("refuse a client that offers no subprotocol"),
  "no-common-protocol": flag(
    oneOf("refuse", "close"),
    "WHAT",
    "refuse",
    "a client that offers only others: refuse answers 400; close answers 101, then closes with 1002",
  ),
  "websocket": flag(
    oneOf("deno", "ws"),
    "KIND",
    "deno",
    "deno: the runtime's WebSockets; ws: the library ws, which can compress, bound a message at its " +
      "head, ask for client certificates and hold a fast sender back",
  ),
  "compression": onOff(
    "compress messages for clients that offer it (permessage-deflate); needs --websocket ws",
  ),
  "connect-hook": onOff("ask the backend about each client: POST /connect/<ClientId>"),
  "disconnect-hook": onOff("tell the backend of each end: POST /disconnect/<ClientId>"),
} as const;
