/**
 * The original in Go, mevdschee/ws2api, for whoever has its program: nothing of it is here.
 *
 *     git clone https://github.com/mevdschee/ws2api && cd ws2api && go build -o original ./wsproxy
 *     deno task bench:peers --original ./original
 *
 * As its source (`wsproxy/wsproxy.go`) has it, it takes no flags for addresses: it listens on port
 * 4000 and has its backend on port 5000 of localhost, so both must be free. For a program that does
 * take some, `--original-args` is its command line, with `{port}` and `{backend}` in it.
 *
 * @module
 */

import type { Processes, Server } from "../process/processes.ts";
import type { Peer } from "./contender.ts";

/** What its source has. */
const PORT = 4000;
const BACKEND_PORT = 5000;
/** For it to listen. */
const START_MS = 10_000;

/** How its program is started, by `argsOf`. */
interface Addresses {
  readonly port: number;
  /** A URL with a slash at its end. */
  readonly backend: string;
}

/**
 * The program's arguments. Pure.
 *
 * @param template With blanks between the arguments; `{port}` and `{backend}` are filled in.
 */
export function argsOf(template: string, { port, backend }: Addresses): string[] {
  return template.split(" ").filter((arg) => arg !== "")
    .map((arg) => arg.replaceAll("{port}", `${port}`).replaceAll("{backend}", backend));
}

/**
 * The original as a contender.
 *
 * @param path Its program.
 * @param template Its arguments. Without `{port}` it is taken to listen on 4000, without `{backend}` to
 * have its backend on 5000.
 */
export function original(path: string, template: string): Peer {
  const port = template.includes("{port}") ? freePort() : PORT;
  const backendPort = template.includes("{backend}") ? 0 : BACKEND_PORT;
  return {
    name: "original",
    label: "the original, Go",
    role: "original",
    isPinned: true,
    startBackend: (processes) =>
      processes.startServer([
        ...["run", "--allow-net=127.0.0.1", "bench/peers/original_backend.ts"],
        `${backendPort}`,
      ]),
    async start(processes, backend): Promise<Server> {
      const args = argsOf(template, { port, backend: `http://127.0.0.1:${backend.port}/` });
      const started = processes.start(args, path);
      // It writes a line each second, which nobody reads: a full pipe would stop it.
      void drop(started.lines);
      await listening(processes, port);
      return { ...started, port };
    },
  };
}

/** A port that nobody listens on by now. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

async function drop(lines: AsyncGenerator<string>): Promise<void> {
  try {
    for await (const _line of lines);
  } catch {
    // It has ended, which the load tells.
  }
}

/** @throws When nobody listens there in time. */
async function listening(processes: Processes, port: number): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (!processes.isEnded) {
    try {
      return (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    }
    if (performance.now() > deadline) throw new Error(`the original does not listen on ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
