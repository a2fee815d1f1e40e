/**
 * Whose request it is.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { FLAG_TOKEN, type Token } from "../config/token.ts";
import type { RequestHeaders } from "../request.ts";

/** Who asks where no token is needed. */
export const ANYBODY: Token = { name: "-", sha256: "", role: "admin" };
/** Who asks for what needs no token anywhere. */
export const STRANGER: Token = { ...ANYBODY, role: "read" };

/** Finds the token of a request with these headers; undefined when it is missing or wrong. */
export type Authorize = (headers: RequestHeaders) => Token | undefined;

/** A token, and what its text is compared with. */
interface Known {
  readonly token: Token;
  readonly digest: Uint8Array;
}

/**
 * Owns the tokens that count.
 *
 * Asks for `Authorization: Bearer TOKEN` (RFC 6750 §2.1). Compares digests in constant time, and all
 * of them, so that neither a token, nor its length, nor its place in the list can be measured.
 */
export class Authority {
  #own: readonly Known[];
  #others: readonly Known[] | undefined;

  /**
   * @param apiToken The text of `--api-token`, which may everything.
   * @param tokens Those of the file; undefined without one. Without both everybody may everything.
   */
  constructor(apiToken: string | undefined, tokens: readonly Token[] | undefined) {
    this.#own = apiToken === undefined ? [] : [ownOf(apiToken)];
    this.#others = tokens?.map(known);
  }

  /** Whether somebody without a token gets nothing. */
  get needsToken(): boolean {
    return this.#own.length > 0 || this.#others !== undefined;
  }

  /** Takes another text in place of that of `--api-token`. */
  replaceOwn(apiToken: string): void {
    this.#own = [ownOf(apiToken)];
  }

  /** Takes other tokens in place of those of the file. */
  replace(tokens: readonly Token[]): void {
    this.#others = tokens.map(known);
  }

  readonly authorize: Authorize = (headers) => {
    if (!this.needsToken) return ANYBODY;
    const text = /^bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "")?.[1];
    if (text === undefined) return undefined;
    const given = digestOf(text);
    let found: Token | undefined;
    // To the end, whichever it is. One that the flag gives too is the flag's.
    for (const { token, digest } of [...this.#others ?? [], ...this.#own]) {
      const isSame = timingSafeEqual(given, digest);
      found = isSame ? token : found;
    }
    return found;
  };
}

function ownOf(apiToken: string): Known {
  return { token: { name: FLAG_TOKEN, sha256: "", role: "admin" }, digest: digestOf(apiToken) };
}

function known(token: Token): Known {
  return { token, digest: Uint8Array.fromHex(token.sha256) };
}

function digestOf(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
