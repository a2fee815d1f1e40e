import { deepStrictEqual, ok } from "node:assert/strict";
import { typeAtHead } from "../../lib/codec/broken_answer.ts";
import { readFrame } from "../../lib/codec/frame.ts";

Deno.test("the type with which a text begins is found behind any white space, also as a string", () => {
  const texts = ["[3", "\ufeff [ \n3 ,", '[" 4', ' [ " 5"', "[35", "[x", '[""3', "3"];
  deepStrictEqual(texts.map(typeAtHead), [3, 3, 4, 5, undefined, undefined, undefined, undefined]);
});

Deno.test("a text of blanks takes a time that goes by its length", () => {
  const blanks = " ".repeat(1_000_000);
  const texts = [
    `[${blanks}x`,
    `[${blanks}"${blanks}x`,
    `${blanks}[`,
    `[${"\n".repeat(1_000_000)}`,
  ];
  const since = performance.now();
  for (const text of texts) ok(!readFrame(text, "ocpp1.6").ok);
  // Some milliseconds; a time that goes by the square of the length would be a quarter of an hour.
  ok(performance.now() - since < 10_000);
});
