/**
 * Which CALLs and SENDs may have a slot when some of them hang.
 *
 * @module
 */

import { Queue } from "../queue/queue.ts";
import type { BackendReply } from "./forwarder.ts";
import type { Post, Standing } from "./layer.ts";

/** A look at what is under way, while there is reason for it. */
export const LOOK_MS = 250;
/** Looks after which a request hangs: it is older than a second then. */
const LOOKS_UNTIL_HANGING = 5;
/** Fewer are no trouble, and not looked for, however few slots there are. */
const MIN_HANGING = 4;
/** Of how many clients of each kind is kept how they fared; the oldest are forgotten. */
const MAX_KNOWN = 100_000;
/** Of so many slots that come free, the last two are for clients that others go before. */
const TURNS = 8;

/**
 * Owns what is known of clients while CALLs hang, and shares the slots by it:
 *
 * - **All is well** until a sixteenth of the slots is held by requests older than a second. Nothing is
 *   known of anybody then, and CALLs go in their order.
 * - **Trouble**: from then on it is noted how each client fares. One whose last CALL was answered
 *   within a second is `quick`, one whose CALL took longer, or hangs now, is `slow`; the others are
 *   `unknown`. Quick ones may have all slots, and go first; the others leave an eighth free, and slow
 *   ones have half of them at most. Of eight slots for which several wait, one each is for those behind.
 * - **Slow clients outnumber quick ones**: the backend is slow for everybody, and nobody is held back.
 * - It is over, and all is forgotten, when for `memoryMs` fewer hang, or nothing is under way.
 *
 * A request that hangs counts as a slow client's, whoever's it was when it began.
 */
export class CallSlots {
  readonly #max: number;
  readonly #reserve: number;
  readonly #hangingFrom: number;
  readonly #looksToForget: number;
  readonly #waiting: Readonly<Record<Standing, Queue<Post>>> = {
    quick: new Queue(),
    unknown: new Queue(),
    slow: new Queue(),
  };
  readonly #underWay: Record<Standing, number> = { quick: 0, unknown: 0, slow: 0 };
  /** In no order: each post knows its place. */
  readonly #posts: Post[] = [];
  readonly #quick = new Set<string>();
  readonly #slow = new Set<string>();
  #isTrouble = false;
  /** Looks so far; the clock of all this. */
  #looks = 0;
  /** The last one that saw enough hang. */
  #lastHanging = 0;
  #hanging = 0;
  #turn = 0;

  /**
   * @param max Most CALLs under way. With fewer than 8 nobody is held back.
   * @param memoryMs How long it must be well before all is forgotten.
   */
  constructor(max: number, memoryMs: number) {
    this.#max = max;
    this.#reserve = Math.floor(max / 8);
    this.#hangingFrom = Math.max(MIN_HANGING, Math.ceil(max / 16));
    this.#looksToForget = Math.ceil(memoryMs / LOOK_MS);
  }

  get underWay(): number {
    return this.#posts.length;
  }

  /** Requests under way that were older than a second at the last look. */
  get hanging(): number {
    return this.#hanging;
  }

  /** Clients that wait behind others. */
  get slowClients(): number {
    return this.#slow.size;
  }

  /** Whether so many are under way that it must be looked how old they are. */
  get isWorthALook(): boolean {
    return this.#isTrouble || this.#posts.length >= this.#hangingFrom;
  }

  /** Those that wait, by how their clients fared. */
  get queues(): readonly Queue<Post>[] {
    return [this.#waiting.quick, this.#waiting.unknown, this.#waiting.slow];
  }

  /** Where a request waits, if it must. */
  queueOf({ standing }: Post): Queue<Post> {
    return this.#waiting[standing];
  }

  /** Takes note whose request it is that has come. */
  judge(post: Post): void {
    post.standing = this.#isTrouble ? this.#standingOf(post.request.origin.clientId) : "unknown";
  }

  /** Whether a client of that standing may have one of the slots that are free. */
  hasSlot(standing: Standing): boolean {
    if (this.#posts.length >= this.#max) return false;
    if (!this.#isTrouble || standing === "quick" || this.#isSlowForAll) return true;
    const { unknown, slow } = this.#underWay;
    return unknown + slow < this.#max - this.#reserve &&
      (standing === "unknown" || slow < this.#max >> 1);
  }

  /** The queue whose first request is next; undefined when none can begin. */
  next(): Queue<Post> | undefined {
    const { quick, unknown, slow } = this.#waiting;
    if (quick.length + slow.length === 0) return this.#ifItCan("unknown");
    const isTurnOf = this.#turn % TURNS;
    const first = isTurnOf === TURNS - 1 && slow.length > 0
      ? this.#ifItCan("slow")
      : isTurnOf === TURNS - 2 && unknown.length > 0
      ? this.#ifItCan("unknown")
      : undefined;
    return first ?? this.#ifItCan("quick") ?? this.#ifItCan("unknown") ?? this.#ifItCan("slow");
  }

  begin(post: Post): void {
    this.#turn++;
    post.place = this.#posts.length;
    post.begunAtLook = this.#looks;
    this.#posts.push(post);
    this.#underWay[post.standing]++;
  }

  end(post: Post, reply: BackendReply): void {
    const last = this.#posts.pop()!;
    if (last !== post) {
      this.#posts[post.place] = last;
      last.place = post.place;
    }
    this.#underWay[post.standing]--;
    if (!this.#isTrouble) return;
    if (this.#isHanging(post)) this.#note(post, this.#slow, this.#quick);
    else if (reply.ok) this.#note(post, this.#quick, this.#slow);
  }

  /** To be called every `LOOK_MS` while it is worth it. */
  look(): void {
    this.#looks++;
    this.#hanging = 0;
    for (const post of this.#posts) if (this.#isHanging(post)) this.#hanging++;
    if (this.#hanging >= this.#hangingFrom) {
      this.#isTrouble = this.#reserve > 0;
      this.#lastHanging = this.#looks;
    }
    const isOver = this.#posts.length === 0 ||
      this.#looks - this.#lastHanging >= this.#looksToForget;
    if (isOver) this.forget();
    else if (this.#isTrouble) this.#markHanging();
  }

  /** All is well, or to be taken for it. */
  forget(): void {
    this.#isTrouble = false;
    this.#quick.clear();
    this.#slow.clear();
  }

  get #isSlowForAll(): boolean {
    return this.#slow.size > this.#quick.size;
  }

  #ifItCan(standing: Standing): Queue<Post> | undefined {
    const queue = this.#waiting[standing];
    return queue.length > 0 && this.hasSlot(standing) ? queue : undefined;
  }

  #standingOf(clientId: string): Standing {
    if (this.#slow.has(clientId)) return "slow";
    return this.#quick.has(clientId) ? "quick" : "unknown";
  }

  #isHanging({ begunAtLook }: Post): boolean {
    return this.#looks - begunAtLook >= LOOKS_UNTIL_HANGING;
  }

  /** At once, not when it ends: the client may come back on another connection meanwhile. */
  #markHanging(): void {
    for (const post of this.#posts) {
      if (post.standing === "slow" || !this.#isHanging(post)) continue;
      this.#underWay[post.standing]--;
      post.standing = "slow";
      this.#underWay.slow++;
      this.#note(post, this.#slow, this.#quick);
    }
  }

  #note({ request: { origin: { clientId } } }: Post, now: Set<string>, before: Set<string>): void {
    before.delete(clientId);
    now.add(clientId);
    if (now.size > MAX_KNOWN) now.delete(now.values().next().value!);
  }
}
