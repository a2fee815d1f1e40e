/**
 * Clients that come back: what the connect hook costs the backend, with verdicts that may be remembered
 * and without.
 *
 *     deno task bench:returns [CLIENTS]
 *
 * @module
 */

import { Command } from "commander";
import { integer } from "../process/flags.ts";
import type { Processes } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeOut } from "../process/text.ts";
import { startWave } from "./wave.ts";

/** Open files a process: a socket each in the generator and in the gateway. */
const MAX_CLIENTS = 18_000;
/** How long the backend takes for a request. */
const BACKEND_MS = 20;
/** A client's pause before it tries again when it was refused. */
const RETRY_MS = 1000;
const MAX_MS = 120_000;

const command = new Command("bench:returns")
  .description("Clients connect, go, and come back at once, past the connect hook.")
  .argument("[clients]", "WebSocket clients", integer(1, MAX_CLIENTS), 10_000);

/** A backend that lets all in, and counts the requests of each kind. */
class CountingBackend implements AsyncDisposable {
  readonly counts: Record<string, number> = {};
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(cacheControl: string) {
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, async (request) => {
      await request.body?.cancel();
      const [, kind = ""] = new URL(request.url).pathname.split("/");
      this.counts[kind] = (this.counts[kind] ?? 0) + 1;
      await new Promise((resolve) => setTimeout(resolve, BACKEND_MS));
      return new Response("{}", { headers: { "cache-control": cacheControl } });
    });
  }

  get port(): number {
    return this.#server.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** All connect at once, have one CALL answered, and go. @returns Seconds until the last one was served. */
async function wave(processes: Processes, port: number, clients: number): Promise<number> {
  const load = await startWave(processes, port, clients, RETRY_MS);
  await load.order("go");
  const areServed = await load.until(
    ({ answered, errors }) => answered + errors >= clients,
    MAX_MS,
  );
  if (!areServed) throw new Error("not all served");
  const { roundTrip } = await load.stop();
  return roundTrip.percentile(100) / 1000;
}

async function main(_flags: object, all: Processes): Promise<number> {
  const [clients] = command.processedArgs as [number];
  for (const cacheControl of ["no-store", "max-age=3600"]) {
    await all.with(async (processes) => {
      await using backend = new CountingBackend(cacheControl);
      const gateway = await processes.startGateway(backend, ["--connect-hook"]);
      for (const name of ["first connect", "back again"]) {
        const before = backend.counts["connect"] ?? 0;
        const seconds = await wave(processes, gateway.port, clients);
        const asked = (backend.counts["connect"] ?? 0) - before;
        writeOut(
          `${cacheControl}, ${name}: ${clients} clients served after ${seconds.toFixed(1)} s, ` +
            `${asked} requests to /connect\n`,
        );
      }
    });
  }
  return 0;
}

if (import.meta.main) await runTask(command, main);
