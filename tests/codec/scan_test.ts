import { ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { isObject, parseJson } from "../../lib/codec/json.ts";
import {
  codeAt,
  INVALID,
  isObjectText,
  MAX_DEPTH,
  scanName,
  scanObject,
  UNSURE,
} from "../../lib/codec/scan.ts";
import { CHARACTER } from "../support/character.ts";
import { runs } from "../support/runs.ts";

Deno.test("a valid object is scanned to its end, whatever comes behind it", async (t) => {
  const objects = [
    "{}",
    "{ \t\r\n}",
    '{"a":1}',
    '{"":""}',
    '{ "a" : [ 1 , 2 ] , "b" : { } }',
    '{"a":[],"b":[[]],"c":[{},{}]}',
    '{"a":true,"b":false,"c":null}',
    '{"a":[true,false,null]}',
    '{"a":0,"b":-0,"c":1.0,"d":-12.50e+3,"e":1E400,"f":0e0,"g":12345678901234567890,"h":2e-7}',
    '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uABcd\\ud800"}',
    '{"a\\"b":1,"a\\"b":2}',
    '{"a":"é😀\u2028\ud800\uffff\u007f"}',
    '{"a":"]},{["}',
    '{"__proto__":1}',
  ];
  for (const object of objects) {
    await t.step(object, () => {
      JSON.parse(object);
      for (const behind of ["", "]", "}", ",1", " x", '"']) {
        strictEqual(scanObject(object + behind, 0), object.length);
        strictEqual(scanObject(`[2,${object}${behind}`, 3), 3 + object.length);
      }
    });
  }
});

Deno.test("what is no valid object has no end", async (t) => {
  const texts = [
    "",
    " {}",
    "[]",
    "null",
    '"a"',
    "{",
    "{,}",
    '{"a"}',
    '{"a":}',
    '{"a":1',
    '{"a":1,}',
    '{"a":1,,"b":2}',
    '{"a":1 "b":2}',
    '{"a" 1}',
    '{"a"::1}',
    "{a:1}",
    "{'a':1}",
    "{1:1}",
    '{"a":[}',
    '{"a":[1,]}',
    '{"a":[,1]}',
    '{"a":[1 2]}',
    '{"a":[1}',
    '{"a":{]}',
    '{"a":tru}',
    '{"a":True}',
    '{"a":truee}',
    '{"a":nul}',
    '{"a":undefined}',
    '{"a":NaN}',
    '{"a":+1}',
    '{"a":-}',
    '{"a":01}',
    '{"a":-01}',
    '{"a":.5}',
    '{"a":1.}',
    '{"a":1.e1}',
    '{"a":1e}',
    '{"a":1e+}',
    '{"a":1e+-1}',
    '{"a":0x1}',
    '{"a":1_0}',
    '{"a":٢}',
    '{"a":"}',
    '{"a":"\\"}',
    '{"a":"\\',
    '{"a":"\\x"}',
    '{"a":"\\U0041"}',
    '{"a":"\\u004"}',
    '{"a":"\\u00g0"}',
    '{"a":"\\u00',
    '{"a":"\\\u0000"}',
    '{"a":"\n"}',
    '{"a":"\u0000"}',
    '{"a":"\u001f"}',
    '{"\t":1}',
    '{"a":1\u00a0}',
    '{\ufeff"a":1}',
    '{"a":1\u0000}',
    '{"a":1/**/}',
  ];
  for (const text of texts) {
    await t.step(JSON.stringify(text), () => {
      strictEqual(scanObject(text, 0), INVALID);
      strictEqual(scanObject(`xx${text}`, 2), INVALID);
    });
  }
});

Deno.test("a string of any length is checked up to its quote", () => {
  for (let length = 0; length < 170; length++) {
    const start = '{"a":"' + "x".repeat(length);
    for (const inner of ["", "\\n", "\\u0041", "é", "\u2028"]) {
      for (const more of ["", "y".repeat(100)]) {
        const text = `${start}${inner}${more}"}`;
        strictEqual(scanObject(text, 0), text.length, text);
      }
    }
    for (const inner of ['\\"', "\\\\", '\\\\\\"', "\n", "\u0000", "\\x", "\\u12", '"', "\\"]) {
      for (const end of ["", "}", '"', '"}', `${"y".repeat(100)}"}`, `${"y".repeat(100)}\n"}`]) {
        const text = `${start}${inner}${end}`;
        const isObjectToJson = isObject(parseJson(text));
        strictEqual(isObjectText(text), isObjectToJson, text);
        if (!isObjectToJson) strictEqual(scanObject(text, 0), INVALID, text);
      }
    }
  }
});

Deno.test("nesting is followed to a bound, and no depth overflows the stack", () => {
  const nested = (depth: number) => [
    '{"a":'.repeat(depth) + "{}" + "}".repeat(depth),
    '{"a":' + "[".repeat(depth) + "]".repeat(depth) + "}",
  ];
  for (const text of [...nested(1), ...nested(7), ...nested(MAX_DEPTH - 1)]) {
    strictEqual(scanObject(text, 0), text.length);
    ok(isObjectText(text));
  }
  for (const text of [...nested(MAX_DEPTH), ...nested(MAX_DEPTH + 1), ...nested(200_000)]) {
    strictEqual(scanObject(text, 0), INVALID);
    ok(!isObjectText(text));
  }
  strictEqual(scanObject('{"a":{}}', 0, 2), 8);
  strictEqual(scanObject('{"a":{}}', 0, 1), INVALID);
});

/** Objects and what is nearly one: some characters written over, left out or put in. */
const nearlyObject = fc.tuple(
  fc.dictionary(fc.string(), fc.jsonValue({ stringUnit: "binary" })),
  fc.constantFrom(undefined, 1, "\t"),
  fc.array(
    fc.tuple(
      fc.nat(),
      fc.nat(2),
      fc.constantFrom(...'"\\,:[]{}019.eE+-tfnu \n\u0000\u001f\u00a0é'),
    ),
    { maxLength: 3 },
  ),
).map(([value, indent, edits]) =>
  edits.reduce((text, [at, length, by]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + by + text.slice(place + length);
  }, JSON.stringify(value, null, indent))
);

Deno.test("what is scanned to an end is an object to JSON.parse, and the verdicts are the same", () => {
  fc.assert(
    fc.property(nearlyObject, (text) => {
      const end = scanObject(text, 0);
      if (end !== INVALID) ok(isObject(parseJson(text.slice(0, end))));
      const isTrimmed = text === text.trim();
      strictEqual(isObjectText(text), isTrimmed && isObject(parseJson(text)));
    }),
    { numRuns: runs(5000) },
  );
});

Deno.test("any object that is not nested too deep is scanned to its end", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: CHARACTER }), fc.jsonValue({ maxDepth: 6 })),
      fc.constantFrom(undefined, 1, "\t"),
      (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        strictEqual(scanObject(`${text}]`, 0), text.length);
      },
    ),
    { numRuns: runs(1000) },
  );
});

Deno.test("a plain name ends behind its quote; any other is left to JSON.parse", async (t) => {
  for (const name of ["7", "a.b", "A-Signed", "{}[],:", " ", "~", "x".repeat(300)]) {
    await t.step(name.slice(0, 20), () => {
      strictEqual(scanName(`[2,"${name}",`, 3), 5 + name.length);
      strictEqual(scanName(`"${name}"`, 0), 2 + name.length);
    });
  }
  const others = ['""', '"', '"a', "a", "", '"."', '".."', '".a"', '"\\u0041"', '"\\"', '"é"'];
  for (const text of [...others, '"\n"', '"\u007f"', '"\ud800"', "7"]) {
    await t.step(JSON.stringify(text), () => strictEqual(scanName(text, 0), UNSURE));
  }
});

Deno.test("behind a text's end there is code 0", () => {
  strictEqual(codeAt("a", 0), 0x61);
  strictEqual(codeAt("a", 1), 0);
  strictEqual(codeAt("", 9), 0);
});
