import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type OutboxProbe, probeOutbox } from "../../lib/outbox/probe.ts";
import { TempDir } from "../support/program.ts";
import { accept, call, outcomeOf } from "./entries.ts";
import { SqliteUnderTest } from "./sqlite_under_test.ts";

function reasonOf(probe: OutboxProbe): string {
  return probe.kind === "unusable" ? probe.reason : probe.kind;
}

Deno.test("a folder without an outbox is looked at, and nothing is made there", async (t) => {
  using dir = new TempDir();
  Deno.mkdirSync(dir.path("empty"));
  const rows = [dir.path("empty"), dir.path("none"), dir.path("none/below/it")];
  for (const folder of rows) {
    await t.step(folder.slice(dir.path("").length), async () => {
      deepStrictEqual(await probeOutbox(folder), { kind: "new" });
    });
  }
  deepStrictEqual([...Deno.readDirSync(dir.path(""))].map(({ name }) => name), ["empty"]);
  deepStrictEqual([...Deno.readDirSync(dir.path("empty"))], []);
});

Deno.test("a place where no folder can be made is unusable", async (t) => {
  using dir = new TempDir();
  const file = dir.file("file", "kept");
  for (const folder of [file, `${file}/below`, "/proc/none"]) {
    await t.step(folder, async () => strictEqual((await probeOutbox(folder)).kind, "unusable"));
  }
  strictEqual(Deno.readTextFileSync(file), "kept");
});

Deno.test("what is in an outbox is counted and left as it is", async () => {
  await using under = new SqliteUnderTest();
  const outbox = await under.open();
  const [one, two, three] = [call("1"), call("2"), call("3")];
  for (const each of [one, two, three]) await accept(outbox.store, each);
  outbox.store.end(outcomeOf(one));
  deepStrictEqual(await probeOutbox(under.folder), { kind: "in use" });
  strictEqual(await accept(outbox.store, call("4")), true);
  await outbox.close();
  const found: OutboxProbe = { kind: "usable", calls: 3, reports: 1 };
  deepStrictEqual(await probeOutbox(under.folder), found);
  deepStrictEqual(await probeOutbox(under.folder), found);
  deepStrictEqual([...Deno.readDirSync(under.folder)].map(({ name }) => name), ["outbox.sqlite"]);
  const again = await under.open();
  const { calls, reports } = await again.store.recover();
  deepStrictEqual([calls.length, reports.length], [3, 1]);
});

Deno.test("what a killed process left is counted too", async () => {
  await using under = new SqliteUnderTest();
  const outbox = await under.open();
  await accept(outbox.store, call("1"));
  await under.kill();
  deepStrictEqual(await probeOutbox(under.folder), { kind: "usable", calls: 1, reports: 0 });
});

Deno.test("a file that is damaged, newer or another program's is unusable, in the start's words", async () => {
  await using under = new SqliteUnderTest();
  const file = `${under.folder}/outbox.sqlite`;
  await (await under.open()).close();
  const db = new DatabaseSync(file);
  db.exec("PRAGMA user_version = 99");
  match(reasonOf(await probeOutbox(under.folder)), /^in use$/);
  db.close();
  match(reasonOf(await probeOutbox(under.folder)), /newer version of ws2api/);
  Deno.writeTextFileSync(file, "no database\n".repeat(500));
  match(reasonOf(await probeOutbox(under.folder)), /^outbox\.sqlite is damaged/);
});
