import { strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { readRetryAfterMs } from "../../lib/codec/retry_after.ts";

const NOW = Date.UTC(1994, 10, 6, 8, 49, 7);

Deno.test("Retry-After is seconds or one of three forms of a date, and else nothing", async (t) => {
  const rows: [header: string | undefined, ms: number | undefined][] = [
    ["0", 0],
    ["120", 120_000],
    [" 5 ", 5000],
    // However long: whoever heeds it has a bound of his own.
    ["9999999999", 9_999_999_999_000],
    ["1".repeat(64), Number("1".repeat(64)) * 1000],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 30_000],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 30_000],
    ["Sun Nov  6 08:49:37 1994", 30_000],
    ["Sun, 06 Nov 1994 08:49:00 GMT", 0],
    [undefined, undefined],
    ...["", "-1", "1.5", "1e3", "5s", "0x10", "1,2", "soon", "1994-11-06T08:49:37Z"]
      .map((header): [string, undefined] => [header, undefined]),
    ["Sun, 06 Nov 1994 08:49:37", undefined],
    ["Sun, 06 Nov 1994 08:49:37 +0100", undefined],
    ["Sun, 06 Foo 1994 08:49:37 GMT", undefined],
    ["Sun, 46 Nov 1994 08:49:37 GMT", undefined],
    ["1".repeat(100), undefined],
  ];
  for (const [header, ms] of rows) {
    await t.step(`${header}`, () => strictEqual(readRetryAfterMs(header, NOW), ms));
  }
});

Deno.test("Retry-After of any text is no time before now, and does not throw", () => {
  fc.assert(fc.property(fc.string(), (header) => {
    const ms = readRetryAfterMs(header, NOW);
    strictEqual(ms === undefined || ms >= 0, true);
  }));
});
