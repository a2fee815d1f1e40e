/**
 * The reconnect storm: the gateway is killed with all clients on, starts again, and they all come back at
 * once. Measures how long until every one is served: connected, and its CALL answered.
 *
 *     deno task bench:storm [CLIENTS [FLAG OF THE GATEWAY …]]
 *
 * @module
 */

import { CallFrames } from "../load/frame.ts";
import { Client } from "../load/client.ts";
import { Latencies } from "../load/histogram.ts";
import { Processes } from "../load/processes.ts";
import { writeErr, writeOut } from "../load/text.ts";

const CLIENTS = Number(Deno.args[0] ?? 10_000);
const GATEWAY_FLAGS = Deno.args.slice(1);
/** Open files a process: a socket each here and in the gateway. */
if (!(CLIENTS >= 1 && CLIENTS <= 18_000)) {
  writeErr("the number of clients must be from 1 to 18000\n");
  Deno.exit(2);
}
/** A client's pause before it tries again when nothing listens. */
const RETRY_MS = 100;
const MAX_MS = 120_000;

const processes = new Processes();
const frames = new CallFrames(0);

/** One wave: all clients connect and have one CALL answered each, until the gateway is gone. */
class Wave {
  readonly served = new Latencies();
  readonly startedAt = performance.now();
  readonly allServed = Promise.withResolvers<void>();
  refused = 0;
  errors = 0;
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
    for (let n = 0; n < CLIENTS; n++) this.#start(n);
  }

  #start(n: number): void {
    const client: Client = new Client(`CP${n}`, frames, {
      opened: () => client.call(performance.now()),
      failed: () => {
        this.refused++;
        setTimeout(() => this.#start(n), RETRY_MS * (0.5 + Math.random()));
      },
      lost: () => {},
      answered: (_client, isError) => {
        if (isError) this.errors++;
        this.served.record(performance.now() - this.startedAt);
        if (this.served.count === CLIENTS) this.allServed.resolve();
      },
      bad: () => this.errors++,
    });
    void client.run({ hostname: "127.0.0.1", port: this.#port, path: "/" });
  }

  /** @returns Milliseconds until the last client was served. */
  async finish(name: string): Promise<number> {
    const late = setTimeout(
      () => this.allServed.reject(new Error(`${name}: not all served`)),
      MAX_MS,
    );
    await this.allServed.promise;
    clearTimeout(late);
    const ms = performance.now() - this.startedAt;
    writeOut(
      `${name}: ${CLIENTS} clients served after ${(ms / 1000).toFixed(1)} s ` +
        `(half after ${(this.served.percentile(50) / 1000).toFixed(1)} s), ` +
        `${this.errors} errors, ${this.refused} connects refused and tried again\n`,
    );
    return ms;
  }
}

try {
  const backendPort = await processes.startBackend();
  const first = await processes.startGateway(backendPort, GATEWAY_FLAGS);
  const port = Number(new URL(first.url).port);
  await new Wave(port).finish("first connect");
  await processes.kill(first.pid);
  // They come back at once and find nothing; the gateway starts into the storm.
  const storm = new Wave(port);
  const startedAt = performance.now();
  await processes.startGateway(backendPort, GATEWAY_FLAGS, port);
  writeOut(`the gateway was back after ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
  await storm.finish("reconnect storm");
} finally {
  await processes.end();
}
Deno.exit(0);
