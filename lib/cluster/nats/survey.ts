/**
 * Questions of one instance to all others.
 *
 * @module
 */

import type { Clock } from "../../clock.ts";
import type { Log } from "../../log/log.ts";
import { type ClientPage, identityOf } from "../bus.ts";
import type { ClientList } from "../list.ts";
import type {
  Answer,
  Answers,
  KeyAnswer,
  Question,
  QuestionKind,
  QuestionOf,
  ReportPage,
  Survey,
} from "../survey.ts";
import { SURVEY_MS, surveyMs } from "../times.ts";
import { isNoResponders } from "../../nats/fault.ts";
import type { BusLink } from "./bus_link.ts";
import type { AllNote, Said } from "./note.ts";
import type { Peers } from "./peers.ts";
import { readSaid } from "./read_survey.ts";

export interface SurveyDeps {
  readonly link: BusLink;
  /** The subject of all instances. */
  readonly subject: string;
  readonly peers: Pick<Peers, "known" | "areBack">;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Asks all others; those that do not answer in time are left out. Never rejects.
 *
 * It is complete when each of those who are known has answered; nobody can say who there is while NATS
 * is away, nor for a moment after it is back.
 */
export async function askAll<K extends QuestionKind>(
  question: QuestionOf<K>,
  { link, subject, peers, clock, log }: SurveyDeps,
): Promise<Survey<Answers[K]>> {
  const { connection } = link;
  const answers: Answers[K][] = [];
  if (connection === null || !link.isUp) return { answers, isComplete: false };
  const isSettled = peers.areBack && clock.now() - link.upSince >= SURVEY_MS;
  const missing = new Set(peers.known);
  const count = missing.size;
  if (count === 0) return { answers, isComplete: isSettled };
  try {
    const messages = await connection.requestMany(subject, JSON.stringify(noteOf(question)), {
      strategy: "count",
      maxMessages: count,
      maxWait: surveyMs(question.kind),
    });
    for await (const message of messages) {
      const said = readSaid<K>(message.string(), question);
      if (said === undefined) {
        link.notUnderstood("answer to a question to all");
        continue;
      }
      answers.push(said.answer);
      if (said.peerId !== null) missing.delete(said.peerId);
    }
  } catch (error) {
    if (!isNoResponders(error)) link.warn("nats request failed", error);
  }
  // Pages do not say whose they are: so instances of older versions write them.
  const isWhole = question.kind === "page" ? answers.length >= count : missing.size === 0;
  // Asked again and again while somebody looks, who sees for himself that one is missing.
  if (!isWhole && question.kind !== "instance" && question.kind !== "tail") {
    log.warn("instances without an answer", { expected: count, answers: answers.length });
  }
  return { answers, isComplete: isWhole && isSettled && link.isUp };
}

function noteOf(question: Question): AllNote {
  return question.kind === "page" ? question : { kind: "question", question };
}

/** The text of an answer, with as much in it as NATS takes. */
export function answerText(
  peerId: string,
  question: Question,
  answer: Answer,
  fits: (text: string) => boolean,
): string {
  if (question.kind === "page") return pageText(answer as ClientPage, fits);
  const textOf = (given: Answer): string =>
    JSON.stringify({ peerId, answer: given } satisfies Said);
  const text = textOf(answer);
  if (fits(text)) return text;
  switch (question.kind) {
    case "reports":
      return reportsText(answer as ReportPage, textOf, fits);
    case "list":
      return listText(answer as ClientList, textOf, fits);
    case "report": {
      const report = answer as Answers["report"];
      return textOf(report && { ...report, body: null });
    }
    case "call": {
      const record = answer as Answers["call"];
      const { outcome } = record ?? { outcome: null };
      return textOf(record && { ...record, outcome: outcome && { ...outcome, body: null } });
    }
    case "key": {
      const known = answer as KeyAnswer | null;
      return textOf(known?.state === "decided" ? { ...known, reply: null } : known);
    }
    default:
      return text;
  }
}

function pageText(
  { total, clients, hasMore }: ClientPage,
  fits: (text: string) => boolean,
): string {
  let part = clients.map(identityOf);
  for (;;) {
    const isWhole = part.length === clients.length;
    const page: ClientPage = { total, clients: part, hasMore: hasMore || !isWhole };
    const text = JSON.stringify(page);
    if (part.length <= 1 || fits(text)) return text;
    part = part.slice(0, Math.ceil(part.length / 2));
  }
}

function listText(
  { total, rows, hasMore }: ClientList,
  textOf: (answer: ClientList) => string,
  fits: (text: string) => boolean,
): string {
  let part = rows;
  for (;;) {
    part = part.slice(0, Math.ceil(part.length / 2));
    const text = textOf({ total, rows: part, hasMore: hasMore || part.length < rows.length });
    if (part.length <= 1 || fits(text)) return text;
  }
}

function reportsText(
  { total, reports, hasMore }: ReportPage,
  textOf: (answer: ReportPage) => string,
  fits: (text: string) => boolean,
): string {
  let part = reports;
  while (part.length > 1) {
    part = part.slice(0, Math.ceil(part.length / 2));
    const text = textOf({ total, reports: part, hasMore: hasMore || part.length < reports.length });
    if (fits(text)) return text;
  }
  const bare = part.map((report) => ({ ...report, body: null }));
  return textOf({ total, reports: bare, hasMore: hasMore || part.length < reports.length });
}
