/**
 * Writes the table of flags in flags.md anew, from what `--help` prints too.
 *
 *     deno task flags
 *
 * @module
 */

import { type FlagName, FLAGS, variableOf } from "../lib/config/flag.ts";
import type { Flag } from "../lib/config/flag_kind.ts";

const PAGE = new URL("./flags.md", import.meta.url);
const BEGIN = "<!-- flags begin: written by `deno task flags` -->";
const END = "<!-- flags end -->";

/** The table as Markdown, its columns not aligned. */
export function flagTable(): string {
  const rows = (Object.keys(FLAGS) as FlagName[]).map((name) => {
    const { placeholder, default: text, help }: Flag<unknown> = FLAGS[name];
    const shown = placeholder === undefined ? "off" : text === undefined ? "none" : `\`${text}\``;
    const title = placeholder === undefined ? name : `${name} ${placeholder}`;
    return `| \`--${title}\` | ${shown} | \`${variableOf(name)}\` | ${help} |`;
  });
  return ["| flag | default | variable | meaning |", "| --- | --- | --- | --- |", ...rows].join(
    "\n",
  );
}

/** What stands between the two marks, and what around them. */
export function splitPage(text: string): { before: string; table: string; after: string } {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error("the page has no marks for the flags");
  const start = begin + BEGIN.length;
  return { before: text.slice(0, start), table: text.slice(start, end), after: text.slice(end) };
}

if (import.meta.main) {
  const { before, after } = splitPage(await Deno.readTextFile(PAGE));
  await Deno.writeTextFile(PAGE, `${before}\n\n${flagTable()}\n\n${after}`);
}
