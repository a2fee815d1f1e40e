import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { Log, LogFields } from "../../lib/log/log.ts";
import { silentLog } from "../../lib/log/log.ts";
import { Inbox } from "../support/deadline.ts";
import { testWith } from "../support/needs.ts";
import { accept, call, disconnect, outcomeOf } from "./entries.ts";
import { SmallDisk } from "./small_disk.ts";
import { SqliteUnderTest } from "./sqlite_under_test.ts";

testWith(
  "a small disk",
  "while the disk is full CALLs are refused, and what else is told is written when there is room again",
  async () => {
    const lines = new Inbox<{ event: string; fields: LogFields }>();
    const put = (event: string, fields: LogFields = {}): void => lines.put({ event, fields });
    const log: Log = { ...silentLog, warn: put, error: put, info: put };
    await using under = new SqliteUnderTest(log);
    using disk = new SmallDisk();
    under.folder = `${disk.path}/outbox`;
    const outbox = await under.open();
    const { store } = outbox;
    const logged = (event: string): Promise<{ fields: LogFields }> =>
      lines.take(event, (line) => line.event === event);
    const [ended, open, struck] = [call("ended"), call("open"), call("struck")];
    for (const each of [ended, open, struck]) strictEqual(await accept(store, each), true);

    disk.fill();
    // The log of changes has some room in the file that it has.
    let refused = call("refused");
    while (await accept(store, refused)) {
      store.delivered(refused.id);
      refused = call("refused");
    }
    const { fields } = await logged("the outbox cannot be written: CALLs are refused until it can");
    match(String(fields.error), /the disk is full/);
    strictEqual(await accept(store, call("refused too")), false);
    const outcome = outcomeOf(ended, "x".repeat(20_000));
    const own = disconnect();
    store.end(outcome);
    store.end(own);
    store.delivered(struck.id);
    // What came and went is nothing.
    const gone = disconnect();
    store.end(gone);
    strictEqual(await accept(store, call("refused again")), false);
    store.delivered(gone.id);
    strictEqual(await accept(store, call("still refused")), false);

    disk.makeRoom();
    await logged("the outbox is written again");
    const last = call("last");
    strictEqual(await accept(store, last), true);
    await outbox.close();
    const next = await under.open();
    deepStrictEqual(await next.store.recover(), { calls: [open, last], reports: [outcome, own] });
    await next.close();
    deepStrictEqual(lines.left.filter(({ event }) => !/opened/.test(event)), []);
  },
);

testWith("a small disk", "what a dead worker left is found while the disk is full", async () => {
  await using under = new SqliteUnderTest();
  using disk = new SmallDisk();
  under.folder = `${disk.path}/outbox`;
  const outbox = await under.open();
  const { owner, port } = outbox.attach();
  const worker = under.worker(port);
  const [ended, open, struck] = [call("ended"), call("open"), call("struck")];
  for (const each of [ended, open, struck]) strictEqual(await accept(worker, each), true);
  const earlier = disconnect("earlier");
  worker.end(earlier);
  strictEqual(await accept(outbox.store, call("of another")), true);
  disk.fill();
  while (await accept(worker, call("refused", { id: "refused" })));
  const outcome = outcomeOf(ended, "x".repeat(50_000));
  const parked = { at: 1, failure: "status 400", tries: 1 };
  worker.end(outcome);
  worker.park(earlier.id, parked);
  worker.delivered(struck.id);
  worker.delivered("refused");
  (worker as unknown as { leave(): void }).leave();
  const found = await outbox.recover(owner);
  deepStrictEqual(found, { calls: [open], reports: [{ ...earlier, parked }, outcome] });
  await outbox.close();
});
