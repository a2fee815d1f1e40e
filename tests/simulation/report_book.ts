/**
 * What the backend was told, and which rules of telling were broken (contract section 4).
 *
 * - **One id**: what is told of one thing carries one Webhook-Id, whoever tells it: of each accepted CALL
 *   there is one, which never stands for another CALL.
 * - **It comes once**: an instance tries a report again only while it was not told 2xx, nor that it never
 *   will be taken, nor has parked it; one at a time; always the same path and body. Another instance tries
 *   it only when this one crashed, left without having been told that it is taken or before all was
 *   written, or during or shortly after a trouble between instances. (So where nobody crashed and no
 *   answer was ambiguous, the backend takes each report exactly once.)
 * - **Order**: the reports of one client go one after the other in one instance's life, each only when
 *   the one before is taken or parked; one that was retried is behind all others. The disconnect of a connection
 *   is the last of its reports, and two answers are reported in the order in which they were given.
 * - **Parked** is what the backend refused for good, what it answered badly ten times and for 15 minutes, and
 *   what is older than `--report-ttl`; and all of that is.
 * - `Retry-After` holds for the lane that got it.
 *
 * @module
 */

import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import {
  type ApiCall,
  type Attempt,
  clientOf,
  isFinal,
  isTaken,
  type Report,
  type ReportLife,
} from "./entries.ts";
import type { EstateBook } from "./estate_book.ts";
import type { Past } from "./past.ts";
import type { Timeline } from "./timeline.ts";

export interface ReportBookDeps {
  readonly timeline: Timeline;
  readonly past: Past;
  readonly fault: (text: string) => void;
  readonly reportTtlMs: number;
  readonly maxReports: number;
  /** The CALL with this Action. */
  readonly callBy: (action: string) => ApiCall | undefined;
  /** The number of the answer with this payload; undefined when nobody gave it. */
  readonly answerNumber: (call: ApiCall, body: string) => number | undefined;
  /** Where instances inherit from each other. */
  readonly estates: EstateBook | undefined;
}

/** A report as the log names it. */
export interface ReportNames {
  readonly clientId: string;
  readonly connectionId: string;
  readonly kind: string;
  readonly action?: string;
  readonly messageId?: string;
  /** Of one that is parked: how often it was tried since it began to wait. */
  readonly tries?: number;
}

/** Of one instance's life and one client. */
interface LaneBook {
  /** Ids in the order in which they had their turns. */
  readonly ids: string[];
  readonly disconnected: Set<string>;
}

const MAX_BAD_ANSWERS = 10;
const MAX_BAD_MS = 15 * 60_000;
/** An instance may stand still for some seconds, and looks once in a second. */
const LATE_MS = 15_000;
/** What an instance that has gone, or another one, says of a CALL whose outcome it does not know. */
const UNKNOWN = /the gateway (lost the client|was restarted)/;

function namesOf({ kind, path, connectionId }: Attempt): string {
  return kind === "disconnect" ? `${path} ${connectionId}` : path;
}

/** What it is about: a result and an error are two outcomes of one CALL. */
function subjectOf(attempt: Attempt): string {
  return subjectText(namesOf(attempt));
}

