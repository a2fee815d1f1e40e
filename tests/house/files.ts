/**
 * The files of the project, as tests of the house look at them.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** The project's root, with a slash at its end. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** All files below a folder with one of these endings, by their paths from the root, sorted. */
export function filesBelow(folder: string, ...endings: readonly string[]): string[] {
  const files: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(ROOT + folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) files.push(...filesBelow(path, ...endings));
    else if (endings.some((ending) => name.endsWith(ending))) files.push(path);
  }
  return files.sort();
}

/** A file's text. */
export function textOf(path: string): string {
  return Deno.readTextFileSync(ROOT + path);
}
