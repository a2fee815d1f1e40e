import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  handleReport,
  listReports,
  readReportFilter,
  readRetryQuery,
  retryReports,
} from "../../lib/api/outbox.ts";
import { alone } from "../../lib/cluster/alone.ts";
import type { Bus, Peer } from "../../lib/cluster/bus.ts";
import { Clients } from "../../lib/cluster/clients.ts";
import {
  type Answer,
  answerForOutbox,
  type Answers,
  type ListedReport,
  type OutboxView,
  type QuestionKind,
  type QuestionOf,
  type Survey,
} from "../../lib/cluster/survey.ts";
import { idOf } from "../support/retention.ts";
import { runs } from "../support/runs.ts";

function reportOf(number: number, more: Partial<ListedReport> = {}): ListedReport {
  return {
    ...{ id: idOf(number), state: "parked", kind: "result", client: "CP1", action: "Reset" },
    ...{ messageId: "1", body: '{"a":1.0}', since: number, tries: 1, lastFailure: "status 400" },
    ...more,
  };
}

/** Reports in a list. */
class FakeOutbox implements OutboxView {
  readonly reports: ListedReport[];

  constructor(reports: readonly ListedReport[]) {
    this.reports = [...reports];
  }

  list(
    { state, client, after, limit }: Parameters<OutboxView["list"]>[0],
  ): ReturnType<OutboxView["list"]> {
    const all = this.reports.filter((report) =>
      (state === undefined || report.state === state) &&
      (client === undefined || report.client === client)
    ).sort((a, b) => a.id < b.id ? -1 : 1);
    const left = all.filter(({ id }) => after === undefined || id > after);
    return { total: all.length, reports: left.slice(0, limit) };
  }

  find(id: string): ListedReport | undefined {
    return this.reports.find((report) => report.id === id);
  }

  retry(id: string): boolean {
    const at = this.reports.findIndex((report) => report.id === id);
    if (at === -1) return false;
    this.reports[at] = { ...this.reports[at]!, state: "waiting" };
    return true;
  }

  retryParked(since = -Infinity): number {
    return this.reports.filter((report) => report.state === "parked" && report.since >= since)
      .filter(({ id }) => this.retry(id)).length;
  }

  remove(id: string): boolean {
    const at = this.reports.findIndex((report) => report.id === id);
    if (at !== -1) this.reports.splice(at, 1);
    return at !== -1;
  }
}

/** A gateway of several instances, each with an outbox; the first one is asked. */
function clientsWith(outboxes: readonly OutboxView[], isComplete = true): Clients {
  const [own, ...others] = outboxes as [OutboxView, ...OutboxView[]];
  const local = {
    answerTo: <K extends QuestionKind>(question: QuestionOf<K>) =>
      answerForOutbox(question, own) as Answers[K],
  } as unknown as Peer;
  const survey = <K extends QuestionKind>(question: QuestionOf<K>) =>
    Promise.resolve(
      {
        answers: others.map((other) => answerForOutbox(question, other)),
        isComplete,
      } as Survey<Answer | undefined> as Survey<Answers[K]>,
    );
  return new Clients(local, { ...alone, survey } as Bus);
}

const OPS = { name: "ops", sha256: "", role: "admin" } as const;

function requestFor(query: string, method = "GET"): Request {
  return new Request(`http://gateway/outbox${query}`, { method });
}

Deno.test("page after page over many instances lists every report that fits once and in order", async () => {
  const report = fc.record({
    number: fc.nat(1000),
    state: fc.constantFrom("waiting" as const, "parked" as const),
    client: fc.constantFrom("CP1", "CP2"),
    place: fc.nat(2),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(report, { selector: ({ number }) => number, maxLength: 25 }),
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom("", "&state=waiting", "&state=parked&client=CP2"),
      async (reports, limit, query) => {
        const outboxes = [0, 1, 2].map((place) =>
          new FakeOutbox(
            reports.filter((each) => each.place === place)
              .map(({ number, state, client }) => reportOf(number, { state, client })),
          )
        );
        const wanted = reports.filter(({ state, client }) =>
          query === "" || (query.includes(state) && (!query.includes("CP2") || client === "CP2"))
        ).map(({ number }) => idOf(number)).sort();
        const seen: string[] = [];
        for (let after = "";;) {
          const request = requestFor(`?limit=${limit}${query}${after}`);
          const page = await (await listReports(request, clientsWith(outboxes), OPS)).json();
          strictEqual(page.total, wanted.length);
          seen.push(...page.reports.map(({ id }: { id: string }) => id));
          if (page.next === null) break;
          strictEqual(page.next, seen.at(-1));
          after = `&after=${page.next}`;
        }
        deepStrictEqual(seen, wanted);
      },
    ),
    { numRuns: runs(300) },
  );
});

Deno.test("a page of large reports is shorter than was asked for, and the next one goes on behind it", async () => {
  const body = `{"a":"${"x".repeat(3 * 1024 ** 2)}"}`;
  const outboxes = [[1, 2, 3, 4], [5]].map((numbers) =>
    new FakeOutbox(numbers.map((number) => ({ ...reportOf(number), body })))
  );
  const query = { kind: "reports", state: null, clientId: null, after: null, limit: 4 } as const;
  const first = answerForOutbox(query, outboxes[0]!) as Answers["reports"];
  deepStrictEqual([first.total, first.reports.length, first.hasMore], [4, 2, true]);
  const seen: string[] = [];
  for (let after = ""; after !== "end";) {
    const request = requestFor(`?limit=100${after}`);
    const page = await (await listReports(request, clientsWith(outboxes), OPS)).json();
    seen.push(...page.reports.map(({ id }: { id: string }) => id));
    after = page.next === null ? "end" : `&after=${page.next}`;
  }
  deepStrictEqual(seen, [1, 2, 3, 4, 5].map(idOf));
  // One that is larger than a page is a page.
  const huge = { ...reportOf(1), body: `{"a":"${"x".repeat(9 * 1024 ** 2)}"}` };
  const alone = answerForOutbox(query, new FakeOutbox([huge, reportOf(2)])) as Answers["reports"];
  deepStrictEqual([alone.reports.length, alone.hasMore], [1, true]);
});

