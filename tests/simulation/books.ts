/**
 * What went over the edges, and which rules it broke. Knows nothing of what is inside of the gateway.
 *
 * The rules, by the contract's sections 3 to 6: those of `report_book.ts`, `call_book.ts` and
 * `newest_book.ts`; where JetStream keeps what is owed, those of `ledger_book.ts` and `estate_book.ts`; and
 *
 * - **CALLs of clients** are forwarded in the order sent, one at a time of each connection; none is sent again but
 *   one that provably never left.
 * - **A backend that is away**: as long as it can only not be reached, and is not away (`away.ts`), no
 *   client gets a CALLERROR, and none is closed with 1013 while there is room for its CALLs.
 * - **Bounds**: no more requests under way than `--backend-connections`.
 *
 * @module
 */

import type { Config } from "../../lib/config/config.ts";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import type { Sight } from "../../lib/forwarder/look.ts";
import { AwayModel, isHeld } from "./away.ts";
import { CallBook } from "./call_book.ts";
import type { Attempt, ClientCall } from "./entries.ts";
import { EstateBook } from "./estate_book.ts";
import { LedgerBook } from "./ledger_book.ts";
import { NewestBook } from "./newest_book.ts";
import { Past } from "./past.ts";
import type { Keeping } from "./plan.ts";
import { ReportBook } from "./report_book.ts";
import type { Timeline } from "./timeline.ts";

export interface BooksOptions {
  readonly config: Config;
  readonly instances: number;
  readonly outbox: Keeping;
  /** Whether clients are held back in place of refusing what they send. */
  readonly canHold: boolean;
}

/** What left an instance for one connection. */
interface ConnectionBook {
  index: number;
  attempt: Attempt | undefined;
  line: number | undefined;
}

/** An instance may stand still for so long. */
const STANDSTILL_MS = 10_000;
/** CALLERRORs of the gateway itself that have nothing to do with the backend. */
const OWN_ERRORS = /queue full|overloaded/;
/** Those that no client gets which can be held back. */
const FOR_WANT_OF_ROOM = /^(queue full|gateway overloaded)$/;

export class Books {
  readonly #options: BooksOptions;
  readonly #timeline: Timeline;
  readonly faults: string[] = [];
  readonly past: Past;
  readonly newest: NewestBook;
  readonly ledger: LedgerBook;
  readonly estates: EstateBook;
  readonly reports: ReportBook;
  readonly calls: CallBook;
  readonly clientCalls = new Map<string, ClientCall>();
  readonly counts = { awayCloses: 0, heldCalls: 0, holds: 0 };
  readonly #connections = new Map<string, ConnectionBook>();
  readonly #underWay = new Map<string, Set<Attempt>>();
  readonly #away = new Map<string, AwayModel>();

  constructor(options: BooksOptions, timeline: Timeline) {
    const { config, outbox } = options;
    const isLedger = outbox === "nats";
    // Over JetStream an instance and the next one in its place are two.
    const instances = isLedger ? Math.max(2, options.instances) : options.instances;
    const { reportTtlMs, maxReports, outcomeRetentionMs: retentionMs } = config;
    this.#options = options;
    this.#timeline = timeline;
    const past = new Past(timeline, instances);
    const fault = (text: string): void => this.fault(text);
    this.past = past;
    this.newest = new NewestBook(timeline, past, fault);
    this.ledger = new LedgerBook({ timeline, past, fault });
    this.estates = new EstateBook({ timeline, past, fault });
    this.reports = new ReportBook({
      ...{ timeline, past, fault, reportTtlMs, maxReports },
      callBy: (action) => this.calls.calls.get(action),
      answerNumber: (call, body) => this.calls.numberOf(call, body),
      estates: isLedger ? this.estates : undefined,
    });
    this.calls = new CallBook({
      ...{ timeline, past, fault, instances, maxReports, retentionMs },
      hasOutbox: outbox !== "none",
      hasHeirs: isLedger,
      reports: this.reports,
      onAccepted: (token) => isLedger && this.ledger.accepted(token),
    });
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
    if (underWay.size > this.#options.config.backendConnections) {
      this.fault(`${instance} has ${underWay.size} requests under way`);
    }
    if (kind === "call" || kind === "send") this.#clientCallBegins(attempt);
    else if (kind !== "connect") this.reports.begins(attempt);
  }

  /** An instance is told what came of a try. */
  replied(attempt: Attempt, reply: BackendReply): void {
    attempt.reply = reply;
    attempt.repliedAt = this.#timeline.now;
    this.awayOf(attempt.instance).replied(reply);
    this.#underWay.get(attempt.instance)?.delete(attempt);
    this.reports.replied(attempt, reply);
  }

