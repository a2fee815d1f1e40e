import { jetstreamManager, type StreamAPI, type StreamConfig } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  entriesOf,
  entrySubject,
  ownerSubject,
  streamNames,
} from "../../../lib/outbox/jetstream/subject.ts";
import { inTime, until } from "../../support/deadline.ts";
import { NatsServer, testWithNats, withJetStream } from "../../support/nats.ts";
import { LedgerUnderTest, open, PREFIX } from "./ledger_under_test.ts";

function subject(id: number | string, owner = "o1", client = "CP.1"): string {
  return entrySubject(PREFIX, owner, client, String(id));
}

testWithNats(
  "a message is written where the one is that was expected, and nowhere else",
  async () => {
    await using nats = await NatsServer.start(withJetStream);
    await using one = await LedgerUnderTest.ready(nats.url);
    await using other = await LedgerUnderTest.ready(nats.url);
    const { entries } = one.ledger;
    const s = subject(1);
    strictEqual(await entries.last(s), null);
    const first = await entries.put(s, "a", 0);
    ok(first.kind === "stored");
    deepStrictEqual(await entries.put(s, "a", 0), { kind: "conflict", last: first.seq });
    const second = await other.ledger.entries.put(s, "bé", first.seq);
    ok(second.kind === "stored" && second.seq > first.seq);
    deepStrictEqual(await entries.put(s, "c", first.seq), { kind: "conflict", last: second.seq });
    deepStrictEqual(await entries.put(subject(2), "c", 99), { kind: "conflict", last: 0 });
    deepStrictEqual(await entries.last(s), { subject: s, seq: second.seq, text: "bé" });
  },
);

testWithNats("a message is removed by its number, once, and not the one in its place", async () => {
  await using nats = await NatsServer.start(withJetStream);
  await using one = await LedgerUnderTest.ready(nats.url);
  const { entries } = one.ledger;
  const s = subject(1);
  const first = await entries.put(s, "a", 0);
  ok(first.kind === "stored");
  const second = await entries.put(s, "b", first.seq);
  ok(second.kind === "stored");
  strictEqual(await entries.remove(first.seq), "absent");
  strictEqual(await entries.remove(9999), "absent");
  strictEqual((await entries.last(s))?.text, "b");
  strictEqual(await entries.remove(second.seq), "removed");
  strictEqual(await entries.remove(second.seq), "absent");
  strictEqual(await entries.last(s), null);
  const again = await entries.put(s, "c", 0);
  strictEqual(again.kind, "stored");
});

testWithNats(
  "what is owed is read in the order in which it was written, one owner's alone, to what was the end",
  async () => {
    await using nats = await NatsServer.start(withJetStream);
    await using one = await LedgerUnderTest.ready(nats.url);
    const { entries } = one.ledger;
    deepStrictEqual(await one.read(entriesOf(PREFIX, "o1")), { isWhole: true, parts: [] });
    const seqs: number[] = [];
    for (let id = 0; id < 250; id++) {
      const put = await entries.put(subject(id), String(id), 0);
      ok(put.kind === "stored");
      seqs.push(put.seq);
      await entries.put(subject(id, "o2"), "other", 0);
    }
    // Later than its neighbours from now on.
    const moved = await entries.put(subject(3), "3b", seqs[3]!);
    ok(moved.kind === "stored");
    strictEqual(await entries.remove(seqs[5]!), "removed");
    const wanted = [...Array(250).keys()].filter((id) => id !== 3 && id !== 5)
      .map((id) => `${seqs[id]} ${subject(id)} ${id}`);
    wanted.push(`${moved.seq} ${subject(3)} 3b`);
    const { isWhole, parts } = await one.read(entriesOf(PREFIX, "o1"));
    deepStrictEqual([isWhole, parts.flat()], [true, wanted]);
    ok(parts.every((part) => part.length <= 500));
    deepStrictEqual((await one.read(entriesOf(PREFIX, "none"))).parts, []);
    // What is written while it is read comes behind the end: a claim writes each of them anew.
    let count = 0;
    const isRead = await entries.read(entriesOf(PREFIX, "o1"), async (messages) => {
      for (const { subject, text, seq } of messages) {
        ok(++count < 1000, "without an end");
        strictEqual((await entries.put(subject, text, seq)).kind, "stored");
      }
    });
    deepStrictEqual([isRead, count], [true, 249]);
  },
);

