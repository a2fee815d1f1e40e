import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { type OutgoingCall, Pending, type PendingOptions } from "../../lib/client/pending.ts";
import type { CallOutcome } from "../../lib/report/outcome.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { runs } from "../support/runs.ts";

const TIMEOUT_MS = 1000;
const RESULT: CallOutcome = { kind: "result", payload: "{}" };
const TIMEOUT: CallOutcome = { kind: "timeout" };

function gone(wasSent: boolean): CallOutcome {
  return { kind: "gone", wasSent, reason: "why" };
}

/** Pending CALLs of a client that does only what the test says. */
class Bench {
  readonly clock = new FakeClock();
  readonly sent: string[] = [];
  /** What each CALL came to, in the order of their ends. */
  readonly outcomes: [messageId: string, outcome: CallOutcome][] = [];
  empty = 0;
  hasRoom = true;
  readonly pending: Pending;

  constructor(options: Partial<PendingOptions> = {}) {
    this.pending = new Pending({
      concurrency: 1,
      maxQueue: 10,
      timeoutMs: TIMEOUT_MS,
      clock: this.clock,
      send: (call) => this.sent.push(call.messageId),
      hasRoom: () => this.hasRoom,
      onEmpty: () => this.empty++,
      ...options,
    });
  }

  call(messageId: string): OutgoingCall {
    const onOutcome = (outcome: CallOutcome): void => {
      this.outcomes.push([messageId, outcome]);
    };
    return { messageId, action: "A", payload: "{}", onOutcome };
  }

  submit(...messageIds: string[]): string[] {
    return messageIds.map((messageId) => this.pending.submit(this.call(messageId)));
  }
}

Deno.test("a CALL is sent at once and ends with the client's answer", () => {
  const bench = new Bench();
  deepStrictEqual(bench.submit("1"), ["accepted"]);
  deepStrictEqual([bench.sent, bench.pending.outstanding], [["1"], 1]);
  strictEqual(bench.pending.settle("1", RESULT), true);
  deepStrictEqual(bench.outcomes, [["1", RESULT]]);
  deepStrictEqual([bench.pending.outstanding, bench.clock.timers, bench.empty], [0, 0, 1]);
});

Deno.test("CALLs are sent one at a time, in the order they came", () => {
  const bench = new Bench();
  bench.submit("1", "2", "3");
  deepStrictEqual(bench.sent, ["1"]);
  bench.pending.settle("1", RESULT);
  deepStrictEqual(bench.sent, ["1", "2"]);
  bench.pending.settle("2", RESULT);
  deepStrictEqual([bench.sent, bench.empty], [["1", "2", "3"], 0]);
});

Deno.test("as many CALLs are outstanding as the concurrency allows", () => {
  const bench = new Bench({ concurrency: 2 });
  bench.submit("1", "2", "3", "4");
  deepStrictEqual([bench.sent, bench.pending.outstanding], [["1", "2"], 2]);
  bench.pending.settle("2", RESULT);
  deepStrictEqual([bench.sent, bench.pending.outstanding], [["1", "2", "3"], 2]);
});

Deno.test("a CALL whose MessageId has not ended is a duplicate, waiting or sent", () => {
  const bench = new Bench();
  deepStrictEqual(bench.submit("1", "1", "2", "2"), [
    "accepted",
    "duplicate",
    "accepted",
    "duplicate",
  ]);
  bench.pending.settle("1", RESULT);
  deepStrictEqual(bench.submit("1", "2"), ["accepted", "duplicate"]);
  strictEqual(bench.outcomes.length, 1);
});

Deno.test("MessageIds are compared by case", () => {
  deepStrictEqual(new Bench().submit("a", "A"), ["accepted", "accepted"]);
});

Deno.test("a full queue takes nothing more until a CALL ends", () => {
  const bench = new Bench({ maxQueue: 2 });
  deepStrictEqual(bench.submit("1", "2", "3", "4"), ["accepted", "accepted", "accepted", "full"]);
  bench.pending.settle("1", RESULT);
  deepStrictEqual(bench.submit("4", "5"), ["accepted", "full"]);
});

Deno.test("a CALL without an answer times out, once, and the next one goes", () => {
  const bench = new Bench();
  bench.submit("1", "2");
  bench.clock.tick(TIMEOUT_MS - 1);
  deepStrictEqual(bench.outcomes, []);
  bench.clock.tick(1);
  deepStrictEqual([bench.outcomes, bench.sent], [[["1", TIMEOUT]], ["1", "2"]]);
  strictEqual(bench.pending.settle("1", RESULT), false, "a late answer is of no use");
  // The time a CALL waits its turn is not the client's.
  bench.clock.tick(TIMEOUT_MS - 1);
  strictEqual(bench.outcomes.length, 1);
  bench.clock.tick(1);
  deepStrictEqual([bench.outcomes.length, bench.empty], [2, 1]);
});

Deno.test("an answer to no outstanding CALL ends nothing", () => {
  const bench = new Bench();
  bench.submit("1", "2");
  deepStrictEqual(["x", "2", "1 "].map((id) => bench.pending.settle(id, RESULT)), [
    false,
    false,
    false,
  ]);
  deepStrictEqual([bench.outcomes, bench.sent], [[], ["1"]]);
});

Deno.test("CALLs wait while there is no room for one more outcome", () => {
  const bench = new Bench();
  bench.hasRoom = false;
  deepStrictEqual(bench.submit("1", "2"), ["accepted", "accepted"]);
  bench.pending.pump();
  deepStrictEqual([bench.sent, bench.clock.timers], [[], 0]);
  bench.hasRoom = true;
  bench.pending.pump();
  deepStrictEqual(bench.sent, ["1"]);
});

