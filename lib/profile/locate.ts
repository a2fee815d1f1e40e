/**
 * Positions in the code that V8 runs to lines of the source.
 *
 * @module
 */

import { runInThisContext } from "node:vm";

/**
 * Finds the line of the source, from 1.
 *
 * @param url The file as V8 names it.
 * @param line Where in the code that V8 runs, from 0.
 * @param column Likewise; `Infinity` for the end of the line.
 */
export type Locate = (url: string, line: number, column: number) => number;

/** V8 keeps columns in 31 bits, some of them for itself; no line is as long as this. */
const LAST_COLUMN = 100_000;

/**
 * Makes a `Locate` that remembers what it found.
 *
 * The runtime turns TypeScript into JavaScript with other line numbers, and keeps the source maps to
 * itself: the inspector, unlike a stack trace, shows the lines of the JavaScript. So this asks for a
 * stack trace: that of an error which is made by a script that claims to stand at the position in
 * question. Where the runtime does not map it, the position stays as it is.
 *
 * @returns For files that are no TypeScript it gives the line as it stands.
 */
export function createLocate(): Locate {
  const known = new Map<string, number>();
  return (url, line, column) => {
    if (!/^file:.*\.[cm]?tsx?(?:\?|$)/.test(url)) return line + 1;
    const columnOffset = Math.min(column, LAST_COLUMN);
    const key = `${line}:${columnOffset}:${url}`;
    let found = known.get(key);
    if (found === undefined) {
      found = ask(url, line, columnOffset) ?? line + 1;
      known.set(key, found);
    }
    return found;
  };
}

function ask(filename: string, lineOffset: number, columnOffset: number): number | undefined {
  const stack: unknown = runInThisContext("new Error().stack", {
    filename,
    lineOffset,
    columnOffset,
  });
  const [, frame = ""] = String(stack).split("\n");
  const match = /:(\d+):\d+\)?$/.exec(frame);
  return match !== null && frame.includes(filename) ? Number(match[1]) : undefined;
}
