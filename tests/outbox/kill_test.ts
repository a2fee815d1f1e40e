import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Program, TempDir } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { accept, call } from "./entries.ts";
import { SqliteUnderTest } from "./sqlite_under_test.ts";

const CHILD = fileURLToPath(new URL("./killed_process.ts", import.meta.url));

Deno.test("what was acknowledged is found after kill -9, and what was struck is not", async (t) => {
  for (const lines of [1, 40, 3000]) {
    await t.step(`killed after ${lines} lines`, async () => {
      using dir = new TempDir();
      await using under = new SqliteUnderTest();
      under.folder = dir.path("outbox");
      const args = ["run", "--config=tests/deno.json", "--allow-all", CHILD, under.folder];
      const child = new Program(Deno.execPath(), args);
      await child.lines(lines);
      child.signal("SIGKILL");
      const { stdout } = await child.ended();
      const told = stdout.split("\n").slice(0, -1).map((line) => line.split(" "));
      const states = new Map(told.map(([state = "", id = ""]) => [id, state]));
      ok(states.size > 0);
      const outbox = await under.open();
      const { calls, reports } = await outbox.store.recover();
      const open = new Set(calls.map(({ id }) => id));
      const ended = new Set(reports.map(({ id }) => id));
      for (const [id, state] of states) {
        // What came later than the last word may be on disk too.
        if (state === "accepted") continue;
        strictEqual(open.has(id), false, `${state} ${id}`);
        strictEqual(ended.has(id), state === "ended", `${state} ${id}`);
      }
      // At most the eight that were under way went on, unheard.
      const missed = [...states].filter(([id, state]) =>
        state === "accepted" && !open.has(id) && !ended.has(id)
      );
      ok(missed.length <= 8, `${missed.length} are missed`);
      await outbox.close();
    });
  }
});

/** An outbox whose process is gone, with how long its log was when each CALL was acknowledged. */
async function dropped(
  under: SqliteUnderTest,
  count: number,
): Promise<{ database: Uint8Array; log: Uint8Array; lengths: number[] }> {
  const outbox = await under.open();
  const path = `${under.folder}/outbox.sqlite`;
  const lengths: number[] = [];
  for (let i = 0; i < count; i++) {
    strictEqual(await accept(outbox.store, call(`${i}`)), true);
    lengths.push(Deno.statSync(`${path}-wal`).size);
  }
  const [database, log] = [Deno.readFileSync(path), Deno.readFileSync(`${path}-wal`)];
  await outbox.close();
  Deno.removeSync(path);
  return { database, log, lengths };
}

/** How many CALLs are found with this log; they are the first ones, in order. */
async function countFound(
  under: SqliteUnderTest,
  database: Uint8Array,
  log: Uint8Array,
): Promise<number> {
  Deno.writeFileSync(`${under.folder}/outbox.sqlite`, database);
  Deno.writeFileSync(`${under.folder}/outbox.sqlite-wal`, log);
  const outbox = await under.open();
  const { calls } = await outbox.store.recover();
  deepStrictEqual(calls.map(({ messageId }) => Number(messageId)), calls.map((_, i) => i));
  await outbox.close();
  return calls.length;
}

Deno.test("a log that a power cut left short, or torn at its end, has all that was synced before", async () => {
  await using under = new SqliteUnderTest();
  const { database, log, lengths } = await dropped(under, 60);
  const random = new Random(1);
  for (let round = 0; round < 12; round++) {
    const from = lengths[0]!;
    const cut = round === 0 ? log.length : from + random.below(log.length - from);
    const whole = lengths.filter((length) => length <= cut).length;
    strictEqual(await countFound(under, database, log.subarray(0, cut)), whole, `cut at ${cut}`);
    // The rest of the file may hold anything: blocks that were not written, or half.
    const torn = log.slice();
    torn.set(random.bytes(Math.min(4096, log.length - cut)), cut);
    strictEqual(await countFound(under, database, torn), whole, `torn at ${cut}`);
  }
});
