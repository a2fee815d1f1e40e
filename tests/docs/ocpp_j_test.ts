import { deepStrictEqual, ok } from "node:assert/strict";

const PAGE = await Deno.readTextFile(new URL("../../docs/ocpp-j.md", import.meta.url));
const TESTS = new URL("../", import.meta.url);

/** Each test that the page names: file and name. */
const NAMED = [...PAGE.matchAll(/`([\w/]+_test\.ts)` "([^"]+)"/g)]
  .map(([, file = "", name = ""]) => ({ file, name }));

Deno.test("each test that the page on OCPP-J names is there", async () => {
  const missing: string[] = [];
  for (const { file, name } of NAMED) {
    const source = await Deno.readTextFile(new URL(file, TESTS)).catch(() => "");
    if (![`"${name}"`, `\`${name}\``].some((text) => source.includes(text))) {
      missing.push(`${file}: ${name}`);
    }
  }
  deepStrictEqual(missing, []);
});

Deno.test("each file of tests that the page on OCPP-J names comes with a name", () => {
  const files = [...PAGE.matchAll(/[\w/]+_test\.ts/g)];
  ok(files.length > 0);
  deepStrictEqual(files.length, NAMED.length);
});

Deno.test("each statement on the page on OCPP-J has a test, or a dash", () => {
  const [statements = ""] = PAGE.split("\n## Where implementations differ");
  const rows = statements.split("\n").filter((line) => /^\| (?!statement|-)/.test(line));
  ok(rows.length > 0);
  for (const row of rows) {
    const cells = row.split("|").slice(1, -1).map((cell) => cell.trim());
    deepStrictEqual(cells.length, 6, row);
    ok(cells[5] === "–" || cells[5]?.includes("_test.ts` "), row);
  }
});
