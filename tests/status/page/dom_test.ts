import { ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { shown } from "../../../lib/status/page/dom.js";

Deno.test("what is not seen in a text is shown as an escape", async (t) => {
  const rows: [string, string][] = [
    ["CP1", "CP1"],
    ["Ladesäule 7, צפון", "Ladesäule 7, צפון"],
    ["a  b", "a  b"],
    ["", ""],
    ["CP\u200b1", "CP\\u{200b}1"],
    ["CP1\u202egnp", "CP1\\u{202e}gnp"],
    ["\u2066CP\u2069", "\\u{2066}CP\\u{2069}"],
    ["\ufeffCP\u00ad1", "\\u{feff}CP\\u{ad}1"],
    ["line\nline\u0000\u001b[31m", "line\\u{a}line\\u{0}\\u{1b}[31m"],
    ["CP1 ", "CP1\\u{20}"],
    [" CP1", "\\u{20}CP1"],
    ["CP\u00a01", "CP\\u{a0}1"],
    ["CP\u31641\u{e0041}", "CP\\u{3164}1\\u{e0041}"],
    ["half \ud800", "half \\u{d800}"],
    ["😀", "😀"],
  ];
  for (const [text, expected] of rows) {
    await t.step(JSON.stringify(text), () => strictEqual(shown(text), expected));
  }
});

Deno.test("a shown text holds nothing that is not seen, and says the rest as it is", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const result = shown(text);
    ok(!/[\p{Cc}\p{Cf}\p{Cs}]/u.test(result));
    strictEqual(shown(result), result);
    const back = result.replace(
      /\\u\{([0-9a-f]+)\}/g,
      (_all, hex) => String.fromCodePoint(parseInt(hex, 16)),
    );
    strictEqual(back, text);
  }));
});
