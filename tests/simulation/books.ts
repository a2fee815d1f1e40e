/**
 * What went over the edges, and which rules it broke. Knows nothing of what is inside of the gateway.
 *
 * The rules, by the contract's sections 3 to 6:
 *
 * - **A 202 has an outcome**: a report of kind `result` or `error` that the backend took. Without
 *   `keepsReports` also one that was tried as often as `--retries` says or was answered for good. Without
 *   `outbox` not when the instance that accepted it crashed since, or said at its shutdown that it lost
 *   messages, or left in a trouble (see below).
 * - **It has one**: all reports of it carry one Webhook-Id, which always stands for the same path and body.
 *   While there is more than one instance and none keeps an outbox, this does not hold for a CALL that was
 *   open during a trouble: an instance crashed or stood still, or the ways over NATS were broken for three
 *   seconds together, or ten seconds after that.
 * - **It comes once**: nothing is tried again after the gateway got a 2xx or a final status for it, and
 *   never twice at once. A repeat under the same Webhook-Id is right only after a try whose answer did not
 *   come, or said that it was not taken.
 * - **It is true**: a `result` is one of the payloads that this client answered this MessageId with; nothing but
 *   a 202 (or a 503 that says `sent`) is ever reported, and what was refused as `not-sent` never reaches a
 *   client. No CALL reaches a client twice.
 * - **Order**: reports of one connection go one after the other, each only when the one before is done,
 *   and the disconnect is the last; two answers of a client are reported in the order in which it gave
 *   them. CALLs of one connection are forwarded in the order sent, one at a time, and arrive once at most.
 * - **Bounds**: no more requests under way than `--backend-connections`.
 *
 * @module
 */

import type { RequestKind } from "../../lib/codec/route.ts";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import type { Timeline } from "./timeline.ts";

/** What the program promises; each is a rule that can be switched on. */
export interface Guarantees {
  /** Reports are tried until they are taken or parked, whatever `--retries` says. */
  readonly keepsReports: boolean;
  /** What was accepted survives a crash. */
  readonly outbox: boolean;
}

export interface BooksOptions extends Guarantees {
  readonly instances: number;
  readonly retries: number;
  readonly backendConnections: number;
}

/** One POST, as it left an instance. */
export interface Attempt {
  readonly instance: string;
  readonly kind: RequestKind;
  readonly path: string;
  readonly body: string;
  readonly webhookId: string | undefined;
  readonly connectionId: string;
  /** Whether the backend got it, and what it said. */
  status: number | undefined;
  /** What the instance was told; undefined while it waits, or when it died. */
  reply: BackendReply | undefined;
  /** Its instance has died, and will hear of nothing. */
  isOrphan: boolean;
}

/** A `POST /call/…`. */
export interface ApiCall {
  readonly token: string;
  readonly clientId: string;
  readonly messageId: string;
  readonly waitSeconds: number | null;
  readonly instance: string;
  /** As it left the instance; undefined before, and for ever when the instance died. */
  status: number | undefined;
  outcome: string | null;
  answeredAt: number;
  /** Frames with it that left for a client. */
  frames: number;
  readonly reportIds: Set<string>;
}

/** A CALL or SEND of a client. */
export interface ClientCall {
  readonly token: string;
  readonly kind: "call" | "send";
  readonly clientId: string;
  readonly messageId: string;
  /** Its connection, and which of the CALLs of it. */
  readonly line: number;
  readonly index: number;
  /** How often the client sent it: each time it may be forwarded, once the one before is answered. */
  sent: number;
  forwarded: number;
  readonly attempts: Attempt[];
}

interface Report {
  readonly first: Attempt;
  readonly attempts: Attempt[];
  readonly call: ApiCall | undefined;
}

/** What left an instance for one connection. */
interface ConnectionBook {
  readonly call: { index: number; attempt: Attempt | undefined };
  line: number | undefined;
  /** Ids of reports in the order of their first tries, by instance. */
  readonly reports: Map<string, string[]>;
  /** The number of the last answer that was reported. */
  lastAnswer: number;
  disconnectId: string | undefined;
}

/** Something that may double an outcome. */
interface Trouble {
  readonly from: number;
  readonly to: number;
}

/** What is said of a CALL whose holder has gone, by whoever accepted it: in no lane so far. */
const LOST = /the gateway lost the client/;

/** After a trouble an instance may report for another one. */
const AFTERMATH_MS = 10_000;

/** A late answer may be one to a newer CALL with the same MessageId: nobody can tell them apart. */
function namesOf({ clientId, messageId }: ApiCall): string {
  return `${clientId} ${messageId}`;
}

