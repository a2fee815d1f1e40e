/**
 * What the backend asked for, what it was answered, and which rules were broken (contract sections 4 and 6).
 *
 * - **A 202 has an outcome**: the backend took a report of it, or it was parked (and is taken when it is retried).
 *   Without an outbox not when the instance that accepted it, or that held its client, crashed since or shut
 *   down with reports that were not taken.
 * - **It is true**: what was refused as `not-sent` never reaches a client, no CALL reaches a client twice, an
 *   answer is one that this client gave.
 * - **Places**: an instance that is alone never has more accepted CALLs without a delivered or parked outcome
 *   than `--max-reports`.
 * - **Keys**: of all requests with one `Idempotency-Key` one CALL reaches the client at most, and each answer
 *   after the first acceptance is that one again. Not when an instance ended meanwhile, or the retention passed.
 * - **`GET /call`** says nothing that is not so, and knows what happened before it was asked.
 *
 * @module
 */

import { type ApiCall, type ApiRequest, isAccepted } from "./entries.ts";
import type { Past } from "./past.ts";
import type { ReportBook } from "./report_book.ts";
import type { Timeline } from "./timeline.ts";

/** By then an heir has taken over, as a rule. */
const HEIR_MS = 15_000;

export interface CallBookDeps {
  readonly timeline: Timeline;
  readonly past: Past;
  readonly fault: (text: string) => void;
  readonly reports: ReportBook;
  readonly instances: number;
  readonly hasOutbox: boolean;
  readonly maxReports: number;
  readonly retentionMs: number;
  /** Whether another instance may report what this one has not answered yet. */
  readonly hasHeirs: boolean;
  /** Told of each CALL that is answered with 202 for the first time. */
  readonly onAccepted: (token: string) => void;
}

/** The response to a request. */
export interface Told {
  readonly status: number;
  readonly outcome: string | null;
  readonly body: string;
  readonly isReplay: boolean;
}

/** What was known of a CALL before somebody asked. */
export interface Known {
  readonly at: number;
  readonly wasSent: boolean;
  readonly wasTried: boolean;
  readonly wasTaken: boolean;
  readonly isOwed: boolean;
}

interface Told202 {
  readonly state: "queued" | "sent" | "ended";
  readonly outcome: { readonly kind: string; readonly [name: string]: unknown } | null;
  readonly delivery: "waiting" | "delivered" | "parked" | null;
  readonly sentAt: string | null;
}

/** A late answer may be one to a newer CALL with the same MessageId: nobody can tell them apart. */
function namesOf({ clientId, messageId }: ApiCall): string {
  return `${clientId} ${messageId}`;
}

export class CallBook {
  readonly #deps: CallBookDeps;
  readonly calls = new Map<string, ApiCall>();
  readonly counts = { accepted: 0, replayed: 0, known: 0, noRoom: 0 };
  /** Payloads that clients answered with, and their numbers, by the names of the CALL. */
  readonly #answers = new Map<string, Map<string, number>>();

  constructor(deps: CallBookDeps) {
    this.#deps = deps;
  }

  /** Clients that did not read, or went, so that what is sent to them may not have left yet. */
  readonly #slow = new Set<string>();

  /** A client does not read, or is gone while the gateway writes. */
  doesNotRead(clientId: string): void {
    this.#slow.add(clientId);
  }

  /** A client answers a CALL. */
  answered(token: string, body: string, number: number): void {
    const call = this.calls.get(token);
    if (call === undefined) return;
    const answers = this.#answers.get(namesOf(call)) ?? new Map<string, number>();
    this.#answers.set(namesOf(call), answers.set(body, number));
  }

  numberOf(call: ApiCall, body: string): number | undefined {
    return this.#answers.get(namesOf(call))?.get(body);
  }

  /** A CALL leaves for a client. */
  frameLeaves(line: number, clientId: string, action: string, messageId: string): void {
    const { fault } = this.#deps;
    const call = this.calls.get(action);
    if (call === undefined || call.clientId !== clientId || call.messageId !== messageId) {
      return fault(`${clientId} gets ${action} ${messageId}, which nobody sent it`);
    }
    call.frames++;
    if (call.frames > 1 && !this.#mayRepeat(call, call.askedAt)) {
      fault(`${action} is sent to its client twice, now on line ${line}`);
    }
  }

