import { ok, strictEqual } from "node:assert/strict";
import { errorCode, type ErrorMeaning } from "../../lib/codec/error_code.ts";

// `Record` makes a new meaning fail to compile here until its codes are written down.
const EXPECTED: Record<ErrorMeaning, readonly [v16: string, v201: string, v21: string]> = {
  bad_frame: ["FormationViolation", "RpcFrameworkError", "RpcFrameworkError"],
  bad_payload: ["FormationViolation", "FormatViolation", "FormatViolation"],
  property_constraint: [
    "PropertyConstraintViolation",
    "PropertyConstraintViolation",
    "PropertyConstraintViolation",
  ],
  occurrence_constraint: [
    "OccurenceConstraintViolation",
    "OccurrenceConstraintViolation",
    "OccurrenceConstraintViolation",
  ],
  type_constraint: [
    "TypeConstraintViolation",
    "TypeConstraintViolation",
    "TypeConstraintViolation",
  ],
  duplicate_message_id: ["ProtocolError", "RpcFrameworkError", "RpcFrameworkError"],
  unknown_type: ["ProtocolError", "MessageTypeNotSupported", "MessageTypeNotSupported"],
  not_implemented: ["NotImplemented", "NotImplemented", "NotImplemented"],
  not_supported: ["NotSupported", "NotSupported", "NotSupported"],
  security: ["SecurityError", "SecurityError", "SecurityError"],
  internal: ["InternalError", "InternalError", "InternalError"],
  generic: ["GenericError", "GenericError", "GenericError"],
};

/** OCPP-J 1.6 table 7, its misspelling included: it is on the wire for good. */
const TABLE_16 = [
  "NotImplemented",
  "NotSupported",
  "InternalError",
  "ProtocolError",
  "SecurityError",
  "FormationViolation",
  "PropertyConstraintViolation",
  "OccurenceConstraintViolation",
  "TypeConstraintViolation",
  "GenericError",
];

/** OCPP 2.0.1 Part 4 table 8, and the same in OCPP 2.1 Part 4 table 9. */
const TABLE_2 = [
  "NotImplemented",
  "NotSupported",
  "InternalError",
  "ProtocolError",
  "SecurityError",
  "FormatViolation",
  "PropertyConstraintViolation",
  "OccurrenceConstraintViolation",
  "TypeConstraintViolation",
  "GenericError",
  "RpcFrameworkError",
  "MessageTypeNotSupported",
];

const DIALECTS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] as const;

Deno.test("an error code is spelled as its version has it", async (t) => {
  for (const [meaning, codes] of Object.entries(EXPECTED)) {
    for (const [i, dialect] of DIALECTS.entries()) {
      await t.step(`${meaning} in ${dialect} is ${codes[i]}`, () => {
        strictEqual(errorCode(meaning as ErrorMeaning, dialect), codes[i]);
      });
    }
  }
});

Deno.test("no error code is outside its version's table", () => {
  for (const meaning of Object.keys(EXPECTED) as ErrorMeaning[]) {
    for (const dialect of DIALECTS) {
      const code = errorCode(meaning, dialect);
      ok((dialect === "ocpp1.6" ? TABLE_16 : TABLE_2).includes(code), `${code} in ${dialect}`);
    }
  }
});
