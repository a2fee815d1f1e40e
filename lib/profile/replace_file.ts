/**
 * Files that are there whole or not at all.
 *
 * @module
 */

import { type Random, randomUuid } from "../random.ts";

/**
 * Writes a file beside the one of that name and puts it in its place when it is on the disk. What
 * stood there stays until then, and stays when this rejects. A name that stands for no regular file,
 * such as `/dev/stderr`, is written to instead: a device must not be replaced.
 *
 * Needs leave to write and, for the renaming, to read.
 */
export async function replaceFile(
  name: string,
  bytes: Uint8Array,
  random: Random,
): Promise<void> {
  if (await isSpecial(name)) return await Deno.writeFile(name, bytes, { create: false });
  const part = partOf(name, random);
  try {
    // `createNew`: in a folder that others may write to, the name could be a link of theirs.
    using file = await Deno.open(part, { write: true, createNew: true });
    for (let left = bytes; left.length > 0;) left = left.subarray(await file.write(left));
    await file.sync();
    await Deno.rename(part, name);
  } catch (error) {
    await Deno.remove(part).catch(() => {});
    throw error;
  }
}

/**
 * Tries whether `replaceFile` could write here, and leaves everything as it was.
 *
 * @throws What would have been its fault.
 */
export async function tryReplaceFile(name: string, random: Random): Promise<void> {
  // Opening a pipe would wait for its reader.
  if (await isSpecial(name)) return;
  const part = partOf(name, random);
  (await Deno.open(part, { write: true, createNew: true })).close();
  await Deno.remove(part);
}

/** A name beside it that nobody else has. */
function partOf(name: string, random: Random): string {
  return `${name}.${randomUuid(random)}.part`;
}

async function isSpecial(name: string): Promise<boolean> {
  try {
    const { isFile, isDirectory } = await Deno.stat(name);
    if (isDirectory) throw new Deno.errors.IsADirectory(name);
    return !isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
