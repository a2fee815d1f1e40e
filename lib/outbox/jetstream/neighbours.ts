/**
 * Other owners: who is there, and who has gone and has no heir.
 *
 * @module
 */

import type { Clock } from "../../clock.ts";
import type { LedgerStream, Message } from "./ledger.ts";
import { readSign, type Sign, signText } from "./sign_text.ts";
import { ownerSubject } from "./subject.ts";
import type { Tenure } from "./tenure.ts";
import { GONE_MS, GRACE_MS } from "./times.ts";

export interface NeighboursDeps {
  readonly owners: LedgerStream;
  readonly tenure: Pick<Tenure, "name" | "isCertain" | "certainSince">;
  readonly prefix: string;
  readonly clock: Clock;
  /** Where this process is: who was there before has ended. */
  readonly place: () => string | null;
  /** Whether this is the heir of that owner already. */
  readonly has: (owner: string) => boolean;
  /**
   * This is the heir of an owner from now on.
   *
   * @param seq That of the owner's last sign of life, which says so.
   * @param silentMs How long nothing was heard of it.
   */
  readonly inherit: (owner: string, seq: number, silentMs: number) => Promise<void>;
}

/** Far more than there can be: whoever may speak here must not fill the memory. */
const MAX_OWNERS = 10_000;

interface Known {
  sign: Sign;
  heardAt: number;
}

/**
 * Owns what is known of other owners, and takes over what those left who have gone.
 *
 * What is heard is a hint: before anything is taken over the last sign of life is read, and what says who
 * the heir is takes its place only if it still is the last one.
 */
export class Neighbours {
  readonly #deps: NeighboursDeps;
  readonly #known = new Map<string, Known>();
  readonly #underWay = new Set<string>();

  constructor(deps: NeighboursDeps) {
    this.#deps = deps;
  }

  /** A sign of life, maybe an old one. */
  heard(text: string): void {
    const sign = readSign(text);
    if (sign === undefined || sign.owner === this.#deps.tenure.name) return;
    const known = this.#known.get(sign.owner);
    if (known === undefined) {
      if (this.#known.size >= MAX_OWNERS) return;
      this.#known.set(sign.owner, { sign, heardAt: this.#deps.clock.now() });
    } else if (sign.number > known.sign.number) {
      known.sign = sign;
      known.heardAt = this.#deps.clock.now();
    }
  }

  /** Reads all signs of life. @returns Whether it could. */
  list(): Promise<boolean> {
    const { owners, prefix } = this.#deps;
    return owners.read(ownerSubject(prefix, "*"), (messages) => {
      for (const { text } of messages) this.heard(text);
      return Promise.resolve();
    });
  }

  /** Takes over from those that have gone. @returns When that was tried once with each of them. */
  async look(): Promise<void> {
    if (!this.#deps.tenure.isCertain) return;
    const gone = [...this.#known.keys()].filter((owner) => this.#hasGone(owner));
    await Promise.all(gone.map((owner) => this.#claimOnce(owner)));
  }

  #hasGone(owner: string): boolean {
    const { tenure, place, has } = this.#deps;
    const { sign, heardAt } = this.#known.get(owner)!;
    const isSilent = this.#isSilent(heardAt);
    if (sign.heir !== null) {
      if (sign.heir === tenure.name) return !has(owner);
      const heir = this.#known.get(sign.heir);
      // One that is not known has ended, or will be heard of by then.
      if (heir === undefined) return isSilent;
      // One that is silent is taken over itself first: else it could come back, and be in charge as well.
      return heir.sign.isGone || heir.sign.heir !== null || this.#isAt(heir.sign, place());
    }
    return sign.isGone || this.#isAt(sign, place()) || isSilent;
  }

  /** Two processes cannot be at one place: the other one has ended. */
  #isAt(sign: Sign, place: string | null): boolean {
    return place !== null && sign.place === place;
  }

  #isSilent(heardAt: number): boolean {
    const { clock, tenure } = this.#deps;
    const now = clock.now();
    return now - heardAt >= GONE_MS && now - tenure.certainSince >= GRACE_MS;
  }

  async #claimOnce(owner: string): Promise<void> {
    if (this.#underWay.has(owner)) return;
    this.#underWay.add(owner);
    await this.#claim(owner);
    this.#underWay.delete(owner);
  }

  async #claim(owner: string): Promise<void> {
    const { owners, prefix, clock, tenure, has, inherit } = this.#deps;
    const known = this.#known.get(owner);
    if (known === undefined) return;
    const subject = ownerSubject(prefix, owner);
    const last: Message | null | undefined = await owners.last(subject);
    if (last === undefined) return;
    if (last === null) return void this.#known.delete(owner);
    const sign = readSign(last.text);
    if (sign === undefined) return;
    const silentMs = Math.round(clock.now() - known.heardAt);
    const heir = tenure.name;
    // Its answer did not come.
    if (sign.heir === heir && !has(owner)) return await inherit(owner, last.seq, silentMs);
    // Also what was written in vain is heard.
    if (sign.number > known.sign.number) known.heardAt = clock.now();
    known.sign = sign;
    if (sign.heir !== null && !await this.#knowsNewest(sign.heir)) return;
    if (!tenure.isCertain || !this.#hasGone(owner)) return;
    const next: Sign = { ...sign, number: sign.number + 1, heir };
    const put = await owners.put(subject, signText(next), last.seq);
    if (put.kind !== "stored" || heir !== tenure.name) return;
    known.sign = next;
    known.heardAt = clock.now();
    await inherit(owner, put.seq, silentMs);
  }

  /** Of an heir of which nothing was heard the last sign is read too. @returns Whether it could be. */
  async #knowsNewest(heir: string): Promise<boolean> {
    const { owners, prefix } = this.#deps;
    const last = await owners.last(ownerSubject(prefix, heir));
    if (last === undefined) return false;
    if (last !== null) this.heard(last.text);
    return true;
  }

  /** An estate has ended, and its owner with it. */
  forget(owner: string): void {
    this.#known.delete(owner);
  }
}
