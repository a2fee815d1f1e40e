/**
 * The outbox's work in the ledger: takes what stores say, and hands them what they find and inherit.
 *
 * @module
 */

import { type Clock, every, pause, within } from "../../clock.ts";
import type { Found } from "../store.ts";
import { type FoundPart, MAIN, type Told } from "../thread/message.ts";
import { type DeskPort, Places, type Said } from "../thread/places.ts";
import type { Bounds, Change } from "../unwritten.ts";
import { Batches } from "./batches.ts";
import { Estates } from "./estates.ts";
import { KeptEntries } from "./kept.ts";
import type { Ledger } from "./ledger.ts";
import { Legacies } from "./legacies.ts";
import { LostIds } from "./lost_ids.ts";
import { Neighbours } from "./neighbours.ts";
import { News } from "./news.ts";
import { Receiver } from "./receiver.ts";
import type { Sign } from "./sign_text.ts";
import { Strays } from "./strays.ts";
import { Tenure } from "./tenure.ts";
import { LIST_MS, LOOK_MS } from "./times.ts";
import { Writer } from "./writer.ts";

export interface LedgerDeskDeps {
  readonly ledger: Ledger;
  /** `--nats-subject`. */
  readonly prefix: string;
  /** A name that no owner ever had; a token. */
  readonly newName: () => string;
  /**
   * Where this process is, beside its address, when no other one can be there at the same time; undefined
   * when that cannot be said.
   */
  readonly place?: string | undefined;
  readonly clock: Clock;
  readonly tell: (told: Told) => void;
  readonly bounds?: Bounds;
}

/** How long a start waits for what there is to be found, and the heir of a dead thread. */
const FIND_MS = 5000;
const HAND_MS = 20_000;
/** What the last writes may take, the farewell, and the end of the connection. */
const LAST_WRITES_MS = 200;
const FAREWELL_MS = 150;
const LEAVE_MS = 50;

/**
 * Leads what stores say to whoever owns the matter, and back: what is to be written to the `Writer`, who
 * this is to the `Tenure`, who else is there to the `Neighbours`, what is inherited to the `Estates`.
 * Owns when it is looked who else is there.
 */
export class LedgerDesk {
  readonly #deps: LedgerDeskDeps;
  readonly #kept = new KeptEntries();
  readonly #batches = new Batches();
  readonly #lostIds: LostIds;
  readonly #places: Places;
  readonly #tenure: Tenure;
  readonly #writer: Writer;
  readonly #estates: Estates;
  readonly #neighbours: Neighbours;
  readonly #legacies: Legacies;
  readonly #strays: Strays;
  readonly #news: News;
  readonly #receiver: Receiver;
  /** When all owners are listed again. */
  #listAt = 0;
  readonly #stopLooking: () => void;
  #isClosed = false;

