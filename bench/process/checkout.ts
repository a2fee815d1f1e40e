/**
 * A checkout of the project, this one or an older one: what its program is started with, and takes.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { startCommand } from "../../tests/support/program.ts";

/** A folder with the project in it. */
export interface Checkout {
  readonly dir: string;
  /** What its `deno task start` gives to `deno`. */
  readonly command: readonly string[];
  /** Its program's flags, without values, such as `--listen`. */
  readonly flags: ReadonlySet<string>;
}

/** @throws When there is no such project, or its program does not start. */
export async function readCheckout(dir: string): Promise<Checkout> {
  const folder = resolve(dir);
  const { tasks } = JSON.parse(await Deno.readTextFile(join(folder, "deno.json")));
  const command = startCommand(tasks.start.command);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...command, "--help"],
    cwd: folder,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${folder}: ${decoder.decode(stderr).trim()}`);
  const flags = decoder.decode(stdout).match(/--[a-z][a-z-]*/g) ?? [];
  return { dir: folder, command, flags: new Set(flags) };
}
