import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../../support/backend.ts";
import { until } from "../../support/deadline.ts";
import { Cable, NatsGateway, NatsServer, testWithNats as test } from "../../support/nats.ts";
import { assertProblem } from "../../support/problem.ts";
import { idOf } from "../../support/retention.ts";
import type { ListedReport, ReportFilter, ReportPage } from "../../../lib/cluster/survey.ts";
import { Instance } from "./instance.ts";

/** Asks under a key until the instance can tell who else there is. */
async function keyed(gateway: NatsGateway, path: string, key: string) {
  const headers = { "idempotency-key": key };
  let answer = await gateway.call(path, "{}", headers);
  await until("an answer", async () => {
    if (answer.status !== 503) return true;
    answer = await gateway.call(path, "{}", headers);
    return answer.status !== 503;
  });
  return { status: answer.status, isReplay: answer.headers.has("idempotency-replayed") };
}

test("a CALL and its key are known on every instance", async () => {
  await using nats = await NatsServer.start();
  await using backend = new RecordingBackend();
  await using a = await NatsGateway.ready(backend.url, nats.url);
  await using b = await NatsGateway.ready(backend.url, nats.url);
  await using c = await NatsGateway.ready(backend.url, nats.url);
  const client = await b.connect("CP1");
  deepStrictEqual(await keyed(a, "Reset/CP1/1", "k"), { status: 202, isReplay: false });
  await client.next('[2,"1"');
  for (const gateway of [a, b, c]) {
    deepStrictEqual(await keyed(gateway, "Reset/CP1/1", "k"), { status: 202, isReplay: true });
    const other = { "idempotency-key": "k" };
    assertProblem(await gateway.call("Reset/CP1/2", "{}", other), 422, "not-sent");
  }
  client.send('[3,"1",{"v":1.0}]');
  for (const gateway of [a, b, c]) {
    let text = "";
    await until("the end", async () => {
      ({ text } = await gateway.api("/call/Reset/CP1/1"));
      return text.includes('"delivered"');
    });
    ok(text.includes('"outcome":{"kind":"result","payload":{"v":1.0}},'), text);
    // It takes a moment until an instance can say that nobody else knows.
    const none = async () => (await gateway.api("/call/Reset/CP1/2")).status;
    await until("word that nobody knows it", async () => await none() === 404);
  }
  // The instance that was asked has gone: the client's knows the key too.
  await a.shutdown();
  deepStrictEqual(await keyed(c, "Reset/CP1/1", "k"), { status: 202, isReplay: true });
  deepStrictEqual(client.left, []);
});

test("a request with a key is not sent while somebody who may know it cannot be asked", async () => {
  await using nats = await NatsServer.start();
  await using cable = new Cable(nats.port);
  await using backend = new RecordingBackend();
  await using a = await NatsGateway.ready(backend.url, nats.url);
  await using cut = await Instance.ready([`127.0.0.1:${cable.port}`], "ws2api");
  const client = await a.connect("CP1");
  await until("word of each other", async () => {
    const question = { kind: "call", action: "A", clientId: "CP1", messageId: "1" } as const;
    const { answers, isComplete } = await cut.bus.survey<"call">(question);
    return isComplete && answers.length === 1;
  });
  strictEqual((await keyed(a, "Reset/CP1/0", "k0")).status, 202);
  await client.next('[2,"0"');
  cable.silence();
  const refused = await a.call("Reset/CP1/1", "{}", { "idempotency-key": "k1" });
  assertProblem(refused, 503, "not-sent");
  strictEqual(refused.headers.get("retry-after"), "2");
  assertProblem(await a.api("/call/Reset/CP1/1"), 503);
  // What is known here is told all the same.
  strictEqual((await a.api("/call/Reset/CP1/0")).status, 200);
  deepStrictEqual(client.left, []);
  cable.mend();
});

test("what is larger than NATS takes comes without its bodies, or in parts", async () => {
  await using nats = await NatsServer.start("max_payload: 4KB");
  await using a = await Instance.ready([nats.host]);
  await using b = await Instance.ready([nats.host]);
  const body = `{"a":"${"x".repeat(3000)}"}`;
  const reports = Array.from({ length: 10 }, (_, i): ListedReport => ({
    ...{ id: idOf(i), state: "parked", kind: "result", client: "CP1", action: "Reset" },
    ...{ messageId: "1", body: i === 3 ? body + " ".repeat(3000) : body, since: 0, tries: 1 },
    lastFailure: null,
  }));
  const record = { isReported: true, acceptedAt: 1, sentAt: 2, endedAt: 3, deliveredAt: null };
  b.know = (question) => {
    switch (question.kind) {
      case "reports": {
        const left = reports.filter(({ id }) => question.after === null || id > question.after);
        const page = left.slice(0, question.limit);
        return { total: 10, reports: page, hasMore: left.length > page.length };
      }
      case "report":
        return reports[3]!;
      case "call": {
        const outcome = { kind: "result", body: body + body } as const;
        return { id: idOf(1), ...record, outcome, delivery: "parked" };
      }
      case "key": {
        const outcome = { kind: "result", payload: `{"a":"${"x".repeat(6000)}"}` } as const;
        return { state: "decided", fingerprint: "f", reply: { kind: "outcome", outcome } };
      }
      default:
        return null;
    }
  };
  await until(
    "the other",
    async () =>
      (await a.bus.survey<"report">({ kind: "report", id: idOf(3) })).answers.length === 1,
  );
  const { answers: [one] } = await a.bus.survey<"report">({ kind: "report", id: idOf(3) });
  deepStrictEqual(one, { ...reports[3], body: null });
  const call = { kind: "call", action: "Reset", clientId: "CP1", messageId: "1" } as const;
  const { answers: [known] } = await a.bus.survey<"call">(call);
  deepStrictEqual(known?.outcome, { kind: "result", body: null });
  const key = { kind: "key", key: { key: "k", fingerprint: "f" }, claimId: idOf(2) } as const;
  const { answers: [decided] } = await a.bus.survey<"key">(key);
  deepStrictEqual(decided, { state: "decided", fingerprint: "f", reply: null });
  const seen: string[] = [];
  for (let after: string | null = null;;) {
    const filter: ReportFilter = { state: null, clientId: null, after, limit: 100 };
    const page: ReportPage = (await a.bus.survey<"reports">({ kind: "reports", ...filter }))
      .answers[0]!;
    ok(page.reports.length > 0);
    seen.push(...page.reports.map(({ id }) => id));
    if (!page.hasMore) break;
    after = page.reports.at(-1)!.id;
  }
  deepStrictEqual(seen, reports.map(({ id }) => id));
});
