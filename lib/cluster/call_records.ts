/**
 * How far CALLs to clients have got, for those who ask.
 *
 * @module
 */

import type { CallWatch } from "../client/pending.ts";
import type { Clock } from "../clock.ts";
import { dialectOf } from "../codec/subprotocol.ts";
import type { Found } from "../outbox/store.ts";
import type { CallOutcome } from "../report/outcome.ts";
import type { DeliveryState } from "../report/tracked.ts";
import { lostReport, outcomeReport } from "../report/report.ts";
import type { Report } from "../outbox/entry.ts";
import type { CallNames, Client } from "./bus.ts";
import { bytesOf, Retained } from "./retained.ts";
import type { CallName, CallRecord, Delivery, RecordedOutcome } from "./survey.ts";

export interface CallRecordsOptions {
  readonly clock: Clock;
  /** How long a CALL is known after its end. */
  readonly retentionMs: number;
  /** CALLs that may be known at once. */
  readonly maxRecords: number;
  /** What the outcomes of all of them may hold. */
  readonly maxBytes: number;
  /** The call time-out in words, as the backend is told of it. */
  readonly callTimeoutText: string;
  readonly ids: { next(): string };
}

/** A CALL that is about to be taken. */
export interface NewCall extends CallName {
  /** Undefined for one that nobody has named yet. */
  readonly id?: string | undefined;
  /** When it was accepted, in milliseconds since 1970; now without. */
  readonly acceptedAt?: number | undefined;
  /** Whether the backend gets its outcome. */
  readonly isReported: boolean;
  /** The subprotocol of the client. */
  readonly protocol: string | null;
}

/** What the outcome says of a CALL whose caller did not wait long enough for its turn. */
const NEVER_SENT = "the client was busy with earlier CALLs all the time";

/**
 * Owns what is known of the CALLs to the clients of this thread: from the acceptance of each until the
 * retention has passed after its end.
 *
 * Always true: there are no more than may be, and the outcomes hold no more: those that ended first go
 * first, and a CALL for which there is no room is not known. A path names one CALL, the newest.
 */
export class CallRecords {
  readonly #options: CallRecordsOptions;
  readonly #open = new Map<string, RecordedCall>();
  readonly #ended: Retained<RecordedCall>;
  readonly #byId = new Map<string, RecordedCall>();

  constructor(options: CallRecordsOptions) {
    this.#options = options;
    const { clock, retentionMs } = options;
    const onDrop = (_: string, { id }: RecordedCall): void => void this.#byId.delete(id);
    this.#ended = new Retained({ clock, retentionMs, onDrop });
  }

  /** CALLs that are known. */
  get size(): number {
    return this.#open.size + this.#ended.size;
  }

  /** What is known of a CALL; null when nothing is. */
  find(name: CallName): CallRecord | null {
    const path = pathOf(name);
    const call = this.#open.get(path) ?? this.#ended.get(path);
    return call?.record ?? null;
  }

  /** A CALL is about to be taken. Nothing is known of it before `keep`. */
  begin(call: NewCall): RecordedCall {
    const { ids, clock, callTimeoutText } = this.#options;
    return new RecordedCall(call.id ?? ids.next(), call, clock, callTimeoutText, {
      kept: (recorded) => this.#keep(recorded),
      ended: (recorded) => this.#end(recorded),
      dropped: (recorded) => this.#drop(recorded),
    });
  }

  /** What became of the report of the CALL with this id, as `RecordedCall.settle` has it. */
  settle(id: string, delivery: DeliveryState): void {
    this.#byId.get(id)?.settle(delivery);
  }

  /** The CALLs with these ids are another owner's, which tells of them. */
  lostTo(ids: readonly string[]): void {
    for (const id of ids) this.#byId.get(id)?.drop();
  }

  /** The instance that had taken a CALL has gone, and its end is reported from here. */
  lost({ clientId, protocol }: Client, call: CallNames): void {
    const { action, messageId, id } = call;
    const name = { action, messageId, clientId };
    this.#recover({ ...name, id, isReported: true, protocol }, lostReport(call, protocol));
  }

  /**
   * What an earlier process, or a thread that died, left behind.
   *
   * @param reason Why its CALLs have no other outcome.
   */
  recovered({ calls, reports }: Found, reason: string): void {
    for (const { id, client, action, messageId, acceptedAt } of calls) {
      const { clientId, protocol } = client;
      const outcome = { kind: "gone", wasSent: true, reason } as const;
      const report = outcomeReport({ action, messageId }, outcome, dialectOf(protocol), "");
      const call = { id, clientId, protocol, action, messageId, acceptedAt, isReported: true };
      this.#recover(call, report);
    }
    for (const { id, client, report, since, parked } of reports) {
      if (report.kind !== "result" && report.kind !== "error") continue;
      const { clientId, protocol } = client;
      const { action, messageId } = report;
      // Nobody knows when it was accepted, but that it was before.
      const call = { id, clientId, protocol, action, messageId, acceptedAt: since };
      this.#recover({ ...call, isReported: true }, report, since);
      if (parked !== undefined) this.settle(id, "parked");
    }
  }

