/**
 * Texts that take long to read.
 *
 * @module
 */

import type { TextName } from "./attack.ts";

/** Just under `--max-message`'s default, whatever stands around it. */
const MAX_CHARS = 1024 ** 2 - 200;

/** The hash of a string of digits has its number in it, and these differ in bits that are dropped. */
const STEP = 16_384;

/** @param each The element with this number, comma included. */
function many(each: (i: number) => string): string {
  const parts: string[] = [];
  let chars = 0;
  for (let i = 0; chars < MAX_CHARS - 100; i++) {
    const part = each(i);
    parts.push(part);
    chars += part.length;
  }
  return parts.join("").slice(0, -1);
}

function collisions(): string {
  return `[${many((i) => `"${i * STEP}",`)}]`;
}

function brackets(): string {
  return "[".repeat(MAX_CHARS / 2) + "]".repeat(MAX_CHARS / 2);
}

/** Objects of a few members whose names nothing else has: the engine keeps a shape for each. */
function members(): string {
  return `[${many((i) => `{"a${i}":0,"b${i}":0,"c${i}":0,"d${i}":0,"e${i}":0},`)}]`;
}

/** In a CALL whose payload is read when payloads are checked. */
function inPayload(data: string): string {
  return `[2,"1","DataTransfer",{"vendorId":"v","data":${data}}]`;
}

/** The text of that name: as a text that is no frame, or in the payload of a CALL. */
export function textOf(name: TextName): string {
  switch (name) {
    case "collisions":
      return collisions();
    case "collisions in a payload":
      return inPayload(collisions());
    case "brackets":
      return brackets();
    case "brackets in a payload":
      return inPayload(brackets());
    case "members":
      return members();
    case "members in a payload":
      return inPayload(members());
  }
}
