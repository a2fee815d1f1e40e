/**
 * Listening on a TCP port, and going on with that.
 *
 * @module
 */

import type { Server } from "node:net";
import { type Clock, every } from "../clock.ts";
import type { Log } from "../log/log.ts";

/** Where a server listens. */
export interface Place {
  /** An address or a name, without brackets. */
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly backlog: number;
  /** Whether others listen there as well. */
  readonly reusePort: boolean;
}

const LOOK_MS = 1000;

/**
 * Keeps a server listening. The runtime stops to accept, and tells nobody, when a connection comes for
 * which no file can be opened. So this looks whether one can, and listens anew after a time when
 * none could. Those who are connected are served on.
 */
export class Listening {
  readonly #create: () => Server;
  readonly #log: Log;
  readonly #clock: Clock;
  #server: Server | undefined;
  #place: Place | undefined;
  #isOutOfFiles = false;
  #stopLooking = (): void => {};

  /** @param create Makes a server that does not listen yet. */
  constructor(create: () => Server, clock: Clock, log: Log) {
    this.#create = create;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Begins; `stop` must follow.
   *
   * @returns Where it listens; rejects when it cannot, such as with `Deno.errors.AddrInUse`.
   */
  async start(place: Place): Promise<Deno.NetAddr> {
    const { host: hostname, port, reusePort } = place;
    // Its errors have the names that the rest of the program knows; those of `node:net` are codes.
    Deno.listen({ hostname, port, reusePort }).close();
    const server = await this.#listen(place);
    const { address, port: got } = server.address() as { address: string; port: number };
    this.#place = { ...place, port: got };
    this.#stopLooking = every(this.#clock, LOOK_MS, () => this.#look());
    return { transport: "tcp", hostname: address, port: got };
  }

  /** The server in use. */
  get server(): Server | undefined {
    return this.#server;
  }

  /** Accepts no more. */
  stop(): void {
    this.#stopLooking();
    this.#place = undefined;
    this.#server?.close();
  }

  #look(): void {
    try {
      Deno.listen({ hostname: "127.0.0.1", port: 0 }).close();
    } catch (error) {
      // With a narrower --allow-net than the program's own nobody can tell.
      if (error instanceof Deno.errors.NotCapable) return;
      if (!this.#isOutOfFiles) {
        this.#log.warn("no connection can be accepted, still trying", { error: String(error) });
      }
      this.#isOutOfFiles = true;
      return;
    }
    if (!this.#isOutOfFiles || this.#place === undefined) return;
    this.#server?.close();
    // It is tried again at the next look when it fails.
    this.#listen(this.#place).then(() => this.#isOutOfFiles = false, () => {});
  }

  async #listen(place: Place): Promise<Server> {
    const server = this.#create();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(place, () => {
        server.off("error", reject);
        resolve();
      });
    });
    server.on("error", (error) => {
      this.#log.warn("no connection can be accepted, still trying", { error: String(error) });
    });
    this.#server = server;
    if (this.#place === undefined && this.#isOutOfFiles) server.close();
    return server;
  }
}
