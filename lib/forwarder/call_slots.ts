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
/** Looks after which a request is suspect, older than a quarter of a second, and hangs, older than one. */
const LOOKS_UNTIL_SUSPECT = 2;
const LOOKS_UNTIL_HANGING = 5;
/** So many suspects are looked after, and fewer that hang are no trouble, however few slots there are. */
const MIN_SUSPECTS = 4;
/** What was answered so many looks ago counts half. */
const LOOKS_TO_HALVE = 40;
/** Of how many clients of each kind is kept how they fared; the oldest are forgotten. */
const MAX_KNOWN = 100_000;
/** Of so many slots that come free, the last two are for clients that others go before. */
const TURNS = 8;

/**
 * Owns what is known of clients while CALLs hang, and shares the slots by it.
 *
 * - **All is well** while fewer than 4 requests are older than a quarter of a second. Nothing is known
 *   of anybody then, and CALLs go in their order.
 * - **From then on** it is noted how each client fares: one whose last CALL was answered within a second
 *   is `quick`; one whose CALL hangs for longer, or did, is `slow`; of the others nothing is known.
 * - **Trouble** is when requests older than a second hold a sixteenth of the slots, and ends `memoryMs`
 *   after that was last so. Quick clients may have all slots then, and go first; the others leave an
 *   eighth free, and slow ones have half at most. Of eight slots for which several wait, one each is for
 *   those behind.
 * - **Quick clients that hang** make the proof of all quick ones void, as soon as they are as many.
 * - **Most answers slow**: the backend is slow for everybody, and nobody is held back.
 *
 * A request that hangs counts as a slow client's, whoever's it was when it began.
 */
export class CallSlots {
  readonly #max: number;
  readonly #reserve: number;
  readonly #hangingFrom: number;
  readonly #memoryLooks: number;
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
  #isNoting = false;
  #isTrouble = false;
  /** Looks so far: the clock of all this. */
  #looks = 0;
  #troubleUntil = 0;
  #hanging = 0;
  /** Quick clients whose CALL hung, since the others were proven quick. */
  #disproved = 0;
  /** While it is noted: answers within a second, and later ones, those of long ago counting less. */
  #quickAnswers = 0;
  #slowAnswers = 0;
  #turn = 0;

  /**
   * @param max Most CALLs under way. With fewer than 8 nobody is held back.
   * @param memoryMs How long it must be well before all is forgotten.
   */
  constructor(max: number, memoryMs: number) {
    this.#max = max;
    this.#reserve = Math.floor(max / 8);
    this.#hangingFrom = Math.max(MIN_SUSPECTS, Math.ceil(max / 16));
    this.#memoryLooks = Math.ceil(memoryMs / LOOK_MS);
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
    return this.#posts.length >= MIN_SUSPECTS || this.#isNoting;
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
    if (!this.#isNoting) return;
    // Then a look has noted it.
    if (this.#isHanging(post)) this.#slowAnswers++;
    else if (reply.ok) {
      this.#quickAnswers++;
      this.#note(post, this.#quick, this.#slow);
    }
  }

  /** To be called every `LOOK_MS` while it is worth it. */
  look(): void {
    this.#looks++;
    this.#hanging = this.#olderThan(LOOKS_UNTIL_HANGING);
    if (this.#posts.length === 0) this.#troubleUntil = 0;
    else if (this.#hanging >= this.#hangingFrom) {
      this.#troubleUntil = this.#looks + this.#memoryLooks;
    }
    this.#isTrouble = this.#reserve > 0 && this.#looks < this.#troubleUntil;
    this.#isNoting = this.#isTrouble ||
      this.#reserve > 0 && this.#olderThan(LOOKS_UNTIL_SUSPECT) >= MIN_SUSPECTS;
    if (!this.#isNoting) return this.#forget();
    this.#markHanging();
    if (this.#looks % LOOKS_TO_HALVE > 0) return;
    this.#quickAnswers /= 2;
    this.#slowAnswers /= 2;
  }

  #forget(): void {
    this.#quick.clear();
    this.#slow.clear();
    this.#disproved = this.#quickAnswers = this.#slowAnswers = 0;
  }

  #olderThan(looks: number): number {
    let count = 0;
    for (const { begunAtLook } of this.#posts) if (this.#looks - begunAtLook >= looks) count++;
    return count;
  }

  get #isSlowForAll(): boolean {
    return this.#slowAnswers > this.#quickAnswers;
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
      if (post.standing === "quick") this.#disproved++;
      this.#underWay[post.standing]--;
      post.standing = "slow";
      this.#underWay.slow++;
      this.#note(post, this.#slow, this.#quick);
    }
    if (this.#disproved < this.#hangingFrom) return;
    this.#disproved = 0;
    this.#quick.clear();
  }

  #note({ request: { origin: { clientId } } }: Post, now: Set<string>, before: Set<string>): void {
    before.delete(clientId);
    now.add(clientId);
    if (now.size > MAX_KNOWN) now.delete(now.values().next().value!);
  }
}
