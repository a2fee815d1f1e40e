import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { MemoryWatch, type Sheddable, victimsOf } from "../../lib/door/memory.ts";
import { silentLog } from "../../lib/log/log.ts";
import { FakeClock } from "../support/fake_clock.ts";

const MAX_BYTES = 1000;
const LOOK_MS = 250;

/** Long ago enough to be cut, at the clock's beginning. */
const SILENT_MS = -2001;

class Client implements Sheddable {
  isCut = false;

  constructor(
    readonly name: string,
    readonly heardAt: number | null,
    readonly connectedAt: number,
    readonly onCut: (client: Client) => void = () => {},
  ) {}

  cut(): void {
    this.isCut = true;
    this.onCut(this);
  }
}

/** A watch over clients, and a resident memory that says what a test wants. */
class Bench implements Disposable {
  readonly clock = new FakeClock();
  /** In their order. */
  readonly cut: string[] = [];
  readonly errors: string[] = [];
  clients: Client[] = [];
  resident = 0;
  closing = 0;
  readonly watch = new MemoryWatch({
    maxBytes: MAX_BYTES,
    readResident: () => this.resident,
    connections: { all: () => [...this.clients] },
    clock: this.clock,
    log: { ...silentLog, error: (event) => void this.errors.push(event) },
  });

  constructor(silent = 0, speaking = 0) {
    for (let i = 0; i < silent; i++) this.add(`silent${i}`, null, i);
    for (let i = 0; i < speaking; i++) {
      this.add(`speaking${i}`, this.clock.wallNow() + SILENT_MS + i, 0);
    }
    this.watch.start({
      cutClosing: () => {
        const { closing } = this;
        this.closing = 0;
        return closing;
      },
    });
  }

  add(name: string, heardAt: number | null, connectedAt: number): void {
    this.clients.push(
      new Client(name, heardAt, connectedAt, (client) => {
        this.cut.push(client.name);
        this.clients = this.clients.filter((other) => other !== client);
      }),
    );
  }

  /** Lets it look once at this much. @returns How many were cut for it. */
  look(resident: number): number {
    const before = this.cut.length;
    this.resident = resident;
    this.clock.tick(LOOK_MS);
    return this.cut.length - before;
  }

  /** Looks as often as one batch takes; each frees so much. */
  batch(resident: number): number {
    return [1, 2, 3, 4].reduce((cut) => cut + this.look(resident), 0);
  }

  [Symbol.dispose](): void {
    this.watch.stop();
    strictEqual(this.clock.timers, 0);
  }
}

Deno.test("nothing is cut and nobody refused up to the bound", () => {
  using bench = new Bench(10);
  for (const resident of [0, MAX_BYTES - 1, MAX_BYTES]) {
    strictEqual(bench.look(resident), 0);
    strictEqual(bench.watch.isTight, false);
  }
});

Deno.test("those go first that never spoke, then those who were silent longest", () => {
  using bench = new Bench();
  const now = bench.clock.wallNow();
  bench.add("heard just now", now, 1);
  bench.add("silent, came late", null, 8);
  bench.add("heard long ago", now - 90_000, 7);
  bench.add("silent, came early", null, 1);
  bench.add("heard a while ago", now - 5000, 2);
  strictEqual(bench.batch(MAX_BYTES + 100), 2);
  strictEqual(bench.batch(MAX_BYTES + 50), 2);
  deepStrictEqual(bench.cut, [
    ...["silent, came early", "silent, came late", "heard long ago", "heard a while ago"],
  ]);
});

Deno.test("who spoke is never cut beside those who did not, nor the later heard before the earlier", () => {
  const client = fc.record({
    heardAt: fc.option(fc.nat(20)),
    connectedAt: fc.nat(20),
  });
  fc.assert(fc.property(fc.array(client, { maxLength: 60 }), (rows) => {
    const clients = rows.map(({ heardAt, connectedAt }) => new Client("", heardAt, connectedAt));
    const victims = victimsOf(clients, 15);
    const silent = clients.filter(({ heardAt }) => heardAt === null);
    const pool = silent.length > 0 ? silent : clients.filter(({ heardAt }) => heardAt! < 15);
    strictEqual(victims.length, Math.min(20, pool.length));
    const since = ({ heardAt, connectedAt }: Client): number => heardAt ?? connectedAt;
    const latest = Math.max(...victims.map(since));
    for (const spared of pool.filter((each) => !victims.includes(each))) {
      ok(since(spared) >= latest);
    }
    ok(victims.every((each) => pool.includes(each)));
  }));
});

Deno.test("a twentieth is cut, and twenty at least", async (t) => {
  const rows: [clients: number, cut: number][] = [
    [0, 0],
    [1, 1],
    [19, 19],
    [20, 20],
    [21, 20],
    [400, 20],
    [401, 21],
    [1000, 50],
    [10_001, 501],
  ];
  for (const [clients, cut] of rows) {
    await t.step(`${cut} of ${clients}`, () => {
      using bench = new Bench(clients);
      strictEqual(bench.look(MAX_BYTES + 1), cut);
      strictEqual(bench.cut[0], clients === 0 ? undefined : "silent0");
    });
  }
});

