import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { readQuestion, readSaid } from "../../../lib/cluster/nats/read_survey.ts";
import { readAllNote } from "../../../lib/cluster/nats/read_note.ts";
import type {
  Answer,
  CallRecord,
  InstanceState,
  ListedReport,
  Question,
} from "../../../lib/cluster/survey.ts";
import { idOf } from "../../support/retention.ts";
import { runs } from "../../support/runs.ts";

const NAMES = { action: "Reset", clientId: "CP1", messageId: "1" };
const ID = idOf(1);
const KEY = { key: "backend k", fingerprint: "f" };
const FILTER = { state: null, clientId: null, after: null, limit: 10 };

const RECORD: CallRecord = {
  ...{ id: ID, isReported: true, acceptedAt: 1, sentAt: null, endedAt: 2, deliveredAt: null },
  outcome: { kind: "error", body: '{"code":"E","description":"","details":{}}' },
  delivery: "waiting",
};
const REPORT: ListedReport = {
  ...{ id: ID, state: "parked", kind: "disconnect", client: "CP1", action: null },
  ...{ messageId: null, body: '{"a":1.0}', since: 1, tries: 2, lastFailure: "status 400" },
};

/** Each question, and what may be answered to it. */
const INSTANCE: InstanceState = {
  ...{ instance: "0123456789ab", host: "gw-1", version: "1.2.3", startedAt: 1.5, clients: 3 },
  ...{ inRate: 0.5, outRate: 2, failedRate: 0, waiting: 4, residentBytes: 5, lagMs: 6 },
};

const GOOD: readonly [Exclude<Question, { kind: "page" }>, readonly Answer[]][] = [
  [{ kind: "call", ...NAMES }, [null, RECORD, { ...RECORD, outcome: null, delivery: null }]],
  [{ kind: "key", key: KEY, claimId: ID }, [
    null,
    { state: "claimed", fingerprint: "f", claimId: ID, isCommitted: true },
    { state: "decided", fingerprint: "f", reply: null },
    { state: "decided", fingerprint: "f", reply: { kind: "accepted" } },
    { state: "decided", fingerprint: "f", reply: { kind: "refused", reason: "lost" } },
    { state: "decided", fingerprint: "f", reply: { kind: "no_answer", wasSent: true } },
    {
      state: "decided",
      fingerprint: "f",
      reply: { kind: "outcome", outcome: { kind: "result", payload: '{"a":1.0}' } },
    },
  ]],
  [{ kind: "reports", ...FILTER }, [{ total: 1, reports: [REPORT], hasMore: false }]],
  [{ kind: "reports", ...FILTER, state: "parked", clientId: "CP1", after: ID }, [
    { total: 0, reports: [], hasMore: false },
  ]],
  [{ kind: "report", id: ID }, [null, REPORT, { ...REPORT, body: null }]],
  [{ kind: "retry", id: ID }, [true, false]],
  [{ kind: "remove", id: ID }, [true, false]],
  [{ kind: "retry_parked", since: null }, [0, 7]],
  [{ kind: "retry_parked", since: 1 }, [0]],
  [{ kind: "instance" }, [null, INSTANCE, { ...INSTANCE, host: null, lagMs: 0.25 }]],
];

function said(answer: unknown): string {
  return JSON.stringify({ peerId: "p", answer });
}

Deno.test("questions to all and their answers are read as they were written", () => {
  for (const [question, answers] of GOOD) {
    deepStrictEqual(readAllNote(JSON.stringify({ kind: "question", question })), {
      kind: "question",
      question,
    });
    for (const answer of answers) {
      deepStrictEqual(readSaid(said(answer), question), { peerId: "p", answer });
    }
  }
});

