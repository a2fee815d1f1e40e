import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import * as v16 from "typed-ocpp/dist/ocpp16/schemas.js";
import * as v201 from "typed-ocpp/dist/ocpp20/schemas.js";
import * as v21 from "typed-ocpp/dist/ocpp21/schemas.js";
import { withoutIndexStrings } from "../../lib/validate/index_strings.ts";

const LONG = " ".repeat(4096);

Deno.test("a string of digits becomes one of the same length, and nothing else changes", async (t) => {
  const texts: [text: string, expected: string][] = [
    ['["0","7","16384"]', '["x","x","x6384"]'],
    ['{"a":"1","b":{"c":"12"}}', '{"a":"x","b":{"c":"x2"}}'],
    ['["1234567890","12345678901"]', '["x234567890","12345678901"]'],
    ['{"1":1,"22" :"3"}', '{"1":1,"22" :"x"}'],
    ['["1.5","-1","1 ","a1","١",1,16384]', '["1.5","-1","1 ","a1","١",1,16384]'],
    ['["\\"1","a\\"12"]', '["\\"x","a\\"x2"]'],
  ];
  for (const [text, expected] of texts) {
    await t.step(text, () => {
      strictEqual(withoutIndexStrings(text + LONG), expected + LONG);
      JSON.parse(expected);
    });
  }
});

Deno.test("a short text, in which there cannot be many, stays as it is", () => {
  strictEqual(withoutIndexStrings('["1"]'), '["1"]');
});

Deno.test("no schema tells a string of digits from another of the same length", () => {
  const [words, formats, others] = [new Set<string>(), new Set<string>(), new Set<string>()];
  let seen = 0;
  const look = (schema: unknown): void => {
    if (typeof schema !== "object" || schema === null) return;
    for (const [keyword, value] of Object.entries(schema)) {
      seen++;
      if (keyword === "enum" && Array.isArray(value)) value.forEach((word) => words.add(word));
      else if (keyword === "format" && typeof value === "string") formats.add(value);
      else if (["pattern", "const", "uniqueItems"].includes(keyword) && typeof value !== "object") {
        others.add(keyword);
      }
      look(value);
    }
  };
  for (const version of [v16, v201, v21]) look({ ...version });
  ok(seen > 10_000);
  ok(words.size > 100);
  deepStrictEqual([...words].filter((word) => /^\d+$/.test(String(word))), []);
  deepStrictEqual([...formats].sort(), ["date-time", "uri"]);
  deepStrictEqual([...others], []);
});
