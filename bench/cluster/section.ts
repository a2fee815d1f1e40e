/**
 * A task's part of RESULTS.md.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

const RESULTS = fileURLToPath(new URL("../RESULTS.md", import.meta.url));

/**
 * Puts a section into a document, in the place of the one that the task has there, or else at its end.
 *
 * Pure; nothing else of the document changes.
 */
export function withSection(document: string, task: string, section: string): string {
  const begin = `<!-- ${task} begin: written by \`deno task ${task}\` -->`;
  const end = `<!-- ${task} end -->`;
  const part = `${begin}\n\n${section}\n${end}\n`;
  const beginAt = document.indexOf(begin);
  const endAt = document.indexOf(end, beginAt);
  if (beginAt === -1 || endAt === -1) return `${document.trimEnd()}\n\n${part}`;
  return document.slice(0, beginAt) + part +
    document.slice(endAt + end.length).replace(/^\n/, "");
}

/** Writes a task's section, and pictures by their file names, in their final form. */
export async function writeResults(
  task: string,
  section: string,
  pictures: Readonly<Record<string, string>>,
): Promise<void> {
  const files = [RESULTS];
  for (const [name, picture] of Object.entries(pictures)) {
    const file = fileURLToPath(new URL(name, import.meta.url));
    await Deno.writeTextFile(file, picture);
    files.push(file);
  }
  const document = await Deno.readTextFile(RESULTS);
  await Deno.writeTextFile(RESULTS, withSection(document, task, section));
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", ...files],
  }).output();
  if (!success) throw new Error("deno fmt does not take what was written");
}

/** @param rows The first one is the heading. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [heading = [], ...rest] = rows;
  return [heading, heading.map(() => "---"), ...rest]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** A number for people. */
export function digits(value: number, decimals = 0): string {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}
