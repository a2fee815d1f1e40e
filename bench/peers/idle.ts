/**
 * A process: clients that connect and then say nothing.
 *
 * Arguments: port, number of clients, milliseconds for all to connect. Prints a line when it begins,
 * and how many opened (as JSON) when each has connected or failed; ends when standard input is
 * closed.
 *
 * @module
 */

import { Client, type Listener } from "../load/client.ts";
import { CallFrames } from "../load/frame.ts";
import { writeOut } from "../load/text.ts";

/** What it says when all have connected or failed. */
export interface Connected {
  readonly opened: number;
  readonly failed: number;
}

async function connectAll(port: number, clients: number, rampMs: number): Promise<Connected> {
  const all = Promise.withResolvers<Connected>();
  const frames = new CallFrames(0);
  let opened = 0;
  let failed = 0;
  function settled(): void {
    if (opened + failed === clients) all.resolve({ opened, failed });
  }
  const listener: Listener = {
    opened: () => (opened++, settled()),
    failed: () => (failed++, settled()),
    lost: () => {},
    answered: () => {},
    bad: () => {},
  };
  const startAt = performance.now();
  for (let started = 0; started < clients;) {
    while (started < clients && performance.now() - startAt >= (started / clients) * rampMs) {
      const client = new Client(`idle${started++}`, frames, listener);
      void client.run({ hostname: "127.0.0.1", port, path: "/" });
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return await all.promise;
}

if (import.meta.main) {
  const [port, clients, rampMs] = Deno.args.map(Number);
  writeOut("connecting\n");
  void connectAll(port!, clients!, rampMs!)
    .then((connected) => writeOut(`${JSON.stringify(connected)}\n`));
  for await (const _chunk of Deno.stdin.readable);
  Deno.exit(0);
}
