import { ok, strictEqual } from "node:assert/strict";
import { type Flag, type FlagName, FLAGS, variableOf } from "../../lib/config/flag.ts";

Deno.test("the README's table holds each flag as the help does, and no other", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const rows = readme.split("\n").filter((line) => line.startsWith("| `--"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  const names = Object.keys(FLAGS) as FlagName[];
  strictEqual(rows.length, names.length);
  for (const [i, name] of names.entries()) {
    const { placeholder, default: text, help }: Flag<unknown> = FLAGS[name];
    const shown = placeholder === undefined ? "off" : text === undefined ? "none" : `\`${text}\``;
    const title = placeholder === undefined ? name : `${name} ${placeholder}`;
    ok(
      rows[i]!.join("|") === [`\`--${title}\``, shown, `\`${variableOf(name)}\``, help].join("|"),
      name,
    );
  }
});
