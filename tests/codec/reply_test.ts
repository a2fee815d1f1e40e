import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { replyText } from "../../lib/codec/reply.ts";
import { CHARACTER } from "../support/character.ts";
import { runs } from "../support/runs.ts";

const DIALECTS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] as const;
const TWICE = '{"details":{"n":2},"code":"A","details":{"n":1.0}}';
const NUMBERS = '{"a":1.0,"b":12345678901234567890,"c":1e400,"d":-0}';

Deno.test("a 2xx with a JSON object is a CALLRESULT with that very text", async (t) => {
  const rows: [name: string, status: number, body: string, payload: string][] = [
    ["an object", 200, '{"status":"Accepted"}', '{"status":"Accepted"}'],
    ["any other 2xx", 299, "{}", "{}"],
    ["numbers as they were written", 200, NUMBERS, NUMBERS],
    ["duplicate keys", 200, '{"b":1,"a":2,"b":3}', '{"b":1,"a":2,"b":3}'],
    ["white space inside", 201, '{ "a" :\n1 }', '{ "a" :\n1 }'],
    ["white space around", 200, ' \r\n\t{"a":1}\n', '{"a":1}'],
    [
      "a member named code",
      200,
      '{"code":"X","description":"d"}',
      '{"code":"X","description":"d"}',
    ],
    ["a raw U+2028", 200, '{"a":"\u2028"}', '{"a":"\u2028"}'],
    ["an empty body", 200, "", "{}"],
    ["an empty 204", 204, "", "{}"],
    ["a blank body", 202, " \r\n\t", "{}"],
  ];
  for (const [name, status, body, payload] of rows) {
    for (const dialect of DIALECTS) {
      await t.step(`${name}, ${dialect}`, () => {
        strictEqual(replyText('"7"', status, body, dialect), `[3,"7",${payload}]`);
      });
    }
  }
});

Deno.test("a 2xx with anything but a JSON object is an InternalError", async (t) => {
  const bodies = [
    "null",
    "true",
    "1",
    '"text"',
    "[]",
    "[{}]",
    "{",
    "{}{}",
    "{},",
    "{'a':1}",
    "{a:1}",
    '{"a":1,}',
    "OK",
    "<html></html>",
    // White space to JavaScript, but none to JSON.
    "\u00a0",
    "\ufeff{}",
    "{}\u2028",
  ];
  for (const body of bodies) {
    for (const dialect of DIALECTS) {
      await t.step(`${JSON.stringify(body)}, ${dialect}`, () => {
        const [type, id, code, description, details] = JSON.parse(
          replyText('"7"', 200, body, dialect),
        );
        deepStrictEqual([type, id, code, details], [4, "7", "InternalError", {}]);
        ok(description.includes("200"));
      });
    }
  }
});

Deno.test("an object with a string code is that CALLERROR at any other status", async (t) => {
  const rows: [name: string, status: number, body: string, expected: string][] = [
    ["all three", 400, '{"code":"A","description":"b","details":{"c":1}}', '"A","b",{"c":1}'],
    ["any order", 500, '{"details":{},"description":"b","code":"A"}', '"A","b",{}'],
    ["the code alone", 404, '{"code":"A"}', '"A","",{}'],
    ["more members than that", 401, '{"code":"A","x":[1]}', '"A","",{}'],
    ["a code that no version knows", 503, '{"code":"Nonsense"}', '"Nonsense","",{}'],
    ["a redirect's status", 302, '{"code":"A"}', '"A","",{}'],
    ["details byte for byte", 409, `{"code":"A","details":${NUMBERS} }`, `"A","",${NUMBERS}`],
    ["details of which the last counts", 409, TWICE, '"A","",{"n":1.0}'],
    [
      "details by an escaped name",
      409,
      '{"code":"A","d\\u0065tails":{"n":1.0}}',
      '"A","",{"n":1.0}',
    ],
    ["a description that is no string", 409, '{"code":"A","description":1}', '"A","",{}'],
    ["a description that is null", 409, '{"code":"A","description":null}', '"A","",{}'],
    ["details that are null", 409, '{"code":"A","details":null}', '"A","",{}'],
    ["details that are an array", 409, '{"code":"A","details":[1]}', '"A","",{}'],
    ["details that are a string", 409, '{"code":"A","details":"{}"}', '"A","",{}'],
    ["quotes in the description", 409, '{"code":"A","description":"\\"],["}', '"A","\\"],[",{}'],
    ["a lone surrogate stays escaped", 409, '{"code":"\\ud800"}', '"\\ud800","",{}'],
  ];
  for (const [name, status, body, expected] of rows) {
    await t.step(name, () => {
      strictEqual(replyText('"7"', status, body, "ocpp1.6"), `[4,"7",${expected}]`);
    });
  }
});

Deno.test("any other status without such an object has its code by the status", async (t) => {
  const rows: [status: number, v16: string, v2: string][] = [
    [400, "FormationViolation", "FormatViolation"],
    [422, "FormationViolation", "FormatViolation"],
    [401, "SecurityError", "SecurityError"],
    [403, "SecurityError", "SecurityError"],
    [404, "NotImplemented", "NotImplemented"],
    [405, "NotImplemented", "NotImplemented"],
    [501, "NotImplemented", "NotImplemented"],
    ...[199, 300, 301, 304, 402, 406, 409, 413, 418, 429, 500, 502, 503, 504, 599].map(
      (status): [number, string, string] => [status, "InternalError", "InternalError"],
    ),
  ];
  const bodies = [
    "",
    "{}",
    "[]",
    "null",
    '{"code":1}',
    '{"code":null}',
    '{"Code":"A"}',
    '"A"',
    "<p>",
  ];
  for (const [status, v16, v2] of rows) {
    await t.step(`${status}`, () => {
      for (const body of [...bodies, '[{"code":"A"}]', '{"x":{"code":"A"}}', '{"code":"A"']) {
        for (const dialect of DIALECTS) {
          const code = dialect === "ocpp1.6" ? v16 : v2;
          deepStrictEqual(JSON.parse(replyText('"7"', status, body, dialect)), [
            4,
            "7",
            code,
            `the backend answered ${status}`,
            {},
          ]);
        }
      }
    });
  }
});

Deno.test("the MessageId goes back as it was written", () => {
  strictEqual(replyText('"\\u0041\\/"', 204, "", "ocpp1.6"), '[3,"\\u0041\\/",{}]');
  ok(replyText('"\\u0041\\/"', 500, "", "ocpp1.6").startsWith('[4,"\\u0041\\/",'));
});

Deno.test("any status and any body give a valid answer to the CALL", () => {
  const body = fc.oneof(
    fc.string({ unit: CHARACTER }),
    fc.json(),
    fc.record({ code: fc.string(), description: fc.jsonValue(), details: fc.jsonValue() })
      .map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 599 }),
      body,
      fc.constantFrom(...DIALECTS),
      (...given) => {
        const [status, text, dialect] = given;
        const answer: unknown[] = JSON.parse(replyText('"7"', status, text, dialect));
        const isResult = answer[0] === 3;
        ok(isResult || answer[0] === 4);
        strictEqual(answer.length, isResult ? 3 : 5);
        strictEqual(answer[1], "7");
        ok(!isResult || (status >= 200 && status <= 299));
      },
    ),
    { numRuns: runs(500) },
  );
});
