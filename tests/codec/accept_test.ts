import { strictEqual } from "node:assert/strict";
import { prefersHtml } from "../../lib/codec/accept.ts";

Deno.test("a page is for those who name text/html, and not less than text/plain", async (t) => {
  const rows: [accept: string | null, isPage: boolean][] = [
    ["text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", true],
    ["text/html", true],
    ["TEXT/HTML;Level=1", true],
    ["application/json, text/html;q=0.1", true],
    ["text/html;q=0.5, text/plain;q=0.5", true],
    [null, false],
    ["", false],
    ["*/*", false],
    ["text/*", false],
    ["text/plain", false],
    ["text/plain, text/html;q=0.9", false],
    ["text/html;q=0", false],
    ["text/html;q=2", false],
    ["text/html;q=x", false],
    ["text/htmlx", false],
    ["application/json", false],
    ["application/x;a=text/html", false],
  ];
  for (const [accept, isPage] of rows) {
    await t.step(String(accept), () => strictEqual(prefersHtml(accept), isPage));
  }
});
