import { strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { MAX_AGE_SECONDS, readMaxAgeSeconds } from "../../lib/codec/cache_control.ts";

Deno.test("max-age is read where it is said once and nothing forbids it", async (t) => {
  const rows: [header: string | undefined, seconds: number][] = [
    [undefined, 0],
    ["", 0],
    [",", 0],
    ["max-age=60", 60],
    [" MAX-AGE = 60 ", 60],
    ["private, max-age=60, must-revalidate", 60],
    ['max-age="60"', 60],
    ["max-age=0", 0],
    ["max-age=0060", 60],
    ["max-age=86400", MAX_AGE_SECONDS],
    ["max-age=86401", MAX_AGE_SECONDS],
    [`max-age=${"9".repeat(400)}`, MAX_AGE_SECONDS],
    ["s-maxage=60", 0],
    ["x-max-age=60", 0],
    ["max-age", 0],
    ["max-age=", 0],
    ['max-age=""', 0],
    ['max-age="', 0],
    ["max-age=-60", 0],
    ["max-age=+60", 0],
    ["max-age=6e1", 0],
    ["max-age=60.0", 0],
    ["max-age=0x60", 0],
    ["max-age=60s", 0],
    ["max-age=6 0", 0],
    ["max-age=60, max-age=60", 0],
    ["max-age=60,max-age=x", 0],
    ["no-store, max-age=60", 0],
    ["max-age=60, No-Cache", 0],
    ['max-age=60, no-cache="set-cookie"', 0],
    ["max-age=60, no-store=1", 0],
    ['ext="max-age=60"', 0],
    ['ext="a, max-age=60"', 0],
    ['ext="a, no-store", max-age=60', 60],
    ['ext="\\", no-store", max-age=60', 60],
    ['max-age=60, ext="open, no-store', 0],
    [`max-age=60, ext=${"x".repeat(1100)}`, 0],
  ];
  for (const [header, seconds] of rows) {
    await t.step(`${header?.slice(0, 50)}`, () => strictEqual(readMaxAgeSeconds(header), seconds));
  }
});

Deno.test("any text gives a whole number of seconds up to a day", () => {
  const part = fc.constantFrom(
    "max-age",
    "=",
    "60",
    ",",
    '"',
    "\\",
    "no-store",
    " ",
    "9".repeat(9),
  );
  const text = fc.oneof(fc.string(), fc.array(part).map((parts) => parts.join("")));
  fc.assert(fc.property(text, (header) => {
    const seconds = readMaxAgeSeconds(header);
    strictEqual(Number.isInteger(seconds) && seconds >= 0 && seconds <= MAX_AGE_SECONDS, true);
    // Whatever else stands there, this forbids it.
    strictEqual(readMaxAgeSeconds(`no-store,${header}`), 0);
  }));
});

Deno.test("a header of 64 KB is read in no time", () => {
  const texts = ["max-age=1,", '"', '\\"', " ", "=", ",", "no-cach,"];
  const since = performance.now();
  for (const text of texts) readMaxAgeSeconds(text.repeat(64 * 1024 / text.length));
  strictEqual(performance.now() - since < 1000, true);
});
