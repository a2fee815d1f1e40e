/**
 * A real terminal, for what programs meet only there: Ctrl+C goes to the whole process group.
 *
 * @module
 */

import { inTime } from "./deadline.ts";
import { ROOT } from "./program.ts";

/** What a terminal sends for Ctrl+C. */
export const CTRL_C = "\x03";

/** A shell command in a pseudo terminal of its own, made by Debian's `script`. */
export class Terminal implements AsyncDisposable {
  /** All that was on the screen so far. */
  screen = "";
  readonly #child: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #read: Promise<void>;
  #more = Promise.withResolvers<void>();

  /** @param command For `sh`, run in the project's folder. */
  constructor(command: string) {
    this.#child = new Deno.Command("script", {
      args: ["--quiet", "--return", "--command", command, "/dev/null"],
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#keys = this.#child.stdin.getWriter();
    this.#read = this.#follow();
  }

  async #follow(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      this.screen += decoder.decode(chunk, { stream: true });
      this.#more.resolve();
      this.#more = Promise.withResolvers();
    }
  }

  /** What of the screen fits a pattern, as soon as it is there. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.screen);
      if (found !== null) return found;
      await inTime(this.#more.promise, `${pattern} in a terminal`, 20_000);
    }
  }

  async press(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  /** The command's exit code. */
  async ended(): Promise<number> {
    const { code } = await inTime(this.#child.status, "the end of a terminal's command", 20_000);
    await this.#read;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      // The terminal hangs up with it, which ends what runs in it.
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.ended();
    await this.#keys.close().catch(() => {});
  }
}