Deno.test("what no instance asks is no question", () => {
  const bad: unknown[] = [
    ...[null, 1, "call", [], {}, { kind: "page", after: null, limit: 1 }, { kind: "other" }],
    ...[{ action: ".." }, { action: "\ud800" }, { clientId: "a/b" }, { messageId: "" }]
      .map((more) => ({ kind: "call", ...NAMES, ...more })),
    ...[{ claimId: "x" }, { key: "k" }, { key: { ...KEY, key: "x".repeat(321) } }]
      .map((more) => ({ kind: "key", key: KEY, claimId: ID, ...more })),
    ...[{ limit: 0 }, { limit: 1001 }, { limit: 1.5 }, { state: "gone" }, { after: "x" }, {
      clientId: 1,
    }].map((more) => ({ kind: "reports", ...FILTER, ...more })),
    ...["report", "retry", "remove"].map((kind) => ({ kind, id: "retry" })),
    ...[{}, { since: "x" }, { since: 1e300 }].map((more) => ({ kind: "retry_parked", ...more })),
  ];
  for (const question of bad) strictEqual(readQuestion(question), undefined);
});

Deno.test("what no instance answers is no answer", () => {
  const report = (more: object) => ({ ...REPORT, ...more });
  const bad: [Exclude<Question, { kind: "page" }>, unknown][] = [
    ...[
      undefined,
      1,
      "x",
      { ...RECORD, id: "x" },
      { ...RECORD, acceptedAt: null },
      {
        ...RECORD,
        outcome: { kind: "result", body: "[]" },
      },
      { ...RECORD, outcome: { kind: "result", body: '{}],"x":[{' } },
      {
        ...RECORD,
        delivery: "lost",
      },
      { ...RECORD, endedAt: 1e300 },
    ]
      .map((answer) => [GOOD[0]![0], answer] as [Exclude<Question, { kind: "page" }>, unknown]),
    [GOOD[1]![0], { state: "claimed", fingerprint: "f", claimId: "x", isCommitted: true }],
    [GOOD[1]![0], { state: "decided", fingerprint: "f", reply: { kind: "client" } }],
    [GOOD[1]![0], {
      state: "decided",
      fingerprint: "f",
      reply: { kind: "refused", reason: "full" },
    }],
    [GOOD[2]![0], { total: -1, reports: [], hasMore: false }],
    [GOOD[2]![0], { total: 1, reports: [report({ body: "{" })], hasMore: false }],
    [GOOD[2]![0], { total: 11, reports: Array(11).fill(REPORT), hasMore: false }],
    ...[{ client: ".." }, { kind: "call" }, { state: "x" }, { tries: -1 }, { since: 1e300 }, {
      lastFailure: 1,
    }, { messageId: "x".repeat(37) }]
      .map((more): [Exclude<Question, { kind: "page" }>, unknown] => [GOOD[4]![0], report(more)]),
    [GOOD[5]![0], "true"],
    [GOOD[7]![0], -1],
    [GOOD[7]![0], null],
    ...[
      1,
      [],
      {},
      ...[
        ...[{ instance: "a b" }, { host: 1 }, { host: "x".repeat(254) }, { clients: 1.5 }],
        ...[{ inRate: -1 }, { outRate: "1" }, { lagMs: null }, { startedAt: 1e300 }],
        ...[{ version: undefined }, { waiting: -1 }, { residentBytes: undefined }],
      ].map((more) => ({ ...INSTANCE, ...more })),
    ]
      .map((answer): [Exclude<Question, { kind: "page" }>, unknown] => [GOOD[9]![0], answer]),
  ];
  for (const [question, answer] of bad) {
    strictEqual(readSaid(said(answer), question), undefined, said(answer));
  }
  const noPeer = JSON.stringify({ answer: true });
  strictEqual(readSaid(noPeer, { kind: "retry", id: ID }), undefined);
});

Deno.test("any text is a question, an answer or nothing, and never a throw", () => {
  const questions = GOOD.map(([question]) => question);
  fc.assert(
    fc.property(
      fc.json(),
      fc.jsonValue(),
      fc.constantFrom(...questions),
      (text, value, question) => {
        readQuestion(value);
        readAllNote(JSON.stringify({ kind: "question", question: value }));
        readSaid(text, question);
        readSaid(said(value), question);
      },
    ),
    { numRuns: runs(500) },
  );
});