  /** Whether what is known of a key may have been lost. */
  #mayRepeat({ key, waitSeconds, answer, ...call }: ApiCall, since: number): boolean {
    const { past, timeline, retentionMs, hasOutbox, hasHeirs, reports } = this.#deps;
    if (key === null) return false;
    if (timeline.now - call.askedAt >= retentionMs) return true;
    // One that has just come may not have heard of all others.
    if (past.wasTroubled(since, timeline.now)) return true;
    if (!past.anyEndedSince(since)) return false;
    // Until an heir has taken over what one that ended had accepted, nobody knows its keys.
    if (hasHeirs && past.anyEndedSince(timeline.now - HEIR_MS)) return true;
    // An outbox keeps the keys of CALLs whose outcome was not taken.
    const { attempts } = reports.progressOf({ key, waitSeconds, answer, ...call });
    return !hasOutbox || waitSeconds !== null || answer === undefined ||
      attempts.some(({ status = 0 }) => status >= 200 && status <= 299);
  }

  /** The API's response leaves an instance. */
  responded(call: ApiCall, request: ApiRequest, told: Told): void {
    const { fault, timeline } = this.#deps;
    const { token, waitSeconds } = call;
    const { status, outcome, body, isReplay } = told;
    Object.assign(request, told, { answeredAt: timeline.now });
    if (status === 0) return void (call.answer ??= request);
    if (outcome === null) fault(`${token}: ${status} does not say how far it got`);
    if (waitSeconds === null && status !== 202 && status < 400) fault(`${token}: ${status}`);
    if (waitSeconds !== null && status === 202) fault(`${token}: 202, and was waited for`);
    if (status === 200 && this.numberOf(call, body) === undefined) {
      fault(`${token}: its response is what nobody answered: ${body}`);
    }
    if (status === 503 && body.includes("no room for one more report")) this.counts.noRoom++;
    if (call.key !== null) this.#checkKey(call, request);
    else if (status !== 202 && call.reportIds.size > 0 && outcome !== "sent") {
      const isExcused = this.#deps.hasHeirs &&
        this.#deps.past.wasTroubled(call.askedAt, timeline.now);
      if (!isExcused) fault(`${token}: ${status}, and it was reported`);
    }
    if (isReplay) return void this.counts.replayed++;
    if (call.answer === undefined || !isAccepted(call.answer) || isAccepted(request)) {
      call.answer = request;
    }
    if (status !== 202) return;
    this.counts.accepted++;
    this.#deps.onAccepted(token);
    this.#checkPlaces(request);
  }

  #checkKey(call: ApiCall, request: ApiRequest): void {
    const { fault, past } = this.#deps;
    const { token, requests, askedAt } = call;
    const { status, outcome, body, isReplay } = request;
    if (isReplay && call.key === null) fault(`${token} has no key, and is replayed`);
    if (status === 422 && body.includes("Idempotency-Key")) fault(`${token} is the same request`);
    const first = requests.find((other) =>
      other !== request && !other.isReplay && other.status !== undefined && isAccepted(other) &&
      other.outcome !== "sent" && other.answeredAt < request.askedAt
    );
    if (first === undefined) return;
    if (isReplay) {
      const isSame = requests.some((other) =>
        !other.isReplay && other.status === status && (status === 202 || other.body === body)
      );
      if (!isSame && !past.anyEndedSince(askedAt)) {
        fault(`${token} was ${first.status} ${first.body}, and is replayed as ${status} ${body}`);
      }
      return;
    }
    if (status === 503 && outcome === "not-sent") return;
    // One more with this key had not been answered.
    const isBusy = requests.some((other) =>
      other !== request && !(other.answeredAt < request.askedAt)
    );
    if (status === 409 && body.includes("under way") && isBusy) return;
    if (this.#mayRepeat(call, first.askedAt)) return;
    fault(`${token} was answered with ${first.status}, and then with ${status} ${body}`);
  }

  #checkPlaces({ instance }: ApiRequest): void {
    const { instances, maxReports, fault, hasOutbox } = this.#deps;
    if (instances > 1 || this.#deps.reports.wasRetried) return;
    let open = 0;
    for (const call of this.calls.values()) {
      const { answer } = call;
      if (answer?.status !== 202 || (!hasOutbox && answer.instance !== instance)) continue;
      const { isTaken, isParked, isForgotten } = this.#deps.reports.progressOf(call);
      if (!isTaken && !isParked && !isForgotten) open++;
    }
    if (open > maxReports) fault(`${instance} has accepted ${open} CALLs, of ${maxReports}`);
  }

  // `GET /call/…`.

  /** Somebody asks how far a CALL got. */
  knownOf(call: ApiCall): Known {
    const { isTried, isTaken } = this.#deps.reports.progressOf(call);
    return {
      at: this.#deps.timeline.now,
      wasSent: call.frames > 0,
      wasTried: isTried,
      wasTaken: isTaken,
      isOwed: call.answer?.status === 202 && call.answer.answeredAt < this.#deps.timeline.now,
    };
  }

  /** And is told. @param isStrict All is calm: excuses do not count any more. */
  told(call: ApiCall, known: Known, status: number, body: string, isStrict: boolean): void {
    const { fault, past, timeline, retentionMs } = this.#deps;
    const { token, askedAt } = call;
    const hasTrouble = past.wasTroubled(askedAt, timeline.now) || past.anyEndedSince(askedAt) ||
      past.anyIsNewSince(askedAt);
    if (status === 503) {
      if (isStrict) fault(`nobody can say how far ${token} got`);
      return;
    }
    if (status === 404) {
      const isOver = timeline.now - askedAt >= retentionMs;
      if (known.isOwed && !isOver && !hasTrouble) {
        fault(`nobody knows ${token}, which was accepted`);
      }
      return;
    }
    if (status !== 200) return fault(`GET /call for ${token}: ${status}`);
    this.counts.known++;
    const { state, outcome, delivery, sentAt } = JSON.parse(body) as Told202;
    const { attempts, isTaken, wasParked } = this.#deps.reports.progressOf(call);
    const wrong = (why: string): void => fault(`${token} is told as ${body}, but ${why}`);
    const isSent = state === "sent" || sentAt !== null;
    if (isSent && call.frames === 0 && !this.#slow.has(call.clientId)) wrong("was not sent");
    if ((state === "ended") !== (outcome !== null)) wrong("that is no outcome");
    if (delivery !== null && call.waitSeconds !== null) wrong("was waited for");
    if (delivery !== null && outcome === null) wrong("it has not ended");
    if (delivery === "delivered" && !isTaken) wrong("was not taken");
    if (delivery === "parked" && !wasParked) wrong("was not parked");
    if (isStrict && (outcome === null || delivery === "waiting")) wrong("all is over");
    // Of two outcomes, of two instances, it may be the one that the backend was not told.
    const bodies = hasTrouble ? [] : attempts.map(({ body }) => body);
    if (outcome !== null) this.#checkOutcome(call, outcome, bodies, wrong);
    // When its key is forgotten it may be asked for once more.
    if (hasTrouble || this.#mayRepeat(call, askedAt)) return;
    if (known.wasSent && state === "queued") wrong("it had been sent");
    if (known.wasTried && state !== "ended") wrong("its outcome had been told");
    if (known.wasTaken && delivery !== "delivered") wrong("its outcome had been taken");
  }

  #checkOutcome(
    call: ApiCall,
    outcome: NonNullable<Told202["outcome"]>,
    bodies: readonly string[],
    wrong: (why: string) => void,
  ): void {
    const { kind, payload, ...error } = outcome;
    const text = JSON.stringify(kind === "result" ? payload : error);
    if (kind === "result" && this.numberOf(call, text) === undefined) wrong("nobody answered that");
    const isTold = bodies.some((body) => JSON.stringify(JSON.parse(body)) === text);
    if (bodies.length > 0 && !isTold) wrong(`the backend was told ${bodies.join()}`);
  }

  // What is owed.

  /** In words; undefined when all has come. @param isFinal What is parked is owed too. */
  owed(isFinal: boolean): string | undefined {
    const { past } = this.#deps;
    for (const call of this.calls.values()) {
      for (const { status, instance } of call.requests) {
        if (status !== undefined || past.endOf(instance) !== undefined) continue;
        return `${call.token} has no response from ${instance}`;
      }
      if (call.answer?.status !== 202 || this.#mayBeLost(call)) continue;
      const { isTaken, wasParked, isForgotten, isGone } = this.#deps.reports.progressOf(call);
      if (isTaken || isForgotten || (wasParked && !isFinal)) continue;
      // What is parked goes with whoever had it in memory.
      if (isGone && !this.#deps.hasOutbox) continue;
      return `${call.token}, accepted by ${call.answer.instance}, has no outcome`;
    }
    return undefined;
  }

  #mayBeLost({ answer }: ApiCall): boolean {
    const { hasOutbox, past, timeline } = this.#deps;
    if (hasOutbox) return false;
    const { instance, answeredAt } = answer!;
    if (past.lostSince(instance, answeredAt)) return true;
    // Then it was the holder's alone.
    return past.endOf(instance) !== undefined && past.wasTroubled(answeredAt, timeline.now);
  }

  /** All is over. */
  close(): void {
    const { fault } = this.#deps;
    const owed = this.owed(true);
    if (owed !== undefined) fault(owed);
    for (const call of this.calls.values()) {
      const { token, answer, frames, reportIds, requests } = call;
      if (answer === undefined) continue;
      const { status, outcome } = answer;
      // What nobody answered may have been sent.
      const isRefused = requests.every((each) => each.status !== undefined && !isAccepted(each));
      if (isRefused && outcome === "not-sent" && frames > 0) {
        fault(`${token} was refused with ${status}, and sent`);
      }
      if (reportIds.size > 1 && !this.#mayRepeat(call, call.askedAt)) {
        fault(`${token} has ${reportIds.size} outcomes`);
      }
    }
  }
}
