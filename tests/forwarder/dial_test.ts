import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { backendAddress, dial } from "../../lib/forwarder/dial.ts";
import { RawBackend } from "../support/backend.ts";
import { inTime } from "../support/deadline.ts";

function connect(url: string, signal: AbortSignal): Promise<Deno.Conn | undefined> {
  const dialed = dial(backendAddress(url), { timeoutMs: 60_000, signal, clock: systemClock });
  return inTime(dialed, "the end of dial()");
}

Deno.test("what was given up before it began does not connect", async () => {
  await using backend = new RawBackend(() => {});
  for (const url of [backend.url, backend.url.replace("http:", "https:")]) {
    strictEqual(await connect(url, AbortSignal.abort()), undefined);
  }
  strictEqual(backend.connections, 0);
});

Deno.test("a connection that opens in the moment in which it is given up is closed", async () => {
  await using backend = new RawBackend(() => {});
  for (let turns = 0; turns < 200; turns++) {
    const controller = new AbortController();
    const dialed = connect(backend.url, controller.signal);
    for (let i = 0; i < turns % 20; i++) {
      await (i % 3 === 2 ? new Promise((resolve) => setImmediate(resolve)) : Promise.resolve());
    }
    controller.abort();
    (await dialed)?.close();
  }
  // It is accepted behind all others.
  (await connect(backend.url, new AbortController().signal))?.close();
  const ended: number[] = [];
  do ended.push(await backend.ends.take("the end of a connection")); while (
    ended.length < backend.connections
  );
  deepStrictEqual(ended.toSorted((a, b) => a - b), ended.map((_, i) => i + 1));
});