Deno.test("a report is shown with its body byte for byte", async () => {
  const outboxes = [new FakeOutbox([]), new FakeOutbox([reportOf(1), reportOf(2, { body: null })])];
  const response = await listReports(requestFor(""), clientsWith(outboxes), OPS);
  const rest = '"since":"1970-01-01T00:00:00.001Z","tries":1,"lastFailure":"status 400"}';
  const names = '"kind":"result","client":"CP1","action":"Reset","messageId":"1"';
  const first = `{"id":"${idOf(1)}","state":"parked",${names},"body":{"a":1.0},${rest}`;
  const second = first.replace(idOf(1), idOf(2)).replace('{"a":1.0}', "null")
    .replace(".001Z", ".002Z");
  strictEqual(
    await response.text(),
    `{"total":2,"reports":[${first},${second}],"next":null}`,
  );
  const one = await handleReport(requestFor(""), idOf(1), clientsWith(outboxes), OPS);
  strictEqual(await one.text(), first);
});

Deno.test("one report is retried or given up wherever it is, parked ones are retried everywhere", async () => {
  const outboxes = [
    new FakeOutbox([reportOf(1)]),
    new FakeOutbox([reportOf(2), reportOf(3), reportOf(4, { state: "waiting" })]),
  ];
  const clients = clientsWith(outboxes);
  const on = async (id: number, method: string) =>
    (await handleReport(requestFor("", method), idOf(id), clients, OPS)).status;
  deepStrictEqual([await on(2, "POST"), outboxes[1]!.find(idOf(2))?.state], [202, "waiting"]);
  deepStrictEqual([await on(2, "DELETE"), outboxes[1]!.find(idOf(2))], [204, undefined]);
  deepStrictEqual([await on(2, "DELETE"), await on(2, "POST"), await on(2, "GET")], [
    404,
    404,
    404,
  ]);
  const since = "?state=parked&since=1970-01-01T00:00:00.002Z";
  const retried = async (query: string) =>
    await (await retryReports(requestFor(query, "POST"), clients, OPS)).json();
  deepStrictEqual(await retried(since), { retried: 1 });
  deepStrictEqual(await retried("?state=parked"), { retried: 1 });
  deepStrictEqual(await retried("?state=parked"), { retried: 0 });
});

Deno.test("what may be with somebody who cannot be asked is 503, not 404", async () => {
  const clients = clientsWith([new FakeOutbox([reportOf(1)])], false);
  for (
    const [id, method, status] of [[1, "GET", 200], [2, "GET", 503], [2, "DELETE", 503]] as const
  ) {
    strictEqual(
      (await handleReport(requestFor("", method), idOf(id), clients, OPS)).status,
      status,
    );
  }
  const response = await retryReports(requestFor("?state=parked", "POST"), clients, OPS);
  deepStrictEqual([response.status, (await response.json()).retried], [503, 1]);
});

Deno.test("a token that is bound to clients sees and changes the reports of these only", async () => {
  const outbox = new FakeOutbox([reportOf(1), reportOf(2, { client: "CP2" })]);
  const clients = clientsWith([outbox]);
  const token = { ...OPS, clients: ["CP1"] };
  const on = async (id: number, method: string) =>
    (await handleReport(requestFor("", method), idOf(id), clients, token)).status;
  deepStrictEqual([await on(1, "GET"), await on(2, "GET"), await on(2, "DELETE")], [200, 403, 403]);
  const list = async (query: string) =>
    (await listReports(requestFor(query), clients, token)).status;
  deepStrictEqual([await list(""), await list("?client=CP1"), await list("?client=CP2")], [
    403,
    200,
    403,
  ]);
  strictEqual((await retryReports(requestFor("?state=parked"), clients, token)).status, 403);
  strictEqual(outbox.reports.length, 2);
});

Deno.test("queries are read strictly", () => {
  const filter = (text: string) => readReportFilter(new URLSearchParams(text));
  deepStrictEqual(filter(""), {
    ok: true,
    value: { state: null, clientId: null, after: null, limit: 100 },
  });
  deepStrictEqual(filter(`state=parked&client=CP%201&after=${idOf(1)}&limit=7`), {
    ok: true,
    value: { state: "parked", clientId: "CP 1", after: idOf(1), limit: 7 },
  });
  const bad = ["state=", "state=Parked", "client=", "client=a/b", "limit=", "limit=1e2", "limit=0"];
  for (const text of [...bad, "limit=1&limit=2", "since=1", `after=${idOf(1).toUpperCase()}x`]) {
    strictEqual(filter(text).ok, false, text);
  }
  const retry = (text: string) => readRetryQuery(new URLSearchParams(text));
  deepStrictEqual(retry("state=parked"), { ok: true, value: null });
  deepStrictEqual(retry("state=parked&since=1970-01-01T01:00:00.5%2B01:00"), {
    ok: true,
    value: 500,
  });
  for (
    const text of [
      ...["", "since=1970-01-01T00:00:00Z", "state=waiting", "state=parked&limit=1"],
      ...["2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "1", ""]
        .map((since) => `state=parked&since=${since}`),
    ]
  ) strictEqual(retry(text).ok, false, text);
});
