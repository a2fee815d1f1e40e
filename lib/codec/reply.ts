/**
 * The backend's HTTP answer to a CALL becomes the client's CALLRESULT or CALLERROR.
 *
 * @module
 */

import { errorCode, type ErrorMeaning } from "./error_code.ts";
import { callErrorText, callResultText } from "./frame_text.ts";
import { memberText, parseJson, trimSpace } from "./json.ts";
import { isObjectText } from "./scan.ts";
import type { Dialect } from "./subprotocol.ts";

/**
 * Builds the frame that answers a CALL.
 *
 * | backend | client gets |
 * |---|---|
 * | 2xx, JSON object (nested no deeper than 200) or empty | CALLRESULT |
 * | 2xx, anything else | CALLERROR `InternalError` |
 * | another status, JSON object with a string `code` | that CALLERROR |
 * | another status | CALLERROR by the status |
 *
 * @param messageIdText The CALL's MessageId as JSON text.
 * @param status The HTTP status.
 * @param body The answer's body; its text goes out as it is, but for white space around it.
 * @param dialect The version whose error codes count.
 * @returns The frame's text. Pure, never throws.
 *
 * @example
 * ```ts
 * import { replyText } from "./reply.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(replyText('"7"', 200, '{"n":1.0}\n', "ocpp1.6"), '[3,"7",{"n":1.0}]');
 * strictEqual(replyText('"7"', 204, "", "ocpp1.6"), '[3,"7",{}]');
 * ```
 */
export function replyText(
  messageIdText: string,
  status: number,
  body: string,
  dialect: Dialect,
): string {
  const text = trimSpace(body);
  if (isSuccess(status)) {
    if (text === "") return callResultText(messageIdText, "{}");
    if (isObjectText(text)) return callResultText(messageIdText, text);
    return callErrorText(
      messageIdText,
      errorCode("internal", dialect),
      `the backend answered ${status} with a body that is no JSON object`,
    );
  }
  const code = errorCodeOf(text);
  if (code !== undefined) {
    const details = memberText(text, "details");
    return callErrorText(
      messageIdText,
      code,
      stringOf(memberText(text, "description")) ?? "",
      details?.startsWith("{") ? details : "{}",
    );
  }
  return callErrorText(
    messageIdText,
    errorCode(meaningOf(status), dialect),
    `the backend answered ${status}`,
  );
}

/**
 * The payload of the CALLRESULT that `replyText` makes of a 2xx answer.
 *
 * @param body The answer's body.
 */
export function resultPayload(body: string): string {
  const text = trimSpace(body);
  return text === "" ? "{}" : text;
}

/** Whether a status says that the backend took a request: 2xx. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299;
}

/** Whether an answer other than a 2xx is the backend's own CALLERROR, with a code of its own. */
export function hasErrorCode(body: string): boolean {
  return errorCodeOf(trimSpace(body)) !== undefined;
}

function errorCodeOf(text: string): string | undefined {
  return isObjectText(text) ? stringOf(memberText(text, "code")) : undefined;
}

/** The string of a member that is one. Of others nothing is built: they may be large. */
function stringOf(text: string | undefined): string | undefined {
  return text?.startsWith('"') ? parseJson(text) as string : undefined;
}

function meaningOf(status: number): ErrorMeaning {
  switch (status) {
    case 400:
    case 422:
      return "bad_payload";
    case 401:
    case 403:
      return "security";
    case 404:
    case 405:
    case 501:
      return "not_implemented";
    default:
      return "internal";
  }
}
