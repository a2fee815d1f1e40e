/**
 * What can be wrong with the outbox's folder, in words for an operator (pure).
 *
 * @module
 */

/** A file that cannot be used, whatever the disk does. */
export class UnusableFile extends Error {
  override readonly name = "UnusableFile";
}

/** The primary result codes that an operator can do something about (sqlite.org/rescode.html). */
const REASONS: Readonly<Record<number, string>> = {
  5: "another process has it open",
  6: "another process has it open",
  8: "it cannot be written",
  10: "the disk failed",
  11: "outbox.sqlite is damaged",
  13: "the disk is full",
  14: "outbox.sqlite cannot be opened",
  26: "outbox.sqlite is damaged",
};

/** Why something with the folder did not work: one line. */
export function reasonOf(error: unknown): string {
  const { message } = error instanceof Error ? error : new Error(String(error));
  const words = message.replaceAll(/\s+/g, " ").slice(0, 200);
  if (error instanceof UnusableFile) return words;
  if (error instanceof Deno.errors.NotCapable) {
    return "no permission to read and write there: start it with deno task start, or with " +
      "deno run --allow-read --allow-write";
  }
  const code: unknown = (error as { errcode?: unknown } | null)?.errcode;
  // Extended codes have the primary one in their lowest byte.
  const reason = typeof code === "number" ? REASONS[code & 0xff] : undefined;
  return reason === undefined ? words : `${reason} (${words})`;
}
