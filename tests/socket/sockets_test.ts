import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Sockets } from "../../lib/socket/sockets.ts";
import { FakeClock } from "../support/fake_clock.ts";

const GRACE_MS = 5000;

/** A socket that notes how it was closed. */
class FakeSocket {
  readonly closes: [code: number, reason: string][] = [];

  close(code: number, reason: string): void {
    this.closes.push([code, reason]);
  }
}

class Bench {
  readonly clock = new FakeClock();
  readonly cut: object[] = [];
  readonly sockets = new Sockets({
    cut: (socket) => void this.cut.push(socket),
    opened: () => {},
    closed: () => {},
  }, this.clock);

  /** A socket that has come in. */
  open(): FakeSocket {
    this.sockets.enter();
    return new FakeSocket();
  }
}

Deno.test("sockets are counted from their way in to their end", () => {
  const bench = new Bench();
  const socket = bench.open();
  bench.open();
  strictEqual(bench.sockets.count, 2);
  bench.sockets.close(socket, 1008, "go");
  strictEqual(bench.sockets.count, 2, "a socket that closes is still held");
  bench.sockets.leave(socket);
  // An upgrade that was refused has no socket.
  bench.sockets.leave();
  strictEqual(bench.sockets.count, 0);
});

Deno.test("a closed socket that does not end is cut after the grace, once", () => {
  const bench = new Bench();
  const socket = bench.open();
  bench.sockets.close(socket, 1008, "go");
  deepStrictEqual(socket.closes, [[1008, "go"]]);
  bench.clock.tick(GRACE_MS - 1);
  deepStrictEqual(bench.cut, []);
  bench.clock.tick(1);
  deepStrictEqual(bench.cut, [socket]);
  strictEqual(bench.clock.timers, 0);
  bench.sockets.leave(socket);
  bench.clock.tick(10 * GRACE_MS);
  deepStrictEqual([bench.cut.length, bench.sockets.count], [1, 0]);
});

Deno.test("a closed socket that ends in time is not cut and leaves no timer", () => {
  const bench = new Bench();
  const socket = bench.open();
  bench.sockets.close(socket, 1000, "");
  bench.clock.tick(GRACE_MS - 1);
  bench.sockets.leave(socket);
  strictEqual(bench.clock.timers, 0);
  bench.clock.tick(GRACE_MS);
  bench.sockets.cutClosing();
  deepStrictEqual(bench.cut, []);
});

Deno.test("a socket that ends by itself leaves no timer", () => {
  const bench = new Bench();
  bench.sockets.leave(bench.open());
  deepStrictEqual([bench.clock.timers, bench.sockets.count], [0, 0]);
});

Deno.test("each closed socket has a grace of its own", () => {
  const bench = new Bench();
  const [first, second, third] = [bench.open(), bench.open(), bench.open()];
  bench.sockets.close(first, 1000, "");
  bench.sockets.close(second, 1000, "");
  bench.clock.tick(1000);
  bench.sockets.close(third, 1000, "");
  bench.sockets.leave(second);
  bench.clock.tick(GRACE_MS - 1000);
  deepStrictEqual(bench.cut, [first]);
  bench.clock.tick(1000);
  deepStrictEqual(bench.cut, [first, third]);
});

Deno.test("a socket that throws at its close is cut all the same", () => {
  const bench = new Bench();
  bench.sockets.enter();
  const socket = {
    close(): void {
      throw new Error("closed already");
    },
  };
  bench.sockets.close(socket, 1000, "");
  bench.clock.tick(GRACE_MS);
  deepStrictEqual(bench.cut, [socket]);
});

Deno.test("a cut comes at once, without a close frame and without a timer", () => {
  const bench = new Bench();
  const socket = bench.open();
  bench.sockets.cut(socket);
  deepStrictEqual([bench.cut, socket.closes, bench.clock.timers], [[socket], [], 0]);
  strictEqual(bench.sockets.count, 1, "until its close event comes");
  bench.sockets.leave(socket);
  strictEqual(bench.sockets.count, 0);
});

Deno.test("cutClosing cuts those that were closed and have not ended, and no others", () => {
  const bench = new Bench();
  const [open, closing, slow, ended] = [bench.open(), bench.open(), bench.open(), bench.open()];
  for (const socket of [closing, slow, ended]) bench.sockets.close(socket, 1001, "");
  bench.sockets.leave(ended);
  bench.sockets.cutClosing();
  deepStrictEqual(bench.cut, [closing, slow]);
  for (const socket of [closing, slow, open]) bench.sockets.leave(socket);
  deepStrictEqual([bench.clock.timers, bench.sockets.count], [0, 0]);
});

Deno.test("a closed socket that is to be cut soon has a quarter of a second", () => {
  const bench = new Bench();
  const socket = bench.open();
  bench.sockets.close(socket, 1008, "", true);
  bench.clock.tick(249);
  deepStrictEqual(bench.cut, []);
  bench.clock.tick(1);
  deepStrictEqual(bench.cut, [socket]);
});
