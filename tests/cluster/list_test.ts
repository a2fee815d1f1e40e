import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ConnectionMap } from "../../lib/client/map.ts";
import { RecentEnds } from "../../lib/client/recent_ends.ts";
import type { Clock } from "../../lib/clock.ts";
import { alone } from "../../lib/cluster/alone.ts";
import type { Answers, QuestionKind } from "../../lib/cluster/survey.ts";
import { type Bus, type ClientReply, type Peer, refused } from "../../lib/cluster/bus.ts";
import { Clients } from "../../lib/cluster/clients.ts";
import { type ClientList, type ListQuery, SORTS } from "../../lib/cluster/list.ts";
import { type Listed, LocalList } from "../../lib/cluster/local_list.ts";
import { mergedList } from "../../lib/cluster/merged_list.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";
import { runs } from "../support/runs.ts";

interface Facts {
  readonly protocol: string | null;
  readonly remoteAddress: string;
  readonly connectedAt: number;
  readonly activeAt: number;
  readonly heardAt: number | null;
  readonly errors: number;
  readonly waiting: number;
}

const START = Date.UTC(2026, 0, 1);
const QUIET: Facts = {
  ...{ protocol: "ocpp1.6", remoteAddress: "192.0.2.1", connectedAt: START - 1000 },
  ...{ activeAt: START - 1000, heardAt: null, errors: 0, waiting: 0 },
};

class FakeConnection implements Listed {
  readonly protocol;
  readonly remoteAddress;
  readonly connectedAt;
  readonly lastActivityAt;
  readonly heardAt;
  readonly errors;
  readonly waiting;
  framesIn = 0;
  framesOut = 0;

  constructor(readonly clientId: string, facts: Partial<Facts> = {}, readonly connectionId = "c1") {
    const all = { ...QUIET, ...facts };
    this.protocol = all.protocol;
    this.remoteAddress = all.remoteAddress;
    this.connectedAt = all.connectedAt;
    this.lastActivityAt = all.activeAt;
    this.heardAt = all.heardAt;
    this.errors = all.errors;
    this.waiting = all.waiting;
  }

  get state() {
    const { lastActivityAt, heardAt, framesIn, framesOut, waiting, errors } = this;
    return { lastActivityAt, heardAt, framesIn, framesOut, waiting, outstanding: 0, errors };
  }
}

/** A thread with these clients. */
class Thread {
  readonly connections = new ConnectionMap<FakeConnection>();
  readonly ends: RecentEnds;
  readonly list: LocalList;

  constructor(
    connections: readonly FakeConnection[],
    readonly clock: Clock = new FakeClock(),
    instance?: string,
  ) {
    for (const connection of connections) this.connections.put(connection.clientId, connection);
    this.ends = new RecentEnds(clock);
    this.list = new LocalList({ connections: this.connections, ends: this.ends, clock, instance });
  }
}

function queryOf(query: Partial<ListQuery> = {}): ListQuery {
  return { sort: "id", isDescending: false, filter: {}, after: null, limit: 100, ...query };
}

function idsOf(list: Pick<ClientList, "rows"> | null): string {
  return list === null ? "null" : list.rows.map(({ client }) => client.clientId).join(" ");
}

Deno.test("page after page over many threads lists each client that fits once, and in order", async () => {
  const facts = fc.record({
    errors: fc.nat(2),
    waiting: fc.nat(3),
    activeAt: fc.integer({ min: START - 5, max: START }),
    connectedAt: fc.integer({ min: START - 5, max: START }),
    protocol: fc.constantFrom("ocpp1.6", "ocpp2.1", null),
  });
  const id = fc.string({ unit: fc.constantFrom("a", "B", "~", "😀"), maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(id, facts, fc.nat(2)), { maxLength: 30, selector: ([id]) => id }),
      fc.constantFrom(...SORTS.filter((sort) => sort !== "ends" && sort !== "messages")),
      fc.boolean(),
      fc.constantFrom({}, { hasErrors: true } as const, { protocol: null }),
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom(1, 2, Infinity),
      async (rows, sort, isDescending, filter, limit, most) => {
        const all = rows.map(([id, facts]) => new FakeConnection(id, facts));
        const threads = [0, 1, 2].map((thread) =>
          new Thread(all.filter((_, i) => rows[i]![2] === thread))
        );
        const fitting = all.filter(({ errors, protocol }) =>
          (!("hasErrors" in filter) || errors > 0) && (!("protocol" in filter) || protocol === null)
        );
        const rank = (one: FakeConnection) =>
          ({
            ...{ id: 0, activity: one.lastActivityAt, errors: one.errors, messages: 0, ends: 0 },
            ...{ waiting: one.waiting, connected: one.connectedAt },
          })[sort];
        const byId = (a: FakeConnection, b: FakeConnection) => a.clientId < b.clientId ? -1 : 1;
        const sign = isDescending ? -1 : 1;
        const expected = fitting.toSorted((a, b) =>
          sort === "id" ? sign * byId(a, b) : sign * (rank(a) - rank(b)) || byId(a, b)
        );
        const seen: string[] = [];
        let query = queryOf({ sort, isDescending, filter, limit });
        for (;;) {
          const parts = await Promise.all(threads.map(async ({ list }) => {
            const part = (await list.make(query))!;
            // NATS may not take all of it.
            const cut = part.rows.slice(0, most);
            return { ...part, rows: cut, hasMore: part.hasMore || cut.length < part.rows.length };
          }));
          const page = mergedList(parts, query);
          strictEqual(page.total, fitting.length);
          ok(page.rows.length <= limit);
          seen.push(...page.rows.map(({ client }) => client.clientId));
          if (page.next === null) break;
          query = { ...query, after: page.next };
        }
        deepStrictEqual(seen, expected.map(({ clientId }) => clientId));
      },
    ),
    { numRuns: runs(500) },
  );
});

