/**
 * What one thread answers to a question to all.
 *
 * @module
 */

import type { ConnectionMap } from "../client/map.ts";
import type { Client } from "./bus.ts";
import type { CallRecords } from "./call_records.ts";
import { pageOf } from "./page.ts";
import type { RequestKeys } from "./request_keys.ts";
import {
  type Answer,
  answerForOutbox,
  type Answers,
  type InstanceState,
  type OutboxView,
  type Question,
  type QuestionKind,
  type QuestionOf,
} from "./survey.ts";

/** What a thread knows. */
export interface Known {
  readonly connections: ConnectionMap<Client>;
  readonly records: Pick<CallRecords, "find">;
  readonly keys: Pick<RequestKeys, "answer">;
  readonly outbox: OutboxView;
  /** How its process does; nothing from a thread that does not say. */
  readonly instance?: (() => InstanceState | null) | undefined;
}

/** Answers from what this thread knows. */
export function ownAnswer<K extends QuestionKind>(
  question: QuestionOf<K>,
  known: Known,
): Answers[K] {
  return answerOf(question, known) as Answers[K];
}

function answerOf(
  question: Question,
  { connections, records, keys, outbox, instance }: Known,
): Answer {
  switch (question.kind) {
    case "page":
      return pageOf(connections, question.after, question.limit, question.search);
    case "call":
      return records.find(question);
    case "key":
      return keys.answer(question.key, question.claimId);
    case "instance":
      return instance?.() ?? null;
    default:
      return answerForOutbox(question, outbox) ?? null;
  }
}
