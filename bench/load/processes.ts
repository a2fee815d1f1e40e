/**
 * The processes that a run starts, and their end.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { Part } from "./generator.ts";
import { startCommand } from "../../tests/support/program.ts";
import { lines } from "./text.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Starting takes a second on a busy machine, the first time with a type cache to fill. */
const START_MS = 30_000;
/** The gateway's last messages; what has not ended by then is killed. */
const END_MS = 3000;

/** A process with its lines of standard output. */
export interface Started {
  readonly pid: number;
  readonly lines: AsyncGenerator<string>;
  /** Writes to standard input, which stays open until `Processes.end`. */
  say(text: string): Promise<void>;
}

/** Starts processes and ends all of them, by their handles. */
export class Processes {
  readonly #children: Deno.ChildProcess[] = [];
  #ended: Promise<void> | null = null;

  /**
   * The gateway as `deno task start` runs it, on a free port if none is given.
   *
   * @returns It and its WebSocket URL.
   * @throws When it does not say that it listens.
   */
  async startGateway(
    backendPort: number,
    flags: readonly string[],
    port = 0,
  ): Promise<{ pid: number; url: string }> {
    const own = [
      ...["--listen", `127.0.0.1:${port}`, "--backend", `http://127.0.0.1:${backendPort}/`],
      // A line for each client would hide the figures.
      "--log-level=error",
    ];
    const gateway = this.start([...startCommand(), ...own, ...flags]);
    const line = await firstLine(gateway, "the gateway");
    const url = /^ws2api listening on http:(\/\/\S+)$/.exec(line)?.[1];
    if (url === undefined) throw new Error(`the gateway said ${JSON.stringify(line)}`);
    return { pid: gateway.pid, url: `ws:${url}/` };
  }

  /**
   * A backend: a script that prints its port.
   *
   * @returns The port. Without a script it is one that answers at once.
   */
  async startBackend(script = "bench/load/backend.ts"): Promise<number> {
    return (await this.startServer(["run", "--allow-net=127.0.0.1", script])).port;
  }

  /**
   * A program that prints its port on 127.0.0.1 when it is ready.
   *
   * @param command Deno, unless given.
   */
  async startServer(
    args: readonly string[],
    command = Deno.execPath(),
  ): Promise<{ pid: number; port: number }> {
    const server = this.start(args, command);
    const name = args.find((arg) => /\.[cm]?[jt]s$/.test(arg)) ?? command;
    const line = await firstLine(server, name);
    if (!/^\d+$/.test(line)) throw new Error(`${name} said ${JSON.stringify(line)}`);
    return { pid: server.pid, port: Number(line) };
  }

  /** A script that prints a line when it is ready. */
  async startScript(script: string, args: readonly string[]): Promise<Started> {
    const started = this.start(["run", "--allow-net=127.0.0.1", script, ...args]);
    await firstLine(started, script);
    return started;
  }

  /** A generator that waits for a line to begin. */
  async startGenerator(part: Part): Promise<Started> {
    const { hostname, port } = part.target;
    const generator = this.start([
      "run",
      `--allow-net=${hostname}:${port}`,
      "bench/load/generator.ts",
      JSON.stringify(part),
    ]);
    await firstLine(generator, "a generator");
    return generator;
  }

  /** Any program, Deno unless given. When it is ready is the caller's to find out. */
  start(args: readonly string[], command = Deno.execPath()): Started {
    if (this.#ended !== null) throw new Error("the run has been ended");
    const child = new Deno.Command(command, {
      args: [...args],
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#children.push(child);
    const input = child.stdin.getWriter();
    return {
      pid: child.pid,
      lines: lines(child.stdout),
      say: (text) => input.write(new TextEncoder().encode(text)),
    };
  }

  /** Kills one process that was started here, without a warning. */
  async kill(pid: number): Promise<void> {
    const child = this.#children.find((each) => each.pid === pid);
    if (child === undefined) throw new Error(`no process ${pid} of this run`);
    kill(child, "SIGKILL");
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
    for (const child of this.#children.toReversed()) {
      kill(child, "SIGTERM");
      const timer = setTimeout(() => kill(child, "SIGKILL"), END_MS);
      await child.status;
      clearTimeout(timer);
    }
  }
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended by itself.
  }
}

/** Its first line. @throws When it ends before, or takes too long. */
export async function firstLine(process: Started, name: string): Promise<string> {
  let timer;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} did not start in time`)), START_MS);
  });
  const { value, done } = await Promise.race([process.lines.next(), late]);
  clearTimeout(timer);
  if (done === true) throw new Error(`${name} ended before it was ready`);
  return value;
}
