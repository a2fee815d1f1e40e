import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { ApiAnswer } from "./gateway.ts";

/**
 * Checks that an answer is a problem document (RFC 9457) that says what the status says.
 *
 * @param members What else it says.
 */
export function assertProblem(
  answer: ApiAnswer,
  status: number,
  outcome?: string,
  members: Readonly<Record<string, unknown>> = {},
): void {
  strictEqual(answer.status, status, answer.text);
  strictEqual(answer.headers.get("content-type"), "application/problem+json");
  const { type, title, status: named, detail, ...others } = JSON.parse(answer.text);
  deepStrictEqual([type, named, others], ["about:blank", status, members]);
  match(title, /^[A-Z]/);
  ok(typeof detail === "string" && detail !== "");
  if (outcome !== undefined) strictEqual(answer.headers.get("ws2api-outcome"), outcome);
}
