/**
 * Characters for properties.
 *
 * @module
 */

import fc from "fast-check";

const SURROGATES = { first: 0xd800, count: 0x800 };

/**
 * Any code point that is no surrogate, the low ones more often: what fast-check calls `binary`, whose
 * own takes 1.5 s to make in each file that uses it.
 */
export const CHARACTER: fc.Arbitrary<string> = fc.nat(0x10ffff - SURROGATES.count).map(
  (n) => String.fromCodePoint(n < SURROGATES.first ? n : n + SURROGATES.count),
  (text) => {
    const n = typeof text === "string" ? text.codePointAt(0) : undefined;
    if (n === undefined || text !== String.fromCodePoint(n)) throw new Error("no character");
    if (n < SURROGATES.first) return n;
    if (n < SURROGATES.first + SURROGATES.count) throw new Error("a surrogate");
    return n - SURROGATES.count;
  },
);
