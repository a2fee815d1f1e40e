/**
 * Whether the outbox could be opened.
 *
 * @module
 */

import { dirname } from "node:path";

/** What there is in a folder. */
export type OutboxProbe =
  /** No file yet; it can be made, and the folder too where that is missing. */
  | { readonly kind: "new" }
  | { readonly kind: "usable"; readonly calls: number; readonly reports: number }
  /** Another process has the file open: whether it is as it should be is not known. */
  | { readonly kind: "in use" }
  /** @param reason One line. */
  | { readonly kind: "unusable"; readonly reason: string };

/**
 * Opens the outbox of a folder as the start does, and closes it. What is missing is not made: it would
 * be this user's, who may not be the one that the gateway runs as. Never rejects.
 *
 * A gateway that starts meanwhile finds the file in use.
 *
 * @param folder That of `--outbox`.
 */
export async function probeOutbox(folder: string): Promise<OutboxProbe> {
  const { Database, fileOf } = await import("./sqlite/database.ts");
  const { isInUse, reasonOf } = await import("./sqlite/fault.ts");
  try {
    tryFolder(folder);
    if (!exists(fileOf(folder))) return { kind: "new" };
    const database = Database.open(folder);
    try {
      return { kind: "usable", ...database.count() };
    } finally {
      database.close();
    }
  } catch (error) {
    return isInUse(error) ? { kind: "in use" } : { kind: "unusable", reason: reasonOf(error) };
  }
}

/** Whether files can be made there, or in the nearest folder that is there. @throws When not. */
function tryFolder(folder: string): void {
  let place = folder;
  while (!exists(place) && dirname(place) !== place) place = dirname(place);
  Deno.removeSync(Deno.makeTempDirSync({ dir: place, prefix: ".ws2api-" }));
}

function exists(name: string): boolean {
  try {
    Deno.statSync(name);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
