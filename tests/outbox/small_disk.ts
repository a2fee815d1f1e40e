/**
 * A disk that a test can fill, and make read-only.
 *
 * @module
 */

import { TempDir } from "../support/program.ts";

export class SmallDisk implements Disposable {
  readonly #dir = new TempDir();
  readonly path = this.#dir.path("disk");

  constructor(size = "1m") {
    Deno.mkdirSync(this.path);
    run("mount", ["-t", "tmpfs", "-o", `size=${size},mode=700`, "none", this.path]);
  }

  /** Leaves no block free. */
  fill(): void {
    using file = Deno.openSync(`${this.path}/filler`, { write: true, create: true, append: true });
    try {
      for (;;) file.writeSync(new Uint8Array(4096));
    } catch (error) {
      if (!/No space left/.test(String(error))) throw error;
    }
  }

  makeRoom(): void {
    Deno.removeSync(`${this.path}/filler`);
  }

  makeReadOnly(): void {
    run("mount", ["-o", "remount,ro", this.path]);
  }

  [Symbol.dispose](): void {
    run("umount", ["-l", this.path]);
    this.#dir[Symbol.dispose]();
  }
}

function run(program: string, args: string[]): void {
  const { success, stderr } = new Deno.Command(program, { args }).outputSync();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}
