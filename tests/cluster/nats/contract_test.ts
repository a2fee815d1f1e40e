import type { NatsConnection } from "@nats-io/transport-node";
import { systemClock } from "../../../lib/clock.ts";
import { NatsBus } from "../../../lib/cluster/nats/bus.ts";
import { connectNats } from "../../../lib/nats/connect.ts";
import { SharedTime } from "../../../lib/ids.ts";
import { silentLog } from "../../../lib/log/log.ts";
import { MetricSet } from "../../../lib/metrics/metrics.ts";
import { until } from "../../support/deadline.ts";
import { NatsServer, testWithNats as test } from "../../support/nats.ts";
import { FakePeer, type Member, type Members, testBus } from "../bus_contract.ts";
import { pagesOf } from "../../support/pages.ts";

function join(host: string): Member {
  const peer = new FakePeer();
  let connection: NatsConnection | undefined;
  let isDead = false;
  const bus = new NatsBus({
    prefix: "contract",
    peerId: crypto.randomUUID(),
    local: peer,
    time: new SharedTime(systemClock),
    metrics: new MetricSet([]).metrics,
    port: undefined,
    maxMessageBytes: 1024 ** 2,
    connect: async () => {
      // The dead do not come back.
      if (isDead) return await new Promise(() => {});
      return connection = await connectNats({ servers: [host], isTls: false }, {}, "contract");
    },
    clock: systemClock,
    log: silentLog,
  });
  return {
    peer,
    bus,
    async die() {
      isDead = true;
      await connection?.close();
    },
  };
}

async function joinAll(hosts: readonly string[], nats: AsyncDisposable): Promise<Members> {
  const all = hosts.map((host) => join(host));
  const close = async (): Promise<void> => {
    await Promise.all(all.map(({ bus }) => bus.close(5000)));
    await nats[Symbol.asyncDispose]();
  };
  try {
    await until("all of them on NATS", async () => {
      if (!all.every(({ bus }) => bus.isAvailable)) return false;
      const pages = await Promise.all(all.map(({ bus }) => pagesOf(bus, null, 1)));
      return pages.every((others) => others.length === hosts.length - 1);
    });
  } catch (error) {
    await close();
    throw error;
  }
  return { all, [Symbol.asyncDispose]: close };
}

testBus("NATS", async (count) => {
  const nats = await NatsServer.start();
  return await joinAll(Array.from({ length: count }, () => nats.host), nats);
}, test);
