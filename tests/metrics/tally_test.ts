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

Deno.test("the earliest of all threads is the smallest that is set, and 0 when none is", () => {
  const buffer = tallyBuffer(2, 3);
  const cells = [0, 1, 2].map((row) => new Tally(2, buffer, row).cell(1));
  strictEqual(cells[0]?.earliest, 0);
  cells[1]!.own = 20;
  strictEqual(cells[0]?.earliest, 20);
  cells[2]!.own = 10;
  strictEqual(cells[0]?.earliest, 10);
  cells[2]!.own = 0;
  strictEqual(cells[0]?.earliest, 20);
});
