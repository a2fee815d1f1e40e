/**
 * One payload against the schemas of one OCPP version.
 *
 * @module
 */

import { type Direction, goesThisWay } from "./direction.ts";
import { withoutIndexStrings } from "./index_strings.ts";
import type { PayloadFrame, Schemas } from "./schemas.ts";
import { type Violation, violationOf } from "./violation.ts";

/**
 * Checks a payload, and that its CALL or SEND is its sender's. Never throws.
 *
 * @param schemas Of the version.
 * @param direction From a client, or to one.
 * @param action The Action; of a CALLRESULT the one of the CALL that it answers.
 * @param payload The payload's JSON text.
 * @param parse Parses it; undefined for what is no JSON.
 * @returns What is wrong first; undefined when nothing is.
 */
export function checkPayload(
  schemas: Schemas,
  direction: Direction,
  frame: PayloadFrame,
  action: string,
  payload: string,
  parse: (text: string) => unknown,
): Violation | undefined {
  const validate = schemas.find(frame, action);
  if (validate === undefined) {
    if (frame === "result") return undefined;
    const text = `the Action is no ${frame === "send" ? "SEND" : "CALL"} of this OCPP version`;
    return { meaning: "not_implemented", pointer: "", text };
  }
  if (frame !== "result" && !goesThisWay(direction, action)) {
    const text = `the Action is the ${direction === "in" ? "CSMS's" : "station's"} to send`;
    return { meaning: "not_supported", pointer: "", text };
  }
  const value = parse(withoutIndexStrings(payload));
  if (value === undefined) {
    return { meaning: "bad_payload", pointer: "", text: "is not valid JSON" };
  }
  if (validate(value)) return undefined;
  return violationOf(validate.errors![0]!);
}
