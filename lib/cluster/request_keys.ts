/**
 * The `Idempotency-Key`s that requests came with.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { RequestKey } from "../outbox/entry.ts";
import type { Found } from "../outbox/store.ts";
import { bytesOf, Retained } from "./retained.ts";
import type { CallEnd, KeyAnswer } from "./survey.ts";

export interface RequestKeysOptions {
  readonly clock: Clock;
  /** How long a key is known after its request was answered. */
  readonly retentionMs: number;
  /** Keys that may be known at once. */
  readonly maxKeys: number;
  /** What the answers of all of them may hold; then no more keys are taken. */
  readonly maxBytes: number;
  readonly ids: { next(): string };
}

/** A request that has its key here, until it is answered. */
export interface Claim {
  readonly id: string;
  readonly key: RequestKey;
  isCommitted: boolean;
  /** Somebody with a smaller id asked for the same key before this one was committed. */
  isBeaten: boolean;
}

type Decided = KeyAnswer & { readonly state: "decided" };

/** What a key and its fingerprint hold beside the answer, about. */
const KEY_BYTES = 400;

/**
 * Owns the keys that were used in this thread.
 *
 * A request claims its key here, in one go, and asks all others then. It goes on when all have answered
 * and none of them was stronger: one that is decided or committed is, and of two others the one with
 * the smaller id. A claim that is not committed is beaten by a question with a smaller id, so that of
 * two that ask each other one goes on at most, in whatever order their questions come.
 *
 * Always true: a key is claimed or decided, never both; none that is decided is forgotten before its
 * time, for there is no room for more then; a claim ends by `decide` or `release`.
 */
export class RequestKeys {
  readonly #options: RequestKeysOptions;
  readonly #claims = new Map<string, Claim>();
  readonly #decided: Retained<Decided>;

  constructor(options: RequestKeysOptions) {
    this.#options = options;
    this.#decided = new Retained(options);
  }

  /** Keys that are claimed or decided. */
  get size(): number {
    return this.#claims.size + this.#decided.size;
  }

  /** @returns A new claim; or what is known of the key; or that there is no room for one more. */
  claim(key: RequestKey): { readonly claim: Claim } | KeyAnswer | "full" {
    const known = this.#known(key.key);
    if (known !== null) return known;
    if (!this.#hasRoom) return "full";
    const claim = { id: this.#options.ids.next(), key, isCommitted: false, isBeaten: false };
    this.#claims.set(key.key, claim);
    return { claim };
  }

  /** Answers another thread or instance that has claimed the key for itself. */
  answer(key: RequestKey, claimId: string): KeyAnswer | null {
    const claim = this.#claims.get(key.key);
    if (claim !== undefined && !claim.isCommitted && claimId < claim.id) claim.isBeaten = true;
    // Whoever was beaten is no reason for a third one to give way.
    return claim?.isBeaten === true ? null : this.#known(key.key);
  }

  /**
   * The others have answered, and none was stronger.
   *
   * @returns Null when the claim is committed: its request may go. Otherwise who was stronger meanwhile;
   *   the claim is released then.
   */
  commit(claim: Claim): KeyAnswer | null {
    const { id, key, isBeaten } = claim;
    if (this.#claims.get(key.key) !== claim) return this.#known(key.key);
    if (isBeaten) {
      this.release(claim);
      const { fingerprint } = key;
      return { state: "claimed", fingerprint, claimId: id, isCommitted: false };
    }
    claim.isCommitted = true;
    return null;
  }

  /** The request was not accepted: its key is free again. */
  release(claim: Claim): void {
    if (this.#claims.get(claim.key.key) === claim) this.#claims.delete(claim.key.key);
  }

  /** The request was answered: the same again gets the same answer. */
  decide({ key }: Pick<Claim, "key">, reply: CallEnd): void {
    this.#claims.delete(key.key);
    this.#decided.delete(key.key);
    this.#decided.put(
      key.key,
      { state: "decided", fingerprint: key.fingerprint, reply },
      KEY_BYTES + bytesOfReply(reply),
    );
  }

  /**
   * A CALL with this key was accepted here for somebody else, or before a restart. Without room it is
   * not kept: whoever accepted it keeps it too.
   */
  bind(key: RequestKey): void {
    if (this.#decided.get(key.key) !== undefined) return;
    if (this.#claims.has(key.key) || this.#hasRoom) this.decide({ key }, { kind: "accepted" });
  }

  /** What an earlier process, or a thread that died, had accepted under keys. */
  recovered({ calls, reports }: Found): void {
    for (const { key } of [...calls, ...reports]) if (key !== undefined) this.bind(key);
  }

  /** Forgets all. */
  close(): void {
    this.#claims.clear();
    this.#decided.close();
  }

  get #hasRoom(): boolean {
    const { maxKeys, maxBytes } = this.#options;
    return this.size < maxKeys && this.#decided.bytes < maxBytes;
  }

  #known(name: string): KeyAnswer | null {
    const claim = this.#claims.get(name);
    if (claim === undefined) return this.#decided.get(name) ?? null;
    const { id: claimId, key: { fingerprint }, isCommitted } = claim;
    return { state: "claimed", fingerprint, claimId, isCommitted };
  }
}

function bytesOfReply(reply: CallEnd): number {
  if (reply.kind !== "outcome") return 0;
  const { outcome } = reply;
  switch (outcome.kind) {
    case "result":
      return bytesOf(outcome.payload);
    case "error":
      return bytesOf(outcome.codeText + outcome.descriptionText + outcome.details);
    case "timeout":
      return 0;
    case "gone":
      return bytesOf(outcome.reason);
  }
}
