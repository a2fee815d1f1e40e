/**
 * Workers of a gateway whose outbox is in NATS: one that dies, and what is inherited of other gateways.
 *
 * @module
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { readInvocation } from "../../lib/config/config.ts";
import { NO_SECRETS } from "../../lib/config/secret.ts";
import { openOutbox } from "../../lib/outbox/open.ts";
import { systemRandom } from "../../lib/random.ts";
import { Supervisor } from "../../lib/worker/supervisor.ts";
import { until } from "../support/deadline.ts";
import { GatewayApi, LedgerWorld, type Station } from "../support/ledger_world.ts";
import { scrape } from "../support/metrics.ts";
import { KeptLog, testWithNats } from "../support/nats.ts";

/** So many that both workers get some. */
const CLIENTS = 12;

/** A gateway of two workers in this process, each of which can be killed. */
class Mortals implements AsyncDisposable {
  readonly log = new KeptLog();
  readonly workers: Worker[] = [];
  readonly #stack = new AsyncDisposableStack();
  supervisor!: Supervisor;
  api!: GatewayApi;

  static async start(world: LedgerWorld): Promise<Mortals> {
    const mortals = new Mortals();
    const invocation = readInvocation(
      world.flags(["--workers=2", "--log-level=error"]),
      () => undefined,
      "0.0.0-test",
    );
    if (invocation.kind !== "run") throw new Error(JSON.stringify(invocation));
    const { config } = invocation;
    const { log } = mortals;
    const self = { instance: "mortals", host: null };
    const opened = await openOutbox(config, NO_SECRETS, self, { clock: systemClock, log });
    if (!opened.ok) throw new Error(opened.message);
    const { outbox } = opened;
    mortals.#stack.defer(() => outbox.close());
    mortals.supervisor = await Supervisor.start(config, 2, {
      ...{ log, outbox, random: systemRandom, clock: systemClock, secrets: NO_SECRETS },
      ...{ version: "0.0.0-test", startedAt: 0, ...self },
      createWorker: () => {
        const url = new URL("../support/mortal_worker.ts", import.meta.url);
        const worker = new Worker(url, { type: "module" });
        mortals.workers.push(worker);
        return worker;
      },
    });
    mortals.#stack.defer(() => mortals.supervisor.shutdown());
    mortals.api = mortals.#stack.use(new GatewayApi(mortals.supervisor.url));
    return mortals;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack[Symbol.asyncDispose]();
  }
}

testWithNats("what a dead worker owed is told by the main thread, once and in order", async () => {
  await using world = await LedgerWorld.start();
  await using mortals = await Mortals.start(world);
  const { api } = mortals;
  const stations: Station[] = [];
  for (let n = 0; n < CLIENTS; n++) {
    const clientId = `CP-${n}`;
    const station = await api.station(clientId);
    stations.push(station);
    // Through any worker.
    await api.accepted(`${clientId}/a`);
    await station.answer("a");
    await api.accepted(`${clientId}/b`);
    await station.next('[2,"b"');
  }
  await until(
    "all outcomes in the ledger",
    async () => (await world.ledger()).filter((entry) => "report" in entry).length === CLIENTS,
  );
  mortals.workers[0]!.postMessage("die");
  await until("another worker", () => mortals.log.count("a worker was started again") === 1);
  const lost = mortals.log.count('"cause":"worker_died"');
  ok(lost > 0, "no client was the dead worker's");
  const closed = (): number[] =>
    [...stations.keys()].filter((n) => stations[n]!.socket.readyState === WebSocket.CLOSED);
  await until("its clients to be cut off", () => closed().length === lost);
  const dead = closed();
  // All of it is still there for those who ask, and what follows waits behind it.
  await until("all reports", async () => {
    const { total } = JSON.parse((await api.api("/outbox?limit=1")).text);
    return total === CLIENTS + dead.length;
  });
  for (const n of dead) {
    const station = stations[n] = await api.station(`CP-${n}`);
    await api.accepted(`CP-${n}/c`);
    await station.answer("c");
  }
  await world.backendComes();
  for (const [n, station] of stations.entries()) if (!dead.includes(n)) station.send('[3,"b",{}]');
  await api.retryAll();
  await world.whenEmpty();
  for (const [n] of stations.entries()) {
    deepStrictEqual(
      world.outcomes(`CP-${n}`).map(({ text }) => text),
      dead.includes(n)
        ? ["result a", "error b the gateway lost the client", "result c"]
        : ["result a", "result b"],
    );
  }
  await until(
    "gauges at rest",
    async () => (await scrape(api)).get('ws2api_outbox{state="waiting"}') === 0,
  );
});

testWithNats(
  "workers hold back later reports of clients whose earlier ones were inherited",
  async () => {
    await using world = await LedgerWorld.start();
    const first = await world.gateway();
    const second = await world.gateway(["--workers=2"]);
    const ids = Array.from({ length: 6 }, (_, n) => `CP-${n}`);
    for (const clientId of ids) {
      const station = await first.station(clientId);
      await first.accepted(`${clientId}/a`);
      await station.answer("a");
      await first.accepted(`${clientId}/b`);
      await station.next('[2,"b"');
    }
    await until(
      "all outcomes in the ledger",
      async () => (await world.ledger()).filter((entry) => "report" in entry).length === ids.length,
    );
    await first.kill();
    await until("an heir", async () => (await second.reports()).length === 2 * ids.length);
    for (const clientId of ids) {
      const station = await second.station(clientId);
      await second.accepted(`${clientId}/c`);
      await station.answer("c");
    }
    await world.backendComes();
    await second.retryAll();
    await world.whenEmpty();
    for (const clientId of ids) {
      deepStrictEqual(world.outcomes(clientId).map(({ text }) => text), [
        "result a",
        "error b the gateway lost the client",
        "result c",
      ]);
    }
    strictEqual((await second.stop()).code, 0);
  },
);