testWithNats(
  "20,000 messages are read in parts, and the next part waits until the last one was taken",
  async () => {
    await using nats = await NatsServer.start(withJetStream);
    await using one = await LedgerUnderTest.ready(nats.url);
    const { entries } = one.ledger;
    const count = 20_000;
    let next = 0;
    await Promise.all([...Array(128)].map(async () => {
      while (next < count) {
        const put = await entries.put(subject(next++), "x".repeat(300), 0);
        strictEqual(put.kind, "stored");
      }
    }));
    const seen = new Set<string>();
    let [last, taking, most] = [0, 0, 0];
    const isWhole = await entries.read(entriesOf(PREFIX, "o1"), async (messages) => {
      strictEqual(++taking, 1);
      most = Math.max(most, messages.length);
      for (const message of messages) {
        ok(message.seq > last);
        last = message.seq;
        seen.add(message.subject);
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
      taking--;
    });
    deepStrictEqual([isWhole, seen.size], [true, count]);
    ok(most <= 500, String(most));
  },
);

testWithNats("a read of a server that freezes meanwhile ends, and is no whole one", async () => {
  await using nats = await NatsServer.start((dir) => withJetStream(dir));
  await using one = await LedgerUnderTest.ready(nats.url);
  const { entries } = one.ledger;
  const text = "x".repeat(20_000);
  const puts = Array.from(
    { length: 300 },
    (_, i) => entries.put(entrySubject(PREFIX, "o", "c", `${i}`), text, 0),
  );
  await Promise.all(puts);
  let isFrozen = false;
  const reading = entries.read(entriesOf(PREFIX, "o"), () => {
    if (!isFrozen) nats.freeze();
    isFrozen = true;
    return Promise.resolve();
  });
  try {
    strictEqual(await inTime(reading, "the end of the read", 60_000), false);
  } finally {
    nats.thaw();
  }
  await until("a whole read", async () => (await one.read(entriesOf(PREFIX, "o"))).isWhole, 30_000);
});

testWithNats("large messages are read few at a time", async () => {
  await using nats = await NatsServer.start(withJetStream);
  await using one = await LedgerUnderTest.ready(nats.url);
  const { entries } = one.ledger;
  const text = "x".repeat(1_000_000);
  for (let id = 0; id < 12; id++) {
    strictEqual((await entries.put(subject(id), text, 0)).kind, "stored");
  }
  const parts: number[] = [];
  const isWhole = await entries.read(entriesOf(PREFIX, "o1"), (messages) => {
    parts.push(messages.length);
    return Promise.resolve();
  });
  deepStrictEqual([isWhole, parts.reduce((a, b) => a + b)], [true, 12]);
  ok(Math.max(...parts) <= 3, String(parts));
});

testWithNats(
  "a write that expects too much is told what is there, or that nothing is",
  async () => {
    await using nats = await NatsServer.start(withJetStream);
    await using one = await LedgerUnderTest.ready(nats.url);
    const { entries } = one.ledger;
    const ask = () => entries.put(subject(1), "", Number.MAX_SAFE_INTEGER);
    deepStrictEqual(await ask(), { kind: "conflict", last: 0 });
    await one.putForSure(subject(2), "other", 0);
    const put = await one.putForSure(subject(1), "a", 0);
    ok(put.kind === "stored");
    deepStrictEqual(await ask(), { kind: "conflict", last: put.seq });
    await entries.remove(put.seq);
    deepStrictEqual(await ask(), { kind: "conflict", last: 0 });
  },
);

testWithNats("what is larger than NATS takes is refused, and the connection stays", async () => {
  await using nats = await NatsServer.start((dir) => `max_payload: 4KB\n${withJetStream(dir)}`);
  await using one = await LedgerUnderTest.ready(nats.url);
  const { entries } = one.ledger;
  deepStrictEqual(await entries.put(subject(1), "x".repeat(5000), 0), { kind: "too_large" });
  deepStrictEqual(await entries.put(subject(1), "é".repeat(2040), 0), { kind: "too_large" });
  // With its headers it is just as long as it may be, and a byte longer.
  const room = 4096 - "NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: 0\r\n\r\n".length;
  deepStrictEqual(await entries.put(subject(1), "x".repeat(room + 1), 0), { kind: "too_large" });
  strictEqual((await entries.put(subject(1), "x".repeat(room), 0)).kind, "stored");
  strictEqual(one.ups, 1);
});

testWithNats(
  "a full stream refuses and drops nothing, and takes again when there is room",
  async () => {
    await using nats = await NatsServer.start(withJetStream);
    await using one = await LedgerUnderTest.ready(nats.url, { maxBytes: 1024 ** 2 });
    const { entries, owners } = one.ledger;
    const text = "x".repeat(100_000);
    const seqs: number[] = [];
    let put = await entries.put(subject(0), text, 0);
    while (put.kind === "stored") {
      seqs.push(put.seq);
      ok(seqs.length < 12);
      put = await entries.put(subject(seqs.length), text, 0);
    }
    deepStrictEqual(put, { kind: "full" });
    ok(seqs.length >= 9, String(seqs.length));
    strictEqual((await one.read(entriesOf(PREFIX, "o1"))).parts.flat().length, seqs.length);
    // Everybody goes on saying that it is there.
    strictEqual((await owners.put(ownerSubject(PREFIX, "o1"), "{}", 0)).kind, "stored");
    strictEqual(await entries.remove(seqs[0]!), "removed");
    strictEqual((await entries.put(subject("late"), text, 0)).kind, "stored");
  },
);

testWithNats(
  "others hear what an owner says, without an answer of theirs, and not what is tried out",
  async () => {
    await using nats = await NatsServer.start(withJetStream);
    await using one = await LedgerUnderTest.ready(nats.url);
    await using other = await LedgerUnderTest.ready(nats.url);
    const mine = ownerSubject(PREFIX, "o1");
    const put = await one.ledger.owners.put(mine, '{"a":1}', 0);
    ok(put.kind === "stored");
    await until("a sign of life", () => other.said.length > 0);
    deepStrictEqual(other.said, [[mine, '{"a":1}']]);
    deepStrictEqual(one.said, []);
    match(one.ledger.clientIp ?? "", /^127\.0\.0\.1$/);
  },
);

testWithNats(
  "after a restart of NATS everything is there, and nothing is up until the streams were seen",
  async () => {
    await using nats = await NatsServer.startToRestart(withJetStream);
    await using one = await LedgerUnderTest.ready(nats.url);
    const { entries } = one.ledger;
    const kept = await entries.put(subject(1), "a", 0);
    ok(kept.kind === "stored");
    await nats.kill();
    await one.whenUp(false);
    const begin = performance.now();
    deepStrictEqual(await entries.put(subject(2), "b", 0), { kind: "unknown" });
    strictEqual(await entries.last(subject(1)), undefined);
    strictEqual(await entries.remove(1), "unknown");
    strictEqual(await entries.read(entriesOf(PREFIX, "o1"), () => Promise.resolve()), false);
    ok(performance.now() - begin < 5000);
    await nats.restart();
    await one.whenUp();
    strictEqual(one.ups, 2);
    deepStrictEqual(await entries.last(subject(1)), {
      subject: subject(1),
      seq: kept.seq,
      text: "a",
    });
    strictEqual((await one.putForSure(subject(2), "b", 0)).kind, "stored");
    strictEqual(one.log.count("error the outbox in NATS cannot be used"), 1);
    strictEqual(one.log.count("info the outbox in NATS can be used"), 2);
  },
);

testWithNats("a ledger is opened while NATS is away, and comes up when it is there", async () => {
  await using nats = await NatsServer.startToRestart(withJetStream);
  await nats.kill();
  await using one = await LedgerUnderTest.start(nats.url);
  strictEqual(one.ledger.isUp, false);
  await nats.restart();
  await one.whenUp();
  deepStrictEqual([one.ups, one.log.count("error the outbox in NATS cannot be used")], [1, 1]);
});

testWithNats("NATS without JetStream is refused at the start, in one line", async () => {
  await using nats = await NatsServer.start();
  const opened = await open(nats.url);
  ok(!opened.ok);
  match(opened.reason, /^nobody answers for JetStream: it is not enabled in NATS/);
});

/** What else is in the account. */
async function makeStream(url: string, config: Parameters<StreamAPI["add"]>[0]): Promise<void> {
  const connection = await connect({ servers: url });
  const jsm = await jetstreamManager(connection);
  await jsm.streams.add(config);
  await connection.close();
}

testWithNats(
  "subjects that another stream keeps are refused at the start, in one line",
  async () => {
    await using nats = await NatsServer.start(withJetStream);
    await makeStream(nats.url, { name: "all", subjects: [`${PREFIX}.>`] });
    const opened = await open(nats.url);
    ok(!opened.ok);
    match(
      opened.reason,
      /^JetStream: subjects overlap with an existing stream; take another --nats-subject$/,
    );
  },
);

testWithNats(
  "a stream of that name that keeps other subjects is refused at the start",
  async () => {
    await using nats = await NatsServer.start(withJetStream);
    const { owners } = streamNames(PREFIX);
    await makeStream(nats.url, { name: owners, subjects: ["something.else"] });
    const opened = await open(nats.url);
    ok(!opened.ok);
    match(
      opened.reason,
      /^JetStream: the stream eu=ws2api=owners does not keep eu\.ws2api\.own\.\*$/,
    );
  },
);

testWithNats("more than NATS has room for is refused at the start, in one line", async () => {
  await using nats = await NatsServer.start((dir) => withJetStream(dir, "max_file_store: 16MB"));
  const opened = await open(nats.url);
  ok(!opened.ok);
  match(opened.reason, /^JetStream: insufficient storage .*--outbox-max-bytes$/);
});

testWithNats("streams are brought up to date, and what else was set in them stays", async () => {
  await using nats = await NatsServer.start(withJetStream);
  const { entries } = streamNames(PREFIX);
  const info = async (): Promise<StreamConfig> => {
    const connection = await connect({ servers: nats.url });
    const { config } = await (await jetstreamManager(connection)).streams.info(entries);
    await connection.close();
    return config;
  };
  {
    await using _ = await LedgerUnderTest.ready(nats.url);
  }
  const made = await info();
  deepStrictEqual(
    [made.max_bytes, made.max_age, made.num_replicas, String(made.discard), String(made.storage)],
    [64 * 1024 ** 2, 3_600_000e6, 1, "new", "file"],
  );
  deepStrictEqual([made.max_msgs_per_subject, made.allow_direct], [1, true]);
  const connection = await connect({ servers: nats.url });
  await (await jetstreamManager(connection)).streams.update(entries, { description: "ours" });
  await connection.close();
  await using one = await LedgerUnderTest.ready(nats.url, {
    maxBytes: 32 * 1024 ** 2,
    maxAgeMs: 7_200_000,
  });
  const changed = await info();
  deepStrictEqual(
    [changed.max_bytes, changed.max_age, changed.description],
    [32 * 1024 ** 2, 7_200_000e6, "ours"],
  );
  strictEqual(one.log.count("fewer than three copies"), 1);
  // More than there is room for: the stream stays as it is, and is used.
  await using other = await LedgerUnderTest.ready(nats.url, { maxBytes: 64 * 1024 ** 3 });
  strictEqual((await info()).max_bytes, 32 * 1024 ** 2);
  strictEqual(other.log.count("warn the outbox in NATS stays as it was"), 1);
});

testWithNats("a stream that is gone is made again, and nothing is up meanwhile", async () => {
  await using nats = await NatsServer.start(withJetStream);
  await using one = await LedgerUnderTest.ready(nats.url);
  const connection = await connect({ servers: nats.url });
  await (await jetstreamManager(connection)).streams.delete(streamNames(PREFIX).entries);
  await connection.close();
  strictEqual((await one.ledger.entries.put(subject(1), "a", 0)).kind, "unknown");
  await until("a ledger that is up again", () => one.ups === 2);
  strictEqual((await one.ledger.entries.put(subject(1), "a", 0)).kind, "stored");
  strictEqual(one.anews, 1);
});

testWithNats(
  "a write without an answer may have been done, and a repeat does not do it twice",
  async () => {
    await using nats = await NatsServer.start(withJetStream);
    await using one = await LedgerUnderTest.ready(nats.url);
    const { entries } = one.ledger;
    nats.freeze();
    // A signal takes a moment.
    let [id, put] = [0, await entries.put(subject(0), "0", 0)];
    while (put.kind === "stored") put = await entries.put(subject(++id), String(id), 0);
    deepStrictEqual(put, { kind: "unknown" });
    nats.thaw();
    await until("the late write", async () => Boolean(await entries.last(subject(id))));
    const found = await entries.last(subject(id));
    ok(found);
    deepStrictEqual(await entries.put(subject(id), String(id), 0), {
      kind: "conflict",
      last: found.seq,
    });
    strictEqual(found.text, String(id));
    strictEqual((await one.read(entriesOf(PREFIX, "o1"))).parts.flat().length, id + 1);
  },
);

testWithNats(
  "JetStream that is switched off later is said once, and used again when it is back",
  async () => {
    await using nats = await NatsServer.startToRestart(withJetStream);
    await using one = await LedgerUnderTest.ready(nats.url);
    await nats.kill();
    const isSaid = (): boolean => one.log.count("nobody answers for JetStream") > 0;
    {
      await using _ = await NatsServer.start("", { port: nats.port });
      await until("the reason", isSaid);
      strictEqual(one.ledger.isUp, false);
      // It is asked again each second.
      await new Promise((resolve) => setTimeout(resolve, 2500));
    }
    strictEqual(one.log.count("nobody answers for JetStream"), 1);
    await nats.restart();
    await one.whenUp();
    strictEqual(one.ups, 2);
  },
);
