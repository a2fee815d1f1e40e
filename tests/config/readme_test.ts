import { deepStrictEqual } from "node:assert/strict";
import { flagTable, splitReadme } from "../../docs/flags.ts";

/** The cells of a table, however its columns are aligned. */
function cells(table: string): string[][] {
  return table.split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").map((cell) => cell.trim().replace(/^-+$/, "-")));
}

Deno.test("the README's table holds each flag as the help does, and no other", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  deepStrictEqual(cells(splitReadme(readme).table), cells(flagTable()));
});