  /** An instance has looked for the backend. */
  saw(instance: string, sight: Sight): void {
    this.awayOf(instance).saw(sight);
  }

  awayOf(instance: string): AwayModel {
    let model = this.#away.get(instance);
    if (model === undefined) {
      model = new AwayModel(this.#timeline, this.#options.config.awayHoldMs);
      this.#away.set(instance, model);
    }
    return model;
  }

  #callsOf(instance: string): ClientCall[] {
    return [...this.clientCalls.values()].filter((call) => call.instance === instance);
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
    const most = kind === "call" ? Infinity : call.sent * (1 + this.#options.config.retries);
    const isTry = last !== undefined && last.reply?.ok === false &&
      last.reply.fault === "unreachable" && call.attempts.length <= most;
    if (!isTry && ++call.forwarded > call.sent) {
      this.fault(`${token} is forwarded again, and may have arrived`);
    }
    if (isTry) this.counts.heldCalls++;
    // Of one that was sent again the first may have been refused.
    if (last === undefined && call.sent === 1 && call.index < book.index) {
      this.fault(`${token} is out of order`);
    }
    const before = book.attempt;
    if (before !== undefined && before.reply === undefined && !before.isOrphan) {
      this.fault(`${token} is forwarded while ${before.path} is under way`);
    }
    book.index = Math.max(book.index, call.index);
    book.attempt = attempt;
    call.attempts.push(attempt);
  }

  #connectionOf(connectionId: string): ConnectionBook {
    let book = this.#connections.get(connectionId);
    if (book === undefined) {
      book = { index: -1, attempt: undefined, line: undefined };
      this.#connections.set(connectionId, book);
    }
    return book;
  }

  get canHold(): boolean {
    return this.#options.canHold;
  }

  // What clients see.

  /** A CALLERROR leaves for a client, in answer to its CALL. */
  refuses({ token, attempts, instance }: ClientCall, description: string): void {
    if (this.canHold && FOR_WANT_OF_ROOM.test(description)) {
      this.fault(`${token} gets CALLERROR "${description}", and could be held back`);
    }
    if (OWN_ERRORS.test(description)) return;
    const isTold = attempts.some(({ reply }) =>
      reply !== undefined && (reply.ok || reply.fault !== "unreachable")
    );
    if (isTold) return;
    const { backendAway } = this.#options.config;
    // A shutdown waits for no backend.
    if (this.past.isLeaving(instance)) return;
    const isAway = backendAway === "answer" && description === "the backend is away" &&
      this.awayOf(instance).mayBeAway(this.#callsOf(instance));
    if (!isAway) this.fault(`${token} gets CALLERROR "${description}" while it could wait`);
  }

  /** An instance closes a client because the backend is away. */
  closesAway(instance: string, clientId: string, line: number): void {
    this.counts.awayCloses++;
    if (this.#options.config.backendAway === "answer") {
      this.fault(`${instance} closes ${clientId}, and should answer`);
    }
    const model = this.awayOf(instance);
    const calls = this.#callsOf(instance);
    // Before it is away CALLs that wait for it may have filled all the room there is.
    // Of a client that was closed one may still be held.
    const { maxWaiting, awayHoldMs } = this.#options.config;
    // Those that came while it stood still too.
    const since = this.#timeline.now - 2 * awayHoldMs - STANDSTILL_MS;
    const held = calls.filter((call) => (call.arrivals.at(-1) ?? -1) >= since && isHeld(call));
    const isFull = model.isMissed && held.length >= maxWaiting;
    // Asked in either case: it remembers.
    const isAway = model.mayBeAway(calls);
    if (!isFull && !isAway) {
      this.fault(`${instance} closes ${clientId} while the backend is not away`);
    }
    for (const call of this.clientCalls.values()) if (call.line === line) call.isDropped = true;
  }

  // What happens to instances.

  /** An instance is no more: what it had not answered was cut. */
  ended(instance: string, how: "crash" | "unsynced" | "clean"): void {
    this.past.ended(instance, how);
    for (const attempt of this.#underWay.get(instance) ?? []) attempt.isOrphan = true;
    this.#underWay.delete(instance);
    this.reports.orphan(instance);
  }

  /** What is still owed, in words; undefined when all has come. */
  owed(isFinal: boolean): string | undefined {
    const owed = this.calls.owed(isFinal) ?? this.reports.unparked;
    if (owed !== undefined) return owed;
    for (const [instance, attempts] of this.#underWay) {
      for (const { path } of attempts) return `${instance} waits for the backend: ${path}`;
    }
    return undefined;
  }
}