function isTaken(reply: BackendReply | undefined): boolean {
  return reply !== undefined && reply.ok && reply.status >= 200 && reply.status <= 299;
}

export class Books {
  readonly #options: BooksOptions;
  readonly #timeline: Timeline;
  readonly faults: string[] = [];
  /** Reports that the backend took, tries that came after the first one, processes that died. */
  readonly counts = { taken: 0, repeated: 0, crashes: 0 };
  readonly apiCalls = new Map<string, ApiCall>();
  readonly clientCalls = new Map<string, ClientCall>();
  readonly #reports = new Map<string, Report>();
  readonly #connections = new Map<string, ConnectionBook>();
  readonly #underWay = new Map<string, Set<Attempt>>();
  readonly #troubles: Trouble[] = [];
  /** When each instance crashed, or said that it lost messages. */
  readonly #lossy = new Map<string, number>();
  /** When each one ended. */
  readonly #gone = new Map<string, number>();
  /** Payloads that clients answered with, and their numbers, by the names of the CALL. */
  readonly #answers = new Map<string, Map<string, number>>();

  constructor(options: BooksOptions, timeline: Timeline) {
    this.#options = options;
    this.#timeline = timeline;
  }

  fault(text: string): void {
    this.faults.push(text);
  }

  // What instances do.

  /** A try leaves an instance. */
  begins(attempt: Attempt): void {
    const { instance, kind } = attempt;
    const underWay = this.#underWay.get(instance) ?? new Set();
    this.#underWay.set(instance, underWay.add(attempt));
    if (underWay.size > this.#options.backendConnections) {
      this.fault(`${instance} has ${underWay.size} requests under way`);
    }
    if (kind === "call" || kind === "send") this.#clientCallBegins(attempt);
    else if (kind !== "connect") this.#reportBegins(attempt);
  }

  /** An instance is told what came of a try. */
  replied(attempt: Attempt, reply: BackendReply): void {
    attempt.reply = reply;
    if (attempt.webhookId !== undefined && isTaken(reply)) this.counts.taken++;
    this.#underWay.get(attempt.instance)?.delete(attempt);
  }

