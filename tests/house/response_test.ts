import { deepStrictEqual } from "node:assert/strict";
import { filesBelow, textOf } from "./files.ts";

/** Where responses are built, and header values looked at. */
const OWNER = "lib/problem.ts";
/** It reads bytes by one; nobody gets it. */
const NO_ANSWERS = "lib/profile/";

Deno.test("every response is built in one place, which looks at its headers", () => {
  const found = ["main.ts", ...filesBelow("lib", ".ts")]
    .filter((file) => file !== OWNER && !file.startsWith(NO_ANSWERS))
    .flatMap((file) =>
      textOf(file).split("\n").map((line, at) => ({ line, where: `${file}:${at + 1}` }))
    )
    .filter(({ line }) =>
      /\bnew Response\(|\bResponse\.(?:json|redirect)\(|\.headers\.(?:set|append)\(/.test(line)
    )
    .map(({ line, where }) => `${where}: ${line.trim()}`);
  deepStrictEqual(found, []);
});
