/**
 * nginx, Apache and php-fpm as Debian has them, each in a folder of its own and run by an ordinary
 * user: what a test starts needs no root, and root's tests see what an ordinary user would.
 *
 * @module
 */

import { closedPort } from "./backend.ts";
import { inTime } from "./deadline.ts";
import { Program, TempDir } from "./program.ts";

/** Debian's user and group for what has no rights at all. */
const NOBODY = 65534;

/** A folder in which an ordinary user may write, also when root makes it. */
export class UserDir extends TempDir {
  constructor() {
    super();
    if (Deno.uid() === 0) Deno.chownSync(this.path("."), NOBODY, NOBODY);
  }
}

/** A server and its processes, run by an ordinary user. */
export class Server implements AsyncDisposable {
  readonly program: Program;

  /**
   * @param file The program.
   * @param args So that it stays in the foreground.
   */
  constructor(file: string, args: readonly string[]) {
    // A session of its own: then all of its processes can be ended by one number. And both outputs in
    // one, since Apache has its log on standard output. Each program becomes the next one and keeps its
    // process id.
    const user = Deno.uid() === 0
      ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"]
      : [];
    const shell = ["sh", "-c", 'exec "$@" >&2', "sh"];
    this.program = new Program("setsid", [...shell, ...user, file, ...args]);
  }

  /**
   * Resolves when it says that it is ready.
   *
   * @param line A part of what it says.
   * @throws When it ends instead, with all that it said.
   */
  async ready(line: string): Promise<void> {
    await this.program.logged(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      // It ends its own processes; without it some of them would live on.
      this.program.signal("SIGTERM");
      await inTime(this.program.ended(), "the end of a server");
    } catch {
      // Ended before, or it does not listen.
    }
    try {
      Deno.kill(-this.program.pid, "SIGKILL");
    } catch {
      // All have ended.
    }
    await this.program.ended();
  }
}

/**
 * Starts a server that cannot choose a free port itself, again when another program was faster.
 *
 * @param start Starts it on a port.
 * @param ready What it says when it has the port.
 * @returns The server and its port.
 */
export async function startOnFreePort(
  start: (port: number) => Server,
  ready: string,
): Promise<{ server: Server; port: number }> {
  for (let tries = 1;; tries++) {
    const port = closedPort();
    const server = start(port);
    try {
      await server.ready(ready);
      return { server, port };
    } catch (error) {
      await server[Symbol.asyncDispose]();
      const isTaken = /address already in use/i.test((error as Error).message);
      if (!isTaken || tries === 10) throw error;
    }
  }
}

/** A text with one part of it replaced. @throws When that part is not there exactly once. */
export function replaced(text: string, part: string, by: string): string {
  const pieces = text.split(part);
  if (pieces.length !== 2) throw new Error(`${pieces.length - 1} times in the file: ${part}`);
  return pieces.join(by);
}
