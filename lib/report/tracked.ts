/**
 * A report that the backend has not taken, and what is known of its way there.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Identity } from "../identity.ts";
import type { Log } from "../log/log.ts";
import type { KeptReport, Report } from "../outbox/entry.ts";

/** One that is answered so often … */
const MAX_BAD_ANSWERS = 10;
/** … and for so long without a 2xx is given up. */
const MAX_BAD_MS = 15 * 60_000;

/** What became of a report, for who follows it. */
export type DeliveryState =
  /** It is tried again after it was parked. */
  | "waiting"
  | "delivered"
  | "parked"
  /** Given up: by an operator, or parked for too long. */
  | "removed"
  /** Another owner has it, and delivers it and tells of it. The last change. */
  | "lost";

export interface DeliverOptions {
  /** The UUIDv7 that it goes out under: that of its CALL. One is made without it. */
  readonly id?: string | undefined;
  /** Whether its CALL has a place, which it takes over. */
  readonly hasPlace?: boolean;
  /** Called at each change, but not for the first wait. */
  readonly told?: ((state: DeliveryState) => void) | undefined;
}

/** One that waits, is under way, or is parked. Only `Deliveries` and its parts write to it. */
export class Tracked implements KeptReport {
  readonly id: string;
  readonly client: Identity;
  readonly report: Report;
  readonly since: number;
  /** The length of its body in UTF-8. */
  readonly bytes: number;
  readonly told: ((state: DeliveryState) => void) | undefined;
  /** From when on its age counts, by the clock: of the wait, and then of being parked. */
  bornAt: number;
  /** In the order in which they came. */
  number = 0;
  state: "waiting" | "parked" | "gone" = "waiting";
  /** Whether it may go is not known yet. */
  isHeld = false;
  /** An operator removed it while it was under way. */
  isRemoved = false;
  /** Another owner has it: no more comes of the try that is under way. */
  isLost = false;
  tries = 0;
  lastFailure: string | null = null;
  /** Answers in place of which there should have been a 2xx, and when the first of them came. */
  badAnswers = 0;
  badSince = 0;

  constructor(
    { id, client, report, since }: KeptReport,
    bornAt: number,
    told?: (state: DeliveryState) => void,
  ) {
    this.id = id;
    this.client = client;
    this.report = report;
    this.since = since;
    this.bytes = Buffer.byteLength(report.body);
    this.bornAt = bornAt;
    this.told = told;
  }

  /** One more answer has come that is no 2xx. @returns Whether it is given up. */
  isAnsweredTooBadly(now: number): boolean {
    if (this.badAnswers++ === 0) this.badSince = now;
    return this.badAnswers >= MAX_BAD_ANSWERS && now - this.badSince >= MAX_BAD_MS;
  }

  /** Tells who follows it. */
  tell(state: DeliveryState, log: Pick<Log, "error">): void {
    try {
      this.told?.(state);
    } catch (error) {
      // A fault of ours: it costs no other report.
      log.error("a report failed", { ...reportNames(this), error: String(error) });
    }
  }

  /** As it is kept elsewhere. */
  get kept(): KeptReport {
    const { id, client, report, since } = this;
    return { id, client, report, since };
  }
}

/** How a report is named in the log. */
export function reportNames(
  { client: { clientId, connectionId }, report }: Tracked,
): Record<string, string> {
  const names = { clientId, connectionId, kind: report.kind };
  return report.kind === "disconnect"
    ? names
    : { ...names, action: report.action, messageId: report.messageId };
}