function subjectText(name: string): string {
  return name.replace(/^(result|error)\//, "outcome/");
}

export class ReportBook {
  readonly #deps: ReportBookDeps;
  /** Reports that the backend took, tries that came after the first one. */
  readonly counts = { taken: 0, repeated: 0, parked: 0, retried: 0, recovered: 0 };
  readonly #reports = new Map<string, Report>();
  readonly #lanes = new Map<string, LaneBook>();
  /** By connection. */
  readonly #disconnects = new Map<string, string>();
  readonly #lastAnswers = new Map<string, number>();
  /** CALLs that were parked before they were tried, and those that an operator or time took away. */
  readonly #parkedUntried = new Map<string, string>();
  readonly #forgotten = new Set<string>();
  /** Requests for another try of what is parked that are under way. */
  #retrying = 0;
  #wasRetried = false;

  constructor(deps: ReportBookDeps) {
    this.#deps = deps;
  }

  /** A try leaves an instance. */
  begins(attempt: Attempt): void {
    const { webhookId: id, path } = attempt;
    if (id === undefined) return this.#deps.fault(`${path} has no Webhook-Id`);
    let report = this.#reports.get(id);
    if (report === undefined) {
      report = { id, first: attempt, call: this.#callOf(attempt), lives: new Map() };
      this.#reports.set(id, report);
    } else this.counts.repeated++;
    const life = this.#lifeOf(report, attempt);
    const { first, lives } = report;
    // One that was found parked.
    if (life.attempts.length === 0) {
      const wasUntried = this.#parkedUntried.has(report.call?.token ?? namesOf(attempt));
      life.mayRetry = (wasUntried && this.#wasRetried) ||
        [...lives.values()].some((other) => other.mayRetry);
    }
    if (subjectOf(first) !== subjectOf(attempt)) {
      this.#deps.fault(`${id} is ${namesOf(first)}, and then ${namesOf(attempt)}`);
    }
    this.#checkEstate(report, life, attempt);
    this.#checkAgain(report, life, attempt);
    this.#checkContent(report, life, attempt);
    this.#checkLane(report, life, attempt);
    life.attempts.push(attempt);
    life.parkedAt = undefined;
    life.mayRetry = false;
  }

  replied(attempt: Attempt, reply: BackendReply): void {
    const report = this.#reports.get(attempt.webhookId ?? "");
    const life = report?.lives.get(attempt.instance);
    if (life === undefined) return;
    if (isTaken(reply)) this.counts.taken++;
    else if (reply.ok && life.badAnswers++ === 0) life.badSince = attempt.repliedAt;
  }

  /** An instance's log says that it does not try a report any more. */
  parked(instance: string, names: ReportNames): void {
    this.counts.parked++;
    const { timeline, fault, reportTtlMs } = this.#deps;
    const { now } = timeline;
    const name = subjectText(nameOfParked(names));
    const lane = this.#laneOf(instance, names.clientId);
    const reports = [...this.#reports.values()].filter((report) =>
      subjectOf(report.first) === name && report.lives.get(instance)?.parkedAt === undefined &&
      mayBe(report, instance, names)
    );
    const isLast = ({ id }: Report): boolean => lane.ids.at(-1) === id;
    const report = reports.find(isLast) ??
      reports.find(({ lives }) => lives.has(instance)) ??
      reports.findLast(({ call }) => call !== undefined);
    const call = report?.call ?? this.#callNamed(names);
    if (report === undefined) {
      this.#parkedUntried.set(call?.token ?? name, instance);
      if (now < reportTtlMs) fault(`${instance} parks ${name}, which it has not tried`);
      return;
    }
    const life = this.#lifeAt(report, instance);
    life.parkedAt = now;
    life.wasParked = true;
    if (this.#retrying > 0) life.mayRetry = true;
    const last = life.attempts.at(-1);
    if (isFinal(last?.reply)) return;
    if (now - (call?.askedAt ?? 0) >= reportTtlMs) return;
    if (life.badAnswers >= MAX_BAD_ANSWERS && now - life.badSince >= MAX_BAD_MS) return;
    fault(`${instance} parks ${name}, and should not`);
  }

  /** It says that it has forgotten a parked one. */
  forgotten(instance: string, names: ReportNames): void {
    const call = this.#callNamed(names);
    if (call !== undefined) this.#forgotten.add(call.token);
    const { timeline, reportTtlMs, maxReports } = this.#deps;
    if (timeline.now < reportTtlMs && this.counts.parked <= maxReports) {
      this.#deps.fault(`${instance} forgets ${nameOfParked(names)}`);
    }
  }

  /** An operator wants to have all parked ones tried again. */
  retryBegins(): void {
    this.#retrying++;
    this.#wasRetried = true;
    for (const { lives } of this.#reports.values()) {
      for (const life of lives.values()) if (life.parkedAt !== undefined) life.mayRetry = true;
    }
  }

  /** Whether anything was tried again that had given its place back. */
  get wasRetried(): boolean {
    return this.#wasRetried;
  }

  retryEnds(): void {
    this.#retrying--;
  }

  /** An instance is no more. */
  orphan(instance: string): void {
    for (const { lives } of this.#reports.values()) {
      for (const attempt of lives.get(instance)?.attempts ?? []) attempt.isOrphan = true;
    }
  }

  /** How far the outcome of a CALL got. */
  progressOf({ token, reportIds }: ApiCall): {
    isTried: boolean;
    isTaken: boolean;
    isParked: boolean;
    /** It is parked, or was, and may be again after a crash. */
    wasParked: boolean;
    isForgotten: boolean;
    /** It was parked by instances that are no more. */
    isGone: boolean;
    attempts: readonly Attempt[];
  } {
    const lives = [...reportIds].flatMap((id) => [...this.#reports.get(id)!.lives.values()]);
    const attempts = lives.flatMap(({ attempts }) => attempts);
    return {
      isTried: attempts.length > 0,
      isTaken: attempts.some(({ reply }) => isTaken(reply)),
      isParked: this.#parkedUntried.has(token) ||
        lives.some(({ parkedAt }) => parkedAt !== undefined),
      wasParked: this.#parkedUntried.has(token) || lives.some(({ wasParked }) => wasParked),
      isForgotten: this.#forgotten.has(token),
      isGone: this.#isParkedGone(token, reportIds),
      attempts,
    };
  }

  #isParkedGone(token: string, ids: ReadonlySet<string>): boolean {
    const parking = [...ids].flatMap((id) => [...this.#reports.get(id)!.lives])
      .filter(([, { wasParked }]) => wasParked).map(([instance]) => instance);
    const by = this.#parkedUntried.get(token);
    if (by !== undefined) parking.push(by);
    return parking.length > 0 &&
      parking.every((instance) => this.#deps.past.endOf(instance) !== undefined);
  }

  /** What an instance should have parked and has not, in words. */
  get unparked(): string | undefined {
    for (const { first, lives } of this.#reports.values()) {
      for (const [instance, { attempts, parkedAt }] of lives) {
        const last = attempts.at(-1);
        if (last?.isOrphan || parkedAt !== undefined || !isFinal(last?.reply)) continue;
        return `${instance} was refused ${first.path} for good, and has not parked it`;
      }
    }
    return undefined;
  }

  #callOf({ kind, path }: Attempt): ApiCall | undefined {
    if (kind !== "result" && kind !== "error") return undefined;
    const [, action = "", clientId, messageId] = path.split("/");
    const call = this.#deps.callBy(action);
    if (call === undefined || call.clientId !== clientId || call.messageId !== messageId) {
      this.#deps.fault(`nobody asked for what is reported: ${path}`);
    }
    return call;
  }

  #lifeOf(report: Report, { instance }: Attempt): ReportLife {
    if (report.lives.size > 0 && !report.lives.has(instance)) this.counts.recovered++;
    return this.#lifeAt(report, instance);
  }

  #lifeAt({ lives }: Report, instance: string): ReportLife {
    let life = lives.get(instance);
    if (life === undefined) {
      life = {
        ...{ attempts: [], parkedAt: undefined, wasParked: false, mayRetry: false },
        ...{ returned: 0, past: 0, badAnswers: 0, badSince: 0 },
      };
      lives.set(instance, life);
    }
    return life;
  }

  #callNamed({ kind, action }: ReportNames): ApiCall | undefined {
    if (action === undefined || (kind !== "result" && kind !== "error")) return undefined;
    return this.#deps.callBy(action);
  }

  #checkEstate({ call, lives }: Report, life: ReportLife, attempt: Attempt): void {
    const { estates, answerNumber } = this.#deps;
    const wasParked = [...lives.values()].some((each) => each.wasParked || each.mayRetry);
    const isFirst = life.attempts.length === 0 && !wasParked;
    if (estates?.returns(attempt.instance, attempt.webhookId!)) {
      const { length } = life.attempts;
      Object.assign(life, { returned: length, past: length, badAnswers: 0, parkedAt: undefined });
    }
    estates?.begins(attempt, call && answerNumber(call, attempt.body), isFirst);
  }

  /** Whether an instance may try this, or try it again. */
  #checkAgain({ id, lives, call }: Report, life: ReportLife, attempt: Attempt): void {
    const { fault, past, timeline, reportTtlMs, estates } = this.#deps;
    const { path, instance } = attempt;
    const last = life.attempts.at(-1);
    const since = life.attempts.slice(life.past);
    if (life.mayRetry) {
      this.counts.retried++;
      life.past = life.attempts.length;
      life.badAnswers = 0;
    } else {
      if (last !== undefined && last.reply === undefined) fault(`${path} is tried twice at once`);
      if (life.parkedAt !== undefined) fault(`${path} comes again after it was parked`);
      if (since.some(({ reply }) => isTaken(reply) || isFinal(reply))) {
        fault(`${path} comes again after its final answer`);
      }
      if (life.badAnswers >= MAX_BAD_ANSWERS && last!.repliedAt - life.badSince >= MAX_BAD_MS) {
        fault(`${path} comes again, and should be parked`);
      }
      if (timeline.now - (since[0]?.beganAt ?? Infinity) > reportTtlMs + LATE_MS) {
        fault(`${path} comes again, and is too old`);
      }
    }
    for (const [other, { attempts, parkedAt, mayRetry }] of lives) {
      if (other === instance) continue;
      const from = call?.askedAt ?? attempts[0]?.beganAt ?? 0;
      if (past.wasTroubled(from, timeline.now)) continue;
      const end = past.endOf(other);
      if (end === undefined) {
        // After its farewell it takes a moment to end.
        const isLeft = past.isLeaving(other) && estates?.isHeir(instance, id);
        if (!isLeft) fault(`${path} comes from ${instance}, and from ${other} (${id})`);
      } else if (end.how === "clean") {
        if (attempts.some(({ reply }) => isTaken(reply))) fault(`${path} was taken from ${other}`);
        else if (parkedAt !== undefined && !mayRetry && !life.mayRetry && !this.#retrying) {
          fault(`${path} was parked by ${other}`);
        }
      }
    }
  }

  #checkContent({ id, call, lives, first }: Report, life: ReportLife, attempt: Attempt): void {
    const { fault, past, timeline, estates } = this.#deps;
    const { path, body, instance, connectionId, kind } = attempt;
    const before = life.attempts[life.returned];
    if (before !== undefined && (before.body !== body || before.path !== path)) {
      fault(`${id} is ${before.path} ${before.body}, and then ${path} ${body}`);
    }
    if (first.body !== body || first.path !== path) {
      const since = call?.askedAt ?? first.beganAt;
      const isExcused = past.wasTroubled(since, timeline.now) || past.anyCrashedSince(since);
      if (!isExcused) fault(`${id} is told in two ways: ${first.body} and ${body}`);
    }
    if (kind === "disconnect") {
      const known = this.#disconnects.get(connectionId) ?? id;
      this.#disconnects.set(connectionId, known);
      if (known !== id) fault(`${path} comes twice`);
    }
    if (call === undefined || life.attempts.length > 0) return;
    const isNew = !call.reportIds.has(id);
    call.reportIds.add(id);
    if (call.waitSeconds !== null) fault(`${path} is reported, and was waited for`);
    const { answer } = call;
    if (
      isNew && answer?.status !== undefined && answer.status !== 202 && answer.outcome !== "sent"
    ) {
      // Of several requests under one key another one may have been accepted.
      // And that it was not taken after all may not have been written.
      // An heir cannot know what the one that was cut off said.
      const isExcused = call.key !== null || past.anyCrashedSince(call.askedAt) ||
        // And what was on its way when one left may still have been written.
        (estates !== undefined &&
          (past.wasTroubled(call.askedAt, timeline.now) || past.anyEndedSince(call.askedAt)));
      if (!isExcused) fault(`${path} is reported, and was refused with ${answer.status}`);
    }
    const number = this.#deps.answerNumber(call, body);
    if (kind === "result" && number === undefined) {
      fault(`${path} is reported with what nobody answered: ${body}`);
    }
    if (number === undefined || lives.size > 1 || life.mayRetry || this.#mayBeLate(call)) return;
    const key = `${instance} ${connectionId}`;
    if (number < (this.#lastAnswers.get(key) ?? -1)) {
      fault(`${path} is reported behind a later answer`);
    }
    this.#lastAnswers.set(key, number);
  }

  /** Whether an instance may have had to wait until it knew that another one does not report it. */
  #mayBeLate({ askedAt }: ApiCall): boolean {
    return this.#deps.past.wasTroubled(askedAt, this.#deps.timeline.now);
  }

  #laneOf(instance: string, clientId: string): LaneBook {
    const name = `${instance} ${clientId}`;
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = { ids: [], disconnected: new Set() };
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  #checkLane({ id, call }: Report, life: ReportLife, attempt: Attempt): void {
    const { fault, timeline } = this.#deps;
    const { path, connectionId, instance, kind, body } = attempt;
    const lane = this.#laneOf(instance, clientOf(attempt));
    const last = lane.ids.at(-1);
    const before = last === undefined ? undefined : this.#reports.get(last)!.lives.get(instance)!;
    const answer = before?.attempts.at(-1);
    if (answer?.reply?.ok === true && before!.parkedAt === undefined && !this.#retrying) {
      const seconds = Number(answer.reply.retryAfter ?? 0);
      if (!isTaken(answer.reply) && timeline.now < answer.repliedAt + seconds * 1000 - 2) {
        fault(`${path} comes before Retry-After has passed`);
      }
    }
    if (last === id) return;
    const at = lane.ids.indexOf(id);
    if (at !== -1) {
      if (!life.mayRetry && life.returned < life.attempts.length) {
        return fault(`${path} comes again behind later ones`);
      }
      lane.ids.splice(at, 1);
    }
    lane.ids.push(id);
    const isLost = last !== undefined && this.#deps.estates?.hasLost(instance, last) === true;
    if (before !== undefined && !isOver(before) && !isLost) {
      fault(`${path} comes before ${answer?.path} is done`);
    }
    if (kind === "disconnect") lane.disconnected.add(connectionId);
    else if (
      lane.disconnected.has(connectionId) && at === -1 && !life.mayRetry && !UNKNOWN.test(body) &&
      !(call !== undefined && this.#mayBeLate(call))
    ) {
      fault(`${path} comes behind the disconnect`);
    }
  }
}

/**
 * Whether the names in the log may be this report's. Clients use the ids of their CALLs again, so what was
 * told of an earlier CALL has the same path: that was of another connection, or is taken, and not untried.
 */
function mayBe({ first, call, lives }: Report, instance: string, names: ReportNames): boolean {
  if (call !== undefined) return true;
  if (first.connectionId !== names.connectionId) return false;
  return names.tries !== 0 || !isTaken(lives.get(instance)?.attempts.at(-1)?.reply);
}

/** Whether the gateway need not try a report any more. */
function isOver({ attempts, parkedAt }: ReportLife): boolean {
  return parkedAt !== undefined || attempts.length === 0 || isTaken(attempts.at(-1)!.reply);
}

function nameOfParked({ kind, action, clientId, messageId, connectionId }: ReportNames): string {
  return kind === "disconnect"
    ? `disconnect/${clientId} ${connectionId}`
    : `${kind}/${action}/${clientId}/${messageId}`;
}
