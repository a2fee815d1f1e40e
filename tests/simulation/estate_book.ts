/**
 * What instances inherited and lost while they ran, and which rules were broken.
 *
 * - **One heir**: what one instance inherited another one inherits only when that one has gone, or was
 *   cut off since.
 * - **In order**: of what an instance inherited the answers of one connection are told in the order in which
 *   they were given, and before its end.
 * - **What is lost is left alone**: nothing that another one has taken over is tried any more.
 *
 * @module
 */

import type { Found } from "../../lib/outbox/store.ts";
import { type Attempt, clientOf } from "./entries.ts";
import type { Past } from "./past.ts";
import type { Timeline } from "./timeline.ts";

export interface EstateBookDeps {
  readonly timeline: Timeline;
  readonly past: Past;
  readonly fault: (text: string) => void;
}

interface Heir {
  readonly instance: string;
  readonly at: number;
}

/** What an instance told of what it inherited of one connection. */
interface Telling {
  /** When it inherited that. */
  at: number;
  /** That of the last answer. */
  number: number;
  /** Whether it told of its end. */
  hasEnded: boolean;
}

/** What one owner left comes within this time, but for what was written late. */
const TOGETHER_MS = 1000;
/** A try that had begun may wait so long for its turn. */
const TURN_MS = 10_000;

/** Owns who inherited what. */
export class EstateBook {
  readonly #deps: EstateBookDeps;
  /** By Webhook-Id: the last one. */
  readonly #heirs = new Map<string, Heir>();
  /** Webhook-Ids that are others' by now, of each instance, and when it was told so. */
  readonly #lost = new Map<string, Map<string, number>>();
  /**
   * What an instance inherited and has not tried since. It may have tried it before: it was its own and lost,
   * or a client took its CALL along from one that ended before it could remove that.
   */
  readonly #returned = new Set<string>();
  /** What each instance still tried of a client's after it was told. */
  readonly #late = new Set<string>();
  /** By instance and connection. */
  readonly #told = new Map<string, Telling>();
  readonly counts = { inherited: 0, lost: 0 };

  constructor(deps: EstateBookDeps) {
    this.#deps = deps;
  }

  /** An instance is told what it inherits. */
  inherited(instance: string, { calls, reports }: Found): void {
    const { timeline } = this.#deps;
    for (const { id } of [...reports, ...calls]) {
      this.counts.inherited++;
      const before = this.#heirs.get(id);
      if (before !== undefined) this.#checkHeir(id, instance, before);
      this.#heirs.set(id, { instance, at: timeline.now });
      this.#lost.get(instance)?.delete(id);
      this.#returned.add(`${instance} ${id}`);
    }
  }

  #checkHeir(id: string, instance: string, before: Heir): void {
    const { past, timeline, fault } = this.#deps;
    if (this.#lost.get(before.instance)?.has(id)) return;
    if (before.instance === instance) return fault(`${instance} inherits ${id} twice`);
    if (past.endOf(before.instance) !== undefined || past.isLeaving(before.instance)) return;
    if (past.wasTroubled(before.at, timeline.now)) return;
    fault(`${instance} inherits ${id}, and so did ${before.instance}`);
  }

  /** An instance is told what is another's by now. */
  lost(instance: string, ids: readonly string[]): void {
    const lost = this.#lost.get(instance) ?? new Map();
    this.#lost.set(instance, lost);
    for (const id of ids) {
      this.counts.lost++;
      lost.set(id, this.#deps.timeline.now);
    }
  }

  /**
   * A report is tried.
   *
   * @param number That of the answer that it tells, if it does.
   * @param isFirst By this instance, and it was never parked.
   */
  begins(attempt: Attempt, number: number | undefined, isFirst: boolean): void {
    const { instance, webhookId: id = "", connectionId, path, kind } = attempt;
    const { fault } = this.#deps;
    this.#checkLost(attempt, id);
    const heir = this.#heirs.get(id);
    if (!isFirst || heir?.instance !== instance) return;
    const key = `${instance} ${connectionId}`;
    let told = this.#told.get(key);
    if (told === undefined || heir.at - told.at > TOGETHER_MS) {
      told = { at: heir.at, number: -1, hasEnded: false };
      this.#told.set(key, told);
    }
    if (kind === "disconnect") {
      told.hasEnded = true;
      return;
    }
    if (number === undefined) return;
    if (number < told.number) fault(`${path} is inherited, and told behind a later answer`);
    if (told.hasEnded) fault(`${path} is inherited, and told behind the disconnect`);
    told.number = Math.max(number, told.number);
  }

  /** Whether an instance tries this for the first time since it inherited it. */
  returns(instance: string, id: string): boolean {
    return this.#returned.delete(`${instance} ${id}`);
  }

  /** Whether an instance is the last one that inherited this. */
  isHeir(instance: string, id: string): boolean {
    return this.#heirs.get(id)?.instance === instance;
  }

  /** Whether an instance was told that this is another's. */
  hasLost(instance: string, id: string): boolean {
    return this.#lost.get(instance)?.has(id) === true;
  }

  /** The one report of each client that was under way then may still leave. */
  #checkLost(attempt: Attempt, id: string): void {
    const { instance, path } = attempt;
    const lostAt = this.#lost.get(instance)?.get(id);
    if (lostAt === undefined) return;
    const one = `${instance} ${lostAt} ${clientOf(attempt)}`;
    const isLate = this.#late.has(one) || this.#deps.timeline.now - lostAt > TURN_MS;
    this.#late.add(one);
    if (!isLate) return;
    this.#deps.fault(`${path} comes from ${instance}, which was told that it is another's`);
  }
}
