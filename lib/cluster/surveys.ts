/**
 * Questions of one worker to all others, in the main thread.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import type { FromWorker, Port, ToWorker } from "./message.ts";
import type { Answer, Question } from "./survey.ts";
import { surveyMs } from "./times.ts";

/** A worker that asks or is asked. */
export interface Respondent {
  readonly port: Port<FromWorker, ToWorker>;
  readonly isDead: boolean;
}

interface Open {
  readonly asker: Respondent;
  /** The asker's number for it. */
  readonly id: number;
  readonly answers: Answer[];
  /** Who has not answered. */
  readonly missing: Set<Respondent>;
  isComplete: boolean;
  readonly timer: Timer;
}

/**
 * Owns what workers ask all others, until they have answered.
 *
 * Always true: each question has one answer, in bounded time; whoever died is not waited for, and
 * leaves the survey incomplete.
 */
export class Surveys {
  readonly #clock: Clock;
  readonly #open = new Map<number, Open>();
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param own What the main thread answers itself. */
  ask(
    asker: Respondent,
    id: number,
    question: Question,
    others: readonly Respondent[],
    own: readonly Answer[],
  ): void {
    const number = ++this.#last;
    const timer = this.#clock.setTimeout(() => this.#end(number, false), surveyMs(question.kind));
    const open = {
      asker,
      id,
      answers: [...own],
      missing: new Set(others),
      isComplete: true,
      timer,
    };
    this.#open.set(number, open);
    for (const { port } of others) port.post({ kind: "question", id: number, question });
    this.#endIfDone(number, open);
  }

  /** @param answer Undefined when the worker could not answer. */
  answered(worker: Respondent, number: number, answer: Answer | undefined): void {
    const open = this.#open.get(number);
    if (open?.missing.delete(worker) !== true) return;
    if (answer === undefined) open.isComplete = false;
    else open.answers.push(answer);
    this.#endIfDone(number, open);
  }

  /** It has died. */
  gone(worker: Respondent): void {
    for (const [number, open] of this.#open) {
      if (open.asker === worker) {
        this.#forget(number, open);
      } else if (open.missing.delete(worker)) {
        open.isComplete = false;
        this.#endIfDone(number, open);
      }
    }
  }

  #endIfDone(number: number, { missing, isComplete }: Open): void {
    if (missing.size === 0) this.#end(number, isComplete);
  }

  #end(number: number, isComplete: boolean): void {
    const open = this.#open.get(number);
    if (open === undefined) return;
    this.#forget(number, open);
    const { asker, id, answers } = open;
    if (!asker.isDead) asker.port.post({ kind: "surveyed", id, survey: { answers, isComplete } });
  }

  #forget(number: number, { timer }: Open): void {
    this.#open.delete(number);
    this.#clock.clearTimeout(timer);
  }
}
