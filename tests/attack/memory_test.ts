/**
 * Memory that is held by those who never finish: the honest must not pay for it.
 *
 * @module
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { MemoryWatch, type Sheddable } from "../../lib/door/memory.ts";
import { silentLog } from "../../lib/log/log.ts";
import { Sockets } from "../../lib/socket/sockets.ts";
import { FakeClock } from "../support/fake_clock.ts";

const MIB = 1024 ** 2;
const MAX_BYTES = 400 * MIB;
const BASE_BYTES = 80 * MIB;

/** Clients and sockets that hold memory, as the runtime does for unfinished messages. */
class Bench implements Disposable {
  readonly clock = new FakeClock();
  /** What each holds. */
  readonly held = new Map<object, number>();
  readonly clients = new Map<string, Sheddable>();
  /** Bytes that are nobody's who can be cut. */
  foreign = 0;
  readonly sockets = new Sockets({
    cut: (socket) => {
      this.held.delete(socket);
      this.sockets.leave(socket);
    },
    opened: () => {},
    closed: () => {},
  }, this.clock);
  readonly watch = new MemoryWatch({
    maxBytes: MAX_BYTES,
    readResident: () =>
      [...this.held.values()].reduce((sum, bytes) => sum + bytes, BASE_BYTES + this.foreign),
    connections: { all: () => [...this.clients.values()] },
    clock: this.clock,
    log: silentLog,
  });

  constructor() {
    this.watch.start(this.sockets);
  }

  /** @param heardMs How long ago its last whole frame came; null when none ever did. */
  client(name: string, heardMs: number | null, holds = 0): void {
    const client: Sheddable = {
      heardAt: heardMs === null ? null : this.clock.wallNow() - heardMs,
      connectedAt: 0,
      cut: () => {
        this.clients.delete(name);
        this.held.delete(client);
      },
    };
    this.clients.set(name, client);
    this.held.set(client, holds);
  }

  [Symbol.dispose](): void {
    this.watch.stop();
  }
}

Deno.test("clients that were closed and go on with a message are cut before any other", () => {
  using bench = new Bench();
  for (let i = 0; i < 50; i++) bench.client(`honest ${i}`, 60_000);
  for (let i = 0; i < 40; i++) {
    const socket = { close: () => {} };
    bench.sockets.enter();
    bench.sockets.close(socket, 1009, "too large");
    bench.held.set(socket, 60 * MIB);
  }
  bench.clock.tick(250);
  ok([...bench.held.values()].every((bytes) => bytes === 0));
  strictEqual(bench.sockets.count, 0);
  bench.clock.tick(750);
  // One batch may come before the memory that they held is seen to be free.
  ok(bench.clients.size >= 30);
  bench.clock.tick(60_000);
  ok(bench.clients.size >= 30);
});

Deno.test("those who came early, spoke once and never finish a message go before the honest", () => {
  using bench = new Bench();
  for (let i = 0; i < 30; i++) bench.client(`early ${i}`, 20_000, 40 * MIB);
  for (let i = 0; i < 50; i++) bench.client(`honest ${i}`, 200);
  for (let second = 0; second < 10; second++) {
    bench.clock.tick(1000);
    // The honest speak on.
    for (let i = 0; i < 50; i++) {
      if (bench.clients.has(`honest ${i}`)) bench.client(`honest ${i}`, 0);
    }
  }
  deepStrictEqual([...bench.clients.keys()].filter((name) => name.startsWith("honest")).length, 50);
  strictEqual(bench.watch.isTight, false);
});

Deno.test("memory that is not the clients' costs no more than two batches of them", () => {
  using bench = new Bench();
  bench.foreign = 2 * MAX_BYTES;
  for (let i = 0; i < 1000; i++) bench.client(`honest ${i}`, 60_000);
  bench.clock.tick(600_000);
  strictEqual(bench.clients.size, 1000 - 50 - 48);
});
