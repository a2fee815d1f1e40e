/**
 * The codec: a CALL read, and the answer to it written.
 *
 * The baseline is what a codec does that takes the message apart and writes it anew: `JSON.parse` of
 * the whole, `JSON.stringify` of the payload. Ours keeps the payload's text.
 *
 * @module
 */

import { callResultText, readFrame } from "../lib/codec/frame.ts";
import { replyText } from "../lib/codec/reply.ts";
import { payloadOf, SIZES } from "./sizes.ts";

/** What the benches give goes here, so that none of it can be left out as unused. */
let characters = 0;

for (const [size, bytes] of SIZES) {
  const payload = payloadOf(bytes);
  const call = `[2,"7f3c9a52","MeterValues",${payload}]`;
  const idText = '"7f3c9a52"';

  Deno.bench(`JSON.parse + JSON.stringify, CALL of ${size}`, {
    group: `read a CALL of ${size}`,
    baseline: true,
  }, () => {
    const [, messageId, action, parsed] = JSON.parse(call);
    characters += messageId.length + action.length + JSON.stringify(parsed).length;
  });

  Deno.bench(`readFrame, CALL of ${size}`, { group: `read a CALL of ${size}` }, () => {
    const read = readFrame(call, "ocpp1.6");
    if (read.ok) characters += read.frame.messageId.length + lengthOf(read.frame);
  });

  Deno.bench(`JSON.parse + JSON.stringify, body of ${size}`, {
    group: `answer with a body of ${size}`,
    baseline: true,
  }, () => {
    characters += JSON.stringify([3, "7f3c9a52", JSON.parse(payload)]).length;
  });

  Deno.bench(`replyText, body of ${size}`, { group: `answer with a body of ${size}` }, () => {
    characters += replyText(idText, 200, payload, "ocpp1.6").length;
  });

  // Without the check that the body is a JSON object: the rest of what replyText does. V8 joins the
  // texts when the socket needs their bytes, so the copying is not in here.
  Deno.bench(`callResultText, body of ${size}`, { group: `answer with a body of ${size}` }, () => {
    characters += callResultText(idText, payload).length;
  });
}

function lengthOf(frame: { readonly kind: string; readonly payload?: string }): number {
  return frame.payload?.length ?? 0;
}

globalThis.addEventListener("unload", () => {
  if (characters === 0) throw new Error("the benches did nothing");
});
