import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { RawHeaders } from "../../lib/listener/headers.ts";

const name = fc.oneof(
  fc.constantFrom("Host", "host", "HOST", "Origin", "x-a", "Sec-WebSocket-Protocol"),
  fc.string({ unit: "binary", maxLength: 12 }),
);
const value = fc.oneof(
  fc.constantFrom("", "a", " a\t", "a, b", "\t \t", "ü", "a\u0000", "a\r\nb: c", "\ud83d\udd0c"),
  fc.string({ unit: fc.constantFrom("a", " ", "\t", ",", "\u0001", "\u00ff", "\u007f") }),
);

/** What the platform's own class makes of them. */
function expected(raw: readonly string[]): Headers | undefined {
  const headers = new Headers();
  try {
    for (let at = 0; at < raw.length; at += 2) headers.append(raw[at]!, raw[at + 1]!);
    return headers;
  } catch {
    return undefined;
  }
}

Deno.test("headers are read as the platform reads them", () => {
  const lines = fc.array(fc.tuple(name, value), { maxLength: 6 });
  fc.assert(
    fc.property(lines, (all) => {
      const raw = all.flat();
      const headers = RawHeaders.of(raw);
      const other = expected(raw);
      strictEqual(headers === undefined, other === undefined);
      for (const asked of ["host", "origin", "x-a", "sec-websocket-protocol", "none"]) {
        deepStrictEqual(
          [headers?.get(asked), headers?.has(asked)],
          [other?.get(asked), other?.has(asked)],
        );
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a value of blanks alone is empty, and a long one is read at once", () => {
  const blanks = " ".repeat(1_000_000);
  const headers = RawHeaders.of(["a", blanks, "b", `x${blanks}y`])!;
  deepStrictEqual([headers.get("a"), headers.get("b")?.length], ["", 1_000_002]);
});
