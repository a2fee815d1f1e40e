import { match, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { probeOutbox } from "../../lib/outbox/probe.ts";
import { inTime } from "../support/deadline.ts";
import { testWith } from "../support/needs.ts";
import { accept, call } from "./entries.ts";
import { SmallDisk } from "./small_disk.ts";
import { SqliteUnderTest } from "./sqlite_under_test.ts";

/** Why the outbox cannot be opened: one line that names the folder. */
async function refusalOf(under: SqliteUnderTest): Promise<string> {
  const { kind } = await probeOutbox(under.folder);
  const opened = await inTime(under.tryOpen(), "the start");
  if (opened.ok) {
    await opened.outbox.close();
    throw new Error("it was opened");
  }
  const { message } = opened;
  ok(message.startsWith(`--outbox ${JSON.stringify(under.folder)}: `), message);
  ok(!message.includes("\n"), message);
  // Whoever only looks finds the same.
  strictEqual(kind, message.includes("another process has it open") ? "in use" : "unusable");
  return message;
}

function file(under: SqliteUnderTest): string {
  return `${under.folder}/outbox.sqlite`;
}

/** An outbox with a few entries that was closed. */
async function filled(under: SqliteUnderTest, count = 100): Promise<void> {
  const outbox = await under.open();
  for (let i = 0; i < count; i++) await accept(outbox.store, call(`${i}`));
  await outbox.close();
}

function modeOf(path: string): string {
  return ((Deno.statSync(path).mode ?? 0) & 0o777).toString(8);
}

Deno.test("folder and files are made for this user alone, whatever the umask is", async () => {
  await using under = new SqliteUnderTest();
  const before = Deno.umask(0);
  try {
    await filled(under, 1);
    strictEqual(modeOf(under.folder), "700");
    strictEqual(modeOf(file(under)), "600");
    Deno.chmodSync(file(under), 0o666);
    const outbox = await under.open();
    strictEqual(await accept(outbox.store, call("1")), true);
    strictEqual(modeOf(file(under)), "600");
    strictEqual(modeOf(`${file(under)}-wal`), "600");
  } finally {
    Deno.umask(before);
  }
});

Deno.test("an outbox that another one has open is refused, and the other goes on", async () => {
  await using under = new SqliteUnderTest();
  const outbox = await under.open();
  match(await refusalOf(under), /another process has it open \(database is locked\)$/);
  strictEqual(await accept(outbox.store, call("1")), true);
});

Deno.test("an outbox that another process has open is refused", async () => {
  await using under = new SqliteUnderTest();
  await filled(under);
  const script = `
    import { DatabaseSync } from "node:sqlite";
    const db = new DatabaseSync(${JSON.stringify(file(under))});
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; SELECT * FROM probe");
    console.log("open");
    setInterval(() => {}, 1000);`;
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await inTime(reader.read(), "the other process");
  match(await refusalOf(under), /another process has it open/);
  child.kill("SIGKILL");
  await reader.cancel();
  await child.status;
  const outbox = await under.open();
  strictEqual((await outbox.store.recover()).calls.length, 100);
});

Deno.test("a file that is no database is refused, and stays as it is", async () => {
  await using under = new SqliteUnderTest();
  await filled(under);
  const text = "no database, but something that somebody may want to have again\n".repeat(200);
  Deno.writeTextFileSync(file(under), text);
  match(await refusalOf(under), /outbox\.sqlite is damaged \(file is not a database\)$/);
  strictEqual(Deno.readTextFileSync(file(under)), text);
});

Deno.test("a file with a damaged page, or cut short, is refused", async () => {
  for (const damage of ["overwritten", "cut"] as const) {
    await using under = new SqliteUnderTest();
    await filled(under, 500);
    const bytes = Deno.readFileSync(file(under));
    ok(bytes.length > 10 * 4096);
    if (damage === "cut") Deno.writeFileSync(file(under), bytes.subarray(0, 5 * 4096));
    else Deno.writeFileSync(file(under), bytes.fill(0xa5, 3 * 4096, 5 * 4096));
    match(await refusalOf(under), /outbox\.sqlite is damaged \(.+\)$/);
  }
});

Deno.test("a file of a newer version, or of another program, is refused", async () => {
  const rows: [sql: string, words: RegExp][] = [
    [
      "PRAGMA user_version = 2",
      /newer version of ws2api \(its format is 2, this version knows 1\)$/,
    ],
    ["PRAGMA application_id = 7", /the database of another program$/],
  ];
  for (const [sql, words] of rows) {
    await using under = new SqliteUnderTest();
    await filled(under, 1);
    const db = new DatabaseSync(file(under));
    db.exec(sql);
    db.close();
    match(await refusalOf(under), words);
  }
});

Deno.test("a place that is no folder is refused", async () => {
  await using under = new SqliteUnderTest();
  Deno.writeTextFileSync(under.folder, "");
  match(await refusalOf(under), /exists|Not a directory/);
});

testWith("a small disk", "a read-only disk is refused, also with an outbox on it", async () => {
  await using under = new SqliteUnderTest();
  using disk = new SmallDisk();
  under.folder = `${disk.path}/outbox`;
  await filled(under);
  disk.makeReadOnly();
  match(await refusalOf(under), /the disk failed, or cannot be written/);
  under.folder = `${disk.path}/other`;
  match(await refusalOf(under), /Read-only file system/);
});

testWith("a small disk", "a full disk is refused at the start", async () => {
  await using under = new SqliteUnderTest();
  using disk = new SmallDisk();
  under.folder = `${disk.path}/outbox`;
  await filled(under);
  disk.fill();
  match(await refusalOf(under), /the disk is full/);
  disk.makeRoom();
  const outbox = await under.open();
  strictEqual((await outbox.store.recover()).calls.length, 100);
  await outbox.close();
});