Deno.test("clients are listed that all of a filter and the search fit", async () => {
  const thread = new Thread([
    new FakeConnection("new", { connectedAt: START }),
    new FakeConnection("mute", { connectedAt: START - 60_000 }),
    // The gateway has just sent it something.
    new FakeConnection("asked", {
      ...{ connectedAt: START - 90_000, heardAt: START - 60_000, activeAt: START },
    }),
    new FakeConnection("heard", { connectedAt: START - 90_000, heardAt: START - 59_000 }),
    new FakeConnection("wrong", { connectedAt: START, errors: 3, remoteAddress: "2001:db8::1" }),
    new FakeConnection("other", { connectedAt: START, errors: 1, protocol: null }),
  ]);
  const rows: [query: Partial<ListQuery>, ids: string][] = [
    [{ filter: { silentMs: 60_000 } }, "asked mute"],
    [{ filter: { hasErrors: true }, sort: "errors", isDescending: true }, "wrong other"],
    [{ filter: { protocol: null } }, "other"],
    [{ filter: { protocol: "ocpp1.6", hasErrors: true } }, "wrong"],
    [{ filter: { address: "2001:" } }, "wrong"],
    [{ filter: { address: "192.0.2.1" }, search: "E" }, "asked heard mute new other"],
    [{ filter: { instance: "gw-1" } }, ""],
    [{ filter: {}, search: "nobody" }, ""],
  ];
  for (const [query, ids] of rows) {
    const list = await thread.list.make(queryOf(query));
    strictEqual(idsOf(list), ids, JSON.stringify(query));
    strictEqual(list!.total, ids === "" ? 0 : ids.split(" ").length);
  }
  const named = new Thread([new FakeConnection("CP1")], new FakeClock(), "gw-1");
  const list = await named.list.make(queryOf({ filter: { instance: "gw-1" } }));
  deepStrictEqual(list!.rows.map(({ instance }) => instance), ["gw-1"]);
});

Deno.test("the one that floods is found: messages a second are measured while somebody asks", async () => {
  const clock = new FakeClock();
  const [calm, flood] = [new FakeConnection("calm"), new FakeConnection("flood")];
  calm.framesIn = 1_000_000;
  const thread = new Thread([calm, flood], clock);
  const query = queryOf({ sort: "messages", isDescending: true });
  const rates = async (waitMs: number) => {
    const making = thread.list.make(query);
    await advance(clock, waitMs);
    return (await making)!.rows.map(({ client, rank }) => `${client.clientId} ${rank}`).join();
  };
  // The first one waits for half a second, in which nothing comes.
  strictEqual(await rates(500), "calm 0,flood 0");
  strictEqual(clock.timers, 1);
  calm.framesIn += 5;
  flood.framesOut += 500;
  await advance(clock, 2000);
  // Since the first one began, 2.5 s ago.
  strictEqual(await rates(0), "flood 200,calm 2");
  // Another one asks at once: over 2.5 s too.
  strictEqual(await rates(0), "flood 200,calm 2");
  calm.framesIn += 10;
  await advance(clock, 1000);
  strictEqual(await rates(0), "calm 10,flood 0");
  // A new connection has none of the messages of the one before.
  const again = new FakeConnection("flood", { connectedAt: clock.wallNow() + 1 });
  again.framesIn = 900;
  thread.connections.put("flood", again);
  await advance(clock, 2000);
  strictEqual(await rates(0), "flood 300,calm 3.3");
  // Nobody asks: nothing is kept.
  await advance(clock, 15_000);
  strictEqual(clock.timers, 0);
  strictEqual(await rates(500), "calm 0,flood 0");
  thread.list.close();
  strictEqual(clock.timers, 0);
});

/** Time that goes on by 0.1 ms with each look at it; what runs between two of them is counted. */
class WorkClock extends FakeClock {
  ms = 0;
  override now(): number {
    return this.ms += 0.1;
  }
}

