import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Cell, Tally, tallyBuffer } from "../../lib/metrics/tally.ts";

Deno.test("a cell that is alone is its own sum", () => {
  const cell = new Cell();
  cell.add(3);
  cell.add(-1);
  deepStrictEqual([cell.own, cell.sum, cell.max], [2, 2, 2]);
});

Deno.test("each thread counts for itself, and sees what all come to", () => {
  const buffer = tallyBuffer(2, 3);
  const threads = [0, 1, 2].map((row) => new Tally(2, buffer, row));
  for (const [i, tally] of threads.entries()) {
    tally.cell(0).add(10 * (i + 1));
    tally.cell(1).own = 2 ** 40;
  }
  for (const [i, tally] of threads.entries()) {
    deepStrictEqual([tally.cell(0).own, tally.cell(0).sum, tally.cell(0).max], [
      10 * (i + 1),
      60,
      30,
    ]);
    strictEqual(tally.cell(1).sum, 3 * 2 ** 40);
  }
});
