import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { HttpConnection } from "../../lib/forwarder/http_connection.ts";
import { IdleConnections } from "../../lib/forwarder/idle.ts";
import { FakeClock } from "../support/fake_clock.ts";

class Bench {
  readonly clock = new FakeClock();
  readonly closed: string[] = [];
  readonly idle = new IdleConnections(10, this.clock);

  put(name: string): void {
    const connection = {
      name,
      close: () => {
        this.closed.push(name);
        this.idle.remove(connection);
      },
    } as unknown as HttpConnection;
    this.idle.put(connection, 4000, this.clock.now());
  }

  take(): string | undefined {
    return (this.idle.take(this.clock.now()) as { name?: string } | undefined)?.name;
  }
}

Deno.test("a connection that was answered just now is used after those that rested, and not before", () => {
  const bench = new Bench();
  bench.put("a");
  bench.clock.tick(2);
  bench.put("b");
  bench.put("c");
  deepStrictEqual([bench.take(), bench.take(), bench.take(), bench.take()], [
    "a",
    "b",
    "c",
    undefined,
  ]);
  // Rested: the one used last is the next.
  for (const name of ["d", "e"]) bench.put(name);
  bench.clock.tick(2);
  strictEqual(bench.take(), "e");
});

Deno.test("a connection that is not used for four seconds is closed, whether one was taken since or not", () => {
  const bench = new Bench();
  bench.put("a");
  bench.clock.tick(2);
  bench.put("b");
  strictEqual(bench.take(), "a");
  bench.put("c");
  bench.clock.tick(4001);
  deepStrictEqual(bench.closed, ["b", "c"]);
  deepStrictEqual([bench.take(), bench.clock.timers], [undefined, 0]);
});
