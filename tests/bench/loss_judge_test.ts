import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Books, type Call, type Link, type Try } from "../../bench/loss/books.ts";
import { judge, openUntil, resultOf, type Verdict } from "../../bench/loss/judge.ts";

const LOSS_AT = 10_000;
const CALL_TIMEOUT_MS = 3000;
const BOUND_MS = 15_000;

/** A round of one station, with what is told of it. */
class Told {
  readonly books = new Books();
  readonly link: Link;

  constructor() {
    this.link = this.books.open("CP-1", "g1", 0);
  }

  /** A CALL that was accepted a millisecond after it was asked for. */
  accepted(messageId: string, at: number): Call {
    const call = this.books.ask(messageId, "CP-1", "g2", at - 1);
    call.answer = { at, status: 202, outcome: "queued", text: "" };
    return call;
  }

  refused(messageId: string, at: number): Call {
    const call = this.books.ask(messageId, "CP-1", "g2", at - 1);
    call.answer = { at, status: 503, outcome: "not-sent", text: "" };
    return call;
  }

  /** The station gets it, and answers. */
  answered(call: Call, at: number): void {
    call.received.push({ at, link: this.link });
    call.answered = { at, kind: "result" };
  }

  judge(): Verdict {
    return judge(this.books, LOSS_AT, { callTimeoutMs: CALL_TIMEOUT_MS, boundMs: BOUND_MS });
  }
}

function taken(call: Call, at: number, more: Partial<Try> = {}): void {
  const { messageId } = call;
  call.tries.push({
    ...{ at, by: "g1", kind: "result", webhookId: messageId, body: resultOf(messageId) },
    ...{ status: 200, ...more },
  });
}

function rulesOf({ broken }: Verdict): string[] {
  return broken.map(({ rule }) => rule);
}

Deno.test("a CALL with its outcome in time breaks no rule, and its time counts from the loss", () => {
  const told = new Told();
  const call = told.accepted("m1", 9000);
  told.answered(call, 9500);
  taken(call, LOSS_AT + 400);
  const { broken, times, accepted, outcomes } = told.judge();
  deepStrictEqual({ broken, times, accepted, outcomes }, {
    ...{ broken: [], times: [400], accepted: 1, outcomes: 1 },
  });
});

Deno.test("an outcome's time counts from when it can be known", () => {
  const rows: [name: string, tell: (told: Told, call: Call) => void, knownAt: number][] = [
    ["the 202", () => {}, 20_000 + CALL_TIMEOUT_MS],
    ["the station's answer", (told, call) => told.answered(call, 21_000), 21_000],
    ["the end of its connection", (told) => told.link.endedAt = 22_000, 22_000],
    [
      "the end of the client's time",
      (told, call) => call.received.push({ at: 22_500, link: told.link }),
      22_500 + CALL_TIMEOUT_MS,
    ],
    ["its turn after another one", (told) => {
      const before = told.accepted("m0", 19_000);
      before.received.push({ at: 19_001, link: told.link });
      taken(before, 22_001, { kind: "error" });
    }, 22_001 + CALL_TIMEOUT_MS],
  ];
  for (const [name, tell, knownAt] of rows) {
    for (const ms of [BOUND_MS, BOUND_MS + 1]) {
      const told = new Told();
      const call = told.accepted("m1", 20_000);
      tell(told, call);
      taken(call, knownAt + ms, { kind: "error" });
      const { late, times } = told.judge();
      deepStrictEqual([name, late, Math.max(...times)], [name, ms > BOUND_MS ? 1 : 0, ms]);
    }
  }
});

