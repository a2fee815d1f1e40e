/**
 * What the outbox needs of JetStream.
 *
 * @module
 */

/**
 * A sequence that was given long ago: a write that expects it is refused by the stream's leader by itself,
 * which says what is there. One that expects nothing, or something that is not there yet, goes through all
 * servers before it is refused. Of such ones nats-server 2.9 loses count when it is killed, and its copy of
 * the stream then differs from the others for good.
 */
export const PAST = 1;

/** What came of a write. */
export type Put =
  | { readonly kind: "stored"; readonly seq: number }
  /** Nothing was written: the last message on the subject is another one; 0: there is none. */
  | { readonly kind: "conflict"; readonly last: number }
  /** There is no room in the stream. */
  | { readonly kind: "full" }
  /** It is larger than NATS takes. */
  | { readonly kind: "too_large" }
  /** No answer in time: it may have been written, now or later. */
  | { readonly kind: "unknown" };

/** A message as it is in a stream. */
export interface Message {
  readonly subject: string;
  readonly seq: number;
  readonly text: string;
}

/** One stream with at most one message for each subject. None of it rejects; each ends in bounded time. */
export interface LedgerStream {
  /**
   * Writes the message of a subject in place of the one that was there.
   *
   * @param last The sequence of the one that is there, so that nothing is written over what another one
   *   wrote; 0: there must be none.
   */
  put(subject: string, text: string, last: number): Promise<Put>;
  /** Removes a message; `absent`: it is not there, or another one is there in its place. */
  remove(seq: number): Promise<"removed" | "absent" | "unknown">;
  /**
   * The message of a subject, by the word of the stream's leader, which may be behind right after an
   * election; null: none; undefined: no answer.
   */
  last(subject: string): Promise<Message | null | undefined>;
  /**
   * All messages whose subjects match, in the order in which they were written, as far as they were there
   * at the beginning.
   *
   * @param take Takes some; what follows is not read before it has resolved. Must not reject.
   * @returns False when it broke off.
   */
  read(filter: string, take: (messages: readonly Message[]) => Promise<void>): Promise<boolean>;
}

/** Whom a ledger tells of what happens. */
export interface LedgerFollower {
  /** It can be used, for the first time or again. */
  up(): void;
  /** The stream of what is owed was made anew: all that was in it is gone, and its numbers begin again. */
  anew(): void;
  /** A message was just written to a subject of owners, by another one. Not each of them may be heard. */
  ownerSaid(subject: string, text: string): void;
}

/** Both streams, and the way to them. */
export interface Ledger {
  /** What is owed. */
  readonly entries: LedgerStream;
  /** Who owes it, and is there. */
  readonly owners: LedgerStream;
  /** Whether it can be used, as far as is known. */
  readonly isUp: boolean;
  /** This machine's address, as NATS sees it. */
  readonly clientIp: string | undefined;
  /** Once only; an `up` from before is told now. */
  follow(follower: LedgerFollower): void;
  /** Leaves NATS. */
  close(timeoutMs: number): Promise<void>;
}
