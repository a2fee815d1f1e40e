/**
 * Who imports whom, and what the order of the rooms says to it.
 *
 * @module
 */

import { pathToFileURL } from "node:url";
import { type Room, roomOf } from "./rooms.ts";

/** One file imports another; paths from the project's root. */
export interface Import {
  readonly from: string;
  readonly to: string;
}

/** What `deno info --json` says, as far as it is read. */
interface Info {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    /** What is imported for its values stands in `code`, what only for its types in `type`. */
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

/**
 * All imports between files of the project, type imports and `import()` included.
 *
 * @param root The project's root, with a slash at its end.
 * @param files Where to begin; what they import is followed.
 */
export async function readImports(root: string, files: readonly string[]): Promise<Import[]> {
  const base = pathToFileURL(root).href;
  const seen = new Set<string>();
  const imports: Import[] = [];
  for (const file of files) {
    if (seen.has(file)) continue;
    for (const { specifier, error, dependencies = [] } of (await infoOf(root, file)).modules) {
      if (error !== undefined) throw new Error(`${specifier}: ${error}`);
      if (!specifier.startsWith(base)) continue;
      const from = decodeURI(specifier.slice(base.length));
      // Another file may be its text only: it is read on its own then.
      if (from !== file && dependencies.length === 0) continue;
      if (seen.has(from)) continue;
      seen.add(from);
      for (const { code, type } of dependencies) {
        const to = (code ?? type)?.specifier;
        if (to?.startsWith(base)) imports.push({ from, to: decodeURI(to.slice(base.length)) });
      }
    }
  }
  return imports;
}

async function infoOf(root: string, file: string): Promise<Info> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", file],
    cwd: root,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** What any room may import that is none: facts, not code. */
const OUTSIDE = ["deno.json"];

/** What breaks the order of the rooms, a line for each import. */
export function upwards(imports: readonly Import[], rooms: readonly Room[]): string[] {
  return imports.flatMap(({ from, to }) => {
    const own = roomOf(from, rooms);
    const other = roomOf(to, rooms);
    if (own === undefined || own === other) return [];
    if (other === undefined) {
      return OUTSIDE.includes(to) ? [] : [`${from} (${own.name}) imports ${to}, which is no room`];
    }
    if (other.level < own.level) return [];
    const what = other.level > own.level ? "a higher room" : "a room of the same level";
    return [`${from} (${own.name}) imports ${to} (${other.name}), which is ${what}`];
  });
}

/** Files that import each other in a circle, a line for each circle that can be named apart. */
export function circles(imports: readonly Import[]): string[] {
  const targets = Map.groupBy(imports, ({ from }) => from);
  const found: string[] = [];
  const done = new Set<string>();
  for (const start of [...targets.keys()].sort()) {
    if (done.has(start)) continue;
    const way = wayBack(start, targets);
    if (way === undefined) continue;
    for (const file of way) done.add(file);
    found.push(`these files import each other: ${way.join(" -> ")}`);
  }
  return found;
}

/** The shortest way from a file to itself. */
function wayBack(
  start: string,
  targets: ReadonlyMap<string, readonly Import[]>,
): string[] | undefined {
  const ways = new Map<string, string[]>([[start, [start]]]);
  for (const [file, way] of ways) {
    for (const { to } of targets.get(file) ?? []) {
      if (to === start) return [...way, start];
      if (!ways.has(to)) ways.set(to, [...way, to]);
    }
  }
  return undefined;
}
