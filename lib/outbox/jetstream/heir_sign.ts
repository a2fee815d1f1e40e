/**
 * What says whose an estate is.
 *
 * @module
 */

import type { LedgerStream } from "./ledger.ts";
import { readSign, type Sign, signText } from "./sign_text.ts";
import { ownerSubject } from "./subject.ts";

/** Owns the last sign of life of an owner that has gone, which names this process as the heir. */
export class HeirSign {
  readonly #owners: LedgerStream;
  readonly #prefix: string;
  #sign: Sign;
  /** 0: it is not there. */
  #seq: number;

  /** @param seq That of the sign, which was written just now. */
  constructor(owners: LedgerStream, prefix: string, sign: Sign, seq: number) {
    this.#owners = owners;
    this.#prefix = prefix;
    this.#sign = sign;
    this.#seq = seq;
  }

  /** Says it again. @returns Whether it is there; undefined when that is not known. Never rejects. */
  async renew(): Promise<boolean | undefined> {
    const subject = ownerSubject(this.#prefix, this.#sign.owner);
    const sign = { ...this.#sign, number: this.#sign.number + 1 };
    const put = await this.#owners.put(subject, signText(sign), this.#seq);
    if (put.kind === "stored") {
      this.#seq = put.seq;
      this.#sign = sign;
      return true;
    }
    if (put.kind !== "conflict") return undefined;
    const last = await this.#owners.last(subject);
    // It was removed, or is this one's own whose answer did not come: it is written the next time.
    if (last === null) this.#seq = 0;
    if (!last || last.seq < put.last) return undefined;
    const isOurs = readSign(last.text)?.heir === sign.heir;
    if (isOurs) this.#seq = last.seq;
    return isOurs;
  }

  /** Takes it away. @returns False when it may still be there. Never rejects. */
  async remove(): Promise<boolean> {
    if (this.#seq > 0 && await this.#owners.remove(this.#seq) === "unknown") return false;
    this.#seq = 0;
    return true;
  }
}
