import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { alone } from "../../lib/cluster/alone.ts";
import type { MainPeer } from "../../lib/cluster/bus.ts";
import { Chain, type NearBus } from "../../lib/cluster/chain.ts";
import type { FromWorker, Port, ToWorker } from "../../lib/cluster/message.ts";
import {
  answerForOutbox,
  type Answers,
  emptyOutbox,
  type QuestionKind,
  type Survey,
} from "../../lib/cluster/survey.ts";
import { Switchboard } from "../../lib/cluster/switchboard.ts";
import { silentLog } from "../../lib/log/log.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { idOf } from "../support/retention.ts";

/** A worker that records what it gets. */
class FakeWorker implements Port<FromWorker, ToWorker> {
  readonly got: ToWorker[] = [];
  say: (message: FromWorker) => void = () => {};

  post(message: ToWorker): void {
    this.got.push(message);
  }

  onMessage(take: (message: FromWorker) => void): void {
    this.say = take;
  }

  /** The number of the question that it got last. */
  get asked(): number | undefined {
    const last = this.got.at(-1);
    return last?.kind === "question" ? last.id : undefined;
  }
}

const QUESTION = { kind: "retry", id: idOf(1) } as const;

/** Workers that have joined, and one that has only begun. */
function board() {
  const clock = new FakeClock();
  const outbox = { ...emptyOutbox, retry: () => true };
  const answerTo: MainPeer["answerTo"] = (question) => answerForOutbox(question, outbox) as never;
  const switchboard = new Switchboard(clock, silentLog, { answerTo });
  const workers = Array.from({ length: 4 }, () => new FakeWorker());
  const lines = workers.map((worker) => switchboard.connect(worker));
  for (const worker of workers.slice(0, 3)) worker.say({ kind: "join" });
  const [asker, second, third, beginner] = workers as [
    FakeWorker,
    FakeWorker,
    FakeWorker,
    FakeWorker,
  ];
  asker.say({ kind: "survey", id: 5, question: QUESTION, asksWorkers: true });
  const ended = (answers: boolean[], isComplete: boolean) =>
    deepStrictEqual(asker.got, [{ kind: "surveyed", id: 5, survey: { answers, isComplete } }]);
  return { clock, switchboard, lines, asker, second, third, beginner, ended };
}

Deno.test("all workers that have joined are asked, and the main thread answers for itself", () => {
  const { clock, asker, second, third, beginner, ended } = board();
  second.say({ kind: "answer", id: second.asked!, answer: false });
  // Once only, and nobody else answers in its place.
  second.say({ kind: "answer", id: second.asked!, answer: true });
  asker.say({ kind: "answer", id: second.asked!, answer: true });
  deepStrictEqual(asker.got, []);
  third.say({ kind: "answer", id: third.asked!, answer: true });
  ended([true, false, true], true);
  deepStrictEqual([beginner.got, clock.timers], [[], 0]);
});

Deno.test("a worker that dies, is silent or fails leaves a survey incomplete, and holds it up for its time only", () => {
  for (const how of ["dies", "is silent", "fails", "the asker dies"] as const) {
    const { clock, switchboard, lines, asker, second, third, ended } = board();
    second.say({ kind: "answer", id: second.asked!, answer: false });
    if (how === "dies") switchboard.disconnect(lines[2]!);
    if (how === "fails") third.say({ kind: "answer", id: third.asked!, answer: undefined });
    if (how === "is silent") clock.tick(1000);
    if (how === "the asker dies") {
      switchboard.disconnect(lines[0]!);
      deepStrictEqual(asker.got, []);
    } else ended([true, false], false);
    strictEqual(clock.timers, 0);
    third.say({ kind: "answer", id: third.asked ?? 1, answer: true });
    strictEqual(asker.got.length, how === "the asker dies" ? 0 : 1);
  }
});

Deno.test("one that leaves is not asked, and the main thread alone is when only it is meant", () => {
  const { asker, second, third } = board();
  second.say({ kind: "leave" });
  const before = [second.got.length, third.got.length];
  asker.say({ kind: "survey", id: 6, question: QUESTION, asksWorkers: false });
  const survey = { answers: [true], isComplete: true };
  deepStrictEqual(asker.got, [{ kind: "surveyed", id: 6, survey }]);
  asker.say({ kind: "survey", id: 7, question: QUESTION, asksWorkers: true });
  deepStrictEqual([second.got.length, third.got.length], [before[0], before[1]! + 1]);
});

Deno.test("with NATS each thread is asked once: over NATS, or between threads while NATS is away", async () => {
  const saying = (answers: unknown[], isComplete = true) => <K extends QuestionKind>() =>
    Promise.resolve({ answers, isComplete } as Survey<unknown> as Survey<Answers[K]>);
  for (
    const [isAvailable, main, far, answers, isComplete] of [
      [true, true, true, ["main", "far"], true],
      [true, false, true, ["main", "far"], false],
      [true, true, false, ["main", "far"], false],
      [false, true, true, ["near"], false],
    ] as const
  ) {
    const near: NearBus = {
      ...alone,
      survey: saying(["near"]),
      surveyMain: saying(["main"], main),
    };
    const chain = new Chain(near, { ...alone, isAvailable, survey: saying(["far"], far) });
    deepStrictEqual(await chain.survey<"retry">(QUESTION), { answers, isComplete });
    const pages = await chain.survey<"page">({ kind: "page", after: null, limit: 1 });
    deepStrictEqual(pages.answers, [isAvailable ? "far" : "near"]);
  }
});
