import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { readFrame } from "../../lib/codec/frame.ts";
import {
  elementTexts,
  endOfValue,
  isObject,
  memberText,
  parseJson,
  quoted,
  skipSpace,
  trimSpace,
} from "../../lib/codec/json.ts";
import { CHARACTER } from "../support/character.ts";
import { runs } from "../support/runs.ts";

/** JSON white space, and all of it (RFC 8259 §2). */
const space = fc.string({ unit: fc.constantFrom(" ", "\t", "\n", "\r"), maxLength: 3 });

/** The text of a string, written with and without escapes, brackets and quotes among its letters. */
const stringText = fc.string({
  unit: fc.constantFrom(..."a]}[{,:é\u2028😀", "\\\\", '\\"', "\\/", "\\n", "\\u0022", "\\ud800"),
  maxLength: 6,
}).map((inner) => `"${inner}"`);

/** Values that `JSON.parse` and `JSON.stringify` would not leave as they are, among others. */
const scalarText = fc.oneof(
  stringText,
  fc.constantFrom(
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1.0",
    "1e400",
    "-1E+2",
    "12345678901234567890",
  ),
);

/** Texts of JSON values with white space wherever there may be some, and of objects with twins. */
const { objectText, valueText } = fc.letrec<{ objectText: string; valueText: string }>((tie) => {
  const list = (open: string, item: fc.Arbitrary<string>, close: string): fc.Arbitrary<string> =>
    fc.tuple(space, fc.array(fc.tuple(space, item, space), { maxLength: 4 })).map(
      ([empty, items]) =>
        items.length === 0
          ? open + empty + close
          : open + items.map((parts) => parts.join("")).join(",") + close,
    );
  const member = fc.tuple(stringText, space, space, tie("valueText"))
    .map(([name, before, after, value]) => `${name}${before}:${after}${value}`);
  return {
    objectText: list("{", member, "}"),
    valueText: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      scalarText,
      tie("objectText"),
      list("[", tie("valueText"), "]"),
    ),
  };
});

Deno.test("an array's elements are cut exactly", async (t) => {
  const rows: [name: string, text: string, elements: string[]][] = [
    ["one", "[1]", ["1"]],
    ["no white space", '[3,"7",{}]', ["3", '"7"', "{}"]],
    ["white space around each", ' [ 3 ,\n"7"\t, { } \r\n] ', ["3", '"7"', "{ }"]],
    ["literals", "[true,false,null,-1.5e+3]", ["true", "false", "null", "-1.5e+3"]],
    ["literals and blanks", "[ true , null ]", ["true", "null"]],
    ["nested arrays", "[[[]],[1,[2]],[]]", ["[[]]", "[1,[2]]", "[]"]],
    ["brackets in strings", '["]","[",{"}":"{"}]', ['"]"', '"["', '{"}":"{"}']],
    ["commas in strings", '["a,b",","]', ['"a,b"', '","']],
    ["an escaped quote", '["a\\"]",1]', ['"a\\"]"', "1"]],
    ["an escaped backslash at the end", '["a\\\\","b"]', ['"a\\\\"', '"b"']],
    ["three backslashes and a quote", '["a\\\\\\"","b"]', ['"a\\\\\\""', '"b"']],
    ["empty strings", '["",""]', ['""', '""']],
    ["a closing bracket at the very end", '[1,"]"]', ["1", '"]"']],
  ];
  for (const [name, text, elements] of rows) {
    await t.step(name, () => deepStrictEqual(elementTexts(text, elements.length), elements));
  }
});

Deno.test("any elements with any white space around them are cut exactly", () => {
  const element = fc.tuple(space, valueText, space);
  fc.assert(
    fc.property(fc.array(element, { minLength: 1, maxLength: 5 }), space, space, (parts, a, b) => {
      const text = `${a}[${parts.map((part) => part.join("")).join(",")}]${b}`;
      JSON.parse(text);
      deepStrictEqual(elementTexts(text, parts.length), parts.map(([, value]) => value));
    }),
    { numRuns: runs(1000) },
  );
});

Deno.test("a frame's payload is exactly what was put in", () => {
  fc.assert(
    fc.property(objectText, fc.array(space, { minLength: 10, maxLength: 10 }), (payload, s) => {
      const call = `${s[0]}[${s[1]}2${s[2]},${s[3]}"7"${s[4]},${s[5]}"A"${s[6]},${s[7]}${payload}${
        s[8]
      }]${s[9]}`;
      const read = readFrame(call, "ocpp1.6");
      strictEqual(read.ok && read.frame.kind === "call" && read.frame.payload, payload);
      const result = readFrame(`[3,"7",${s[0]}${payload}${s[1]}]`, "ocpp1.6");
      strictEqual(result.ok && result.frame.kind === "result" && result.frame.payload, payload);
      const error = readFrame(`[4,"7","C","D",${s[0]}${payload}${s[1]}]`, "ocpp1.6");
      strictEqual(error.ok && error.frame.kind === "error" && error.frame.details, payload);
    }),
    { numRuns: runs(1000) },
  );
});

