/**
 * That this process is there, and whether it is still the owner of what it kept.
 *
 * @module
 */

import type { Clock, Timer } from "../../clock.ts";
import type { LedgerStream } from "./ledger.ts";
import { readSign, type Sign, signText } from "./sign_text.ts";
import { ownerSubject } from "./subject.ts";
import { CERTAIN_MS, LOOK_MS, RENEW_MS, SIGN_MISSED_MS } from "./times.ts";

export interface TenureDeps {
  readonly owners: LedgerStream;
  readonly prefix: string;
  readonly clock: Clock;
  /** A name that no owner ever had; a token. */
  readonly newName: () => string;
  /** Where this process is, when no other one can be there at the same time. */
  readonly place: () => string | null;
  /** It is certain again that this is the owner; or not any more. */
  readonly changed: (isCertain: boolean) => void;
  /** Another one has taken over all that was this one's; it has a new name. */
  readonly lost: (before: string) => void;
}

/** So often one sign is tried in a row when others wrote in between. */
const TRIES = 3;

/**
 * Owns this process's name as an owner, and writes its signs of life: each in place of the last one, and
 * only if that is still there. So whoever takes over, which is written in its place, and this owner can
 * never both be right.
 *
 * Always true: while it is certain, nobody else can have taken over, for others wait longer than it does
 * from the last sign that was written.
 */
export class Tenure {
  readonly #deps: TenureDeps;
  #name: string;
  #seq = 0;
  #number = 0;
  #writtenAt = -Infinity;
  #certainUntil = -Infinity;
  #certainSince = 0;
  #wasCertain = false;
  #renewing: Promise<boolean> | undefined;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(deps: TenureDeps) {
    this.#deps = deps;
    this.#name = deps.newName();
  }

  get name(): string {
    return this.#name;
  }

  get isCertain(): boolean {
    return this.#deps.clock.now() < this.#certainUntil;
  }

  /** From when on it has been certain without a break. */
  get certainSince(): number {
    return this.#certainSince;
  }

  /** Writes a sign now, and again and again from then on. */
  begin(): void {
    if (this.#isClosed) return;
    if (this.#timer !== undefined) this.#deps.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.renew();
  }

  /** Writes a sign; one that is being written does. @returns Whether it is there. Never rejects. */
  renew(): Promise<boolean> {
    // It has left: nothing may stand in place of its farewell.
    if (this.#isClosed) return Promise.resolve(false);
    return this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
      if (!this.#isClosed) this.#wait();
    });
  }

  /** Writes a sign; one that is being written already proves nothing. @returns Whether it is there. */
  async confirm(): Promise<boolean> {
    await this.#renewing;
    return await this.renew();
  }

  /**
   * Leaves.
   *
   * @param hasEntries Whether anything is left for an heir, which is told at once then.
   */
  async close(hasEntries: boolean): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.#deps.clock.clearTimeout(this.#timer);
    await this.#renewing;
    if (this.#seq === 0) return;
    if (hasEntries) await this.#put(true);
    else await this.#deps.owners.remove(this.#seq);
  }

  #wait(): void {
    this.#tellChange();
    if (this.#timer !== undefined) return;
    this.#timer = this.#deps.clock.setTimeout(() => {
      this.#timer = undefined;
      void this.renew();
    }, this.isCertain ? RENEW_MS : LOOK_MS);
  }

  async #renew(): Promise<boolean> {
    const { clock } = this.#deps;
    for (let n = 0; n < TRIES; n++) {
      const sentAt = clock.now();
      const said = await this.#put(false);
      if (said === "unknown") break;
      if (said === "again") continue;
      if (said === "lost") {
        this.#lose();
        continue;
      }
      if (!this.isCertain) this.#certainSince = clock.now();
      this.#certainUntil = sentAt + CERTAIN_MS;
      this.#tellChange();
      return true;
    }
    this.#tellChange();
    return false;
  }

  async #put(isGone: boolean): Promise<"written" | "again" | "lost" | "unknown"> {
    const { owners, prefix, place } = this.#deps;
    const subject = ownerSubject(prefix, this.#name);
    const sign: Sign = {
      ...{ owner: this.#name, number: ++this.#number, place: place() },
      ...{ isGone, heir: null },
    };
    const text = signText(sign);
    const put = await owners.put(subject, text, this.#seq);
    if (put.kind === "stored") {
      this.#seq = put.seq;
      this.#writtenAt = this.#deps.clock.now();
      return "written";
    }
    if (put.kind !== "conflict") return "unknown";
    if (put.last === 0) {
      // An heir removes it, long after all that this owner had is delivered; an operator may at any time.
      const missedMs = this.#deps.clock.now() - this.#writtenAt;
      this.#seq = 0;
      return missedMs < SIGN_MISSED_MS ? "again" : "lost";
    }
    const last = await owners.last(subject);
    if (last === undefined || last === null || last.seq < put.last) return "unknown";
    const heir = readSign(last.text)?.heir ?? null;
    if (heir !== null) return "lost";
    // One of its own, whose answer did not come; or nobody's.
    this.#seq = last.seq;
    return last.text === text ? "written" : "again";
  }

  #lose(): void {
    const before = this.#name;
    this.#name = this.#deps.newName();
    this.#seq = 0;
    this.#certainUntil = -Infinity;
    this.#tellChange();
    this.#deps.lost(before);
  }

  #tellChange(): void {
    const { isCertain } = this;
    if (isCertain === this.#wasCertain) return;
    this.#wasCertain = isCertain;
    this.#deps.changed(isCertain);
  }
}
