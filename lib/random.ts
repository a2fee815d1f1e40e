/**
 * Chance, passed in so that tests can repeat it.
 *
 * @module
 */

import { v4 } from "uuid";

export interface Random {
  /** From 0 up to, but not including, 1. */
  fraction(): number;
  /** Bytes that nobody can guess. */
  bytes(length: number): Uint8Array;
}

/** The machine's. */
export const systemRandom: Random = {
  fraction: () => Math.random(),
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

/** A UUIDv4: a name that nobody else has. */
export function randomUuid(random: Pick<Random, "bytes">): string {
  return v4({ random: random.bytes(16) });
}
