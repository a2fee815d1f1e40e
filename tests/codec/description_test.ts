import { ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { cutDescription } from "../../lib/codec/description.ts";
import { answerToFault, callErrorText, callResultErrorText } from "../../lib/codec/frame_text.ts";
import { replyText } from "../../lib/codec/reply.ts";
import { CHARACTER } from "../support/character.ts";

const DIALECTS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] as const;

Deno.test("a description is cut at 255 characters, and no character is taken apart", async (t) => {
  const rows: [name: string, text: string, cut: string][] = [
    ["none", "", ""],
    ["255", "x".repeat(255), "x".repeat(255)],
    ["256", "x".repeat(256), "x".repeat(255)],
    ["a megabyte", "é".repeat(1e6), "é".repeat(255)],
    ["255 of two units", "😀".repeat(255), "😀".repeat(255)],
    ["256 of two units", "😀".repeat(256), "😀".repeat(255)],
    ["a pair across the end", `${"x".repeat(254)}😀y`, `${"x".repeat(254)}😀`],
    ["a pair behind the end", `${"x".repeat(255)}😀`, "x".repeat(255)],
    ["one unit before pairs", `x${"😀".repeat(300)}`, `x${"😀".repeat(254)}`],
    ["half pairs", "\ud83d".repeat(300), "\ud83d".repeat(255)],
  ];
  for (const [name, text, cut] of rows) {
    await t.step(name, () => strictEqual(cutDescription(text), cut));
  }
});

Deno.test("any text is cut to its first characters", () => {
  const texts = fc.string({ unit: CHARACTER, minLength: 200, maxLength: 400 });
  fc.assert(fc.property(texts, (text) => {
    strictEqual(cutDescription(text), [...text].slice(0, 255).join(""));
  }));
});

Deno.test("every description that goes to a client is cut, and nothing else of the frame", () => {
  const long = "😀".repeat(300);
  const cut = "😀".repeat(255);
  const details = `{"a":"${long}","n":1.0}`;
  strictEqual(callErrorText('"7"', long, long, details), `[4,"7","${long}","${cut}",${details}]`);
  strictEqual(callResultErrorText("7", "C", long), `[5,"7","C","${cut}",{}]`);
  const body = `{"code":"C","description":"${long}","details":${details}}`;
  for (const dialect of DIALECTS) {
    strictEqual(replyText('"7"', 400, body, dialect), `[4,"7","C","${cut}",${details}]`);
    const fault = { meaning: "bad_frame", type: 2, messageIdText: '"7"', reason: long } as const;
    ok(answerToFault(fault, dialect)!.endsWith(`,"${cut}",{}]`));
  }
});