Deno.test("a value ends where the next thing begins", () => {
  fc.assert(
    fc.property(
      fc.string(),
      valueText,
      fc.constantFrom(",", "]", "}", " ", "\n", ""),
      (...given) => {
        const [before, value, after] = given;
        strictEqual(
          endOfValue(before + value + after, before.length),
          before.length + value.length,
        );
      },
    ),
    { numRuns: runs(500) },
  );
});

Deno.test("a member's text is the one of the value that JSON.parse takes", async (t) => {
  const rows: [name: string, text: string, member: string, expected: string | undefined][] = [
    ["the only one", '{"a":1.0}', "a", "1.0"],
    ["the last one", '{"b":[1,2],"a":{"b":3}}', "a", '{"b":3}'],
    ["white space everywhere", ' { "b" : 1 , "a"\n:\t{ "c" : 1.0 } } ', "a", '{ "c" : 1.0 }'],
    ["of twins the last", '{"a":1,"b":2,"a":3}', "a", "3"],
    ["an escaped name", '{"\\u0061":1}', "a", "1"],
    ["a name with a quote", '{"a\\"":1}', 'a"', "1"],
    ["a name with a backslash at its end", '{"a\\\\":1,"a":2}', "a", "2"],
    ["the empty name", '{"":1}', "", "1"],
    ["__proto__", '{"__proto__":{"x":1}}', "__proto__", '{"x":1}'],
    ["a literal before the end", '{"a":true}', "a", "true"],
    ["none in an empty object", "{}", "a", undefined],
    ["none in a blank object", "{ \n }", "a", undefined],
    ["not one of an inner object", '{"b":{"a":1}}', "a", undefined],
    ["not one inside a string", '{"b":"\\"a\\":1"}', "a", undefined],
    ["not one that is a value", '{"b":"a"}', "a", undefined],
    ["not another case", '{"A":1}', "a", undefined],
    ["not an inherited one", "{}", "constructor", undefined],
  ];
  for (const [name, text, member, expected] of rows) {
    await t.step(name, () => strictEqual(memberText(text, member), expected));
  }
});

Deno.test("any member's text is what was put in, the last of duplicates", () => {
  const member = fc.tuple(stringText, space, space, valueText, space);
  fc.assert(
    fc.property(fc.array(member, { maxLength: 6 }), (members) => {
      const text = `{${members.map(([n, a, b, v, c]) => `${n}${a}:${b}${v}${c}`).join(",")}}`;
      const last = new Map(members.map(([name, , , value]) => [String(JSON.parse(name)), value]));
      for (const [name, value] of last) strictEqual(memberText(text, name), value);
      strictEqual(memberText(text, "no such member"), undefined);
    }),
    { numRuns: runs(500) },
  );
});

Deno.test("only JSON's own white space is taken away", async (t) => {
  const rows: [text: string, trimmed: string][] = [
    ["", ""],
    [" \t\r\n", ""],
    [" a b ", "a b"],
    ["\u00a0a\u00a0", "\u00a0a\u00a0"],
    ["\ufeffa", "\ufeffa"],
    ["\u2028a\u2029", "\u2028a\u2029"],
    ["\va\f", "\va\f"],
    [" \v ", "\v"],
  ];
  for (const [text, trimmed] of rows) {
    await t.step(JSON.stringify(text), () => strictEqual(trimSpace(text), trimmed));
  }
  await t.step("inside bounds", () => {
    strictEqual(trimSpace("x a y", 1, 4), "a");
    strictEqual(trimSpace("x   y", 1, 4), "");
  });
  await t.step("up to the next character", () => {
    deepStrictEqual([skipSpace(" \n a", 0), skipSpace("a ", 0), skipSpace("a ", 1)], [3, 0, 2]);
  });
});

Deno.test("an object is neither an array nor null", () => {
  deepStrictEqual([{}, { a: 1 }].map(isObject), [true, true]);
  deepStrictEqual([null, undefined, [], "{}", 1, true].map(isObject), Array(6).fill(false));
});

Deno.test("parsing gives the value, or undefined for what is no JSON", () => {
  deepStrictEqual(parseJson('{"a":[1]}'), { a: [1] });
  strictEqual(parseJson("null"), null);
  for (const text of ["", " ", "{", "undefined", "NaN", "\ufeff{}", "{}x", "'a'"]) {
    strictEqual(parseJson(text), undefined, JSON.stringify(text));
  }
});

Deno.test("the boundary finders end on any text, also on one that is no JSON", () => {
  const noise = fc.string({ unit: fc.constantFrom(...'[]{}",:\\ a1'), maxLength: 40 });
  fc.assert(
    fc.property(noise, fc.nat(5), (text, count) => {
      strictEqual(elementTexts(text, count + 1).length, count + 1);
      const end = endOfValue(text, 0);
      ok(end >= 0 && end <= text.length);
    }),
    { numRuns: runs(1000) },
  );
});

Deno.test("a string is written as JSON.stringify writes it", () => {
  for (let code = 0; code < 0x300; code++) {
    const text = `a${String.fromCharCode(code)}b`;
    strictEqual(quoted(text), JSON.stringify(text));
  }
  const halves = fc.string({ unit: fc.constantFrom("a", "\ud83d", "\ude00", '"') });
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: CHARACTER }), halves), (text) => {
      strictEqual(quoted(text), JSON.stringify(text));
    }),
  );
});
