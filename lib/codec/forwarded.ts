/**
 * The Forwarded header of a proxy (RFC 7239).
 *
 * @module
 */

/** One `name=value`; a value that holds more than a token should be in quotes, and often is not. */
const PAIR = /[ \t]*(?:([\w!#$%&'*+.^`|~-]+)=(?:([^\s",;]+)|"((?:[^"\\]|\\.)*)")[ \t]*)?(;|$)/y;

/**
 * Reads who was at the other end of the last proxy's connection: the `for` of the last element.
 *
 * The last, because that is what the proxy has written which speaks to us; whatever stands before it may
 * come from the client. So it is looked for from the end: no quote that a client left open can swallow it.
 *
 * @param header The header's value, several of them joined by commas.
 * @returns The node as it stands there without its quotes, such as `[2001:db8::7]:4711`, `unknown` or
 * `_hidden`; undefined when the last element names none, names two, or cannot be read.
 *
 * @example
 * ```ts
 * import { readForwardedFor } from "./forwarded.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(readForwardedFor('for=10.0.0.1, For="[2001:db8::7]:4711";proto=https'), "[2001:db8::7]:4711");
 * strictEqual(readForwardedFor("for=10.0.0.1, proto=https"), undefined);
 * ```
 */
export function readForwardedFor(header: string): string | undefined {
  const element = lastElementOf(header);
  let node: string | undefined;
  const pairs = new RegExp(PAIR);
  for (;;) {
    const pair = pairs.exec(element);
    if (pair === null) return undefined;
    const [, name, bare, quoted, end] = pair;
    if (name?.toLowerCase() === "for") {
      if (node !== undefined) return undefined;
      node = bare ?? quoted!.replaceAll(/\\(.)/g, "$1");
    }
    if (end === "") return node;
  }
}

/** What stands behind the last comma that is in no quotes. */
function lastElementOf(header: string): string {
  let isQuoted = false;
  for (let i = header.length - 1; i >= 0; i--) {
    if (header[i] === '"' && !isEscaped(header, i)) isQuoted = !isQuoted;
    else if (header[i] === "," && !isQuoted) return header.slice(i + 1);
  }
  return header;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}