  #clientCallBegins(attempt: Attempt): void {
    const { kind, path, body, connectionId, instance } = attempt;
    const token = /^\{"c":"([^"]+)"\}$/.exec(body)?.[1] ?? "";
    const call = this.clientCalls.get(token);
    if (call === undefined) {
      return this.fault(`${instance} forwards what nobody sent: ${path} ${body}`);
    }
    if (path !== `${call.kind}/C/${call.clientId}/${call.messageId}` || kind !== call.kind) {
      this.fault(`${token} is forwarded as ${path}`);
    }
    const book = this.#connectionOf(connectionId);
    book.line ??= call.line;
    if (book.line !== call.line) this.fault(`${token} is forwarded for another connection`);
    const last = call.attempts.at(-1);
    const isTry = last !== undefined && last.reply?.ok === false &&
      last.reply.fault === "unreachable" &&
      call.attempts.length <= call.sent * (1 + this.#options.retries);
    if (!isTry && ++call.forwarded > call.sent) {
      this.fault(`${token} is forwarded again, and may have arrived`);
    }
    // Of one that was sent again the first may have been refused.
    if (last === undefined && call.sent === 1 && call.index < book.call.index) {
      this.fault(`${token} is out of order`);
    }
    const before = book.call.attempt;
    if (before !== undefined && before.reply === undefined && !before.isOrphan) {
      this.fault(`${token} is forwarded while ${before.path} is under way`);
    }
    book.call.index = Math.max(book.call.index, call.index);
    book.call.attempt = attempt;
    call.attempts.push(attempt);
  }

  #reportBegins(attempt: Attempt): void {
    const { webhookId, path, body, kind, instance } = attempt;
    if (webhookId === undefined) return this.fault(`${path} has no Webhook-Id`);
    let report = this.#reports.get(webhookId);
    if (report === undefined) {
      report = { first: attempt, attempts: [], call: this.#callOf(attempt) };
      this.#reports.set(webhookId, report);
      this.#isFirst(webhookId, report);
    } else {
      const { first, attempts } = report;
      this.counts.repeated++;
      if (first.path !== path || first.body !== body) {
        this.fault(`${webhookId} is ${first.path} ${first.body}, and then ${path} ${body}`);
      }
      const last = attempts.at(-1)!;
      if (last.reply === undefined && !last.isOrphan) this.fault(`${path} is tried twice at once`);
      if (attempts.some((each) => this.#isDone(each) && !each.isOrphan)) {
        this.fault(`${path} comes again after its final answer`);
      }
    }
    report.attempts.push(attempt);
    const tries = report.attempts.filter((each) => each.instance === instance).length;
    if (!this.#options.keepsReports && tries > 1 + this.#options.retries) {
      this.fault(`${path} is tried ${tries} times`);
    }
    if (this.#options.keepsReports || !LOST.test(body)) this.#checkLane(webhookId, attempt);
    if (kind === "disconnect") {
      const book = this.#connectionOf(attempt.connectionId);
      book.disconnectId ??= webhookId;
      if (book.disconnectId !== webhookId) this.fault(`${path} comes twice`);
    }
  }

  /** Whether nothing more may follow this try. */
  #isDone({ reply }: Attempt): boolean {
    if (reply === undefined) return false;
    if (isTaken(reply)) return true;
    if (!reply.ok) return reply.fault === "unusable" || reply.fault === "ambiguous";
    if (!this.#options.keepsReports) return reply.status < 502 || reply.status > 504;
    return ![408, 425, 429].includes(reply.status) && reply.status < 500;
  }

  #callOf({ kind, path }: Attempt): ApiCall | undefined {
    if (kind !== "result" && kind !== "error") return undefined;
    const [, action = "", clientId, messageId] = path.split("/");
    const call = this.apiCalls.get(action);
    if (call === undefined || call.clientId !== clientId || call.messageId !== messageId) {
      this.fault(`nobody asked for what is reported: ${path}`);
    }
    return call;
  }

  #isFirst(webhookId: string, { first, call }: Report): void {
    const { kind, path, body, connectionId } = first;
    if (call === undefined) return;
    call.reportIds.add(webhookId);
    if (call.waitSeconds !== null) this.fault(`${path} is reported, and was waited for`);
    if (call.status !== undefined && call.status !== 202 && call.outcome !== "sent") {
      this.fault(`${path} is reported, and was refused with ${call.status}`);
    }
    const number = this.#answers.get(namesOf(call))?.get(body);
    if (kind === "result" && number === undefined) {
      this.fault(`${path} is reported with what nobody answered: ${body}`);
    }
    if (number === undefined) return;
    const book = this.#connectionOf(connectionId);
    if (number < book.lastAnswer) this.fault(`${path} is reported behind a later answer`);
    book.lastAnswer = number;
  }

  #checkLane(webhookId: string, { path, connectionId, instance }: Attempt): void {
    const book = this.#connectionOf(connectionId);
    const ids = book.reports.get(instance) ?? [];
    book.reports.set(instance, ids);
    const last = ids.at(-1);
    if (last === webhookId) return;
    if (ids.includes(webhookId)) return this.fault(`${path} comes again behind later ones`);
    ids.push(webhookId);
    if (last === undefined) return;
    const before = this.#reports.get(last)!;
    if (!this.#isOver(before)) this.fault(`${path} comes before ${before.first.path} is done`);
    if (before.first.kind === "disconnect") this.fault(`${path} comes behind the disconnect`);
  }

  /** Whether the gateway need not try a report any more. */
  #isOver({ attempts }: Report): boolean {
    const last = attempts.at(-1)!;
    if (last.reply === undefined) return last.isOrphan;
    return attempts.some((each) => this.#isDone(each)) ||
      (!this.#options.keepsReports && this.#isExhausted(attempts));
  }

  #isExhausted(attempts: readonly Attempt[]): boolean {
    const { instance } = attempts.at(-1)!;
    return attempts.filter((each) => each.instance === instance).length > this.#options.retries;
  }

  /** A CALL leaves for a client. */
  frameLeaves(line: number, clientId: string, action: string, messageId: string): void {
    const call = this.apiCalls.get(action);
    if (call === undefined || call.clientId !== clientId || call.messageId !== messageId) {
      return this.fault(`${clientId} gets ${action} ${messageId}, which nobody sent it`);
    }
    if (++call.frames > 1) this.fault(`${action} is sent to its client twice, now on line ${line}`);
  }

  /** The API's response leaves an instance. */
  responded(call: ApiCall, status: number, outcome: string | null, body: string): void {
    call.status = status;
    call.outcome = outcome;
    call.answeredAt = this.#timeline.now;
    const { token, waitSeconds } = call;
    if (outcome === null) this.fault(`${token}: ${status} does not say how far it got`);
    if (waitSeconds === null && status !== 202 && status < 400) this.fault(`${token}: ${status}`);
    if (waitSeconds !== null && status === 202) this.fault(`${token}: 202, and was waited for`);
    if (status === 200 && this.#answers.get(namesOf(call))?.has(body) !== true) {
      this.fault(`${token}: its response is what nobody answered: ${body}`);
    }
    if (status !== 202 && call.reportIds.size > 0 && outcome !== "sent") {
      this.fault(`${token}: ${status}, and it was reported`);
    }
  }

  // What clients do.

  /** A client answers a CALL. */
  answered(token: string, body: string, number: number): void {
    const call = this.apiCalls.get(token);
    if (call === undefined) return;
    const answers = this.#answers.get(namesOf(call)) ?? new Map<string, number>();
    this.#answers.set(namesOf(call), answers.set(body, number));
  }

  // What happens to instances.

  died(instance: string): void {
    this.counts.crashes++;
    this.left(instance);
    this.#lossy.set(instance, this.#timeline.now);
    this.trouble(0);
  }

  #orphan(instance: string): void {
    this.#underWay.delete(instance);
    for (const { attempts } of this.#reports.values()) {
      for (const attempt of attempts) if (attempt.instance === instance) attempt.isOrphan = true;
    }
  }

  /** An instance has shut down: what it had not answered was cut. */
  left(instance: string): void {
    this.#gone.set(instance, this.#timeline.now);
    this.#orphan(instance);
  }

  /** An instance said that it lost messages. */
  lost(instance: string): void {
    this.#lossy.set(instance, this.#timeline.now);
    this.trouble(0);
  }

  /** From now on, for so long, two instances may report the same. */
  trouble(ms: number): void {
    const from = this.#timeline.now;
    this.#troubles.push({ from, to: from + ms });
  }

  #wasTroubled(from: number, to: number): boolean {
    return this.#options.instances > 1 && !this.#options.outbox &&
      this.#troubles.some((trouble) => trouble.from <= to && trouble.to + AFTERMATH_MS >= from);
  }

  /** What is still owed, in words; undefined when all has come. */
  get unsettled(): string | undefined {
    for (const call of this.apiCalls.values()) {
      const { token, status, instance } = call;
      if (status === undefined && !this.#gone.has(instance)) return `${token} has no response`;
      if (status === 202 && !this.#isSettled(call) && !this.#mayBeLost(call)) {
        return `${token}, accepted by ${instance}, has no outcome`;
      }
    }
    for (const [instance, attempts] of this.#underWay) {
      for (const { path } of attempts) return `${instance} waits for the backend: ${path}`;
    }
    return undefined;
  }

  #isSettled(call: ApiCall): boolean {
    return [...call.reportIds].some((id) => this.#isOver(this.#reports.get(id)!));
  }

  #mayBeLost({ instance, answeredAt }: ApiCall): boolean {
    if (this.#options.outbox) return false;
    if ((this.#lossy.get(instance) ?? -1) >= answeredAt) return true;
    // Then it was the holder's alone.
    return this.#gone.has(instance) && this.#wasTroubled(answeredAt, this.#timeline.now);
  }

  /** All is over: what is owed to whom? */
  close(): void {
    for (const call of this.apiCalls.values()) this.#closeCall(call);
  }

  #closeCall(call: ApiCall): void {
    const { token, status, reportIds, instance } = call;
    if (status === undefined) {
      if (!this.#gone.has(instance)) this.fault(`${token} has no response`);
      return;
    }
    if (call.outcome === "not-sent" && call.frames > 0 && status !== 504 && status !== 410) {
      this.fault(`${token} was refused with ${status}, and sent`);
    }
    if (status === 202 && reportIds.size === 0 && !this.#mayBeLost(call)) {
      this.fault(`${token} was accepted by ${instance}, and has no outcome`);
    }
    const reports = [...reportIds].map((id) => this.#reports.get(id)!);
    const isDone = reports.length === 0 || reports.some((report) => this.#isOver(report));
    if (!isDone && !this.#mayBeLost(call)) this.fault(`${token}: its outcome was not taken`);
    if (reportIds.size <= 1) return;
    const to = this.#timeline.now;
    if (!this.#wasTroubled(call.answeredAt, to)) {
      const paths = reports.map(({ first }) => `${first.instance} ${first.path}`);
      this.fault(`${token} has ${reportIds.size} outcomes: ${paths.join(", ")}`);
    }
  }

  #connectionOf(connectionId: string): ConnectionBook {
    let book = this.#connections.get(connectionId);
    if (book === undefined) {
      book = {
        call: { index: -1, attempt: undefined },
        line: undefined,
        reports: new Map(),
        lastAnswer: -1,
        disconnectId: undefined,
      };
      this.#connections.set(connectionId, book);
    }
    return book;
  }
}
