import { deepStrictEqual } from "node:assert/strict";
import { filesBelow, textOf } from "./files.ts";

/** A file that is longer holds a second noun. */
const MAX_LINES = 300;

Deno.test("no file over 300 lines", () => {
  const files = ["main.ts", ...filesBelow("lib", ".ts", ".js", ".css", ".html")];
  const long = files.map((file) => ({ file, lines: textOf(file).split("\n").length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ file, lines }) => `${file} has ${lines} lines`);
  deepStrictEqual(long, []);
});