Deno.test("a list of very many is made in slices, one list at a time, and no more wait than the bound", async () => {
  const clock = new WorkClock();
  const many = Array.from(
    { length: 20_000 },
    (_, i) => new FakeConnection(`CP${i}`, { errors: i }),
  );
  const thread = new Thread(many, clock);
  const query = queryOf({ sort: "errors", isDescending: true, limit: 3 });
  const asked = Array.from({ length: 20 }, () => thread.list.make(query));
  const lists: (ClientList | null)[] = [];
  for (const each of asked) void each.then((list) => lists.push(list));
  await microtasks();
  // Each slice ends in a pause: the rest of the program has its turns.
  strictEqual(lists.filter((list) => list !== null).length, 0);
  strictEqual(clock.timers, 1);
  strictEqual(lists.filter((list) => list === null).length, 4);
  // One that goes meanwhile is not listed.
  thread.connections.remove("CP19999", many.at(-1)!);
  await clock.runAll();
  strictEqual(lists.length, 20);
  strictEqual(idsOf(lists.at(-1)!), "CP19998 CP19997 CP19996");
  // There is room again.
  const again = thread.list.make(query);
  await clock.runAll();
  strictEqual(idsOf(await again), "CP19998 CP19997 CP19996");
});

Deno.test("clients that come and go are listed over all threads, connected or not", async () => {
  const clock = new FakeClock();
  const [own, other] = [
    new Thread([new FakeConnection("back", {}, "c9")], clock, "gw-1"),
    new Thread([new FakeConnection("here", {}, "c9")], clock, "gw-1"),
  ];
  const ended = (thread: Thread, id: string, times: number) => {
    for (let i = 0; i < times; i++) thread.ends.note(new FakeConnection(id, {}, `c${i}`));
  };
  // Its ends are in both; it is connected in the first one.
  ended(own, "back", 2);
  ended(other, "back", 3);
  ended(own, "away", 4);
  // Connected where it never ended.
  ended(own, "here", 3);
  ended(own, "once", 1);
  const peer: Peer = {
    find: () => undefined,
    answerTo: <K extends QuestionKind>(question: { kind: string; query?: ListQuery }) =>
      own.list.make(question.query!) as Promise<Answers[K]>,
    ...{ serve: never, replaced: never, forget: never, lost: never },
  };
  const bus: Bus = {
    ...alone,
    survey: async <K extends QuestionKind>(question: { kind: string; query?: ListQuery }) => ({
      answers: [await other.list.make(question.query!) as Answers[K]],
      isComplete: true,
    }),
    ask: ({ clientId }): Promise<ClientReply> => {
      const client = other.connections.get(clientId);
      return Promise.resolve(
        client === undefined ? refused("gone") : { kind: "client", client, state: client.state },
      );
    },
  };
  const clients = new Clients(peer, bus);
  const query = queryOf({ sort: "ends", isDescending: true });
  const page = await clients.list(query);
  deepStrictEqual(
    page.rows.map(({ client, rank, state, endedAt }) => [
      client.clientId,
      rank,
      state !== null,
      endedAt !== null,
    ]),
    [["back", 5, true, false], ["away", 4, false, true], ["here", 3, true, false]],
  );
  deepStrictEqual([page.total, page.next, page.isComplete], [3, null, true]);
  const first = await clients.list({ ...query, limit: 2 });
  strictEqual(idsOf(first), "back away");
  strictEqual(idsOf(await clients.list({ ...query, limit: 2, after: first.next })), "here");
  strictEqual(idsOf(await clients.list({ ...query, filter: { silentMs: 1 } })), "back");
  strictEqual(idsOf(await clients.list({ ...query, search: "AW" })), "away");
  strictEqual(idsOf(await clients.list({ ...query, filter: { address: "10." } })), "");
});

Deno.test("a list that not all have answered says so", async () => {
  const own = new Thread([new FakeConnection("CP1")]);
  const peer = (list: ClientList | null): Peer => ({
    find: () => undefined,
    answerTo: <K extends QuestionKind>() => list as Answers[K],
    ...{ serve: never, replaced: never, forget: never, lost: never },
  });
  const bus = (answers: readonly (ClientList | null)[], isComplete: boolean): Bus => ({
    ...alone,
    survey: <K extends QuestionKind>() =>
      Promise.resolve({ answers: answers as readonly Answers[K][], isComplete }),
  });
  const list = (await own.list.make(queryOf()))!;
  const complete = async (others: readonly (ClientList | null)[], isComplete: boolean) =>
    (await new Clients(peer(list), bus(others, isComplete)).list(queryOf())).isComplete;
  strictEqual(await complete([], true), true);
  strictEqual(await complete([], false), false);
  // One of them has too many to make.
  strictEqual(await complete([null], true), false);
  const { rows, isComplete } = await new Clients(peer(null), bus([list], true)).list(queryOf());
  deepStrictEqual([rows.length, isComplete], [1, false]);
});

function never(): never {
  throw new Error("not asked for");
}

async function advance(clock: FakeClock, ms: number): Promise<void> {
  await microtasks();
  clock.tick(ms);
  await microtasks();
}
