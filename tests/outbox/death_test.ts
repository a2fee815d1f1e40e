import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { openSqlite } from "../../lib/outbox/sqlite/open.ts";
import { inTime } from "../support/deadline.ts";
import { startProgram, TempDir } from "../support/program.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { accept, call, disconnect } from "./entries.ts";

Deno.test("when the outbox's thread dies nobody waits for it, CALLs are refused, and the rest goes on", async () => {
  using dir = new TempDir();
  const { log, ...recorded } = new RecordedLog();
  let thread: Worker | undefined;
  const opened = await openSqlite(
    dir.path("outbox"),
    { clock: systemClock, log },
    (folder) =>
      thread = new Worker(new URL("./mortal_outbox.ts", import.meta.url), {
        type: "module",
        // Of its own: it gives up what it has.
        deno: { permissions: { read: [folder], write: [folder] } },
      }),
  );
  if (!opened.ok) throw new Error(opened.message);
  const { outbox } = opened;
  strictEqual(await accept(outbox.store, call("1")), true);
  thread!.postMessage("die");
  const underWay = accept(outbox.store, call("2"));
  const [isKept] = await Promise.all([underWay, outbox.recover(7), outbox.store.recover()]);
  // It may have been kept before.
  strictEqual(typeof isKept, "boolean");
  strictEqual(await accept(outbox.store, call("3")), false);
  outbox.store.end(disconnect());
  deepStrictEqual(await outbox.recover(2), { calls: [], reports: [] });
  deepStrictEqual(
    recorded.lines.map(({ event }) => event),
    ["the outbox's thread died: CALLs are refused until a restart"],
  );
  await inTime(outbox.close(), "the close");
});

Deno.test("a thread that cannot be loaded is a line at the start", async () => {
  const opened = await openSqlite(
    "/nowhere",
    { clock: systemClock, log: new RecordedLog().log },
    () =>
      new Worker(new URL("./no_such_file.ts", import.meta.url), {
        type: "module",
        deno: { permissions: "none" },
      }),
  );
  strictEqual(opened.ok, false);
});

Deno.test("a program whose outbox cannot be opened ends with 1 and one line, and listens nowhere", async () => {
  using dir = new TempDir();
  const folder = dir.file("file", "");
  await using program = startProgram(["--listen=127.0.0.1:0", `--outbox=${folder}`]);
  const { code, stdout, stderr } = await program.ended();
  strictEqual(code, 1);
  strictEqual(stdout, "");
  strictEqual(stderr.split("\n").length, 2, stderr);
  strictEqual(stderr.startsWith(`ws2api: --outbox ${JSON.stringify(folder)}: `), true, stderr);
});
