/**
 * What can be wrong with the outbox's folder, in words for an operator (pure).
 *
 * @module
 */

/** A file that cannot be used, whatever the disk does. */
export class UnusableFile extends Error {
  override readonly name = "UnusableFile";
}

const LOCKED = "database is locked";

/** SQLite's own words for what an operator can do something about (sqlite3_errstr). Codes come with some calls only. */
const REASONS: readonly (readonly [words: string, reason: string])[] = [
  [LOCKED, "another process has it open"],
  ["attempt to write a readonly database", "it cannot be written"],
  ["disk I/O error", "the disk failed, or cannot be written"],
  ["database disk image is malformed", "outbox.sqlite is damaged"],
  ["file is not a database", "outbox.sqlite is damaged"],
  ["database or disk is full", "the disk is full"],
  ["unable to open database file", "outbox.sqlite cannot be opened"],
];

/** Whether another process has the file open. */
export function isInUse(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith(LOCKED);
}

/** Why something with the folder did not work: one line. */
export function reasonOf(error: unknown): string {
  const { message } = error instanceof Error ? error : new Error(String(error));
  const words = message.replaceAll(/\s+/g, " ").slice(0, 200);
  if (error instanceof UnusableFile) return words;
  if (error instanceof Deno.errors.NotCapable) {
    return "no permission to read and write there: start it with deno task start, or with " +
      "deno run --allow-read --allow-write";
  }
  const reason = REASONS.find(([start]) => words.startsWith(start))?.[1];
  return reason === undefined ? words : `${reason} (${words})`;
}
