/**
 * What an instance or a thread asks all others at once, and what they answer. Plain data.
 *
 * @module
 */

import type { Identity } from "../identity.ts";
import type { Report, RequestKey } from "../outbox/entry.ts";
import type { CallOutcome } from "../report/outcome.ts";

/** A question to all others; each answers from what it has itself. */
export type Question =
  | {
    readonly kind: "page";
    /** Exclusive; null for the first page. */
    readonly after: string | null;
    readonly limit: number;
    /** Only clients with this in their ClientId, in upper or lower case. */
    readonly search?: string | undefined;
  }
  /** How far a CALL to a client has got. */
  | ({ readonly kind: "call" } & CallName)
  /** Who else has this `Idempotency-Key`; a claim with a greater id that is not committed is beaten. */
  | { readonly kind: "key"; readonly key: RequestKey; readonly claimId: string }
  | ({ readonly kind: "reports" } & ReportFilter)
  | { readonly kind: "report"; readonly id: string }
  /** A parked report is tried again, a waiting one now. */
  | { readonly kind: "retry"; readonly id: string }
  /** All parked reports that came to be at this time or later; null for all. */
  | { readonly kind: "retry_parked"; readonly since: number | null }
  | { readonly kind: "remove"; readonly id: string }
  /** How each instance does. */
  | { readonly kind: "instance" };

/** By the kind of a question, what answers it. */
export interface Answers {
  readonly page: ClientPage;
  /** Null when nothing is known of it. */
  readonly call: CallRecord | null;
  readonly key: KeyAnswer | null;
  readonly reports: ReportPage;
  readonly report: ListedReport | null;
  /** Whether there is such a report, and it is done. */
  readonly retry: boolean;
  /** How many. */
  readonly retry_parked: number;
  readonly remove: boolean;
  /** Null from who is none: the main thread of workers. Each worker answers for its process. */
  readonly instance: InstanceState | null;
}

export type QuestionKind = Question["kind"];
export type QuestionOf<K extends QuestionKind> = Extract<Question, { kind: K }>;
export type Answer = Answers[QuestionKind];

/** What came of a question to all others. */
export interface Survey<A> {
  readonly answers: readonly A[];
  /** Whether all of them answered, as far as it is known who they are. */
  readonly isComplete: boolean;
}

/** How a process among others does, over all of its threads. */
export interface InstanceState {
  /** The name that it gives itself. */
  readonly instance: string;
  /** The machine's name; null where that may not be known. */
  readonly host: string | null;
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly clients: number;
  /** Frames a second, from clients and to them. */
  readonly inRate: number;
  readonly outRate: number;
  /** CALLs of clients that failed, a second. */
  readonly failedRate: number;
  /** Messages that wait for the backend. */
  readonly waiting: number;
  readonly residentBytes: number;
  readonly lagMs: number;
}

/** One instance's part of the list of clients. */
export interface ClientPage {
  /** Clients of that instance in all, or those that the search finds. */
  readonly total: number;
  /** Sorted by ClientId in UTF-16 code units. */
  readonly clients: readonly Identity[];
  /** Whether there are more behind these. */
  readonly hasMore: boolean;
}

/** The path that names a CALL to a client. */
export interface CallName {
  readonly action: string;
  readonly clientId: string;
  readonly messageId: string;
}

/** What is known of a CALL to a client. Times are milliseconds since 1970. */
export interface CallRecord {
  /** A UUIDv7; the `Webhook-Id` of its report, if it has one. Of two CALLs the newer one's is greater. */
  readonly id: string;
  /** Whether the backend gets its outcome; otherwise whoever sent it waits for that. */
  readonly isReported: boolean;
  readonly acceptedAt: number;
  readonly sentAt: number | null;
  readonly endedAt: number | null;
  /** Null until it has ended. */
  readonly outcome: RecordedOutcome | null;
  /** Null until it has ended, and for one that is not reported. */
  readonly delivery: Delivery | null;
  readonly deliveredAt: number | null;
}

export interface RecordedOutcome {
  readonly kind: "result" | "error";
  /** As the backend gets it; null when it is larger than the way between instances takes. */
  readonly body: string | null;
}

export const DELIVERIES = ["waiting", "delivered", "parked"] as const;
/** How far the report of an outcome has got. */
export type Delivery = (typeof DELIVERIES)[number];

