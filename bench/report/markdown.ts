/**
 * Numbers and tables for people, and a task's part of RESULTS.md.
 *
 * @module
 */

import { join } from "node:path";

const BENCH = join(import.meta.dirname!, "..");

/** A number for people; a dash for one that was not measured. */
export function digits(value: number, decimals = 0): string {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

/** Milliseconds; without a number of decimals, one below ten. */
export function ms(value: number, decimals = value < 10 ? 1 : 0): string {
  return `${digits(value, decimals)} ms`;
}

/** @param rows The first one is the heading. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [heading = [], ...rest] = rows;
  return [heading, heading.map(() => "---"), ...rest]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/**
 * Puts a section into a document, in the place of the one that the task has there, or else at its end.
 *
 * Pure; nothing else of the document changes.
 */
function withSection(document: string, task: string, section: string): string {
  const begin = `<!-- ${task} begin: written by \`deno task ${task}\` -->`;
  const end = `<!-- ${task} end -->`;
  const part = `${begin}\n\n${section}\n${end}\n`;
  const beginAt = document.indexOf(begin);
  const endAt = document.indexOf(end, beginAt);
  if (beginAt === -1 || endAt === -1) return `${document.trimEnd()}\n\n${part}`;
  return document.slice(0, beginAt) + part +
    document.slice(endAt + end.length).replace(/^\n/, "");
}

/** Writes a task's section of RESULTS.md, and pictures by their paths in bench/, in their final form. */
export async function writeResults(
  task: string,
  section: string,
  pictures: Readonly<Record<string, string>> = {},
): Promise<void> {
  const results = join(BENCH, "RESULTS.md");
  const files = [results];
  for (const [name, picture] of Object.entries(pictures)) {
    files.push(join(BENCH, name));
    await Deno.writeTextFile(files.at(-1)!, picture);
  }
  const document = await Deno.readTextFile(results);
  await Deno.writeTextFile(results, withSection(document, task, section));
  const fmt = new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", ...files] });
  if (!(await fmt.output()).success) throw new Error("deno fmt does not take what was written");
}
