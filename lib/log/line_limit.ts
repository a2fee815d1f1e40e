/**
 * Which lines of the log are written, and which are only counted.
 *
 * @module
 */

/** Levels that clients can cause lines of. */
export const LIMITED_LEVELS = ["info", "warn", "error"] as const;
export type LimitedLevel = (typeof LIMITED_LEVELS)[number];

interface Limit {
  /** Lines of one event. */
  readonly event: number;
  /** Of these, lines of one client. */
  readonly client: number;
  /** Lines of one event that name no client. */
  readonly bare: number;
}

/** What is written in one window; further lines are only counted. */
const LIMITS: Readonly<Record<LimitedLevel, Limit>> = {
  // 100,000 clients that come back at once are no news line by line.
  info: { event: 1000, client: 20, bare: 1000 },
  warn: { event: 200, client: 10, bare: 10 },
  error: { event: 500, client: 20, bare: 100 },
};
export const WINDOW_MS = 10_000;

/** What a line says of who caused it: the client, or where somebody is who is none yet. */
export interface Culprit {
  readonly clientId?: string;
  readonly remoteAddress?: string;
}

/** Lines of one event that were not written. */
export interface LeftOut {
  readonly level: LimitedLevel;
  readonly event: string;
  readonly suppressed: number;
  /** Who wrote most of those that write them; empty when they name nobody. */
  readonly most: Culprit;
}

/** One client's lines of an event. */
interface Share {
  readonly culprit: Culprit;
  written: number;
  suppressed: number;
}

/**
 * The lines of one event within one window.
 *
 * Always true: no line of more than the event's limit is written, each share has a line that was
 * written, so that there are no more shares than lines; no client has more lines than its limit. Half of
 * the event's lines are for first lines of clients alone, and no address has more than half: whoever
 * writes many, under one name or under many, leaves room for the others.
 */
export class LineWindow {
  readonly level: LimitedLevel;
  readonly event: string;
  /** When it began, by the clock that is asked for the window's end. */
  readonly since: number;
  #written = 0;
  #suppressed = 0;
  readonly #shares = new Map<string, Share>();
  readonly #addresses = new Map<string, number>();

  constructor(level: LimitedLevel, event: string, since: number) {
    this.level = level;
    this.event = event;
    this.since = since;
  }

  /** What was not written, undefined when all was. */
  get leftOut(): LeftOut | undefined {
    const { level, event } = this;
    if (this.#suppressed === 0) return undefined;
    let most: Share | undefined;
    for (const share of this.#shares.values()) {
      if (share.suppressed > (most?.suppressed ?? 0)) most = share;
    }
    return { level, event, suppressed: this.#suppressed, most: most?.culprit ?? {} };
  }

  /** Whether this line is to be written; one that is not is counted. */
  takes(culprit: Culprit): boolean {
    const { clientId, remoteAddress } = culprit;
    const name = clientId ?? remoteAddress ?? "";
    const share = this.#shares.get(name);
    const isWritten = this.#hasRoom(name === "", share?.written ?? 0, remoteAddress);
    if (!isWritten) {
      this.#suppressed++;
      if (share !== undefined) share.suppressed++;
      return false;
    }
    this.#written++;
    if (share === undefined) this.#shares.set(name, { culprit, written: 1, suppressed: 0 });
    else share.written++;
    if (remoteAddress !== undefined) {
      this.#addresses.set(remoteAddress, (this.#addresses.get(remoteAddress) ?? 0) + 1);
    }
    return true;
  }

  #hasRoom(isBare: boolean, written: number, remoteAddress: string | undefined): boolean {
    const { event, client, bare } = LIMITS[this.level];
    if (isBare) return written < bare && this.#written < event;
    const half = event / 2;
    const ofAddress = remoteAddress === undefined ? 0 : this.#addresses.get(remoteAddress) ?? 0;
    // Those that are let in have connected, which costs more than a line; a proxy has one address.
    const isAddressFull = this.level === "warn" && ofAddress >= half;
    return written < client && this.#written < (written === 0 ? event : half) && !isAddressFull;
  }
}
