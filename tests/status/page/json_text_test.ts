import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  indented,
  lineAndColumn,
  placeOf,
  readPlaces,
} from "../../../lib/status/page/json_text.js";

/** The text that a pointer means. */
function textAt(text: string, pointer: string): string {
  const [from, to] = placeOf(readPlaces(text).places, pointer);
  return text.slice(from, to);
}

Deno.test("a pointer leads to its part of the text, and a missing one to what it is missing in", () => {
  const text = ' {"a": [1.0, {"b/c": "x", "~": null}], "d" :{}, "a2":true}\n';
  for (
    const [pointer, part] of [
      ["/a/0", "1.0"],
      ["/a/1/b~1c", '"x"'],
      ["/a/1/~0", "null"],
      ["/a/1/missing", '{"b/c": "x", "~": null}'],
      ["/a/7/deeper", '[1.0, {"b/c": "x", "~": null}]'],
      ["/d", "{}"],
      ["/a2", "true"],
      ["", text.trim()],
    ] as const
  ) strictEqual(textAt(text, pointer), part, pointer);
  strictEqual(textAt('{"a":1,"a":2}', "/a"), "2");
});

Deno.test("what is no JSON is told with its place", () => {
  for (
    const [text, at, detail] of [
      ["", 0, "a value is missing here"],
      ["{", 1, "a name in double quotes is missing here"],
      ['{"a" 1}', 5, "a colon is missing here"],
      ['{"a":}', 5, "a value is missing here"],
      ['{"a":1 "b":2}', 7, "a comma or } is missing here"],
      ['{"a":1,}', 7, "a name in double quotes is missing here"],
      ["[1,2", 4, "a comma or ] is missing here"],
      ["{'a':1}", 1, "a name in double quotes is missing here"],
      ['{"a":01}', 6, "a comma or } is missing here"],
      ['{"a":"x\n"}', 5, "this string does not end, or holds what must be escaped"],
      ["{} {}", 3, "nothing more may stand here"],
      ["[".repeat(10_000), 201, "is too deep"],
    ] as const
  ) deepStrictEqual(readPlaces(text).fault, { at, detail }, text.slice(0, 20));
  strictEqual(lineAndColumn('{\n  "a": x}', 9), "line 2, column 8");
});

Deno.test("what JSON.parse takes has no fault, and what it refuses has one", () => {
  const text = fc.oneof(
    fc.json(),
    fc.string(),
    fc.tuple(fc.json(), fc.nat(), fc.constantFrom(...'{}[]":,0.e-\\ x\n'))
      .map(([json, at, char]) => {
        const where = at % (json.length + 1);
        return json.slice(0, where) + char + json.slice(where + at % 2);
      }),
  );
  fc.assert(fc.property(text, (text) => {
    let isValid = true;
    try {
      JSON.parse(text);
    } catch {
      isValid = false;
    }
    strictEqual(readPlaces(text).fault === null, isValid, text);
  }));
});

Deno.test("JSON is indented as JSON.stringify does it, and its numbers stay as they stand", () => {
  strictEqual(
    indented('{"a":1.0,"b":[12345678901234567890,{}],"c":"x, {\\" }"}'),
    '{\n  "a": 1.0,\n  "b": [\n    12345678901234567890,\n    {}\n  ],\n  "c": "x, {\\" }"\n}',
  );
  strictEqual(indented('{"a":[1,'), '{\n  "a": [\n    1,');
  fc.assert(fc.property(fc.json(), (json) => {
    strictEqual(indented(json), JSON.stringify(JSON.parse(json), null, 2));
  }));
});