/** What somebody knows of an `Idempotency-Key`. */
export type KeyAnswer =
  | {
    readonly state: "claimed";
    readonly fingerprint: string;
    readonly claimId: string;
    /** Whether its request is under way for good. */
    readonly isCommitted: boolean;
  }
  | {
    readonly state: "decided";
    readonly fingerprint: string;
    /** How its request ended; null when that is larger than the way between instances takes. */
    readonly reply: CallEnd | null;
  };

/** A reply to a CALL that was accepted; with one of them it is over for whoever sent it. */
export type CallEnd =
  | { readonly kind: "accepted" }
  | { readonly kind: "outcome"; readonly outcome: CallOutcome }
  | { readonly kind: "no_answer"; readonly wasSent: boolean }
  /** To one who waited: the instance that held the client went. */
  | { readonly kind: "refused"; readonly reason: "lost" };

export const REPORT_STATES = ["waiting", "parked"] as const;

/** Which reports. */
export interface ReportFilter {
  /** Null for both. */
  readonly state: ListedReport["state"] | null;
  /** Null for all clients. */
  readonly clientId: string | null;
  /** An id, exclusive; null for the first page. */
  readonly after: string | null;
  readonly limit: number;
}

/** A report that the backend has not taken. */
export interface ListedReport {
  /** A UUIDv7: of two the newer one's is greater. */
  readonly id: string;
  readonly state: "waiting" | "parked";
  readonly kind: Report["kind"];
  /** The ClientId. */
  readonly client: string;
  /** Null for the end of a connection. */
  readonly action: string | null;
  readonly messageId: string | null;
  /** A JSON object's text; null when it is larger than the way between instances takes. */
  readonly body: string | null;
  /** When it came to be, in milliseconds since 1970. */
  readonly since: number;
  readonly tries: number;
  /** In words; null when none failed. */
  readonly lastFailure: string | null;
}

/** One part of the list of reports. */
export interface ReportPage {
  /** Reports in all that the filter finds, without `after`. */
  readonly total: number;
  /** Sorted by id. */
  readonly reports: readonly ListedReport[];
  /** Whether there are more behind these. */
  readonly hasMore: boolean;
}

/** The reports of one thread that wait or are parked, as operators look at them. */
export interface OutboxView {
  /** Sorted by id; `total` heeds neither `after` nor `limit`. */
  list(query: {
    readonly state?: ListedReport["state"];
    readonly client?: string;
    /** Exclusive. */
    readonly after?: string;
    readonly limit: number;
  }): { readonly total: number; readonly reports: readonly ListedReport[] };
  find(id: string): ListedReport | undefined;
  /** A waiting one is tried now, a parked one waits again. @returns False when there is none. */
  retry(id: string): boolean;
  /** @param since Those that came to be at this time or later. @returns How many. */
  retryParked(since?: number): number;
  /** Gives it up for good. @returns False when there is none. */
  remove(id: string): boolean;
}

/** Of a thread that keeps no reports. */
export const emptyOutbox: OutboxView = {
  list: () => ({ total: 0, reports: [] }),
  find: () => undefined,
  retry: () => false,
  retryParked: () => 0,
  remove: () => false,
};

/** Answers for the reports of one thread; undefined for a question about something else. */
export function answerForOutbox(question: Question, outbox: OutboxView): Answer | undefined {
  switch (question.kind) {
    case "reports":
      return pageOfReports(question, outbox);
    case "report":
      return outbox.find(question.id) ?? null;
    case "retry":
      return outbox.retry(question.id);
    case "retry_parked":
      return question.since === null ? outbox.retryParked() : outbox.retryParked(question.since);
    case "remove":
      return outbox.remove(question.id);
    default:
      return undefined;
  }
}

/** What the bodies of one page may come to in each thread, in UTF-16 code units: one report may be more. */
const MAX_PAGE_CHARS = 8 * 1024 ** 2;

function pageOfReports(
  { state, clientId, after, limit }: ReportFilter,
  outbox: OutboxView,
): ReportPage {
  // One more tells whether there are more.
  const { total, reports } = outbox.list({
    ...(state !== null && { state }),
    ...(clientId !== null && { client: clientId }),
    ...(after !== null && { after }),
    limit: limit + 1,
  });
  let chars = 0;
  const tooMany = reports.findIndex(({ body }, i) =>
    i === limit || ((chars += body?.length ?? 0) > MAX_PAGE_CHARS && i > 0)
  );
  return tooMany === -1
    ? { total, reports, hasMore: false }
    : { total, reports: reports.slice(0, tooMany), hasMore: true };
}
