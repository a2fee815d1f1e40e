import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { errors, type NatsConnection, type Status } from "@nats-io/transport-node";
import { Link } from "../../lib/nats/link.ts";
import { CONNECT_AGAIN_MS, STALE_MS } from "../../lib/nats/times.ts";
import { MetricSet } from "../../lib/metrics/metrics.ts";
import { quiesce } from "../simulation/model/core.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { KeptLog } from "../support/nats.ts";

/** A connection that says what a test has it say. */
class FakeConnection {
  readonly #statuses: Status[] = [];
  #wake: () => void = () => {};
  isClosed = false;
  /** What it says before it answers for the first time. */
  readonly first: Status[];

  constructor(first: Status[] = []) {
    this.first = first;
  }

  say(...statuses: Status[]): void {
    this.#statuses.push(...statuses);
    this.#wake();
  }

  async *status(): AsyncGenerator<Status> {
    while (!this.isClosed) {
      const next = this.#statuses.shift();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  flush(): Promise<void> {
    this.say(...this.first);
    return Promise.resolve();
  }

  getServer(): string {
    return "127.0.0.1:4222";
  }

  /** What it wrote has not left: as the library does, it waits for that. */
  close(): Promise<void> {
    return new Promise(() => {});
  }
}

class Case {
  readonly clock = new FakeClock();
  readonly log = new KeptLog();
  readonly metrics = new MetricSet([]).metrics;
  readonly made: FakeConnection[] = [];
  /** What the next connections are. */
  next: () => FakeConnection = () => new FakeConnection();
  readonly link = new Link({
    clock: this.clock,
    log: this.log,
    metrics: this.metrics,
    connect: () => {
      const connection = this.next();
      this.made.push(connection);
      return Promise.resolve(connection as unknown as NatsConnection);
    },
    onNew: () => {},
    onUp: () => {},
    onGone: () => {},
  });

  static async start(next?: () => FakeConnection): Promise<Case> {
    const it = new Case();
    if (next !== undefined) it.next = next;
    void it.link.connect();
    await it.pass(10);
    return it;
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 10) {
      await quiesce();
      this.clock.tick(10);
    }
    await quiesce();
  }
}

Deno.test("a frozen server that the library cannot leave costs the connection, not the instance", async () => {
  const it = await Case.start();
  strictEqual(it.link.isUp, true);
  it.made[0]!.say({ type: "staleConnection" });
  await it.pass(STALE_MS + 100);
  deepStrictEqual([it.made.length, it.link.isUp], [2, true]);
  strictEqual(it.log.count("warn nats disconnected"), 1);
  strictEqual(it.metrics.natsReconnects.sum, 1);
});

Deno.test("a connection that the library leaves in time is not given up", async () => {
  const it = await Case.start();
  const [connection] = it.made;
  connection!.say({ type: "staleConnection" }, { type: "disconnect", server: "a" });
  await it.pass(50);
  deepStrictEqual([it.link.isUp, it.metrics.natsConnected.own], [false, 0]);
  connection!.say({ type: "reconnect", server: "b" });
  await it.pass(2 * STALE_MS);
  deepStrictEqual([it.made.length, it.link.isUp, it.metrics.natsConnected.own], [1, true, 1]);
});

const FORBIDDEN: Status = {
  type: "error",
  error: new errors.PermissionViolationError("no", "subscription", "ws2api.all"),
};

Deno.test("where a subject is forbidden it never comes up, says so once, and is up when it is allowed", async () => {
  const it = await Case.start(() => new FakeConnection([FORBIDDEN]));
  await it.pass(5 * CONNECT_AGAIN_MS);
  deepStrictEqual([it.link.isUp, it.link.wasUp], [false, false]);
  ok(it.made.length >= 4, "tried again and again");
  deepStrictEqual(it.log.lines, [
    'error nats forbids a subject that is needed, still trying {"operation":"subscription","subject":"ws2api.all"}',
  ]);
  it.next = () => new FakeConnection();
  await it.pass(2 * CONNECT_AGAIN_MS);
  deepStrictEqual([it.link.isUp, it.link.wasUp], [true, true]);
});

Deno.test("what is forbidden later takes it down, and is not tried in a closed loop", async () => {
  const it = await Case.start();
  it.next = () => new FakeConnection([FORBIDDEN]);
  it.made[0]!.say(FORBIDDEN);
  await it.pass(5 * CONNECT_AGAIN_MS);
  strictEqual(it.link.isUp, false);
  ok(it.made.length >= 4 && it.made.length <= 7, String(it.made.length));
  strictEqual(it.log.count("nats forbids"), 1);
});