Deno.test("an abandoned CALL that was sent stays outstanding, and its outcome goes nowhere", () => {
  const bench = new Bench();
  const call = bench.call("1");
  bench.pending.submit(call);
  bench.submit("2");
  strictEqual(bench.pending.abandon(call), true);
  deepStrictEqual([bench.sent, bench.submit("1")], [["1"], ["duplicate"]]);
  strictEqual(bench.pending.settle("1", RESULT), true);
  deepStrictEqual([bench.outcomes, bench.sent], [[], ["1", "2"]]);
});

Deno.test("an abandoned CALL that is not answered times out in silence", () => {
  const bench = new Bench();
  const call = bench.call("1");
  bench.pending.submit(call);
  bench.pending.abandon(call);
  bench.clock.tick(TIMEOUT_MS);
  deepStrictEqual([bench.outcomes, bench.pending.outstanding, bench.empty], [[], 0, 1]);
});

Deno.test("an abandoned CALL that was not sent never is", () => {
  const bench = new Bench();
  const call = bench.call("2");
  bench.submit("1");
  bench.pending.submit(call);
  strictEqual(bench.pending.abandon(call), false);
  deepStrictEqual([bench.submit("2"), bench.empty], [["accepted"], 0], "its MessageId is free");
  bench.pending.settle("1", RESULT);
  deepStrictEqual(bench.sent, ["1", "2"]);
});

Deno.test("abandoning a CALL leaves a namesake alone", () => {
  const bench = new Bench();
  const earlier = bench.call("1");
  bench.pending.submit(earlier);
  bench.pending.settle("1", RESULT);
  bench.submit("1");
  bench.pending.abandon(earlier);
  bench.pending.settle("1", RESULT);
  strictEqual(bench.outcomes.length, 2);
});

Deno.test("when the connection goes each CALL ends, and says whether it was sent", () => {
  const bench = new Bench({ concurrency: 3 });
  const abandoned = bench.call("2");
  bench.submit("1");
  bench.pending.submit(abandoned);
  bench.submit("3", "4", "5");
  bench.pending.abandon(abandoned);
  bench.pending.endAll("why");
  deepStrictEqual(bench.outcomes, [
    ["1", gone(true)],
    ["3", gone(true)],
    ["4", gone(false)],
    ["5", gone(false)],
  ]);
  deepStrictEqual([bench.sent, bench.clock.timers], [["1", "2", "3"], 0]);
  bench.pending.endAll("why");
  strictEqual(bench.outcomes.length, 4);
});

Deno.test("an outcome may submit the next CALL, even under the same MessageId", () => {
  const bench = new Bench();
  bench.pending.submit({ ...bench.call("1"), onOutcome: () => bench.submit("1") });
  bench.pending.settle("1", RESULT);
  deepStrictEqual([bench.sent, bench.pending.outstanding, bench.empty], [["1", "1"], 1, 0]);
});

interface Taken {
  readonly call: OutgoingCall;
  ends: number;
  isAbandoned: boolean;
}

Deno.test("whatever happens, every CALL ends exactly once, and none overtakes another", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ what: fc.constant("submit"), n: fc.nat(4) }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant("settle"), n: fc.nat(4) }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constantFrom("abandon", "tick"), n: fc.nat(4) }) },
    fc.record({ what: fc.constantFrom("room", "end"), n: fc.nat(4) }),
  );
  const limit = fc.integer({ min: 1, max: 3 });
  fc.assert(
    fc.property(limit, limit, fc.array(step, { maxLength: 50 }), (concurrency, maxQueue, steps) => {
      const taken: Taken[] = [];
      const sent: OutgoingCall[] = [];
      const bench = new Bench({ concurrency, maxQueue, send: (call) => sent.push(call) });
      const { pending } = bench;

      function submit(messageId: string): void {
        const onOutcome = (): void => {
          entry.ends++;
          ok(!entry.isAbandoned, "nobody waits for this outcome");
        };
        const call = { ...bench.call(messageId), onOutcome };
        const entry: Taken = { call, ends: 0, isAbandoned: false };
        const namesakes = taken.filter((other) => other.call.messageId === messageId);
        taken.push(entry);
        const answer = pending.submit(call);
        if (answer === "accepted") {
          ok(namesakes.every((other) => other.ends === 1 || other.isAbandoned));
          return;
        }
        taken.splice(taken.indexOf(entry), 1);
        if (answer === "duplicate") ok(namesakes.some((other) => other.ends === 0));
      }

      for (const { what, n } of steps) {
        if (what === "submit") submit(`${n}`);
        else if (what === "settle") pending.settle(`${n}`, RESULT);
        else if (what === "tick") bench.clock.tick(n * TIMEOUT_MS / 4);
        else if (what === "end") pending.endAll("why");
        else if (what === "room") {
          bench.hasRoom = n !== 0;
          pending.pump();
        } else {
          const entry = taken.at(-1 - n);
          if (entry === undefined) continue;
          const wasSent = pending.abandon(entry.call);
          if (entry.ends === 0 && !entry.isAbandoned) {
            strictEqual(wasSent, sent.includes(entry.call));
            entry.isAbandoned = true;
          }
        }
        ok(pending.outstanding <= concurrency);
        strictEqual(bench.clock.timers, pending.outstanding);
      }
      pending.endAll("why");
      for (const { ends, isAbandoned } of taken) strictEqual(ends, isAbandoned ? 0 : 1);
      const order = sent.map((call) => taken.findIndex((entry) => entry.call === call));
      deepStrictEqual(order, [...new Set(order)].sort((a, b) => a - b));
      deepStrictEqual([pending.outstanding, bench.clock.timers], [0, 0]);
    }),
    { numRuns: runs(500) },
  );
});
