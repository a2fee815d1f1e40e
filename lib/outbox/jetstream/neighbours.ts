/**
 * Other owners: who is there, and who has gone and has no heir.
 *
 * @module
 */

import type { Clock } from "../../clock.ts";
import type { LedgerStream } from "./ledger.ts";
import { readSign, type Sign, signText } from "./sign_text.ts";
import { ownerSubject } from "./subject.ts";
import type { Tenure } from "./tenure.ts";
import { GONE_MS, GRACE_MS, PLACE_MS } from "./times.ts";

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
   * @param sign The owner's last sign of life, which says so.
   * @param seq That of it.
   * @param silentMs How long nothing was heard of it.
   */
  readonly inherit: (sign: Sign, seq: number, silentMs: number) => Promise<void>;
}

/** Far more than there can be: whoever may speak here must not fill the memory. */
const MAX_OWNERS = 10_000;

/** So many are taken over from at the same time: each is read in a question of its own. */
const AT_ONCE = 32;

interface Known {
  sign: Sign;
  heardAt: number;
  /** It has said something since it was heard of. */
  isThere: boolean;
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
      this.#known.set(sign.owner, { sign, heardAt: this.#deps.clock.now(), isThere: false });
    } else if (sign.number > known.sign.number) {
      known.sign = sign;
      known.heardAt = this.#deps.clock.now();
      known.isThere = true;
    }
  }

  /** Whether it will soon be known of one at this place if it has ended. */
  get awaitsWord(): boolean {
    const place = this.#deps.place();
    return place !== null &&
      [...this.#known.values()].some(({ sign, isThere }) =>
        sign.place === place && sign.heir === null && !isThere
      );
  }

  /** Whether any other one is there that would take over, as far as is known. */
  get hasOthers(): boolean {
    const since = this.#deps.clock.now() - GONE_MS;
    return [...this.#known.values()].some(({ sign, heardAt }) =>
      !this.#isOver(sign) && heardAt > since
    );
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
    const gone = [...this.#known.keys()]
      .filter((owner) => !this.#underWay.has(owner) && this.#hasGone(owner))
      .slice(0, AT_ONCE - this.#underWay.size);
    await Promise.all(gone.map((owner) => this.#claimOnce(owner)));
  }

  #hasGone(owner: string): boolean {
    const { tenure, has } = this.#deps;
    const { sign, heardAt } = this.#known.get(owner)!;
    const { heir } = sign;
    if (heir === null) return sign.isGone || this.#isReplaced(owner) || this.#isSilent(heardAt);
    if (heir === tenure.name) return !has(owner);
    const known = this.#known.get(heir);
    // One that is not known has ended, or will be heard of by then.
    return known === undefined ? this.#isSilent(heardAt) : this.#isOver(known.sign);
  }

  /** An owner has nothing any more, and nothing that it was the heir of. */
  #isOver({ isGone, heir }: Sign): boolean {
    return isGone || heir !== null;
  }

  /**
   * Two processes cannot be at one place: the other one has ended. Where machines are called the same and
   * have one address in the eyes of NATS they can, or this one cannot start because of the other one: so
   * one that still writes has not.
   */
  #isReplaced(owner: string): boolean {
    const { clock, tenure, place } = this.#deps;
    const { sign, heardAt } = this.#known.get(owner)!;
    const since = Math.max(heardAt, tenure.certainSince);
    return sign.place !== null && sign.place === place() && clock.now() - since >= PLACE_MS;
  }

  #isSilent(heardAt: number): boolean {
    const { clock, tenure } = this.#deps;
    const now = clock.now();
    return now - heardAt >= GONE_MS && now - tenure.certainSince >= GRACE_MS;
  }

  async #claimOnce(owner: string): Promise<void> {
    this.#underWay.add(owner);
    await this.#claim(owner);
    this.#underWay.delete(owner);
    const known = this.#known.get(owner);
    if (known === undefined) return;
    // The others are next.
    this.#known.delete(owner);
    this.#known.set(owner, known);
  }

  async #claim(owner: string): Promise<void> {
    const { owners, prefix, clock, tenure, has, inherit } = this.#deps;
    const known = this.#known.get(owner);
    if (known === undefined) return;
    const last = await this.#last(owner);
    if (last === undefined) return;
    if (last === null) return void this.#known.delete(owner);
    const { sign } = last;
    const silentMs = Math.round(clock.now() - known.heardAt);
    const heir = tenure.name;
    // Its answer did not come.
    if (sign.heir === heir && !has(owner)) return await inherit(sign, last.seq, silentMs);
    this.#read(owner, sign);
    if (sign.heir !== null && !await this.#isHeirOver(sign)) return;
    if (!tenure.isCertain || !this.#hasGone(owner)) return;
    const next: Sign = { ...sign, number: sign.number + 1, heir };
    const put = await owners.put(ownerSubject(prefix, owner), signText(next), last.seq);
    if (put.kind !== "stored" || heir !== tenure.name) return;
    known.sign = next;
    known.heardAt = clock.now();
    // What it was the heir of came to be before what it had itself.
    await Promise.all(this.#estatesOf(owner).map((each) => this.#claimOnce(each)));
    if (heir === tenure.name) await inherit(next, put.seq, silentMs);
  }

  /** Of which owners this one is the heir, as far as is known, and nobody has begun to take them over. */
  #estatesOf(owner: string): string[] {
    return [...this.#known].filter(([each, { sign }]) =>
      sign.heir === owner && each !== owner && !this.#underWay.has(each)
    ).map(([each]) => each);
  }

  /** The last sign of an owner: it counts, whatever was heard. */
  #read(owner: string, sign: Sign): void {
    const known = this.#known.get(owner);
    if (known?.sign.number === sign.number) known.sign = sign;
    // What was written and not heard is heard now.
    else {
      const isThere = known !== undefined;
      this.#known.set(owner, { sign, heardAt: this.#deps.clock.now(), isThere });
    }
  }

  /**
   * Whether it is certain that an heir of this owner has nothing any more. One that is silent is taken over
   * from first: so the two can never both be right.
   */
  async #isHeirOver({ owner, heir }: Sign): Promise<boolean> {
    if (heir === null || heir === owner) return true;
    const last = await this.#last(heir);
    if (last === undefined) return false;
    if (last === null) {
      this.#known.delete(heir);
      return true;
    }
    this.#read(heir, last.sign);
    return this.#isOver(last.sign);
  }

  /** The last sign of an owner. @returns Null: it has none; undefined: that is not known. */
  async #last(owner: string): Promise<{ sign: Sign; seq: number } | null | undefined> {
    const { owners, prefix } = this.#deps;
    const last = await owners.last(ownerSubject(prefix, owner));
    if (!last) return last;
    const sign = readSign(last.text);
    // The subject says whose it is.
    return sign && { sign: { ...sign, owner }, seq: last.seq };
  }

  /** An estate has ended, and its owner with it. */
  forget(owner: string): void {
    this.#known.delete(owner);
  }
}
