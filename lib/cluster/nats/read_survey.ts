/**
 * Questions to all and their answers over NATS, read as outside text: whoever may publish on the
 * subjects may ask and answer anything. Pure; nothing here throws.
 *
 * @module
 */

import { isObject } from "../../codec/json.ts";
import { isAction, isMessageId } from "../../codec/name.ts";
import { isObjectText } from "../../codec/scan.ts";
import { isUuid } from "../../ids.ts";
import type { RequestKey } from "../../outbox/entry.ts";
import {
  type Answer,
  type Answers,
  type CallRecord,
  DELIVERIES,
  type InstanceState,
  type KeyAnswer,
  type ListedReport,
  type Question,
  type QuestionKind,
  type QuestionOf,
  type RecordedOutcome,
  REPORT_STATES,
  type ReportPage,
} from "../survey.ts";
import { fieldsOf, isAmount, isClientId, isNumber, isText, isTime, isToken } from "./checks.ts";
import { readPage, readReply } from "./read_answer.ts";

/** A name of a token, a blank, and a key. */
const MAX_KEY_UNITS = 64 + 1 + 255;
const MAX_FINGERPRINT_UNITS = 128;
/** The longest list that is made: as long as the API's. */
const MAX_REPORTS = 1000;
/** The longest text that tells people something. */
const MAX_WORDS_UNITS = 4096;
/** A machine's name, and a version. */
const MAX_HOST_UNITS = 253;
const MAX_VERSION_UNITS = 64;
const KINDS = ["result", "error", "resulterror", "disconnect"] as const;

/** Questions that are not asked by notes of their own. */
export type OtherQuestion = Exclude<Question, { readonly kind: "page" }>;

/**
 * Reads a question to all.
 *
 * @returns Undefined for what no instance asks.
 */
export function readQuestion(value: unknown): OtherQuestion | undefined {
  if (!isObject(value)) return undefined;
  const { kind } = value;
  switch (kind) {
    case "call": {
      const { action, clientId, messageId } = value;
      return typeof action === "string" && isAction(action) && isClientId(clientId) &&
          typeof messageId === "string" && isMessageId(messageId)
        ? { kind, action, clientId, messageId }
        : undefined;
    }
    case "key": {
      const key = readKey(value["key"]);
      const { claimId } = value;
      return key !== undefined && isUuid(claimId) ? { kind, key, claimId } : undefined;
    }
    case "reports": {
      const { state, clientId, after, limit } = value;
      return (state === null || isOneOf(REPORT_STATES, state)) &&
          (clientId === null || isClientId(clientId)) && (after === null || isUuid(after)) &&
          isNumber(limit) && limit >= 1 && limit <= MAX_REPORTS
        ? { kind, state, clientId, after, limit }
        : undefined;
    }
    case "report":
    case "retry":
    case "remove":
      return isUuid(value["id"]) ? { kind, id: value["id"] } : undefined;
    case "instance":
      return { kind };
    case "retry_parked": {
      const { since } = value;
      return since === null || isTime(since) ? { kind, since } : undefined;
    }
    default:
      return undefined;
  }
}

/**
 * Reads a key with its fingerprint.
 *
 * @returns Undefined for what is none.
 */
export function readKey(value: unknown): RequestKey | undefined {
  if (!isObject(value)) return undefined;
  const { key, fingerprint } = value;
  return isText(key, MAX_KEY_UNITS) && isText(fingerprint, MAX_FINGERPRINT_UNITS)
    ? { key, fingerprint }
    : undefined;
}

/** An answer, and whose it is: null where that is not said. */
export interface SaidBy<A> {
  readonly peerId: string | null;
  readonly answer: A;
}

/**
 * Reads the answer to a question to all.
 *
 * @returns Undefined for what no instance answers to that.
 */
export function readSaid<K extends QuestionKind>(
  text: string,
  question: QuestionOf<K>,
): SaidBy<Answers[K]> | undefined {
  // The kind of the question is that of its answer.
  return readAny(text, question) as SaidBy<Answers[K]> | undefined;
}

function readAny(text: string, question: Question): SaidBy<Answer> | undefined {
  if (question.kind === "page") {
    const page = readPage(text, question.limit);
    return page && { peerId: null, answer: page };
  }
  const { peerId, answer } = fieldsOf(text);
  if (!isToken(peerId)) return undefined;
  const read = readAnswerTo(question, answer);
  return read === undefined ? undefined : { peerId, answer: read };
}

