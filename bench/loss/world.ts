/**
 * Three NATS servers, three gateways, stations and a backend, with cables between them.
 *
 * @module
 */

import { streamNames } from "../../lib/outbox/jetstream/subject.ts";
import { until } from "../../tests/support/deadline.ts";
import type { Processes } from "../process/processes.ts";
import { Backend } from "./backend.ts";
import { Books } from "./books.ts";
import { Cable } from "./cable.ts";
import { Journal } from "./journal.ts";
import { NatsServers } from "./nats.ts";
import { type Door, Stations } from "./stations.ts";

const GATEWAYS = 3;
const ENTRIES = streamNames("ws2api").entries;
const READY_MS = 60_000;

/** What a world is made of. */
export interface WorldOptions {
  readonly stations: number;
  readonly callTimeoutMs: number;
  /** More flags of each gateway. */
  readonly gatewayFlags: readonly string[];
}

interface RunningGateway extends Door {
  readonly pid: number;
}

/** Everybody, and what may be done to them. */
export class World implements AsyncDisposable {
  readonly books = new Books();
  readonly journal = new Journal();
  readonly servers: NatsServers;
  readonly #processes: Processes;
  readonly #options: WorldOptions;
  readonly #folder: string;
  readonly #backend: Backend;
  /** By the place of a gateway, and the server. */
  readonly #cables: readonly (readonly Cable[])[];
  readonly #gateways: (RunningGateway | undefined)[] = [];
  readonly #hanging = new Set<number>();
  readonly stations: Stations;
  #started = 0;
  readonly #remove = (): void => Deno.removeSync(this.#folder, { recursive: true });

  private constructor(processes: Processes, options: WorldOptions) {
    this.#processes = processes;
    this.#options = options;
    this.#folder = Deno.makeTempDirSync({ prefix: "ws2api-loss-" });
    // An interrupt ends the process before this is disposed of.
    addEventListener("unload", this.#remove);
    this.servers = new NatsServers(processes, this.journal, this.#folder);
    this.#backend = new Backend(this.books);
    this.#cables = Array.from(
      { length: GATEWAYS },
      () => this.servers.ports.map((port) => new Cable(port)),
    );
    this.stations = new Stations(options.stations, this.books, () => this.doors);
  }

  /** Starts all; leaves nothing behind when it fails. */
  static async start(processes: Processes, options: WorldOptions): Promise<World> {
    const world = new World(processes, options);
    try {
      await world.whole();
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The gateways that are there, as far as clients know. */
  get doors(): readonly Door[] {
    return this.#gateways.filter((gateway) => gateway !== undefined);
  }

  /** The cables of the gateway at a place, by server. */
  cablesOf(place: number): readonly Cable[] {
    return this.#cables[place]!;
  }

  pidOf(place: number): number | undefined {
    return this.#gateways[place]?.pid;
  }

  nameOf(place: number): string {
    return this.#gateways[place]?.name ?? "none";
  }

  /**
   * Waits, a minute at most, until the ledger keeps nothing, as it should when nothing is owed.
   *
   * @returns What is left, in words; undefined: nothing.
   */
  async left(): Promise<string | undefined> {
    const count = await this.servers.shrunk(ENTRIES, 0);
    return count === 0 ? undefined : `${count} entries are left in the ledger`;
  }

  /** Mends all, starts who is missing, and waits until all is as at the beginning. */
  async whole(): Promise<void> {
    this.mend();
    await this.servers.allReady();
    const areNew = this.doors.length < GATEWAYS;
    await Promise.all(this.#cables.map((_, place) => this.#startGateway(place)));
    for (const { port } of this.doors) {
      await until("a gateway that reaches NATS", async () => {
        const response = await fetch(`http://127.0.0.1:${port}/readyz?strict`);
        await response.body?.cancel();
        return response.ok;
      }, READY_MS);
    }
    // So that those that were just started have their share.
    if (areNew) this.stations.drop(0.5);
    await until("all stations", () => this.stations.areConnected, READY_MS);
  }

  /** Mends every cable, and lets everybody go on who hangs. */
  mend(): void {
    for (const pid of this.#hanging) Deno.kill(pid, "SIGCONT");
    this.#hanging.clear();
    for (const cable of this.#cables.flat()) cable.mend();
    this.servers.mend();
  }

  /** `kill -9`; it never comes back, and had no folder. */
  async killGateway(place: number): Promise<void> {
    const gateway = this.#gateways[place];
    this.#gateways[place] = undefined;
    if (gateway !== undefined) await this.#processes.kill(gateway.pid);
  }

  /** SIGTERM; it ends when it has told the backend what it can. */
  stopGateway(place: number): void {
    const pid = this.pidOf(place);
    this.#gateways[place] = undefined;
    if (pid !== undefined) Deno.kill(pid, "SIGTERM");
  }

  /** A process does nothing any more until all is mended, and its connections stay. */
  hang(pid: number | undefined): void {
    if (pid === undefined) return;
    this.#hanging.add(pid);
    Deno.kill(pid, "SIGSTOP");
  }

  async #startGateway(place: number): Promise<void> {
    if (this.#gateways[place] !== undefined) return;
    const name = `g${place}-${this.#started++}`;
    // Each begins with another server.
    const cables = this.#cables[place]!;
    const urls = cables.map((_, i) =>
      `nats://127.0.0.1:${cables[(place + i) % cables.length]!.port}`
    );
    const gateway = await this.#processes.startGateway(this.#backend, [
      `--backend=http://127.0.0.1:${this.#backend.port}/${name}/`,
      `--nats=${urls.join(",")}`,
      `--call-timeout=${this.#options.callTimeoutMs}ms`,
      "--log-level=info",
      ...this.#options.gatewayFlags,
    ], "piped");
    this.#gateways[place] = { name, port: gateway.port, pid: gateway.pid };
    void this.journal.keep(name, gateway.lines);
    void this.journal.keep(name, gateway.errorLines!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.mend();
    const closing = this.stations.close();
    await this.#processes.end();
    await closing;
    await this.#backend.close();
    await Promise.all(this.#cables.flat().map((cable) => cable.close()));
    await this.servers.close();
    removeEventListener("unload", this.#remove);
    this.#remove();
  }
}
