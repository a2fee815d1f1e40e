import { jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { wantedStreams } from "../../../lib/outbox/jetstream/streams.ts";
import { entriesOf, entrySubject, streamNames } from "../../../lib/outbox/jetstream/subject.ts";
import { until } from "../../support/deadline.ts";
import { NatsCluster, testWithNats } from "../../support/nats.ts";
import { LedgerUnderTest, PREFIX } from "./ledger_under_test.ts";

/** Sooner than whoever waits for a 202 gives up, with a margin for a busy machine. */
const BACK_MS = 20_000;

async function infoOf(url: string): Promise<StreamInfo> {
  const connection = await connect({ servers: url.split(",") });
  try {
    const jsm = await jetstreamManager(connection, { checkAPI: false });
    return await jsm.streams.info(streamNames(PREFIX).entries);
  } finally {
    await connection.close();
  }
}

/** Writes one message after another, until it is told to end. */
async function writeOn(
  one: LedgerUnderTest,
  name: string,
  kept: Map<string, string>,
  isDone: () => boolean,
): Promise<void> {
  for (let k = 0; !isDone(); k++) {
    const subject = entrySubject(PREFIX, "o1", name, String(k));
    const put = await one.putForSure(subject, `${name} ${k}`, 0);
    strictEqual(put.kind, "stored");
    kept.set(subject, `${name} ${k}`);
  }
}

/** All that was acknowledged must be there, as it was written. */
async function allIsThere(one: LedgerUnderTest, kept: Map<string, string>): Promise<void> {
  const found = new Map<string, string>();
  let isWhole = false;
  await until("all that is kept", async () => {
    found.clear();
    isWhole = await one.ledger.entries.read(entriesOf(PREFIX, "o1"), (messages) => {
      for (const { subject, text } of messages) found.set(subject, text);
      return Promise.resolve();
    });
    return isWhole;
  }, 60_000);
  const lost = [...kept].filter(([subject, text]) => found.get(subject) !== text);
  deepStrictEqual(lost, []);
}

testWithNats(
  "three servers keep each message, and the loss of the one that leads is over in seconds",
  async () => {
    await using cluster = await NatsCluster.start(true);
    const urls = cluster.urlsFrom(0);
    await using one = await LedgerUnderTest.ready(urls);
    strictEqual(one.log.count("fewer than three copies"), 0);
    const { config, cluster: group } = await infoOf(urls);
    strictEqual(config.num_replicas, 3);
    const kept = new Map<string, string>();
    let isDone = false;
    const writers = [..."abcdefgh"].map((name) => writeOn(one, name, kept, () => isDone));
    try {
      await until("the first writes", () => kept.size > 200);
      const leads = cluster.servers[Number(group!.leader!.slice(1))]!;
      await leads.kill();
      const before = kept.size;
      await until("writes after the loss", () => kept.size > before + 200, BACK_MS);
      isDone = true;
      await Promise.all(writers);
      await allIsThere(one, kept);
      // It has missed some.
      await leads.restart();
      await cluster.whenLed();
      await until("three that know all", async () => {
        const { cluster: group } = await infoOf(urls).catch(() => ({ cluster: undefined }));
        const others = group?.replicas ?? [];
        return others.length === 2 && others.every(({ current, offline }) => current && !offline);
      }, 30_000);
      await one.whenUp();
      await allIsThere(one, kept);
      ok(kept.size > 400);
    } finally {
      isDone = true;
      await Promise.allSettled(writers);
    }
  },
);

testWithNats("where there are more servers than before each message is kept by three", async () => {
  await using cluster = await NatsCluster.start(true);
  const urls = cluster.urlsFrom(0);
  const wanted = { prefix: PREFIX, maxBytes: 64 * 1024 ** 2, maxAgeMs: 3_600_000 };
  const connection = await connect({ servers: urls.split(",") });
  const jsm = await jetstreamManager(connection, { checkAPI: false });
  for (const stream of wantedStreams(wanted)) {
    await jsm.streams.add({
      ...stream,
      num_replicas: 1,
      max_msgs_per_subject: 1,
      allow_direct: true,
    });
  }
  await connection.close();
  await using one = await LedgerUnderTest.ready(urls);
  strictEqual((await infoOf(urls)).config.num_replicas, 3);
  strictEqual(one.log.count("fewer than three copies"), 0);
  const subject = entrySubject(PREFIX, "o1", "c", "1");
  strictEqual((await one.putForSure(subject, "a", 0)).kind, "stored");
});

testWithNats("what two of three servers do not keep is not acknowledged", async () => {
  await using cluster = await NatsCluster.start(true);
  await using one = await LedgerUnderTest.ready(cluster.urlsFrom(0));
  const subject = entrySubject(PREFIX, "o1", "c", "1");
  strictEqual((await one.putForSure(subject, "a", 0)).kind, "stored");
  const [, second, third] = cluster.servers;
  await Promise.all([second!.kill(), third!.kill()]);
  const begin = performance.now();
  strictEqual(
    (await one.ledger.entries.put(entrySubject(PREFIX, "o1", "c", "2"), "b", 0)).kind,
    "unknown",
  );
  ok(performance.now() - begin < 10_000);
  await Promise.all([second!.restart(), third!.restart()]);
  await cluster.whenLed();
  await one.whenUp();
  const put = await one.putForSure(entrySubject(PREFIX, "o1", "c", "2"), "b", 0);
  strictEqual(put.kind, "stored");
  strictEqual((await one.putForSure(subject, "a", 0)).kind, "stored");
});
