import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { trialsOf } from "../../../lib/outbox/jetstream/rights.ts";
import { entriesOf, entrySubject, ownerSubject } from "../../../lib/outbox/jetstream/subject.ts";
import { NatsServer, testWithNats, withJetStream } from "../../support/nats.ts";
import { LedgerUnderTest, open } from "./ledger_under_test.ts";

/** The example's own `--nats-subject`. */
const PREFIX = "ws2api";

const CONF = Deno.readTextFileSync(new URL("../../../examples/nats/nats.conf", import.meta.url));

/** What the example's login may publish on. */
const RIGHTS = (/publish: \[([^\]]*)\]/.exec(CONF)?.[1] ?? "").trim().split(/\s+/)
  .map((right): string => JSON.parse(right));

/** Logins with the rights of the example, one without each, and one more that may not listen. */
function authorization(): string {
  const user = (name: string, publish: readonly string[], subscribe: readonly string[]): string =>
    `{ user: ${name}, password: p, permissions: { publish: ${JSON.stringify(publish)},
      subscribe: ${JSON.stringify(subscribe)} } }`;
  const users = [
    user("all", RIGHTS, ["ws2api.>"]),
    user("deaf", RIGHTS, ["ws2api.inbox.>"]),
    ...RIGHTS.map((right, k) =>
      user(`without${k}`, RIGHTS.filter((each) => each !== right), ["ws2api.>"])
    ),
  ];
  return `authorization { users: [ ${users.join(", ")} ] }\n`;
}

testWithNats(
  "the example's login is just what is needed, and what is missing of it is named in one line",
  async (t) => {
    await using nats = await NatsServer.start((dir) => authorization() + withJetStream(dir));
    await t.step("with all of it everything works", async () => {
      await using one = await LedgerUnderTest.ready(`nats://all:p@${nats.host}`, {
        prefix: PREFIX,
      });
      await using other = await LedgerUnderTest.ready(`nats://all:p@${nats.host}`, {
        prefix: PREFIX,
        maxBytes: 32 * 1024 ** 2,
      });
      const { entries, owners } = one.ledger;
      for (
        const [stream, subject, filter] of [
          [entries, entrySubject(PREFIX, "o", "c", "1"), entriesOf(PREFIX, "o")],
          [owners, ownerSubject(PREFIX, "o"), ownerSubject(PREFIX, "*")],
        ] as const
      ) {
        const put = await stream.put(subject, "a", 0);
        ok(put.kind === "stored");
        strictEqual((await stream.last(subject))?.text, "a");
        const read: string[] = [];
        const isWhole = await stream.read(filter, (messages) => {
          read.push(...messages.map(({ text }) => text));
          return Promise.resolve();
        });
        deepStrictEqual([isWhole, read], [true, ["a"]]);
        strictEqual(await stream.remove(put.seq), "removed");
      }
      for (const { log, ups } of [one, other]) {
        deepStrictEqual([ups, log.count("error"), log.count("stays as it was")], [1, 0, 0]);
      }
    });
    strictEqual(RIGHTS.length, 1 + trialsOf(PREFIX).length);
    for (const [k, right] of RIGHTS.entries()) {
      await t.step(`without ${right}`, async () => {
        const opened = await open(`nats://without${k}:p@${nats.host}`, { prefix: PREFIX });
        ok(!opened.ok);
        match(opened.reason, /^the login at NATS may not publish to \S+$/);
        const named = opened.reason.split(" ").at(-1)!;
        const start = right.replace(/[>*]$/, "");
        if (right !== "ws2api.>") ok(named.startsWith(start), named);
      });
    }
    await t.step("without a subscription", async () => {
      const opened = await open(`nats://deaf:p@${nats.host}`, { prefix: PREFIX });
      ok(!opened.ok);
      strictEqual(opened.reason, "the login at NATS may not subscribe to ws2api.own.*");
    });
  },
);