function readAnswerTo(question: OtherQuestion, answer: unknown): Answer | undefined {
  switch (question.kind) {
    case "call":
      return answer === null ? null : readRecord(answer);
    case "key":
      return answer === null ? null : readKeyAnswer(answer);
    case "reports":
      return readReports(answer, question.limit);
    case "report":
      return answer === null ? null : readReport(answer);
    case "retry":
    case "remove":
      return typeof answer === "boolean" ? answer : undefined;
    case "retry_parked":
      return isNumber(answer) ? answer : undefined;
    case "instance":
      return answer === null ? null : readInstance(answer);
  }
}

function readInstance(value: unknown): InstanceState | undefined {
  if (!isObject(value)) return undefined;
  const { instance, host, version, startedAt, clients, waiting } = value;
  const { inRate, outRate, failedRate, residentBytes, lagMs } = value;
  return isToken(instance) && (host === null || isText(host, MAX_HOST_UNITS)) &&
      isText(version, MAX_VERSION_UNITS) && isTime(startedAt) && isNumber(clients) &&
      isNumber(waiting) && isAmount(inRate) && isAmount(outRate) && isAmount(failedRate) &&
      isAmount(residentBytes) && isAmount(lagMs)
    ? {
      ...{ instance, host, version, startedAt, clients, waiting },
      ...{ inRate, outRate, failedRate, residentBytes, lagMs },
    }
    : undefined;
}

function readRecord(value: unknown): CallRecord | undefined {
  if (!isObject(value)) return undefined;
  const { id, isReported, acceptedAt, sentAt, endedAt, delivery, deliveredAt } = value;
  const outcome = value["outcome"] === null ? null : readOutcome(value["outcome"]);
  return isUuid(id) && typeof isReported === "boolean" && isTime(acceptedAt) &&
      isTimeOrNull(sentAt) && isTimeOrNull(endedAt) && isTimeOrNull(deliveredAt) &&
      outcome !== undefined && (delivery === null || isOneOf(DELIVERIES, delivery))
    ? { id, isReported, acceptedAt, sentAt, endedAt, outcome, delivery, deliveredAt }
    : undefined;
}

function readOutcome(value: unknown): RecordedOutcome | undefined {
  if (!isObject(value)) return undefined;
  const { kind, body } = value;
  return (kind === "result" || kind === "error") && isBody(body) ? { kind, body } : undefined;
}

function readKeyAnswer(value: unknown): KeyAnswer | undefined {
  if (!isObject(value)) return undefined;
  const { state, fingerprint, claimId, isCommitted } = value;
  if (!isText(fingerprint, MAX_FINGERPRINT_UNITS)) return undefined;
  if (state === "claimed") {
    return isUuid(claimId) && typeof isCommitted === "boolean"
      ? { state, fingerprint, claimId, isCommitted }
      : undefined;
  }
  if (state !== "decided") return undefined;
  if (value["reply"] === null) return { state, fingerprint, reply: null };
  const reply = isObject(value["reply"]) ? readReply(value["reply"]) : undefined;
  switch (reply?.kind) {
    case "accepted":
    case "outcome":
    case "no_answer":
      return { state, fingerprint, reply };
    case "refused": {
      const { kind, reason } = reply;
      return reason === "lost" ? { state, fingerprint, reply: { kind, reason } } : undefined;
    }
    default:
      return undefined;
  }
}

function readReports(value: unknown, limit: number): ReportPage | undefined {
  if (!isObject(value)) return undefined;
  const { total, reports, hasMore } = value;
  if (!isNumber(total) || typeof hasMore !== "boolean") return undefined;
  if (!Array.isArray(reports) || reports.length > limit) return undefined;
  const read = reports.map(readReport).filter((report) => report !== undefined);
  return read.length === reports.length ? { total, reports: read, hasMore } : undefined;
}

function readReport(value: unknown): ListedReport | undefined {
  if (!isObject(value)) return undefined;
  const { id, state, kind, client, action, messageId, body, since, tries, lastFailure } = value;
  return isUuid(id) && isOneOf(REPORT_STATES, state) && isOneOf(KINDS, kind) &&
      isClientId(client) && isNameOrNull(action, isAction) &&
      isNameOrNull(messageId, isMessageId) && isBody(body) && isTime(since) && isNumber(tries) &&
      (lastFailure === null || isText(lastFailure, MAX_WORDS_UNITS))
    ? { id, state, kind, client, action, messageId, body, since, tries, lastFailure }
    : undefined;
}

/** It becomes a part of a JSON document as it stands. */
function isBody(value: unknown): value is string | null {
  return value === null || (typeof value === "string" && isObjectText(value));
}

function isNameOrNull(value: unknown, isName: (text: string) => boolean): value is string | null {
  return value === null || (typeof value === "string" && isName(value));
}

function isTimeOrNull(value: unknown): value is number | null {
  return value === null || isTime(value);
}

function isOneOf<T extends string>(words: readonly T[], value: unknown): value is T {
  return words.some((word) => word === value);
}
