/**
 * What one thread answers to a question to all.
 *
 * @module
 */

import type { ConnectionMap } from "../client/map.ts";
import type { Taps } from "../client/taps.ts";
import type { Client } from "./bus.ts";
import type { CallRecords } from "./call_records.ts";
import { EMPTY_LIST } from "./list.ts";
import { pageOf } from "./page.ts";
import type { Recordings } from "./recordings.ts";
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
import { answerTail } from "./tail.ts";

/** What a thread knows. */
export interface Known {
  readonly connections: ConnectionMap<Client>;
  readonly records: Pick<CallRecords, "find">;
  readonly keys: Pick<RequestKeys, "answer">;
  readonly outbox: OutboxView;
  /** Of a thread that has clients. */
  readonly seen?: {
    /** Undefined when nobody may look at frames. */
    readonly taps: Taps | undefined;
    readonly recordings: Omit<Recordings, "start" | "close">;
  } | undefined;
  /** How its process does; nothing from a thread that does not say. */
  readonly instance?: (() => InstanceState | null) | undefined;
}

/** Answers from what this thread knows at once; a list of clients takes longer. */
export function ownAnswer<K extends QuestionKind>(
  question: QuestionOf<K>,
  known: Known,
): Answers[K] {
  return answerOf(question, known) as Answers[K];
}

function answerOf(
  question: Question,
  { connections, records, keys, outbox, seen, instance }: Known,
): Answer {
  switch (question.kind) {
    case "page":
      return pageOf(connections, question.after, question.limit, question.search);
    case "list":
      // Who holds clients makes it in slices.
      return EMPTY_LIST;
    case "call":
      return records.find(question);
    case "key":
      return keys.answer(question.key, question.claimId);
    case "tail":
      return seen === undefined ? null : answerTail(question, seen.taps);
    case "recordings":
      return seen?.recordings.list() ?? [];
    case "recording":
      return seen?.recordings.read(question.id, question.after) ?? null;
    case "end_recording":
      return seen?.recordings.end(question.id) ?? false;
    case "remove_recording":
      return seen?.recordings.remove(question.id) ?? false;
    case "instance":
      return instance?.() ?? null;
    default:
      return answerForOutbox(question, outbox) ?? null;
  }
}
