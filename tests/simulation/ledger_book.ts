/**
 * What was written to the ledger, by whom, and which of its rules were broken.
 *
 * - **Accepted is kept**: what is answered with 202 was in the ledger before.
 * - **Who is there is not inherited from**: another one signs for an owner only when that one's process is no
 *   more, is leaving, or has signed nothing for as long as it takes to be taken for gone. The same goes for
 *   whoever has signed for an owner since.
 * - **Only who has signed for an owner** writes or removes what it owes, and nobody else writes over what
 *   the last one to sign wrote.
 * - **In time**: where nothing else is wrong, what one owed that is lost is delivered 15 seconds later.
 *
 * @module
 */

import { GONE_MS } from "../../lib/outbox/jetstream/times.ts";
import type { Life } from "./life.ts";
import type { Past } from "./past.ts";
import type { Timeline } from "./timeline.ts";

export interface LedgerBookDeps {
  readonly timeline: Timeline;
  readonly past: Past;
  readonly fault: (text: string) => void;
}

/** A name under which something is owed. */
interface Owner {
  readonly life: Life;
  /** Who signed for it last, and under which name that one owed at that time. */
  holder: Life;
  heldAs: string;
  readonly signers: Set<Life>;
  /** Whether it may have kept anything under this name, of which it knows that it is there. */
  wasUsed: boolean;
  /** All that it had is delivered. */
  isOver: boolean;
}

/** A timer may come a little too early. */
const EARLY_MS = 5;

/** Owns who signed for whom. */
export class LedgerBook {
  readonly #deps: LedgerBookDeps;
  readonly #owners = new Map<string, Owner>();
  /** The name of each process, the last one, and when it signed under its own. */
  readonly #own = new Map<Life, { name: string; signedAt: number }>();
  /** Who wrote what is there, by its subject. */
  readonly #writers = new Map<string, Life>();
  /** CALLs that were in the ledger. */
  readonly #kept = new Set<string>();
  readonly counts = { entries: 0, claims: 0, ousted: 0 };

  constructor(deps: LedgerBookDeps) {
    this.#deps = deps;
  }

  /** A sign of life is written. @returns Whether it is the first one of whoever signs. */
  signed(life: Life, name: string): boolean {
    const { now } = this.#deps.timeline;
    const owner = this.#owners.get(name);
    if (owner === undefined) {
      const signers = new Set([life]);
      const owner = { life, holder: life, heldAs: name, signers, wasUsed: false, isOver: false };
      this.#owners.set(name, owner);
      this.#own.set(life, { name, signedAt: now });
      return true;
    }
    if (owner.isOver && owner.life === life) {
      if (owner.wasUsed) this.#deps.fault(`${life.name} signs as ${name}, which an heir has ended`);
      Object.assign(owner, { holder: life, heldAs: name, isOver: false });
    }
    if (owner.life === life && owner.holder === life) {
      owner.wasUsed = true;
      const own = this.#own.get(life);
      if (own?.name === name) own.signedAt = now;
      return false;
    }
    const isOther = owner.holder !== life;
    if (isOther) this.#claimed(life, name, owner);
    owner.holder = life;
    owner.heldAs = this.#own.get(life)?.name ?? "";
    owner.signers.add(life);
    return isOther;
  }

  #claimed(life: Life, name: string, { holder, heldAs }: Owner): void {
    const { timeline, past, fault } = this.#deps;
    this.counts.claims++;
    if (!holder.isAlive || past.isLeaving(holder.name)) return;
    const own = this.#own.get(holder);
    // It goes on under another name: what it had under the older one is another's.
    if (own === undefined || (own.name !== heldAs && own.name !== name)) return;
    const silentMs = timeline.now - own.signedAt;
    if (silentMs < GONE_MS - EARLY_MS) {
      fault(`${life.name} takes over ${name} of ${holder.name}, which signed ${silentMs} ms ago`);
    }
    this.counts.ousted++;
    past.trouble(0);
  }

  /** A sign of life is removed: nothing is owed under this name any more. */
  signRemoved(life: Life, name: string): void {
    this.#checkSigner(life, name, "a sign of life");
    const owner = this.#owners.get(name);
    if (owner !== undefined) owner.isOver = true;
  }

  entryStored(life: Life, name: string, subject: string, text: string): void {
    this.counts.entries++;
    for (const [, token] of text.matchAll(/"action":"(A\d+)"/g)) this.#kept.add(token!);
    this.#checkSigner(life, name, subject);
    const owner = this.#owners.get(name);
    if (owner?.life === life) owner.wasUsed = true;
    const writer = this.#writers.get(subject);
    if (writer !== undefined && writer !== life && writer === owner?.holder) {
      this.#deps.fault(`${life.name} writes over ${subject}, which is ${writer.name}'s by now`);
    }
    this.#writers.set(subject, life);
  }

  entryRemoved(life: Life, name: string, subject: string): void {
    this.#checkSigner(life, name, subject);
    this.#writers.delete(subject);
  }

  #checkSigner(life: Life, name: string, what: string): void {
    if (this.#owners.get(name)?.signers.has(life)) return;
    this.#deps.fault(`${life.name} changes ${what} of ${name}, and has never signed for that one`);
  }

  /** A CALL is answered with 202. */
  accepted(token: string): void {
    if (!this.#kept.has(token)) this.#deps.fault(`${token} is accepted, and not in the ledger`);
  }

  /** Whether a name's process is no more. */
  isLost(name: string): boolean {
    return this.#owners.get(name)?.life.isAlive === false;
  }

  /** Whether a process signed for it first, or last. */
  isOf(life: Life, name: string): boolean {
    const owner = this.#owners.get(name);
    return owner !== undefined && (owner.life === life || owner.holder === life);
  }

  /** Names of those who are there. */
  isOwn(name: string): boolean {
    const life = this.#owners.get(name)?.life;
    return life !== undefined && life.isAlive && this.#own.get(life)?.name === name;
  }
}
