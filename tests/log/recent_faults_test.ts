import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { limitLines, type LogFields, silentLog } from "../../lib/log/log.ts";
import { faultsBuffer, RecentFaults } from "../../lib/log/recent_faults.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("warnings and errors are remembered, and written all the same", () => {
  const written: string[] = [];
  const faults = new RecentFaults(systemClock);
  const log = faults.watch({
    ...silentLog,
    warn: (event) => written.push(event),
    error: (event) => written.push(event),
  });
  log.info("nothing");
  log.warn("one", { clientId: "CP1", count: 2, isIt: true, none: null });
  log.error("two");
  deepStrictEqual(written, ["one", "two"]);
  deepStrictEqual(
    faults.since([]).faults.map(({ at: _, ...fault }) => fault),
    [
      {
        level: "warn",
        event: "one",
        fields: { clientId: "CP1", count: 2, isIt: true, none: null },
        thread: 0,
      },
      { level: "error", event: "two", fields: {}, thread: 0 },
    ],
  );
});

Deno.test("behind the limit of the log only what is written is remembered", () => {
  const faults = new RecentFaults(systemClock);
  const log = limitLines(faults.watch(silentLog), new FakeClock());
  for (let i = 0; i < 1000; i++) log.warn("again");
  strictEqual(faults.since([]).faults.length, 10);
});

Deno.test("each thread keeps its last 100, and all see all, from where they were", () => {
  const buffer = faultsBuffer(3);
  const threads = [0, 1, 2].map((row) => new RecentFaults(systemClock, buffer, row));
  const [main, one, two] = threads.map((faults) => faults.watch(silentLog));
  for (let i = 0; i < 250; i++) one!.warn("many", { i });
  two!.error("once");
  const first = threads[0]!.since([]);
  deepStrictEqual(
    first.faults.filter(({ thread }) => thread === 1).map(({ fields }) => fields.i),
    Array.from({ length: 100 }, (_, i) => 150 + i),
  );
  strictEqual(first.faults.filter(({ thread }) => thread === 2).length, 1);
  main!.warn("later");
  // A thread that was started again goes on behind what it noted before.
  new RecentFaults(systemClock, buffer, 2).watch(silentLog).warn("again");
  const { faults, cursor } = threads[2]!.since(first.cursor);
  deepStrictEqual(faults.map(({ event, thread }) => [event, thread]).sort(), [
    ["again", 2],
    ["later", 0],
  ]);
  deepStrictEqual(threads[1]!.since(cursor).faults, []);
});

Deno.test("what is torn is left out, and nothing else", () => {
  const faults = new RecentFaults(systemClock);
  const log = faults.watch(silentLog);
  for (const event of ["one", "two", "three"]) log.warn(event);
  const bytes = new Uint8Array(faults.buffer);
  const at = new TextDecoder().decode(bytes.slice()).indexOf("two");
  bytes.set(new TextEncoder().encode('"\\x'), at);
  deepStrictEqual(faults.since([]).faults.map(({ event }) => event), ["one", "three"]);
});

Deno.test("what does not fit is cut, and stays readable", () => {
  const fields: Record<string, LogFields> = {
    long: { clientId: "😀".repeat(1000), reason: "é".repeat(1000) },
    many: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`name${i}`, "\u0001"])),
    surrogates: { clientId: "\ud800".repeat(255), other: "\udc00".repeat(255) },
  };
  for (const [event, all] of Object.entries(fields)) {
    const faults = new RecentFaults(systemClock);
    faults.watch(silentLog).warn(event, all);
    const [fault] = faults.since([]).faults;
    strictEqual(fault?.event, event);
    ok(Object.keys(fault.fields).length > 0);
  }
});
