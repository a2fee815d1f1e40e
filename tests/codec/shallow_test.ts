import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { isObject, parseJson } from "../../lib/codec/json.ts";
import { MAX_DEPTH } from "../../lib/codec/scan.ts";
import { readBeginning, readShallow } from "../../lib/codec/shallow.ts";
import { CHARACTER } from "../support/character.ts";
import { runs } from "../support/runs.ts";

/** What it must give of a text that is not nested too deep, by way of `JSON.parse`. */
function parsedShallow(text: string): unknown[] | null | undefined {
  const value = parseJson(text);
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) return null;
  return value.slice(0, 6).map((each) => Array.isArray(each) ? [] : isObject(each) ? {} : each);
}

Deno.test("an array's elements are read without what is in them", async (t) => {
  const texts = [
    ...[
      "[]",
      " [ ] ",
      '[2,"7","A",{"a":[1.0]}]',
      '[ 3 , "\\u0037" , [ { } ] ]\n',
      "[1,2,3,4,5,6,7,8]",
    ],
    ...["7", '"7"', "{}", '{"a":[]} ', "null", "true", "[null,true,false,-1e400,1.50]"],
    ...[
      "",
      " ",
      "[",
      "[1",
      "[1,",
      "[,1]",
      "[1,]",
      "[1 2]",
      "[1]]",
      "[1],",
      "{}{}",
      "[\u00a0]",
      "nul",
    ],
    ...['["]', '["\\x"]', '["\n"]', "[01]", "[1}", '{"a":1]', "\ufeff[]"],
  ];
  for (const text of texts) {
    await t.step(
      JSON.stringify(text),
      () => deepStrictEqual(readShallow(text), parsedShallow(text)),
    );
  }
});

Deno.test("nesting counts from the array on, and what is deeper is not valid", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  deepStrictEqual(readShallow(nested(MAX_DEPTH)), [[]]);
  strictEqual(readShallow(nested(MAX_DEPTH + 1)), undefined);
  strictEqual(readShallow(nested(200_000)), undefined);
  const object = (depth: number) => '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
  strictEqual(readShallow(object(MAX_DEPTH)), null);
  strictEqual(readShallow(object(MAX_DEPTH + 1)), undefined);
});

Deno.test("of what is no array as a whole the elements before the fault can be read", () => {
  const deep = "[".repeat(MAX_DEPTH) + "]".repeat(MAX_DEPTH);
  const rows: [text: string, elements: unknown[]][] = [
    [` [3, "7", ${deep}, 5]`, [3, "7"]],
    ['[3,"7",{"a":[]', [3, "7"]],
    ['[3,"7"', [3, "7"]],
    ['[3,"7', [3]],
    ["[1,2,3,4,5,6,7,", [1, 2, 3, 4, 5, 6]],
    ["[", []],
    ["{}", []],
    ["", []],
  ];
  for (const [text, elements] of rows) deepStrictEqual(readBeginning(text), elements, text);
});

Deno.test("of any text JSON.parse has the same opinion", () => {
  const element = fc.oneof(
    fc.jsonValue({ stringUnit: "binary" }).map((value) => JSON.stringify(value)),
    fc.tuple(fc.nat(90), fc.string({ unit: fc.constantFrom(...'x\\"n\n') })).map(([length, end]) =>
      `"${"x".repeat(length)}${end}"`
    ),
  );
  const text = fc.oneof(
    fc.string({ unit: CHARACTER }),
    fc.string({ unit: fc.constantFrom(...'[]{}",:\\ 23456an\ud800\u2028') }),
    fc.tuple(
      fc.array(element),
      fc.constantFrom(",", " ,\n", ", ,"),
      fc.constantFrom("[", " [ ", "[[", "{"),
      fc.constantFrom("]", " ] ", "", "]]", "],"),
    ).map(([elements, comma, begin, end]) => begin + elements.join(comma) + end),
  );
  let valid = 0;
  fc.assert(
    fc.property(text, (text) => {
      const expected = parsedShallow(text);
      if (expected) valid++;
      deepStrictEqual(readShallow(text), expected);
    }),
    { numRuns: runs(5000) },
  );
  ok(valid > 0);
});