Deno.test("each rule that is broken is told", () => {
  const rows: [rule: string, tell: (told: Told) => void][] = [
    ["a CALL has no outcome", (told) => told.accepted("m1", 9000)],
    [
      "a CALL has no outcome",
      (told) => taken(told.accepted("m1", 9000), 9100, { kind: "error", status: 503 }),
    ],
    ["a CALL that was refused has an outcome", (told) => {
      taken(told.refused("m1", 9000), 9500, { kind: "error" });
    }],
    ["a CALL that was refused reached its station", (told) => {
      told.refused("m1", 9000).received.push({ at: 8999, link: told.link });
    }],
    ["a CALL reached its station twice", (told) => {
      const call = told.accepted("m1", 9000);
      told.answered(call, 9100);
      told.answered(call, 9200);
      taken(call, 9300);
    }],
    ["an outcome came under several Webhook-Ids", (told) => {
      const call = told.accepted("m1", 9000);
      taken(call, 9300, { kind: "error" });
      taken(call, 9400, { kind: "error", webhookId: "another" });
    }],
    ["an outcome came under several Webhook-Ids", (told) => {
      taken(told.accepted("m1", 9000), 9300, { kind: "error", webhookId: null });
    }],
    ["an outcome is not what the station said", (told) => taken(told.accepted("m1", 9000), 9300)],
    ["an outcome is not what the station said", (told) => {
      const call = told.accepted("m1", 9000);
      told.answered(call, 9100);
      taken(call, 9300, { body: resultOf("m2") });
    }],
    ["outcomes came out of order", (told) => {
      const [first, second] = [told.accepted("m1", 9000), told.accepted("m2", 9010)];
      taken(second, 9300, { kind: "error" });
      taken(first, 9301, { kind: "error" });
    }],
    ["outcomes came out of order", (told) => {
      const [first, second] = [told.accepted("m1", 9000), told.accepted("m2", 9000)];
      told.answered(first, 9100);
      told.answered(second, 9200);
      taken(second, 9300);
      taken(first, 9301);
    }],
    ["a CALL that was refused has an outcome", (told) => {
      const call = told.refused("m1", 9000);
      told.books.clear();
      taken(call, LOSS_AT + 1, { kind: "error" });
    }],
    ["nobody asked for /g1/result/Reset/CP-1/m9", (told) => {
      told.books.strays.push("/g1/result/Reset/CP-1/m9");
    }],
  ];
  for (const [rule, tell] of rows) {
    const told = new Told();
    tell(told);
    deepStrictEqual(rulesOf(told.judge()), [rule]);
  }
});

Deno.test("what came twice is counted, and breaks no rule", () => {
  const told = new Told();
  const [first, second] = [told.accepted("m1", 9000), told.accepted("m2", 9100)];
  for (const call of [first, second]) {
    told.answered(call, 9200);
    taken(call, 9300);
  }
  taken(first, 12_000, { by: "g2" });
  taken(second, 12_000, { by: "g2", kind: "error", body: "{}" });
  const { broken, twice, twoWays } = told.judge();
  deepStrictEqual({ broken, twice, twoWays }, { broken: [], twice: 2, twoWays: 1 });
});

Deno.test("what is not there is waited for until it would be late", () => {
  const told = new Told();
  const [first, second] = [told.accepted("m1", 9000), told.accepted("m2", 20_000)];
  const until = () =>
    openUntil(told.books, LOSS_AT, { callTimeoutMs: CALL_TIMEOUT_MS, boundMs: BOUND_MS });
  strictEqual(until(), 20_000 + CALL_TIMEOUT_MS + BOUND_MS);
  taken(second, 20_001, { kind: "error" });
  strictEqual(until(), 9000 + CALL_TIMEOUT_MS + BOUND_MS);
  taken(first, 12_001, { kind: "error" });
  strictEqual(until(), undefined);
});

Deno.test("a try that the backend did not take is no second outcome", () => {
  const told = new Told();
  const call = told.accepted("m1", 9000);
  told.answered(call, 9100);
  taken(call, 9200, { status: 503 });
  taken(call, 9900);
  const { broken, twice } = told.judge();
  deepStrictEqual({ broken, twice }, { broken: [], twice: 0 });
});

Deno.test("outcomes of two gateways, or of CALLs that were asked for at once, have no order", () => {
  const told = new Told();
  const first = told.accepted("m1", 9000);
  told.link.endedAt = 9100;
  told.books.open("CP-1", "g2", 9200);
  const second = told.accepted("m2", 9300);
  taken(second, 9500, { kind: "error" });
  taken(first, 9600, { kind: "error" });
  const other = new Told();
  const [one, two] = [other.accepted("m1", 9000), other.accepted("m2", 9000)];
  taken(two, 9500, { kind: "error" });
  taken(one, 9600, { kind: "error" });
  deepStrictEqual([rulesOf(told.judge()), rulesOf(other.judge())], [[], []]);
});

Deno.test("how long none was accepted counts from the loss, while any was asked for", () => {
  const told = new Told();
  const refusedMs = () => told.judge().refusedMs;
  told.accepted("m1", 9000);
  strictEqual(refusedMs(), 0);
  told.refused("m2", LOSS_AT + 100);
  told.refused("m3", LOSS_AT + 300);
  strictEqual(refusedMs(), 300);
  told.accepted("m4", LOSS_AT + 500);
  told.refused("m5", LOSS_AT + 900);
  strictEqual(refusedMs(), 500);
});

Deno.test("a request without an answer may have an outcome, or none", () => {
  const told = new Told();
  for (const messageId of ["m1", "m2"]) {
    const call = told.books.ask(messageId, "CP-1", "g2", 9000);
    call.answer = { at: 9001, status: 0, outcome: "", text: "cut" };
  }
  taken(told.books.calls.get("m2")!, 9300, { kind: "error" });
  const { accepted, broken } = told.judge();
  strictEqual(accepted, 0);
  deepStrictEqual(broken, []);
});
