import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { MAX_RECENT_ENDS, RecentEnds } from "../../lib/client/recent_ends.ts";

function client(clientId: string, connectionId = "c1") {
  return { clientId, connectionId, protocol: null, remoteAddress: "192.0.2.1", connectedAt: 1 };
}

class HeldTime {
  ms = 0;
  now = () => this.ms;
  wallNow = () => 1_700_000_000_000 + this.ms;
}

const MINUTE = 60_000;

Deno.test("clients that come and go are told, those that end most first, with their last connection", () => {
  const time = new HeldTime();
  const ends = new RecentEnds(time);
  ends.note(client("once"));
  for (let i = 0; i < 3; i++) ends.note(client("three", `c${i}`));
  for (let i = 0; i < 2; i++) ends.note(client("two"));
  const list = ends.list();
  deepStrictEqual(list.map(({ client, ends }) => [client.clientId, ends]), [
    ["three", 3],
    ["two", 2],
    ["once", 1],
  ]);
  deepStrictEqual(list[0], {
    client: client("three", "c2"),
    endedAt: 1_700_000_000_000,
    ends: 3,
  });
});

Deno.test("ends of more than an hour ago do not count", () => {
  const time = new HeldTime();
  // An hour of the day does not begin at the process's start.
  time.ms = 7 * MINUTE;
  const ends = new RecentEnds(time);
  const count = () => ends.list()[0]?.ends ?? 0;
  for (let i = 0; i < 12; i++) {
    ends.note(client("CP1"));
    time.ms += 10 * MINUTE;
  }
  // One each ten minutes; the part of time that runs has none yet.
  strictEqual(count(), 5);
  time.ms += 20 * MINUTE;
  strictEqual(count(), 3);
  // Parts that were skipped are empty.
  ends.note(client("CP1"));
  strictEqual(count(), 4);
  time.ms += 1000 * MINUTE;
  strictEqual(count(), 0);
  ends.note(client("CP1"));
  ends.note(client("CP1"));
  strictEqual(count(), 2);
});

Deno.test("one that comes and goes is known when 100,000 others end once, and no more are kept than the bound", () => {
  const time = new HeldTime();
  const ends = new RecentEnds(time);
  for (let i = 0; i < 100_000; i++) {
    time.ms++;
    if (i < 2 || i % 30_000 === 0) ends.note(client("flapping"));
    ends.note(client(`CP${i}`));
  }
  strictEqual(ends.list().length, MAX_RECENT_ENDS);
  deepStrictEqual(ends.list().slice(0, 2).map(({ ends }) => ends), [5, 1]);
  for (let i = 0; i < 5000; i++) {
    ends.note(client(`twice${i}`));
    ends.note(client(`twice${i}`));
  }
  strictEqual(ends.list().length, MAX_RECENT_ENDS);
  strictEqual(ends.list()[0]!.client.clientId, "flapping");
});