  constructor(deps: LedgerDeskDeps) {
    this.#deps = deps;
    const { ledger, prefix, clock, newName, tell, bounds } = deps;
    const { entries, owners } = ledger;
    this.#lostIds = new LostIds(clock);
    const kept = this.#kept;
    const news = new News(clock, tell);
    this.#news = news;
    const place = (): string | null => this.#place();
    const tenure = new Tenure({
      ...{ owners, prefix, clock, newName, place },
      changed: (isCertain) => this.#certaintyChanged(isCertain),
      lost: (before) => this.#lost(before),
    });
    this.#tenure = tenure;
    const strays = new Strays({ ledger, kept, prefix, clock, name: () => tenure.name });
    this.#strays = strays;
    this.#writer = new Writer({
      ...{ entries, kept, tenure, prefix, clock, bounds },
      isUp: () => ledger.isUp,
      unsure: (subject) => strays.expect(subject),
      accepted: (id, isKept) => this.#accepted(id, isKept),
      full: (isFull) => isFull ? news.failing("the stream is full") : this.#tellState(),
      tooLarge: (change) => news.tooLarge(change),
    });
    this.#estates = new Estates({
      ...{ ledger, kept, prefix, clock },
      isCertain: () => tenure.isCertain,
      heir: () => this.#receiver.owner,
      hand: (found) => this.#hand(found),
      told: (told) => news.estate(told),
      ended: (owner) => this.#neighbours.forget(owner),
    });
    this.#neighbours = new Neighbours({
      ...{ owners, tenure, prefix, clock, place },
      has: (owner) => this.#estates.has(owner),
      inherit: (sign, seq, silentMs) => this.#inherit(sign, seq, silentMs),
    });
    this.#legacies = new Legacies({ entries, kept, writer: this.#writer, clock });
    this.#places = new Places(clock, (owner, said) => this.#take(owner, said));
    this.#receiver = new Receiver(this.#places);
    ledger.follow({
      up: () => this.#up(),
      anew: () => kept.forgetMessages(),
      ownerSaid: (_subject, text) => this.#neighbours.heard(text),
    });
    this.#stopLooking = every(clock, LOOK_MS, () => this.#look());
  }

  /** Resolves when CALLs can be kept, or NATS is away. Never rejects. */
  async begin(): Promise<void> {
    if (this.#deps.ledger.isUp) await this.#tenure.renew();
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
    this.#receiver.died(owner, heir);
    let isAnswered = false;
    const handed = this.#legacies.hand(owner, heir, (found) => {
      if (isAnswered) this.#places.post(heir, { kind: "inherited", ...found });
      else post({ kind: "found", ask, ...found, isLast: false });
    });
    // While it cannot be read the rest waits, and comes when it can be.
    await within(this.#deps.clock, handed, HAND_MS);
    isAnswered = true;
    post({ kind: "found", ask, calls: [], reports: [], isLast: true });
  }

  /** Writes what it can in bounded time, and leaves; what is left is inherited at once. */
  async close(): Promise<void> {
    const { clock, ledger } = this.#deps;
    this.#stopLooking();
    if (ledger.isUp) await within(clock, this.#writer.whenIdle(), LAST_WRITES_MS);
    this.#isClosed = true;
    this.#writer.close();
    this.#legacies.close();
    if (ledger.isUp) await within(clock, this.#leave(), FAREWELL_MS);
    this.#places.close();
    await ledger.close(LEAVE_MS);
  }

  async #leave(): Promise<void> {
    // Whoever is left here keeps for a while whose they are, in case their owners come back.
    if (!this.#neighbours.hasOthers) await this.#estates.close();
    const isOwed = this.#kept.size + this.#estates.size > 0 || this.#strays.mayCome;
    await this.#tenure.close(isOwed);
  }

  #place(): string | null {
    const { ledger: { clientIp }, place } = this.#deps;
    return place === undefined || clientIp === undefined ? null : `${clientIp} ${place}`;
  }

  #take(owner: number, said: Said): void {
    if (said.kind === "recover") return void this.#find(owner, said.ask);
    const { batch } = said;
    // Of two CALLs under one id the later one is not kept: nobody could tell them apart.
    const isSecond = ({ id, accept }: Change): boolean =>
      accept !== undefined && this.#batches.has(id);
    const changes = said.changes.filter((change) => !isSecond(change));
    const ids = changes.filter(({ accept }) => accept !== undefined).map(({ id }) => id);
    const isKept = changes.length === said.changes.length;
    if (ids.length > 0) this.#batches.add(owner, batch, ids, isKept);
    for (const change of changes) {
      if (this.#lostIds.has(change.id) && change.accept === undefined) continue;
      const known = this.#writer.changesOf(change.id).at(-1)?.owner ??
        this.#kept.get(change.id)?.place ?? owner;
      // Its client took the CALL along to another thread, whose word came first.
      if (change.isDelivered && known !== owner && owner !== MAIN) continue;
      if (!this.#writer.take(change, owner)) this.#deps.tell({ kind: "full" });
    }
    if (ids.length === 0) this.#places.post(owner, { kind: "written", batch, isKept });
    this.#writer.run();
  }

  #accepted(id: string, isKept: boolean): void {
    const decided = this.#batches.decide(id, isKept);
    if (decided === undefined) return;
    const { owner, batch, ids } = decided;
    this.#places.post(owner, { kind: "written", batch, isKept: decided.isKept });
    if (decided.isKept && this.#places.has(owner)) return;
    // All of them are told no, or nobody is there to be told, so none of them may be found later.
    for (const each of ids) {
      if (this.#kept.get(each) !== undefined) this.#writer.strike(each, owner);
    }
    this.#writer.run();
  }

  /** Answers a store that asks what earlier processes left; the first one gets it. */
  async #find(owner: number, ask: number): Promise<void> {
    if (!this.#receiver.isKnown) {
      this.#receiver.asks(owner, ask);
      await within(this.#deps.clock, this.#inheritNow(), FIND_MS);
      this.#receiver.isAnswered();
    }
    this.#places.post(owner, { kind: "found", ask, calls: [], reports: [], isLast: true });
  }

  /** Resolves when what can be inherited at once is. */
  async #inheritNow(): Promise<void> {
    const { clock, ledger } = this.#deps;
    if (!ledger.isUp) return;
    await this.#tenure.renew();
    await this.#list();
    const until = clock.now() + FIND_MS;
    const neighbours = this.#neighbours;
    const waits = (): boolean => neighbours.awaitsWord && clock.now() < until && !this.#isClosed;
    for (await neighbours.look(); waits(); await neighbours.look()) await pause(clock, 100);
  }

  #inherit(sign: Sign, seq: number, silentMs: number): Promise<void> {
    this.#news.gone(sign.owner, silentMs);
    // It may have been the heir of others of whom nothing was heard.
    this.#listAt = 0;
    return this.#estates.begin(sign.owner, sign, seq);
  }

  #hand(found: Found): void {
    for (const { id } of [...found.calls, ...found.reports]) this.#lostIds.delete(id);
    this.#receiver.hand(found);
  }

  #up(): void {
    if (this.#isClosed) return;
    this.#listAt = 0;
    this.#tenure.begin();
    this.#writer.run();
  }

  #look(): void {
    this.#lostIds.look();
    this.#tellState();
    if (!this.#deps.ledger.isUp) return;
    if (this.#deps.clock.now() >= this.#listAt) void this.#list();
    this.#strays.look();
    // Before a store has asked nobody would get it.
    if (!this.#receiver.isKnown || this.#receiver.isAsking) return;
    void this.#neighbours.look();
    this.#estates.look();
  }

  async #list(): Promise<void> {
    this.#listAt = this.#deps.clock.now() + LIST_MS;
    if (!await this.#neighbours.list()) this.#listAt = 0;
  }

  #certaintyChanged(isCertain: boolean): void {
    if (isCertain) this.#writer.run();
    else this.#writer.uncertain();
    this.#tellState();
  }

  #tellState(): void {
    const { ledger } = this.#deps;
    if (this.#writer.isFull) return;
    if (this.#tenure.isCertain) this.#news.writing();
    else this.#news.failing(ledger.isUp ? "JetStream does not answer" : "NATS cannot be reached");
  }

  /** Another one has taken over all that was this one's. */
  #lost(owner: string): void {
    this.#listAt = 0;
    this.#writer.lost();
    this.#estates.lost();
    let entries = 0;
    for (const [place, ids] of this.#kept.takeAll()) {
      entries += ids.length;
      this.#lostIds.add(ids);
      this.#places.post(place, { kind: "lost", ids });
    }
    this.#writer.run();
    this.#news.lost(owner, entries);
  }
}
