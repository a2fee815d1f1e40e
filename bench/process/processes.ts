/**
 * The processes that a run starts, and their end.
 *
 * @module
 */

import { join } from "node:path";
import { lastOfEach } from "../../tests/support/flags.ts";
import { startCommand } from "../../tests/support/program.ts";
import type { Checkout } from "./checkout.ts";
import { lines } from "./text.ts";

/** Benches have packages that the program does not need. */
const CONFIG = "--config=tests/deno.json";

/** The project's folder, in which everything is started. */
export const ROOT = join(import.meta.dirname!, "../..");
/** Starting takes a second on a busy machine, the first time with a type cache to fill. */
const START_MS = 30_000;
/** The gateway's last messages; what has not ended by then is killed. */
const END_MS = 3000;

/** A process with the lines of its outputs. */
export interface Started {
  readonly pid: number;
  readonly lines: AsyncGenerator<string>;
  /** Null when what it says there is passed on to the terminal. */
  readonly errorLines: AsyncGenerator<string> | null;
  /** Writes to standard input, which stays open until `Processes.end`. */
  say(text: string): Promise<void>;
}

/** Who listens on a port of 127.0.0.1. */
export interface Server extends Started {
  readonly port: number;
}

/** Starts processes and ends all of them, by their handles. */
export class Processes {
  readonly #children: Deno.ChildProcess[] = [];
  readonly #inputs: WritableStreamDefaultWriter<Uint8Array>[] = [];
  readonly #parts = new Set<Processes>();
  #ended: Promise<void> | null = null;

  get isEnded(): boolean {
    return this.#ended !== null;
  }

  /**
   * The gateway as `deno task start` runs it, on a free port unless a flag says which.
   *
   * @param errors Whether what it logs is to be had as lines.
   * @param checkout Whose program it is, when it is not this one.
   */
  async startGateway(
    backend: Pick<Server, "port">,
    flags: readonly string[],
    errors: "inherit" | "piped" = "inherit",
    checkout: Pick<Checkout, "dir" | "command"> = { dir: ROOT, command: startCommand() },
  ): Promise<Server> {
    const own = ["--listen=127.0.0.1:0", `--backend=http://127.0.0.1:${backend.port}/`];
    // A line for each client would hide the figures.
    const args = [...checkout.command, ...lastOfEach([...own, "--log-level=error", ...flags])];
    const gateway = this.start(args, Deno.execPath(), errors, checkout.dir);
    const line = /^ws2api listening on https?:\/\/[^:]+:(\d+)$/;
    return { ...gateway, port: Number((await lineOf(gateway.lines, line, "the gateway"))[1]) };
  }

  /** A backend that answers every request at once. */
  async startStub(): Promise<Server> {
    return await this.startServer(["run", CONFIG, "--allow-ffi", "bench/load/stub.ts"]);
  }

  /** A NATS server of our own. */
  async startNats(): Promise<Server> {
    const nats = this.start(["--addr=127.0.0.1", "--port=-1"], "nats-server", "piped");
    const line = /Listening for client connections on 127\.0\.0\.1:(\d+)$/;
    return { ...nats, port: Number((await lineOf(nats.errorLines!, line, "nats-server"))[1]) };
  }

  /**
   * A program that prints its port when it is ready.
   *
   * @param command Deno, unless given.
   * @throws When it ends before, or takes too long.
   */
  async startServer(args: readonly string[], command = Deno.execPath()): Promise<Server> {
    const server = this.start(args, command);
    return { ...server, port: Number((await lineOf(server.lines, /^\d+$/, args.join(" ")))[0]) };
  }

  /** A script that prints a line when it is ready. */
  async startScript(permission: string, script: string, args: readonly string[]): Promise<Started> {
    const started = this.start(["run", CONFIG, permission, script, ...args]);
    await lineOf(started.lines, /^/, script);
    return started;
  }

  /** Any program. When it is ready is the caller's to find out. */
  start(
    args: readonly string[],
    command = Deno.execPath(),
    errors: "inherit" | "piped" = "inherit",
    folder = ROOT,
  ): Started {
    if (this.isEnded) throw new Error("the run has been ended");
    const child = new Deno.Command(command, {
      args: [...args],
      cwd: folder,
      stdin: "piped",
      stdout: "piped",
      stderr: errors,
    }).spawn();
    this.#children.push(child);
    const input = child.stdin.getWriter();
    this.#inputs.push(input);
    return {
      pid: child.pid,
      lines: lines(child.stdout),
      errorLines: errors === "piped" ? lines(child.stderr) : null,
      say: (text) => input.write(new TextEncoder().encode(text)),
    };
  }

  /** Runs a part with processes of its own, which end with it however it ends. */
  async with<T>(part: (processes: Processes) => Promise<T>): Promise<T> {
    if (this.isEnded) throw new Error("the run has been ended");
    const processes = new Processes();
    this.#parts.add(processes);
    try {
      return await part(processes);
    } finally {
      await processes.end();
      this.#parts.delete(processes);
    }
  }

  /** Kills one process that was started here, without a warning. */
  async kill(pid: number): Promise<void> {
    const child = this.#children.find((each) => each.pid === pid);
    if (child === undefined) throw new Error(`no process ${pid} of this run`);
    signal(child, "SIGKILL");
    await child.status;
  }

  /**
   * Ends all: the later ones first, so that the gateway has no clients left to part from. May be called
   * again; nothing is started after it.
   */
  end(): Promise<void> {
    return this.#ended ??= this.#endAll();
  }

  async #endAll(): Promise<void> {
    await Promise.all([...this.#parts].map((part) => part.end()));
    for (const child of this.#children.toReversed()) {
      signal(child, "SIGTERM");
      const timer = setTimeout(() => signal(child, "SIGKILL"), END_MS);
      await child.status;
      clearTimeout(timer);
    }
    // Nobody reads it any more, which is an error or is not.
    await Promise.allSettled(this.#inputs.map((input) => input.close()));
  }
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // It has ended by itself.
  }
}

/**
 * The first line that fits a pattern; the others are dropped.
 *
 * @param from Who it comes from.
 * @throws When it ends before, or takes too long.
 */
export async function lineOf(
  lines: AsyncGenerator<string>,
  pattern: RegExp,
  from: string,
): Promise<RegExpExecArray> {
  let timer;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`late: ${from}`)), START_MS);
  });
  try {
    while (true) {
      const { value, done } = await Promise.race([lines.next(), late]);
      if (done === true) throw new Error(`ended too early: ${from}`);
      const match = pattern.exec(value);
      if (match !== null) return match;
    }
  } finally {
    clearTimeout(timer);
  }
}