Deno.test("of several threads, each cuts its part of twenty", async (t) => {
  const clients = Array.from({ length: 30 }, (_, i) => new Client(`${i}`, null, i));
  const rows: [threads: number, cut: number][] = [[1, 20], [2, 10], [3, 7], [64, 2]];
  for (const [threads, expected] of rows) {
    await t.step(`${threads} threads`, () => {
      const clock = new FakeClock();
      for (const client of clients) client.isCut = false;
      const watch = new MemoryWatch({
        maxBytes: MAX_BYTES,
        readResident: () => MAX_BYTES + 1,
        connections: { all: () => clients },
        threads,
        clock,
        log: silentLog,
      });
      watch.start({ cutClosing: () => 0 });
      clock.tick(LOOK_MS);
      watch.stop();
      strictEqual(clients.filter(({ isCut }) => isCut).length, expected);
    });
  }
});

Deno.test("nobody who spoke is cut in a batch that took the last who did not", () => {
  using bench = new Bench(10, 10);
  strictEqual(bench.look(MAX_BYTES + 1), 10);
  ok(bench.clients.every(({ heardAt }) => heardAt !== null));
});

Deno.test("those that spoke are cut when no others are left", () => {
  using bench = new Bench(0, 30);
  strictEqual(bench.look(MAX_BYTES + 1), 20);
  deepStrictEqual(bench.cut.slice(0, 2), ["speaking0", "speaking1"]);
});

Deno.test("no second batch comes within a second: freed memory shows late", () => {
  using bench = new Bench(100);
  const batches = Array.from({ length: 9 }, (_, i) => bench.look(MAX_BYTES + 500 - 50 * i));
  deepStrictEqual(batches, [20, 0, 0, 0, 20, 0, 0, 0, 20]);
});

Deno.test("a dip below the bound does not bring the second batch earlier", () => {
  using bench = new Bench(100);
  strictEqual(bench.look(MAX_BYTES + 1), 20);
  strictEqual(bench.look(10), 0);
  strictEqual(bench.look(MAX_BYTES + 1), 0);
});

Deno.test("the watch stays tight until memory is clearly below the bound", () => {
  using bench = new Bench();
  const rows: [resident: number, isTight: boolean][] = [
    [1000, false],
    [1001, true],
    [1000, true],
    [950, true],
    [949, false],
    [951, false],
    [1000, false],
    [5000, true],
    [0, false],
  ];
  const seen = rows.map(([resident]) => {
    bench.look(resident);
    return [resident, bench.watch.isTight];
  });
  deepStrictEqual(seen, rows);
});

Deno.test("it looks four times a second, and stop leaves no timer", () => {
  const bench = new Bench(5);
  bench.resident = MAX_BYTES + 1;
  bench.clock.tick(LOOK_MS - 1);
  strictEqual(bench.watch.isTight, false);
  strictEqual(bench.clock.timers, 1);
  bench.watch.stop();
  strictEqual(bench.clock.timers, 0);
  bench.clock.tick(60_000);
  deepStrictEqual(bench.cut, []);
});

Deno.test("stop before start, and twice, does no harm", () => {
  const bench = new Bench();
  bench.watch.stop();
  bench.watch.stop();
  strictEqual(bench.clock.timers, 0);
});

Deno.test("what was closed and has not ended is cut at each look above the bound, and not below", () => {
  using bench = new Bench();
  bench.closing = 3;
  bench.look(MAX_BYTES);
  strictEqual(bench.closing, 3);
  bench.look(MAX_BYTES + 1);
  strictEqual(bench.closing, 0);
});

Deno.test("two batches that free nothing are the last, until memory grows again", () => {
  using bench = new Bench(200);
  const cut = Array.from({ length: 6 }, () => bench.batch(MAX_BYTES + 100));
  deepStrictEqual(cut, [20, 20, 0, 0, 0, 0]);
  strictEqual(bench.watch.isTight, true);
  deepStrictEqual(bench.errors.slice(2), ["memory is short, and cutting clients frees nothing"]);
  strictEqual(bench.batch(MAX_BYTES + 200), 20);
});

Deno.test("batches go on while they free memory, and begin anew after a dip", () => {
  using bench = new Bench(400);
  const freeing = Array.from({ length: 5 }, (_, i) => bench.batch(MAX_BYTES + 500 - 50 * i));
  deepStrictEqual(freeing, [20, 20, 20, 20, 20]);
  bench.batch(MAX_BYTES + 300);
  bench.batch(MAX_BYTES + 300);
  strictEqual(bench.batch(MAX_BYTES + 300), 0);
  bench.look(10);
  strictEqual(bench.batch(MAX_BYTES + 300), 20);
});
