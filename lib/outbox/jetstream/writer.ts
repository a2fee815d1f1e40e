/**
 * Writes what stores say into the ledger.
 *
 * @module
 */

import { type Clock, pause, type Timer } from "../../clock.ts";
import { type Bounds, type Change, Unwritten } from "../unwritten.ts";
import { FULL_MS, Room } from "./room.ts";
import type { Tenure } from "./tenure.ts";
import { ACCEPT_MS } from "./times.ts";
import { type Tried, tryWrite, type WritingDeps } from "./writing.ts";

export interface WriterDeps extends WritingDeps {
  readonly tenure: Pick<Tenure, "name" | "isCertain" | "confirm">;
  readonly isUp: () => boolean;
  readonly clock: Clock;
  /** Whether an accepted CALL is kept; once for each that was taken. */
  readonly accepted: (id: string, isKept: boolean) => void;
  /** The stream has no room; or it has again. */
  readonly full: (isFull: boolean) => void;
  /** A report is larger than NATS takes: it is in memory only. */
  readonly tooLarge: (change: Change) => void;
  readonly bounds?: Bounds | undefined;
}

/** Under way at once. */
const MAX_UNDER_WAY = 256;
/** A pause before what had no answer is tried again. */
const AGAIN_MS = 250;

/** What waits for its turn, and until when none of it is tried. */
interface Line {
  readonly changes: Unwritten;
  pausedUntil: number;
}

/**
 * Owns what is not written yet: by id what waits, what is under way, and what waits behind that. Of one
 * id one thing is under way at a time; what is said meanwhile comes to one thing behind it. What is to
 * be removed has a line of its own, for it makes room.
 *
 * While it is not certain that this is the owner no CALL is kept, and nothing comes to be that was not
 * there. What is there is written whoever is the owner: what an heir has is not written over.
 */
export class Writer {
  readonly #deps: WriterDeps;
  readonly #writes: Line;
  readonly #removes: Line;
  readonly #behind: Unwritten;
  readonly #underWay = new Map<string, Change>();
  /** Of each id here: what came to be later has a greater one, on other machines too. */
  readonly #ords = new Map<string, number>();
  #lastOrd = 0;
  #isWritesTurn = false;
  readonly #room: Room;
  #timer: Timer | undefined;
  /** Counts how often all was another one's; what was under way then concerns nobody. */
  #era = 0;
  readonly #onIdle: (() => void)[] = [];
  #isClosed = false;

  constructor(deps: WriterDeps) {
    this.#deps = deps;
    this.#writes = { changes: new Unwritten(deps.bounds), pausedUntil: -Infinity };
    this.#removes = { changes: new Unwritten(deps.bounds), pausedUntil: -Infinity };
    this.#behind = new Unwritten(deps.bounds);
    this.#room = new Room(deps.clock, deps.full);
  }

  /** Ids of which it remembers anything: none when nothing is left to be written. */
  get ids(): number {
    return this.#ords.size;
  }

  /** Whether the stream had no room when something was written last. */
  get isFull(): boolean {
    return this.#room.isFull;
  }

