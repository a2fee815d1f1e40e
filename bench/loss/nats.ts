/**
 * Three NATS servers with JetStream, tied together over cables.
 *
 * @module
 */

import { closedPort } from "../../tests/support/backend.ts";
import { until } from "../../tests/support/deadline.ts";
import { programOf } from "../../tests/support/needs.ts";
import type { Processes, Started } from "../process/processes.ts";
import { Cable } from "./cable.ts";
import type { Journal } from "./journal.ts";

export const SERVERS = 3;
const READY_MS = 60_000;
/** Nobody listens there: a server that hears of another one by a third must not go past the cables. */
const NOWHERE = "127.0.0.1:1";

interface Place {
  readonly port: number;
  readonly routePort: number;
  readonly monitorPort: number;
}

/** The servers, each with a folder of its own, on ports that they keep. */
export class NatsServers {
  readonly #processes: Processes;
  readonly #journal: Journal;
  readonly #folder: string;
  readonly #places: readonly Place[] = Array.from({ length: SERVERS }, () => ({
    port: closedPort(),
    routePort: closedPort(),
    monitorPort: closedPort(),
  }));
  /** By who connects and to whom. */
  readonly #routes: readonly (readonly (Cable | undefined)[])[];
  readonly #running: (Started | undefined)[] = [];
  /** How often one did not catch up by itself. */
  restarted = 0;

  /** @param folder For their stores. */
  constructor(processes: Processes, journal: Journal, folder: string) {
    this.#processes = processes;
    this.#journal = journal;
    this.#folder = folder;
    this.#routes = this.#places.map((_, from) =>
      this.#places.map(({ routePort }, to) => from === to ? undefined : new Cable(routePort))
    );
  }

  /** Where clients connect to each. */
  get ports(): readonly number[] {
    return this.#places.map(({ port }) => port);
  }

  /** The cables between two of them: whichever of the two connected. */
  between(a: number, b: number): { readonly fromA: Cable; readonly fromB: Cable } {
    return { fromA: this.#routes[a]![b]!, fromB: this.#routes[b]![a]! };
  }

  pidOf(which: number): number | undefined {
    return this.#running[which]?.pid;
  }

  start(which: number): void {
    const { port, routePort, monitorPort } = this.#places[which]!;
    const cables = this.#routes[which]!.filter((cable) => cable !== undefined);
    const routes = cables.map((cable) => `"nats://127.0.0.1:${cable.port}"`).join(", ");
    const file = `${this.#folder}/n${which}.conf`;
    Deno.writeTextFileSync(
      file,
      `server_name: n${which}
listen: "127.0.0.1:${port}"
http: "127.0.0.1:${monitorPort}"
jetstream { store_dir: "${this.#folder}/n${which}", max_mem: 64MB, max_file: 2GB }
cluster {
  name: c, listen: "127.0.0.1:${routePort}", advertise: "${NOWHERE}", no_advertise: true
  routes: [${routes}]
}
`,
    );
    const server = this.#processes.start(["-c", file], programOf("nats-server"), "piped");
    this.#running[which] = server;
    void this.#journal.keep(`n${which}`, server.lines);
    void this.#journal.keep(`n${which}`, server.errorLines!);
  }

  /** `kill -9` */
  async kill(which: number): Promise<void> {
    const server = this.#running[which];
    this.#running[which] = undefined;
    if (server !== undefined) await this.#processes.kill(server.pid);
  }

  /**
   * Starts those that do not run, and waits until all know each other and have caught up. One that does not
   * catch up by itself is started again, once, as an operator would.
   */
  async allReady(): Promise<void> {
    for (let which = 0; which < SERVERS; which++) {
      if (this.#running[which] === undefined) this.start(which);
    }
    for (let which = 0; which < SERVERS; which++) {
      try {
        await this.#ready(which);
      } catch (error) {
        this.#journal.note(`n${which}`, `started again: ${error}`);
        this.restarted++;
        await this.kill(which);
        this.start(which);
        await this.#ready(which);
      }
    }
  }

  /** Waits until one knows the others and has caught up. */
  async #ready(which: number): Promise<void> {
    const { monitorPort } = this.#places[which]!;
    let said = "";
    const isReady = async (): Promise<boolean> => {
      const [routes, health] = await Promise.all(
        ["routez", "healthz"].map((page) => ask(monitorPort, page)),
      );
      said = `n${which}: ${routes?.num_routes} routes, ${JSON.stringify(health)}`;
      return routes?.num_routes === SERVERS - 1 && health?.status === "ok";
    };
    await until("NATS with all that it keeps", isReady, READY_MS).catch((error) => {
      throw new Error(`${error.message}: ${said}`);
    });
  }

  /**
   * Waits until each server keeps so few messages of a stream.
   *
   * @returns How many there are of them after a minute at the latest; of one that no server has, 0.
   */
  async shrunk(stream: string, most: number): Promise<number> {
    const end = performance.now() + READY_MS;
    while (true) {
      const counts = await Promise.all(
        this.#places.map(({ monitorPort }) => messagesOf(monitorPort, stream)),
      );
      const count = Math.max(...counts);
      if (count <= most || performance.now() > end) return count;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** Mends the cables between them. */
  mend(): void {
    for (const cable of this.#routes.flat()) cable?.mend();
  }

  /** Closes the cables. */
  async close(): Promise<void> {
    await Promise.all(this.#routes.flat().map((cable) => cable?.close()));
  }
}

interface StreamDetail {
  readonly name: string;
  readonly state: { readonly messages: number };
}

interface JetStreamPage {
  readonly account_details?: readonly { readonly stream_detail?: readonly StreamDetail[] }[];
}

/** How many messages of a stream a server keeps; NaN when it does not say. */
async function messagesOf(monitorPort: number, stream: string): Promise<number> {
  const page = await ask(monitorPort, "jsz?streams=true") as JetStreamPage | undefined;
  if (page === undefined) return NaN;
  const streams = page.account_details?.flatMap(({ stream_detail = [] }) => stream_detail) ?? [];
  return streams.find(({ name }) => name === stream)?.state.messages ?? 0;
}

/** A page of a server's monitor; undefined when it cannot be had. */
async function ask(port: number, page: string): Promise<Record<string, unknown> | undefined> {
  try {
    const signal = AbortSignal.timeout(2000);
    return await (await fetch(`http://127.0.0.1:${port}/${page}`, { signal })).json();
  } catch {
    return undefined;
  }
}
