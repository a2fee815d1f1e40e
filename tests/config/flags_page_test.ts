import { deepStrictEqual } from "node:assert/strict";
import { flagTable, splitPage } from "../../docs/flags.ts";

/** The cells of a table, however its columns are aligned. */
function cells(table: string): string[][] {
  return table.split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").map((cell) => cell.trim().replace(/^-+$/, "-")));
}

Deno.test("the page's table holds each flag as the help does, and no other", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/flags.md", import.meta.url));
  deepStrictEqual(cells(splitPage(page).table), cells(flagTable()));
});
