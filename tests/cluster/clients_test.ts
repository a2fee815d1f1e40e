import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { alone } from "../../lib/cluster/alone.ts";
import type { Bus, Client, ClientPage, ClientReply, Peer } from "../../lib/cluster/bus.ts";
import { Clients } from "../../lib/cluster/clients.ts";
import { CHARACTER } from "../support/character.ts";
import { answerPages, surveyPages } from "../support/pages.ts";
import { runs } from "../support/runs.ts";

function client(clientId: string, connectionId = "c1"): Client {
  return { clientId, connectionId, protocol: null, remoteAddress: "127.0.0.1", connectedAt: 0 };
}

function pageOf(all: readonly Client[], after: string | null, limit: number): ClientPage {
  const sorted = [...all].sort((a, b) => (a.clientId < b.clientId ? -1 : 1));
  const behind = sorted.filter(({ clientId }) => after === null || clientId > after);
  return {
    total: all.length,
    clients: behind.slice(0, limit),
    hasMore: behind.length > limit,
  };
}

/** An instance that has these clients, and asks nobody. */
function peer(all: readonly Client[], serve: Peer["serve"] = () => never()): Peer {
  return {
    find: (clientId) => all.find((one) => one.clientId === clientId),
    answerTo: answerPages((after, limit) => pageOf(all, after, limit)),
    serve,
    replaced: never,
    forget: never,
    lost: never,
  };
}

function never(): never {
  throw new Error("not asked for");
}

/** @param most Clients that one instance puts on a page, however many are asked for. */
function busOf(others: readonly (readonly Client[])[], most = Infinity): Bus {
  return {
    ...alone,
    survey: surveyPages((after, limit) =>
      others.map((all) => pageOf(all, after, Math.min(limit, most)))
    ),
  };
}

Deno.test("page after page over many instances lists every client once and in order", async () => {
  const id = fc.oneof(fc.string({ maxLength: 3 }), fc.string({ unit: CHARACTER, maxLength: 2 }));
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(id, { maxLength: 25 }),
      fc.infiniteStream(fc.nat(3)),
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom(1, 2, 3, Infinity),
      async (ids, places, limit, most) => {
        const held: Client[][] = [[], [], [], []];
        for (const one of ids) held[places.next().value!]!.push(client(one));
        const [own = [], ...others] = held;
        const clients = new Clients(peer(own), busOf(others, most));
        const seen: string[] = [];
        let after: string | null = null;
        do {
          const page = await clients.page(after, limit);
          strictEqual(page.total, ids.length);
          if (page.next !== null && most >= limit) strictEqual(page.clients.length, limit);
          if (page.next !== null) strictEqual(page.next, page.clients.at(-1)!.clientId);
          seen.push(...page.clients.map(({ clientId }) => clientId));
          after = page.next;
        } while (after !== null);
        deepStrictEqual(seen, [...ids].sort());
      },
    ),
    { numRuns: runs(1000) },
  );
});

Deno.test("a search finds each client once, also with instances that do not know of searches", async () => {
  const id = fc.string({ unit: fc.constantFrom("a", "A", "b", "."), maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(id, { maxLength: 25 }),
      fc.string({ unit: fc.constantFrom("a", "B", "."), minLength: 1, maxLength: 2 }),
      fc.infiniteStream(fc.nat(2)),
      fc.integer({ min: 1, max: 4 }),
      async (ids, search, places, limit) => {
        const held: Client[][] = [[], [], []];
        for (const one of ids) held[places.next().value!]!.push(client(one));
        const [own = [], older = [], newer = []] = held;
        const find = (all: readonly Client[]) =>
          all.filter(({ clientId }) => clientId.toLowerCase().includes(search.toLowerCase()));
        const local = {
          ...peer(own),
          answerTo: answerPages((after, most) => pageOf(find(own), after, most)),
        };
        const bus: Bus = {
          ...alone,
          survey: surveyPages((
            after,
            most,
          ) => [pageOf(older, after, most), pageOf(find(newer), after, most)]),
        };
        const clients = new Clients(local, bus);
        const seen: string[] = [];
        let after: string | null = null;
        do {
          const page = await clients.page(after, limit, search);
          seen.push(...page.clients.map(({ clientId }) => clientId));
          after = page.next;
        } while (after !== null);
        deepStrictEqual(seen, find(held.flat()).map(({ clientId }) => clientId).sort());
      },
    ),
    { numRuns: runs(500) },
  );
});

Deno.test("of a client that two instances hold for a moment, the newer connection is listed", async () => {
  const [older, newer] = [client("CP1", "c1"), client("CP1", "c2")];
  for (const [own, other] of [[older, newer], [newer, older]] as const) {
    const clients = new Clients(peer([own]), busOf([[other, client("CP2")]]));
    const page = await clients.page(null, 10);
    deepStrictEqual(page.clients, [newer, client("CP2")]);
    strictEqual(page.next, null);
  }
});

Deno.test("a client that is held twice does not hide the next one", async () => {
  const own = [client("a", "c1"), client("b", "c1")];
  const other = [client("a", "c2"), client("b", "c2"), client("c")];
  const clients = new Clients(peer(own), busOf([other]));
  const first = await clients.page(null, 2);
  deepStrictEqual([first.clients.map((one) => one.clientId), first.next], [["a", "b"], "b"]);
  const second = await clients.page("b", 2);
  deepStrictEqual([second.clients.map((one) => one.clientId), second.next], [["c"], null]);
});

Deno.test("a request goes to the instance itself when it holds the client, and to others when not", async (t) => {
  const accepted: ClientReply = { kind: "accepted" };
  const gone: ClientReply = { kind: "refused", reason: "gone" };
  const full: ClientReply = { kind: "refused", reason: "full" };
  const elsewhere: ClientReply = { kind: "client", client: client("elsewhere") };
  const rows: [name: string, own: ClientReply | null, reply: ClientReply][] = [
    ["it holds the client", accepted, accepted],
    ["it holds the client and refuses", full, full],
    ["the client went in this very moment", gone, elsewhere],
    ["it does not hold the client", null, elsewhere],
  ];
  for (const [name, own, expected] of rows) {
    await t.step(name, async () => {
      const bus: Bus = { ...alone, ask: () => Promise.resolve(elsewhere) };
      const local = own === null ? peer([]) : peer([client("CP1")], () => Promise.resolve(own));
      const reply = await new Clients(local, bus).ask({ kind: "describe", clientId: "CP1" });
      deepStrictEqual(reply, expected);
    });
  }
});
