import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Departures, departuresBuffer } from "../../lib/client/departures.ts";
import type { Identity } from "../../lib/identity.ts";
import { FakeClock } from "../support/fake_clock.ts";

const LOST = { cause: "lost", code: 1006, reason: "" } as const;

function clientOf(clientId: string): Identity {
  return { clientId, connectionId: "c1", protocol: null, remoteAddress: "::1", connectedAt: 5 };
}

Deno.test("who went is told with when and why, once for each reader", () => {
  const clock = new FakeClock();
  const departures = new Departures(clock);
  departures.note(clientOf("CP1"), { cause: "operator", code: 1000, reason: "by the operator" });
  const at = clock.wallNow();
  clock.tick(10);
  departures.note(clientOf("CP2"), LOST);
  const { departures: all, cursor } = departures.since([]);
  deepStrictEqual(all, [
    { ...clientOf("CP1"), at, cause: "operator", code: 1000, reason: "by the operator" },
    { ...clientOf("CP2"), at: at + 10, ...LOST },
  ]);
  deepStrictEqual(departures.since(cursor).departures, []);
});

Deno.test("the last 200 of all threads are told, in their order", () => {
  const clock = new FakeClock();
  const buffer = departuresBuffer(3);
  const threads = [0, 1, 2].map((row) => new Departures(clock, buffer, row));
  for (let i = 0; i < 900; i++) {
    threads[i % 3]!.note(clientOf(`CP${i}`), LOST);
    clock.tick(1);
  }
  const { departures } = threads[0]!.since([]);
  deepStrictEqual(
    departures.map(({ clientId }) => clientId),
    Array.from({ length: 200 }, (_, i) => `CP${700 + i}`),
  );
});

Deno.test("many who go at once leave the last 200", () => {
  const departures = new Departures(new FakeClock());
  departures.noteAll(Array.from({ length: 5000 }, (_, i) => clientOf(`CP${i}`)), LOST);
  const { departures: all } = departures.since([]);
  deepStrictEqual([all.length, all[0]?.clientId, all.at(-1)?.clientId], [200, "CP4800", "CP4999"]);
});

Deno.test("a name that is too long for its place is cut, and the rest stays", () => {
  const departures = new Departures(new FakeClock());
  departures.note(clientOf("\u0001".repeat(255)), { ...LOST, reason: "é".repeat(60) });
  const [departure] = departures.since([]).departures;
  ok(departure?.clientId.startsWith("\u0001"));
  strictEqual(departure?.cause, "lost");
});

Deno.test("of who went the whole name is told, whatever the reason", () => {
  const departures = new Departures(new FakeClock());
  const client = {
    ...clientOf("充".repeat(255)),
    connectionId: "01890000-0000-7000-8000-000000000001",
    protocol: "ocpp2.0.1",
    remoteAddress: "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
    connectedAt: 1_700_000_000_000,
  };
  departures.note(client, { ...LOST, reason: "\u0001".repeat(123) });
  const [departure] = departures.since([]).departures;
  strictEqual(departure?.clientId, client.clientId);
  ok(departure?.reason.startsWith("\u0001"));
});

Deno.test("a subprotocol with a very long name does not hold the end of a connection up", () => {
  const departures = new Departures(new FakeClock());
  departures.note({ ...clientOf("CP1"), protocol: "x".repeat(5000) }, LOST);
  const [departure] = departures.since([]).departures;
  deepStrictEqual([departure?.clientId, departure?.cause], ["CP1", "lost"]);
  ok(departure?.protocol?.startsWith("xxx"));
});
