/**
 * What a token may do.
 *
 * @module
 */

import type { Role, Token } from "../config/token.ts";

/** What somebody wants to do. Whoever has a token at all may read. */
export type Deed =
  /** To send a CALL or a SEND. */
  | { readonly kind: "command"; readonly action: string; readonly clientId: string }
  | { readonly kind: "disconnect"; readonly clientId: string }
  /** To look at the payloads of a client's frames. */
  | { readonly kind: "payloads"; readonly clientId: string }
  /** To look into the outbox and change it; null for the reports of all clients. */
  | { readonly kind: "outbox"; readonly clientId: string | null };

/** The least role for it, and what it is called: in general, and for one client. */
const RULES = {
  command: { role: "command", any: "send CALLs and SENDs", one: "send to this client" },
  disconnect: { role: "admin", any: "disconnect clients", one: "disconnect this client" },
  payloads: { role: "admin", any: "look at payloads", one: "look at this client's payloads" },
  outbox: { role: "admin", any: "look into the outbox", one: "look at this client's reports" },
} as const satisfies Record<Deed["kind"], { role: Role; any: string; one: string }>;

/** Each role may what those before it may. */
const RANKS = { read: 0, command: 1, admin: 2 } as const satisfies Record<Role, number>;

/**
 * Whether a token may do something. Pure.
 *
 * @returns Null if it may; otherwise what is missing, in words that name the token.
 *
 * @example
 * ```ts
 * import { may } from "./may.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * const token = { name: "php", role: "command", actions: ["Get*"] } as const;
 * strictEqual(may(token, { kind: "command", action: "GetLog", clientId: "CP1" }), null);
 * strictEqual(
 *   may(token, { kind: "command", action: "Reset", clientId: "CP1" }),
 *   'the token "php" may not send this Action',
 * );
 * ```
 */
export function may(
  token: Pick<Token, "name" | "role" | "actions" | "clients">,
  deed: Deed,
): string | null {
  const { name, actions, clients } = token;
  const missing = lacks(token, deed.kind);
  if (missing !== null) return missing;
  const who = `the token ${JSON.stringify(name)}`;
  if (deed.clientId === null) {
    return clients === undefined ? null : `${who} may not look at the reports of all clients`;
  }
  if (!fits(deed.clientId, clients)) return `${who} may not ${RULES[deed.kind].one}`;
  return deed.kind === "command" && !fits(deed.action, actions)
    ? `${who} may not send this Action`
    : null;
}

/**
 * Whether a token's role lacks what something needs, whatever the client. Pure.
 *
 * @returns Null if it does not; otherwise what is missing.
 */
export function lacks(
  { name, role }: Pick<Token, "name" | "role">,
  kind: Deed["kind"],
): string | null {
  const rule = RULES[kind];
  if (RANKS[role] >= RANKS[rule.role]) return null;
  const needed = rule.role === "admin" ? "admin" : `${rule.role} or admin`;
  return `the token ${JSON.stringify(name)} has the role ${role} and may not ${rule.any}: ` +
    `the role ${needed} is needed`;
}

/** What a token may do with one client. */
export interface Access {
  readonly disconnect: boolean;
  readonly payloads: boolean;
  /** Patterns of the Actions that it may send to it; null for all, empty for none. */
  readonly actions: readonly string[] | null;
}

/** The same as `may`, for one client and all that may be done with it. */
export function accessTo(token: Token, clientId: string): Access {
  // Whoever may send anything at all may send the first of its Actions.
  const action = token.actions?.[0] ?? "";
  return {
    disconnect: may(token, { kind: "disconnect", clientId }) === null,
    payloads: may(token, { kind: "payloads", clientId }) === null,
    actions: may(token, { kind: "command", action, clientId }) === null
      ? token.actions ?? null
      : [],
  };
}

/** What a token may do, whichever the client. */
export interface GeneralAccess {
  /** Patterns of the clients whose reports it may see and change; null for all, empty for none. */
  readonly reports: readonly string[] | null;
}

/** The same as `may`, for what concerns no single client. */
export function generalAccess(token: Token): GeneralAccess {
  return { reports: lacks(token, "outbox") === null ? token.clients ?? null : [] };
}

/** @param patterns Names, each with a `*` at its end or none; undefined for all. */
function fits(name: string, patterns: readonly string[] | undefined): boolean {
  return patterns === undefined ||
    patterns.some((pattern) =>
      pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern
    );
}
