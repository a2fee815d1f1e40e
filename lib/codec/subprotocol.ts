/**
 * Subprotocols: which one a connection speaks, and by whose rules it is answered.
 *
 * @module
 */

/** The OCPP version whose error codes and rules a connection follows. */
export type Dialect = "ocpp1.6" | "ocpp2.0.1" | "ocpp2.1";

/** What came of a client's offer. */
export type Negotiation =
  | { readonly kind: "agreed"; readonly protocol: string }
  /** Nothing was offered. */
  | { readonly kind: "none_offered" }
  /** Something was offered, but nothing that is served. */
  | { readonly kind: "none_in_common" };

/**
 * Chooses the subprotocol: the first one in the client's own order that is served
 * (RFC 6455 §4.2.2, OCPP-J 1.6 §3.1.2). Names are compared case-sensitively.
 *
 * @param offered The Sec-WebSocket-Protocol header's value, null without one. Blanks after the
 * commas are optional.
 * @param served The subprotocols served.
 * @returns What was agreed.
 *
 * @example
 * ```ts
 * import { negotiate } from "./subprotocol.ts";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * deepStrictEqual(negotiate("soap,ocpp1.6, ocpp2.1", ["ocpp2.1", "ocpp1.6"]), {
 *   kind: "agreed",
 *   protocol: "ocpp1.6",
 * });
 * ```
 */
export function negotiate(offered: string | null, served: readonly string[]): Negotiation {
  const names = offeredProtocols(offered);
  if (names.length === 0) return { kind: "none_offered" };
  const protocol = names.find((name) => served.includes(name));
  return protocol === undefined ? { kind: "none_in_common" } : { kind: "agreed", protocol };
}

/**
 * The names in a Sec-WebSocket-Protocol header, in the client's order.
 *
 * @param header The header's value, null without one.
 */
export function offeredProtocols(header: string | null): string[] {
  return (header ?? "").split(",").map((name) => name.trim()).filter((name) => name !== "");
}

/**
 * The dialect of a subprotocol. A connection without one, or with one that is not OCPP's, is
 * treated as ocpp1.6; ocpp2.0 follows its correction 2.0.1.
 *
 * @param protocol The negotiated subprotocol, null without one.
 */
export function dialectOf(protocol: string | null): Dialect {
  switch (protocol) {
    case "ocpp2.1":
      return "ocpp2.1";
    case "ocpp2.0.1":
    case "ocpp2.0":
      return "ocpp2.0.1";
    default:
      return "ocpp1.6";
  }
}
