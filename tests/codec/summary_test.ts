import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { type FrameSummary, summaryOf } from "../../lib/codec/summary.ts";
import { CHARACTER } from "../support/character.ts";

Deno.test("a summary names what stands at a frame's head", async (t) => {
  const nothing = { type: null, messageId: null, action: null, code: null };
  const rows: [text: string, summary: FrameSummary][] = [
    ['[2,"7","Heartbeat",{}]', { ...nothing, type: "call", messageId: "7", action: "Heartbeat" }],
    [' [ 6 , "7" , "Log" , {"a', { ...nothing, type: "send", messageId: "7", action: "Log" }],
    ['[3,"7",{"a":"b"}]', { ...nothing, type: "result", messageId: "7" }],
    ['[4,"7","GenericError","x",{}]', {
      ...nothing,
      type: "error",
      messageId: "7",
      code: "GenericError",
    }],
    ['[5,"7","X","",{}]', { ...nothing, type: "resulterror", messageId: "7", code: "X" }],
    ['[2,"\\u0041\\"","B"', { ...nothing, type: "call", messageId: 'A"', action: "B" }],
    ['[2,"7"]', { ...nothing, type: "call", messageId: "7" }],
    ['[2,"\\q","A"]', { ...nothing, type: "call", action: "A" }],
    ["", nothing],
    ["hello", nothing],
    ["[2]", nothing],
    ['[2,7,"A"]', nothing],
    ['[7,"7","A"]', nothing],
    ['[22,"7","A"]', nothing],
    ['{"a":[2,"7","A"]}', nothing],
    [`[2,"${"a".repeat(301)}","A"]`, nothing],
  ];
  for (const [text, summary] of rows) {
    await t.step(text.slice(0, 40), () => deepStrictEqual(summaryOf(text), summary));
  }
});

Deno.test("any text has a summary, and any frame its names", () => {
  fc.assert(fc.property(fc.string({ unit: CHARACTER }), (text) => void summaryOf(text)));
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 36 });
  fc.assert(fc.property(name, name, (messageId, action) => {
    const summary = summaryOf(JSON.stringify([2, messageId, action, {}]));
    deepStrictEqual([summary.messageId, summary.action], [messageId, action]);
  }));
  strictEqual(summaryOf(`[2,"${"\\".repeat(100_000)}`).type, null);
});
