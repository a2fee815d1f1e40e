/**
 * The file of `--api-tokens-file`: who may do what.
 *
 * @module
 */

/** What a token is for; each one includes those before it. */
const ROLES = ["read", "command", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** One token, without its text, which nobody keeps. */
export interface Token {
  /** Stands in the log. */
  readonly name: string;
  /** The SHA-256 of its text, 64 hex digits in small letters. */
  readonly sha256: string;
  readonly role: Role;
  /** Patterns of the Actions that it may send; undefined for all. */
  readonly actions?: readonly string[] | undefined;
  /** Patterns of the ClientIds that it may command; undefined for all. */
  readonly clients?: readonly string[] | undefined;
}

/** The name of `--api-token` in the log. */
export const FLAG_TOKEN = "api-token";

export type ReadTokens =
  | { readonly ok: true; readonly tokens: readonly Token[] }
  /** What is wrong, and in which entry. Never a token's digest. */
  | { readonly ok: false; readonly fault: string };

/** Each is looked at for each request. */
const MAX_TOKENS = 1000;
const MAX_NAME_CHARS = 64;
const MAX_PATTERNS = 1000;
/** No Action or ClientId is longer, and a `*` comes behind it. */
const MAX_PATTERN_CHARS = 256;
const KEYS = ["name", "sha256", "role", "actions", "clients"];

/**
 * Reads the file's text. Pure; never throws.
 *
 * @example
 * ```ts
 * import { readTokens } from "./token.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * const sha256 = "0".repeat(64);
 * const read = readTokens(JSON.stringify([{ name: "grafana", sha256, role: "read" }]));
 * strictEqual(read.ok && read.tokens[0]?.role, "read");
 * ```
 */
export function readTokens(text: string): ReadTokens {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return { ok: false, fault: "is no JSON" };
  }
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_TOKENS) {
    return { ok: false, fault: `must be a list of 1 to ${MAX_TOKENS} tokens` };
  }
  const tokens: Token[] = [];
  for (const [i, entry] of list.entries()) {
    const fault = faultOf(entry) ?? repeated(entry as Token, tokens);
    if (fault !== undefined) return { ok: false, fault: `entry ${i + 1}: ${fault}` };
    const { name, sha256, role, actions, clients } = entry as Token;
    tokens.push({ name, sha256: sha256.toLowerCase(), role, actions, clients });
  }
  return { ok: true, tokens };
}

function faultOf(entry: unknown): string | undefined {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
    return "must be an object";
  }
  const unknown = Object.keys(entry).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    return `${shown(unknown)} is not allowed; allowed are ${KEYS.join(", ")}`;
  }
  const { name, sha256, role, actions, clients } = entry as Record<string, unknown>;
  if (typeof name !== "string" || !isName(name)) {
    return `name must be a text of 1 to ${MAX_NAME_CHARS} characters, none of them a control ` +
      `character, and not - or ${FLAG_TOKEN}`;
  }
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/i.test(sha256)) {
    return "sha256 must be 64 hex digits: the SHA-256 of the token";
  }
  if (!ROLES.some((each) => each === role)) {
    return `role ${
      typeof role === "string" ? shown(role) : "of another type"
    } is not allowed; allowed are ${ROLES.join(", ")}`;
  }
  for (const [key, patterns] of Object.entries({ actions, clients })) {
    if (patterns === undefined) continue;
    if (role === "read") return `${key} is not allowed with role read, which commands nothing`;
    if (!isPatternList(patterns)) {
      return `${key} must be a list of 1 to ${MAX_PATTERNS} names, each with a * at its end or ` +
        "none; leave it out for all";
    }
  }
  return undefined;
}

function repeated({ name, sha256 }: Token, before: readonly Token[]): string | undefined {
  if (before.some((token) => token.name === name)) return `the name ${shown(name)} is taken`;
  const same = before.findIndex((token) => token.sha256 === sha256.toLowerCase());
  return same === -1 ? undefined : `its token is that of entry ${same + 1} too`;
}

function isName(name: string): boolean {
  return name !== "" && name.length <= MAX_NAME_CHARS && name !== "-" && name !== FLAG_TOKEN &&
    name.isWellFormed() && !/\p{Cc}/u.test(name);
}

function isPatternList(patterns: unknown): boolean {
  return Array.isArray(patterns) && patterns.length > 0 && patterns.length <= MAX_PATTERNS &&
    patterns.every((pattern) =>
      typeof pattern === "string" && pattern !== "" && pattern.length <= MAX_PATTERN_CHARS &&
      !pattern.slice(0, -1).includes("*")
    );
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, MAX_NAME_CHARS));
}
