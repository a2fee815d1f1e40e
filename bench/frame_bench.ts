/**
 * The codec: a CALL read, the answer to it written, and a CALL to a client written.
 *
 * The baseline is what a gateway does that takes the message apart and writes it anew: `JSON.parse`
 * of the whole, a look at the parts, `JSON.stringify` of what goes on. Ours keeps the payload's text.
 *
 * @module
 */

import { readFrame } from "../lib/codec/frame.ts";
import { callText } from "../lib/codec/frame_text.ts";
import { replyText } from "../lib/codec/reply.ts";
import { isObjectText } from "../lib/codec/scan.ts";
import { inTurn, manyTexts, messageIdOf, payloadOf, SIZES } from "./sizes.ts";

/** What the benches give goes here, so that none of it can be left out as unused. */
let sum = 0;

/** Looks into a text: V8 then joins one that was put together, as a socket would make it do. */
function use(text: string): void {
  sum += text.length + text.charCodeAt(text.length >> 1);
}

/** The parts that a gateway needs, by `JSON.parse` and `JSON.stringify`. */
function parseAndStringify(text: string): void {
  const frame: unknown = JSON.parse(text);
  if (!Array.isArray(frame) || frame.length !== 4 || frame[0] !== 2) throw new Error("no CALL");
  const [, messageId, action, payload] = frame;
  if (typeof messageId !== "string" || typeof action !== "string") throw new Error("no CALL");
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) {
    throw new Error("no payload");
  }
  use(messageId);
  use(action);
  use(JSON.stringify(payload));
}

function read(text: string): void {
  const call = readFrame(text, "ocpp1.6");
  if (!call.ok || call.frame.kind !== "call") throw new Error("no CALL");
  use(call.frame.messageId);
  use(call.frame.action);
  use(call.frame.payload);
}

function compareReading(name: string, texts: readonly string[]): void {
  const group = `read ${name}`;
  const theirs = inTurn(texts);
  Deno.bench(`JSON.parse + JSON.stringify, ${name}`, { group, baseline: true }, () => {
    parseAndStringify(theirs());
  });
  const ours = inTurn(texts);
  Deno.bench(`readFrame, ${name}`, { group }, () => read(ours()));
}

compareReading(
  "Heartbeat, 55 B in all",
  manyTexts(50, () => `[2,"${messageIdOf()}","Heartbeat",{}]`),
);

for (const [size, bytes] of SIZES) {
  const action = bytes < 400 ? "StatusNotification" : "MeterValues";
  compareReading(
    `CALL of ${size}`,
    manyTexts(bytes, (i) => `[2,"${messageIdOf()}","${action}",${payloadOf(bytes, i)}]`),
  );

  const ids = manyTexts(36, messageIdOf);
  const idTexts = ids.map((id) => JSON.stringify(id));
  const bodies = manyTexts(bytes, (i) => payloadOf(bytes, i));

  Deno.bench(`JSON.parse + JSON.stringify, body of ${size}`, {
    group: `answer with a body of ${size}`,
    baseline: true,
  }, roundOf(ids, bodies, (id, body) => use(JSON.stringify([3, id, JSON.parse(body)]))));

  Deno.bench(
    `replyText, body of ${size}`,
    { group: `answer with a body of ${size}` },
    roundOf(idTexts, bodies, (idText, body) => use(replyText(idText, 200, body, "ocpp1.6"))),
  );

  Deno.bench(
    `JSON.parse + JSON.stringify, CALL to a client of ${size}`,
    { group: `write a CALL of ${size}`, baseline: true },
    roundOf(ids, bodies, (id, body) => use(JSON.stringify([2, id, action, JSON.parse(body)]))),
  );

  // The API checks the body that it gets before a CALL is written.
  Deno.bench(
    `isObjectText + callText, CALL to a client of ${size}`,
    { group: `write a CALL of ${size}` },
    roundOf(ids, bodies, (id, body) => {
      if (isObjectText(body)) use(callText("call", id, action, body));
    }),
  );
}

/** Takes both lists in turn. */
function roundOf(
  ids: readonly string[],
  bodies: readonly string[],
  run: (id: string, body: string) => void,
): () => void {
  const nextId = inTurn(ids);
  const nextBody = inTurn(bodies);
  return () => run(nextId(), nextBody());
}

globalThis.addEventListener("unload", () => {
  if (sum === 0) throw new Error("the benches did nothing");
});