  /** Forgets all. */
  close(): void {
    this.#open.clear();
    this.#ended.close();
    this.#byId.clear();
  }

  #recover(call: NewCall, report: Report, endedAt?: number): void {
    const recorded = this.begin(call);
    recorded.endWith(report, endedAt);
    recorded.keep();
  }

  #keep(recorded: RecordedCall): void {
    const { path } = recorded;
    const older = this.#open.get(path) ?? this.#ended.get(path);
    if (older !== undefined) this.#forget(older);
    while (this.size >= this.#options.maxRecords) if (!this.#ended.dropOldest()) return;
    this.#byId.set(recorded.id, recorded);
    if (recorded.hasEnded) this.#retain(recorded);
    else this.#open.set(path, recorded);
  }

  #end(recorded: RecordedCall): void {
    if (this.#open.get(recorded.path) !== recorded) return;
    this.#open.delete(recorded.path);
    this.#retain(recorded);
  }

  #drop(recorded: RecordedCall): void {
    const { path } = recorded;
    if ((this.#open.get(path) ?? this.#ended.get(path)) === recorded) this.#forget(recorded);
  }

  #retain(recorded: RecordedCall): void {
    this.#ended.put(recorded.path, recorded, recorded.bytes);
    while (this.#ended.bytes > this.#options.maxBytes && this.#ended.dropOldest());
  }

  #forget({ id, path }: RecordedCall): void {
    this.#open.delete(path);
    this.#ended.delete(path);
    this.#byId.delete(id);
  }
}

/** Who is told what becomes of a CALL. */
interface Keeper {
  kept(call: RecordedCall): void;
  ended(call: RecordedCall): void;
  dropped(call: RecordedCall): void;
}

/** One CALL, as it gets on. */
export class RecordedCall implements CallWatch {
  readonly id: string;
  /** The path that names it. */
  readonly path: string;
  readonly #call: NewCall;
  readonly #clock: Clock;
  readonly #callTimeoutText: string;
  readonly #keeper: Keeper;
  readonly #acceptedAt: number;
  #sentAt: number | null = null;
  #endedAt: number | null = null;
  #outcome: RecordedOutcome | null = null;
  #delivery: Delivery | null = null;
  #deliveredAt: number | null = null;

  constructor(id: string, call: NewCall, clock: Clock, callTimeoutText: string, keeper: Keeper) {
    this.id = id;
    this.path = pathOf(call);
    this.#call = call;
    this.#clock = clock;
    this.#callTimeoutText = callTimeoutText;
    this.#keeper = keeper;
    this.#acceptedAt = call.acceptedAt ?? clock.wallNow();
  }

  get hasEnded(): boolean {
    return this.#outcome !== null;
  }

  /** What its outcome holds. */
  get bytes(): number {
    return bytesOf(this.#outcome?.body ?? "");
  }

  get record(): CallRecord {
    return {
      id: this.id,
      isReported: this.#call.isReported,
      acceptedAt: this.#acceptedAt,
      sentAt: this.#sentAt,
      endedAt: this.#endedAt,
      outcome: this.#outcome,
      delivery: this.#delivery,
      deliveredAt: this.#deliveredAt,
    };
  }

  /** It was taken: it is known from now on. It may have ended already. */
  keep(): void {
    this.#keeper.kept(this);
  }

  /** It was not taken, or it is another instance's to tell of it. */
  drop(): void {
    this.#keeper.dropped(this);
  }

  sent(): void {
    this.#sentAt ??= this.#clock.wallNow();
  }

  ended(outcome: CallOutcome): void {
    const dialect = dialectOf(this.#call.protocol);
    this.endWith(outcomeReport(this.#call, outcome, dialect, this.#callTimeoutText));
  }

  /** Whoever waited for it went away before its turn came. */
  neverSent(): void {
    this.ended({ kind: "gone", wasSent: false, reason: NEVER_SENT });
  }

  /** It ended as the backend is told. @param at When, in milliseconds since 1970; now without. */
  endWith({ kind, body }: Report, at = this.#clock.wallNow()): void {
    if (this.hasEnded) return;
    this.#endedAt = at;
    this.#outcome = { kind: kind === "result" ? "result" : "error", body };
    if (this.#call.isReported) this.#delivery ??= "waiting";
    this.#keeper.ended(this);
  }

  /**
   * Its report got so far. One that was removed will not be delivered; of one that is lost another owner
   * tells.
   */
  settle(delivery: DeliveryState): void {
    if (delivery === "lost") return this.drop();
    if (!this.#call.isReported) return;
    this.#delivery = delivery === "removed" ? null : delivery;
    this.#deliveredAt = delivery === "delivered" ? this.#clock.wallNow() : null;
  }
}

/** Names have no control characters. */
function pathOf({ action, clientId, messageId }: CallName): string {
  return `${action}\n${clientId}\n${messageId}`;
}
