/**
 * A backend that is really away: what becomes of outcomes, and how the CALLs of clients fare when it is
 * back and all that waited goes out.
 *
 *     deno task bench:outage                        away for 60 s, 10,000 outcomes of 1,000 clients
 *     deno task bench:outage --away 5 --outbox
 *
 * Ends with 1 unless each outcome came once, in the order of its client. Linux only.
 *
 * @module
 */

import { Command } from "commander";
import { Caller } from "../cluster/caller.ts";
import { Latencies } from "../load/latencies.ts";
import { Load } from "../load/load.ts";
import { integer, number } from "../process/flags.ts";
import type { Processes } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeOut } from "../process/text.ts";
import { digits, markdownTable, ms } from "../report/markdown.ts";
import { readMachine } from "../report/machine.ts";

interface Flags {
  readonly away: number;
  readonly clients: number;
  readonly calls: number;
  readonly outbox: boolean;
}

const command = new Command("bench:outage")
  .description("Outcomes through an outage of the backend.")
  .option("--away <seconds>", "how long the backend is away", number(1, 600), 60)
  .option("--clients <n>", "clients that are called", integer(1, 10_000), 1000)
  .option("--calls <n>", "CALLs to each", integer(1, 200), 10)
  .option("--outbox", "with an outbox on disk", false);

/** Clients beside those, whose CALLs are measured when the backend is back. */
const LIVE_CLIENTS = 50;
const LIVE_PERIOD_MS = 200;
const OPEN_MS = 30_000;
const DELIVERED_MS = 120_000;

/** A backend that can go and come back. */
class Backend {
  readonly outcomes: { readonly path: string; readonly at: number }[] = [];
  readonly #port: number;
  #server: Deno.HttpServer | undefined;

  constructor() {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#port = listener.addr.port;
    listener.close();
  }

  get port(): number {
    return this.#port;
  }

  comes(): void {
    const options = { hostname: "127.0.0.1", port: this.#port, onListen: () => {} };
    this.#server = Deno.serve(options, async (request) => {
      const path = request.url.slice(request.url.indexOf("/", 8));
      await request.body?.cancel();
      if (path.startsWith("/result/")) this.outcomes.push({ path, at: performance.now() });
      return new Response("{}", { headers: { "content-type": "application/json" } });
    });
  }

  async goes(): Promise<void> {
    await this.#server?.shutdown();
  }
}

/** The exit code: 0 when all came as they should. */
async function main(flags: Flags, processes: Processes): Promise<number> {
  const { clients, calls, away } = flags;
  const backend = new Backend();
  const folder = flags.outbox ? await Deno.makeTempDir({ dir: ".", prefix: "outbox-" }) : undefined;
  try {
    const gatewayFlags = ["--backend-away=answer", `--max-queue=${Math.max(256, calls)}`];
    if (folder !== undefined) gatewayFlags.push(`--outbox=${folder}`);
    const { port } = await processes.startGateway(backend, gatewayFlags);
    const target = { hostname: "127.0.0.1", port, path: "/" };
    const called = await Load.start(processes, [
      { target, prefix: "cp", clients, rampMs: 1000, periodMs: null, maxCalls: 0 },
    ]);
    await called.order("go");
    if (!await called.until(({ open }) => open === clients, OPEN_MS)) throw new Error("not all in");
    const caller = await Caller.connect(port, "c");
    for (let n = 0; n < calls; n++) {
      for (let i = 0; i < clients; i++) {
        if (await caller.command(`cp${i}`) === undefined) throw new Error("a CALL was refused");
      }
    }
    await new Promise((resolve) => setTimeout(resolve, away * 1000));
    const before = backend.outcomes.length;
    backend.comes();
    const backAt = performance.now();
    const live = await measureLive(processes, port, backend, clients * calls);
    const all = backend.outcomes;
    const doneAt = all.at(-1)?.at ?? NaN;
    const trouble = troubleOf(all.map(({ path }) => path), clients, calls) ??
      (before > 0 ? "outcomes came while it was away" : null);
    await backend.goes();
    caller.close();
    writeOut(`On ${await readMachine()}, ${flags.outbox ? "with" : "without"} an outbox.\n\n`);
    writeOut(`${
      markdownTable([
        ["outcomes", "away", "first after", "all after", "CALLs of others meanwhile: p50", "p99"],
        [
          `${digits(all.length)} of ${digits(clients * calls)}`,
          `${away} s`,
          ms((all[0]?.at ?? NaN) - backAt),
          ms(doneAt - backAt),
          ms(live.percentile(50), 1),
          ms(live.percentile(99), 1),
        ],
      ])
    }\n`);
    if (trouble !== null) writeOut(`\nTrouble: ${trouble}\n`);
    return trouble === null ? 0 : 1;
  } finally {
    await processes.end();
    if (folder !== undefined) await Deno.remove(folder, { recursive: true });
  }
}

/** Other clients' CALLs, from the backend's return until the last outcome is there. */
async function measureLive(
  processes: Processes,
  port: number,
  backend: Backend,
  outcomes: number,
): Promise<Latencies> {
  const caller = await Promise.all(
    Array.from({ length: LIVE_CLIENTS }, (_, i) => LiveClient.connect(port, `live${i}`)),
  );
  const latencies = new Latencies();
  const end = performance.now() + DELIVERED_MS;
  while (backend.outcomes.length < outcomes && performance.now() < end && !processes.isEnded) {
    await Promise.all(caller.map(async (client) => latencies.record(await client.call())));
    await new Promise((resolve) => setTimeout(resolve, LIVE_PERIOD_MS));
  }
  for (const client of caller) client.close();
  return latencies;
}

/** A client that sends CALLs. */
class LiveClient {
  readonly #socket: WebSocket;
  #last = 0;
  #answered = (_text: string): void => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#answered(data));
  }

  static connect(port: number, clientId: string): Promise<LiveClient> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/${clientId}`, ["ocpp1.6"]);
    return new Promise((resolve, reject) => {
      socket.addEventListener("open", () => resolve(new LiveClient(socket)));
      socket.addEventListener("error", () => reject(new Error(`${clientId} was not let in`)));
    });
  }

  /** @returns Milliseconds until the CALLRESULT. @throws For another answer. */
  call(): Promise<number> {
    const since = performance.now();
    this.#socket.send(`[2,"${++this.#last}","Heartbeat",{}]`);
    return new Promise((resolve, reject) => {
      this.#answered = (text) =>
        text.startsWith("[3,") ? resolve(performance.now() - since) : reject(new Error(text));
    });
  }

  close(): void {
    this.#socket.close();
  }
}

/** What is wrong with what came; null when nothing is. */
function troubleOf(paths: readonly string[], clients: number, calls: number): string | null {
  if (new Set(paths).size !== paths.length) return "an outcome came twice";
  if (paths.length !== clients * calls) return "not all outcomes came";
  const last = new Map<string, number>();
  for (const path of paths) {
    const [, , , clientId = "", messageId = ""] = path.split("/");
    const number = Number(messageId.split("-").at(-1));
    if (number <= (last.get(clientId) ?? 0)) return `out of order: ${path}`;
    last.set(clientId, number);
  }
  return null;
}

if (import.meta.main) await runTask(command, main);
