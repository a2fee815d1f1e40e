/**
 * The outbox's work: takes what stores say, writes it in groups, and goes on when the disk fails.
 *
 * @module
 */

import { type Clock, every } from "../../clock.ts";
import { type Bounds, type Change, Unwritten } from "../unwritten.ts";
import type { Database } from "./database.ts";
import { Estates } from "./estates.ts";
import { reasonOf } from "./fault.ts";
import { found } from "./found.ts";
import { type FoundPart, MAIN, type Told } from "../thread/message.ts";
import { type DeskPort, Places, type Said } from "../thread/places.ts";
import type { Entry } from "../entry.ts";

export interface DeskDeps {
  readonly database: Pick<
    Database,
    "write" | "probe" | "checkpoint" | "checkpointAll" | "has" | "read" | "close" | "lastOwner"
  >;
  readonly clock: Clock;
  readonly tell: (told: Told) => void;
  readonly bounds?: Bounds;
}

/** In one transaction; and about so many UTF-16 code units of bodies. */
const GROUP = 2000;
const GROUP_CHARS = 4 * 1024 ** 2;
const RETRY_MS = 1000;
/**
 * Owns what is to be written, and who left what.
 *
 * What comes in one turn of the event loop, or while the last group was written, is one group. While
 * the disk fails no CALL is kept; what else is told waits in memory and is tried again each second.
 */
export class Desk {
  readonly #deps: DeskDeps;
  readonly #unwritten: Unwritten;
  readonly #estates: Estates;
  readonly #places: Places;
  /** Whom to tell when the next group is written. */
  #waiting: { readonly owner: number; readonly batch: number }[] = [];
  #isScheduled = false;
  #failingSince: number | undefined;
  #stopRetrying: (() => void) | undefined;
  #isFull = false;
  #isClosed = false;

  constructor(deps: DeskDeps) {
    this.#deps = deps;
    this.#unwritten = new Unwritten(deps.bounds);
    this.#estates = new Estates(deps.database.lastOwner);
    this.#places = new Places(deps.clock, (owner, said) => this.#take(owner, said));
  }

  /** A store of this owner speaks through a port from now on. */
  attach(owner: number, port: DeskPort): void {
    this.#places.attach(owner, port);
  }

  /** All that an owner left, as soon as all that it had said was taken; it is the heir's then. */
  async recover(
    owner: number,
    heir: number,
    ask: number,
    post: (part: FoundPart) => void,
  ): Promise<void> {
    await this.#places.leave(owner);
    this.#hand(this.#estates.ofDead(owner, heir), ask, post);
  }

  /** Writes what there is and closes the file; what cannot be written is lost. */
  close(): void {
    if (this.#failingSince !== undefined) this.#tryAgain();
    this.#write();
    this.#isClosed = true;
    this.#stopRetrying?.();
    this.#places.close();
    try {
      this.#deps.database.close();
    } catch (error) {
      // What is in the log of changes is found there at the next start.
      this.#deps.tell({ kind: "failing", error: reasonOf(error) });
    }
  }

  #take(owner: number, message: Said): void {
    if (message.kind === "recover") {
      const post = (part: FoundPart): void => this.#places.post(owner, part);
      return this.#hand(this.#estates.ofEarlier(owner), message.ask, post);
    }
    for (const change of message.changes) this.#note(change, owner);
    this.#waiting.push({ owner, batch: message.batch });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#deps.clock.setImmediate(() => {
      this.#isScheduled = false;
      if (!this.#isClosed) this.#write();
    });
  }

  #note(change: Change, owner: number): void {
    const known = this.#unwritten.get(change.id)?.owner ?? owner;
    // Its client took the CALL along to another thread, whose word came first.
    if (change.isDelivered && known !== owner && owner !== MAIN) return;
    if (!this.#unwritten.merge(change, owner) && !this.#isFull) {
      this.#isFull = true;
      this.#deps.tell({ kind: "full" });
    }
    if (this.#failingSince === undefined || !change.isDelivered) return;
    // It came and went while the disk failed: nothing is to be deleted of it.
    try {
      if (!this.#deps.database.has(change.id)) this.#unwritten.remove(change.id);
    } catch {
      // Then it is deleted for nothing.
    }
  }

  /** Writes all, unless the disk fails; tells whose CALLs are kept. */
  #write(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    let isKept = false;
    if (this.#failingSince === undefined) {
      try {
        this.#writeGroups();
        isKept = true;
      } catch (error) {
        this.#fail(error);
      }
    }
    if (!isKept) this.#unwritten.dropAccepts();
    for (const { owner, batch } of waiting) {
      this.#places.post(owner, { kind: "written", batch, isKept });
    }
    if (isKept) this.#checkpoint();
  }

  #writeGroups(): void {
    const accepted: Change[] = [];
    try {
      while (this.#unwritten.size > 0) {
        const group = this.#unwritten.first(GROUP, GROUP_CHARS);
        this.#deps.database.write(group, this.#estates.base);
        for (const change of group) {
          if (change.accept !== undefined) accepted.push(change);
          this.#unwritten.remove(change.id);
        }
        // In between as well: what waited through an outage is more than the log should hold.
        if (this.#unwritten.size > 0) this.#deps.database.checkpoint();
      }
    } catch (error) {
      // All of them are told no, so none of them may be found later.
      for (const { id, owner } of accepted) this.#unwritten.delivered(id, owner);
      throw error;
    }
  }

  #checkpoint(): void {
    try {
      this.#deps.database.checkpoint();
    } catch (error) {
      // The log would grow for ever.
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failingSince !== undefined) return;
    const { clock, tell } = this.#deps;
    this.#failingSince = clock.now();
    this.#stopRetrying = every(clock, RETRY_MS, () => this.#tryAgain());
    tell({ kind: "failing", error: reasonOf(error) });
  }

  #tryAgain(): void {
    const { database, clock, tell } = this.#deps;
    try {
      // First: on a full disk there is room in the log that is there, when it begins anew.
      database.checkpointAll();
      this.#writeGroups();
      database.probe();
    } catch {
      return;
    }
    this.#stopRetrying?.();
    tell({ kind: "writing", durationMs: Math.round(clock.now() - this.#failingSince!) });
    this.#failingSince = undefined;
    this.#isFull = false;
  }

  #hand(
    owners: ReturnType<Estates["ofEarlier"]>,
    ask: number,
    post: (part: FoundPart) => void,
  ): void {
    const { database, tell } = this.#deps;
    this.#write();
    const base = this.#estates.base;
    const read = function* (): Generator<Entry> {
      for (const each of owners) yield* database.read(each);
    };
    try {
      // What could not be written is only here.
      for (const part of found(read(), this.#unwritten, owners, base)) {
        post({ kind: "found", ask, ...part, isLast: false });
      }
    } catch (error) {
      tell({ kind: "unreadable", error: reasonOf(error) });
    }
    post({ kind: "found", ask, calls: [], reports: [], isLast: true });
  }
}