  /** What is not written of one id, the newest last. */
  changesOf(id: string): Change[] {
    return [this.#underWay.get(id), this.#waitingOf(id), this.#behind.get(id)]
      .filter((change) => change !== undefined);
  }

  /** That of an id of which something is not written. */
  ordOf(id: string): number {
    return this.#ords.get(id) ?? 0;
  }

  /** All that is not written, of each id the newest last. */
  *changes(): Generator<Change> {
    yield* this.#underWay.values();
    yield* this.#writes.changes.values();
    yield* this.#removes.changes.values();
    yield* this.#behind.values();
  }

  /** `run` must follow. @returns False when there was no room for a report in it. */
  take(change: Change, place: number): boolean {
    const { accept, end, id } = change;
    if (accept !== undefined || end !== undefined) this.#ords.set(id, this.#nextOrd());
    const hadRoom = this.#underWay.has(id)
      ? this.#behind.merge(change, place)
      : this.#enqueue(change, place);
    if (accept !== undefined && !this.#mayAccept) this.#refuse(id);
    if (!hadRoom) this.#forget(id);
    return hadRoom;
  }

  /** Nothing of an id may be found; `run` must follow. */
  strike(id: string, place: number): void {
    const nothing = { accept: undefined, end: undefined, park: undefined };
    this.take({ id, owner: place, ...nothing, isDelivered: true }, place);
  }

  /** Writes what can be written now. */
  run(): void {
    if (!this.#isClosed && this.#deps.isUp()) {
      const now = this.#deps.clock.now();
      const lines = [this.#removes, this.#writes];
      // By turns: after an outage much is to be removed, and a CALL cannot wait for all of it.
      this.#isWritesTurn = !this.#isWritesTurn;
      if (this.#isWritesTurn) lines.reverse();
      for (const { changes, pausedUntil } of lines) {
        if (now < pausedUntil) continue;
        for (const change of changes.shift(MAX_UNDER_WAY - this.#underWay.size)) {
          // Rejects only for a bug.
          void this.#write(change);
        }
      }
      this.#wake();
    }
    if (this.#isIdle) { for (const resolve of this.#onIdle.splice(0)) resolve(); }
  }

  /** It is not certain any more that this is the owner: CALLs that wait are refused. */
  uncertain(): void {
    for (const { id, accept } of [...this.changes()]) if (accept !== undefined) this.#refuse(id);
  }

  /** What is kept is another one's by now. What never came there is not kept any more, and stays. */
  lost(): void {
    this.#era++;
    this.#room.clear();
    const { kept, accepted } = this.#deps;
    const all = [...this.changes()];
    this.#underWay.clear();
    this.#writes.changes.take();
    this.#removes.changes.take();
    this.#behind.take();
    for (const change of all) {
      const { id, accept, owner, isDelivered } = change;
      const known = kept.get(id);
      const isTheirs = known !== undefined && known.seq > 0;
      if (!isTheirs) kept.delete(id);
      if (accept !== undefined) accepted(id, false);
      // What was under way may have been delivered meanwhile.
      else if (isDelivered) this.#writes.changes.remove(id);
      else if (!isTheirs) this.#writes.changes.merge(change, owner);
      if (this.#writes.changes.get(id) === undefined) this.#ords.delete(id);
    }
    // The rest is written when nothing is kept any more: `run` must follow.
  }

  /** Resolves when nothing is left to be written. */
  whenIdle(): Promise<void> {
    return this.#isIdle ? Promise.resolve() : new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /** Writes nothing any more. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.#deps.clock.clearTimeout(this.#timer);
    this.uncertain();
  }

  get #isIdle(): boolean {
    return this.#writes.changes.size + this.#removes.changes.size + this.#underWay.size === 0;
  }

  get #mayAccept(): boolean {
    const { tenure, isUp } = this.#deps;
    return !this.#isClosed && isUp() && tenure.isCertain && this.#room.isThere;
  }

  #waitingOf(id: string): Change | undefined {
    return this.#writes.changes.get(id) ?? this.#removes.changes.get(id);
  }

  /** What is not under way gets a place in one line. @returns False when there was no room for its report. */
  #enqueue(change: Change, place: number): boolean {
    const { id, isDelivered } = change;
    const writes = this.#writes.changes;
    const removes = this.#removes.changes;
    const line = writes.get(id) ? writes : removes.get(id) || isDelivered ? removes : writes;
    const hadRoom = line.merge(change, place);
    const merged = line.get(id);
    if (merged === undefined || merged.isDelivered === (line === removes)) return hadRoom;
    line.remove(id);
    (line === writes ? removes : writes).merge(merged, merged.owner);
    return hadRoom;
  }

  /** A CALL that waits is not kept after all. */
  #refuse(id: string): void {
    for (const unwritten of [this.#writes.changes, this.#removes.changes, this.#behind]) {
      const change = unwritten.get(id);
      if (change?.accept === undefined) continue;
      change.accept = undefined;
      if (change.end === undefined && !change.isDelivered) unwritten.remove(id);
      this.#forget(id);
      this.#deps.accepted(id, false);
    }
  }

  /** Unless something of it is still to be written. */
  #forget(id: string): void {
    if (this.changesOf(id).length === 0) this.#ords.delete(id);
  }

  async #write(change: Change): Promise<void> {
    const { accepted, tooLarge, tenure, kept } = this.#deps;
    const { id, accept, owner } = change;
    const era = this.#era;
    this.#underWay.set(id, change);
    const tried = await this.#try(change, () => era === this.#era);
    if (era !== this.#era) return;
    this.#underWay.delete(id);
    this.#room.note(change, tried);
    if (accept !== undefined) {
      // One that is not certain may have had an heir already, who did not see it.
      const isKept = tried === "done" && tenure.isCertain;
      if (!isKept && kept.get(id) !== undefined) this.#removes.changes.delivered(id, owner);
      accepted(id, isKept);
    } else if (tried === "too_large") tooLarge(change);
    else if (tried !== "done") this.#back(change, tried);
    this.#follow(id);
    this.run();
  }

  /** Tries until it is written, or must wait; a CALL waits here, for a while. */
  async #try(change: Change, isCurrent: () => boolean): Promise<Tried> {
    const { clock, tenure } = this.#deps;
    const ord = this.ordOf(change.id);
    const until = clock.now() + ACCEPT_MS;
    for (;;) {
      const tried = await tryWrite(change, ord, this.#deps, isCurrent);
      const isOver = !isCurrent() || this.#isClosed || clock.now() >= until;
      if (tried === "again" && !isOver) continue;
      const mayWait = change.accept !== undefined && tenure.isCertain;
      if (tried !== "unknown" || isOver || !mayWait) return tried;
      await pause(clock, AGAIN_MS);
    }
  }

  /** It is tried again, later, unless what was said since makes it void. */
  #back(change: Change, tried: Tried): void {
    const { clock } = this.#deps;
    const ms = tried === "full" ? FULL_MS : AGAIN_MS;
    (change.isDelivered ? this.#removes : this.#writes).pausedUntil = clock.now() + ms;
    this.#enqueue(change, change.owner);
  }

  /** Goes on when the first pause is over. */
  #wake(): void {
    const { clock } = this.#deps;
    const pauses = [this.#removes, this.#writes].filter(({ changes }) => changes.size > 0)
      .map(({ pausedUntil }) => pausedUntil - clock.now()).filter((ms) => ms > 0);
    if (pauses.length === 0) return;
    this.#timer ??= clock.setTimeout(() => {
      this.#timer = undefined;
      this.run();
    }, Math.min(...pauses));
  }

  /** What was said meanwhile is next. */
  #follow(id: string): void {
    const next = this.#behind.get(id);
    if (next !== undefined) {
      this.#behind.remove(id);
      this.#enqueue(next, next.owner);
    }
    this.#forget(id);
  }

  #nextOrd(): number {
    return this.#lastOrd = Math.max(this.#lastOrd + 1, this.#deps.clock.wallNow() * 1000);
  }
}
