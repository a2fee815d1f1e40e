import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { errorCode } from "../../lib/codec/error_code.ts";
import { describeViolation, violationOf } from "../../lib/validate/violation.ts";

function errorOf(keyword: string, params: Record<string, unknown> = {}): Parameters<
  typeof violationOf
>[0] {
  return { instancePath: "/a/0", schemaPath: "#/x", keyword, params, message: "must be so" };
}

const CODES: readonly [keyword: string, v16: string, v2: string][] = [
  ["required", "OccurenceConstraintViolation", "OccurrenceConstraintViolation"],
  ["additionalProperties", "OccurenceConstraintViolation", "OccurrenceConstraintViolation"],
  ["minItems", "OccurenceConstraintViolation", "OccurrenceConstraintViolation"],
  ["maxItems", "OccurenceConstraintViolation", "OccurrenceConstraintViolation"],
  ["type", "TypeConstraintViolation", "TypeConstraintViolation"],
  ["enum", "PropertyConstraintViolation", "PropertyConstraintViolation"],
  ["format", "PropertyConstraintViolation", "PropertyConstraintViolation"],
  ["pattern", "PropertyConstraintViolation", "PropertyConstraintViolation"],
  ["minimum", "PropertyConstraintViolation", "PropertyConstraintViolation"],
  ["maximum", "PropertyConstraintViolation", "PropertyConstraintViolation"],
  ["minLength", "PropertyConstraintViolation", "PropertyConstraintViolation"],
  ["maxLength", "PropertyConstraintViolation", "PropertyConstraintViolation"],
  ["multipleOf", "PropertyConstraintViolation", "PropertyConstraintViolation"],
  ["oneOf", "FormationViolation", "FormatViolation"],
  ["dependencies", "FormationViolation", "FormatViolation"],
  ["constructor", "FormationViolation", "FormatViolation"],
];

Deno.test("a keyword of the schema has its error code in each version", async (t) => {
  for (const [keyword, v16, v2] of CODES) {
    await t.step(keyword, () => {
      const { meaning } = violationOf(errorOf(keyword));
      strictEqual(errorCode(meaning, "ocpp1.6"), v16);
      strictEqual(errorCode(meaning, "ocpp2.0.1"), v2);
      strictEqual(errorCode(meaning, "ocpp2.1"), v2);
    });
  }
});

Deno.test("the pointer leads to the field that is missing, or that should not be there", () => {
  const missing = violationOf(errorOf("required", { missingProperty: "idTag" }));
  strictEqual(describeViolation(missing), "/a/0/idTag is missing");
  const extra = violationOf(errorOf("additionalProperties", { additionalProperty: "$x.y-z_1" }));
  strictEqual(describeViolation(extra), "/a/0/$x.y-z_1 is no property of the schema");
});

Deno.test("a name that is not plain and short stays out of the pointer", () => {
  for (const name of ["", "a b", "a/b", "a~b", "a\n", "ä", "\ud800", "\u202e", "n".repeat(65)]) {
    const violation = violationOf(errorOf("additionalProperties", { additionalProperty: name }));
    strictEqual(describeViolation(violation), "/a/0 has a property that the schema has not");
  }
});

Deno.test("the validator's error does not keep a name from outside", () => {
  const error = errorOf("additionalProperties", { additionalProperty: "n".repeat(1_000_000) });
  violationOf(error);
  ok(!JSON.stringify(error).includes("nnn"));
});

Deno.test("a violation of the payload as a whole is a sentence too, and no line is too long", () => {
  const whole = { meaning: "bad_payload", pointer: "", text: "is not valid JSON" } as const;
  strictEqual(describeViolation(whole), "the payload is not valid JSON");
  deepStrictEqual(describeViolation({ ...whole, pointer: `/${"a".repeat(300)}` }).length, 255);
});
