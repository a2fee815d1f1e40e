/**
 * What is wrong with a payload, in OCPP's terms.
 *
 * @module
 */

import type { ErrorObject } from "ajv";
import { cutDescription } from "../codec/description.ts";
import type { ErrorMeaning } from "../codec/error_code.ts";

/** The first thing found that is wrong with a payload. */
export interface Violation {
  /** For `errorCode`. */
  readonly meaning: Extract<
    ErrorMeaning,
    | "not_implemented"
    | "not_supported"
    | "bad_payload"
    | "property_constraint"
    | "occurrence_constraint"
    | "type_constraint"
  >;
  /** Where, as a JSON pointer (RFC 6901) into the payload; empty for the payload as a whole. */
  readonly pointer: string;
  /**
   * What, behind the pointer; of an Action that is not known, or goes the wrong way, it stands alone.
   * It has nothing of the payload's text.
   */
  readonly text: string;
}

/** A property's name that can stand in a pointer and a log line as it is. */
const PLAIN_NAME = /^[\w.:$@-]{1,64}$/;

/**
 * A violation as one line, at most 255 characters long: for an errorDescription, a problem's detail
 * or the log.
 *
 * @example
 * ```ts
 * import { describeViolation } from "./violation.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * const violation = { meaning: "type_constraint", pointer: "/evse/id", text: "must be integer" } as const;
 * strictEqual(describeViolation(violation), "/evse/id must be integer");
 * ```
 */
export function describeViolation({ meaning, pointer, text }: Violation): string {
  // It is not the payload that is wrong then.
  if (meaning === "not_implemented" || meaning === "not_supported") return text;
  const where = pointer === "" ? "the payload" : pointer;
  return cutDescription(`${where} ${text}`);
}

/**
 * A schema validator's error as a violation.
 *
 * | keyword of the schema | meaning | ocpp1.6 | ocpp2.0.1, ocpp2.1 |
 * |---|---|---|---|
 * | `required`, `additionalProperties`, `minItems`, `maxItems` | a field is missing, extra, or there too often | OccurenceConstraintViolation | OccurrenceConstraintViolation |
 * | `type` | a field's data type | TypeConstraintViolation | TypeConstraintViolation |
 * | `enum`, `format`, `pattern`, `minimum`, `maximum`, `minLength`, `maxLength`, `multipleOf` | a field's value | PropertyConstraintViolation | PropertyConstraintViolation |
 * | any other | not as the message is built | FormationViolation | FormatViolation |
 *
 * The codes are those of OCPP-J 1.6 table 7, OCPP 2.0.1 Part 4 table 8 and OCPP 2.1 Part 4 table 9.
 * None of them says which keyword is which code; this goes by their descriptions.
 *
 * @param error The error. A name in it that came from outside is taken out: the validator keeps its
 * last error, and with it a name that may have a megabyte.
 */
export function violationOf(error: ErrorObject): Violation {
  const { instancePath, keyword, params, message = "is not as the schema says" } = error;
  error.params = {};
  switch (keyword) {
    case "required": {
      const pointer = `${instancePath}/${params["missingProperty"]}`;
      return { meaning: "occurrence_constraint", pointer, text: "is missing" };
    }
    case "additionalProperties": {
      const name: unknown = params["additionalProperty"];
      return typeof name === "string" && PLAIN_NAME.test(name)
        ? {
          meaning: "occurrence_constraint",
          pointer: `${instancePath}/${name}`,
          text: "is no property of the schema",
        }
        : {
          meaning: "occurrence_constraint",
          pointer: instancePath,
          text: "has a property that the schema has not",
        };
    }
    case "minItems":
    case "maxItems":
      return { meaning: "occurrence_constraint", pointer: instancePath, text: message };
    case "type":
      return { meaning: "type_constraint", pointer: instancePath, text: message };
    case "enum":
    case "format":
    case "pattern":
    case "minimum":
    case "maximum":
    case "minLength":
    case "maxLength":
    case "multipleOf":
      return { meaning: "property_constraint", pointer: instancePath, text: message };
    default:
      return { meaning: "bad_payload", pointer: instancePath, text: message };
  }
}
