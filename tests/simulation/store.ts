/**
 * A disk, and the outbox of one process on it.
 *
 * Faults: what was told and not acknowledged survives a crash in part, either as it was told up to some
 * point, or of each id up to some point of its own; a sync is slow; the disk is full for a while, and then
 * nothing is accepted. What was acknowledged survives. Of one id nothing survives that was told later than
 * something which did not: that is the least that a `Store` promises.
 *
 * @module
 */

import type { AcceptedCall, KeptReport, Parked } from "../../lib/outbox/entry.ts";
import type { Found, Store } from "../../lib/outbox/store.ts";
import type { Chance } from "./chance.ts";
import type { Life } from "./life.ts";
import type { Timeline } from "./timeline.ts";
import type { Weather } from "./weather.ts";

/** What a store was told of one id. */
type Told =
  | {
    readonly kind: "accept";
    readonly call: AcceptedCall;
    readonly done: (isKept: boolean) => void;
  }
  | { readonly kind: "end"; readonly report: KeptReport }
  | { readonly kind: "park"; readonly parked: Parked | undefined }
  | { readonly kind: "delivered" };

interface Line {
  readonly id: string;
  readonly told: Told;
}

/** What is kept of one id. */
interface Row {
  call: AcceptedCall | undefined;
  report: KeptReport | undefined;
}

/** Owns what is synced, over all lives of a process. */
export class SimulatedDisk {
  readonly #rows = new Map<string, Row>();
  /** No room is left. */
  isFull = false;

  /** Ids of which something is kept. */
  get ids(): string[] {
    return [...this.#rows.keys()];
  }

  get found(): Found {
    const rows = [...this.#rows.values()];
    return {
      calls: rows.flatMap(({ call, report }) => call && report === undefined ? [call] : []),
      reports: rows.flatMap(({ call, report }) => {
        if (report === undefined) return [];
        return call?.key === undefined ? [report] : [{ ...report, key: call.key }];
      }),
    };
  }

  /** Something is on the disk for good. */
  write({ id, told }: Line): void {
    const row = this.#rows.get(id);
    switch (told.kind) {
      case "accept":
        this.#rows.set(id, { call: told.call, report: row?.report });
        return;
      case "end":
        // Found in the order in which they ended.
        this.#rows.delete(id);
        this.#rows.set(id, { call: row?.call, report: told.report });
        return;
      case "park": {
        if (row?.report === undefined) return;
        const { parked: _, ...report } = row.report;
        row.report = told.parked === undefined ? report : { ...report, parked: told.parked };
        return;
      }
      case "delivered":
        this.#rows.delete(id);
    }
  }
}

export interface StoreDeps {
  readonly timeline: Timeline;
  readonly weather: Weather;
  readonly chance: Chance;
  readonly life: Life;
}

/** Longest pause between what is told and the beginning of its write. */
const GATHER_MS = 2;

/**
 * Owns what it was told and the disk does not have. It writes one lot after the other: what came by then,
 * in one go.
 */
export class SimulatedStore implements Store {
  readonly isLasting = true;
  readonly #disk: SimulatedDisk;
  readonly #deps: StoreDeps;
  #waiting: Line[] = [];
  /** The lot that is being written. */
  #writing: Line[] = [];
  #isAwaited = false;
  #onEmpty: (() => void)[] = [];

  constructor(disk: SimulatedDisk, deps: StoreDeps) {
    this.#disk = disk;
    this.#deps = deps;
  }

  accept(call: AcceptedCall, done: (isKept: boolean) => void): void {
    this.#tell(call.id, { kind: "accept", call, done });
  }

  end(report: KeptReport): void {
    this.#tell(report.id, { kind: "end", report });
  }

  park(id: string, parked: Parked | undefined): void {
    this.#tell(id, { kind: "park", parked });
  }

  delivered(id: string): void {
    this.#tell(id, { kind: "delivered" });
  }

  recover(): Promise<Found> {
    const { timeline, weather, life } = this.#deps;
    return new Promise((resolve) => {
      timeline.after(weather.delayMs(), () => life.deliver(() => resolve(this.#disk.found)));
    });
  }

  close(): Promise<void> {
    return this.#count === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /**
   * The process died just now: what survives of what was not acknowledged?
   *
   * @returns Whether there was nothing of that kind.
   */
  died(): boolean {
    const { chance } = this.#deps;
    const lines = [...this.#writing, ...this.#waiting];
    this.#writing = [];
    this.#waiting = [];
    if (lines.length === 0) return true;
    if (this.#disk.isFull) return false;
    if (chance.happens(0.5)) {
      for (const line of lines.slice(0, chance.below(lines.length + 1))) this.#disk.write(line);
      return false;
    }
    const torn = new Set<string>();
    for (const line of lines) {
      if (chance.happens(0.4)) torn.add(line.id);
      if (!torn.has(line.id)) this.#disk.write(line);
    }
    return false;
  }

  get #count(): number {
    return this.#writing.length + this.#waiting.length;
  }

  #tell(id: string, told: Told): void {
    if (!this.#deps.life.acts(`a word to the store: ${told.kind}`)) return;
    this.#waiting.push({ id, told });
    this.#writeSoon();
  }

  #writeSoon(): void {
    if (this.#isAwaited) return;
    this.#isAwaited = true;
    const { timeline, chance, life } = this.#deps;
    timeline.after(chance.between(0, GATHER_MS), () => life.isAlive && this.#write());
  }

  /** It is not the process that writes: its standstill changes nothing. */
  #write(): void {
    const { timeline, weather, life } = this.#deps;
    if (this.#disk.isFull) {
      this.#refuse();
      timeline.after(100, () => life.isAlive && this.#write());
      return;
    }
    this.#writing = this.#waiting;
    this.#waiting = [];
    timeline.after(1 + weather.delayMs(), () => life.isAlive && this.#synced());
  }

  /** What is to be accepted cannot be kept; all else waits. */
  #refuse(): void {
    const refused = this.#waiting.filter(({ told }) => told.kind === "accept");
    const ids = new Set(refused.map(({ id }) => id));
    this.#waiting = this.#waiting.filter(({ id }) => !ids.has(id));
    for (const { told } of refused) this.#acknowledge(told, false);
    this.#tellIfEmpty();
  }

  #synced(): void {
    const written = this.#writing;
    this.#writing = [];
    for (const line of written) this.#disk.write(line);
    this.#isAwaited = false;
    for (const { told } of written) this.#acknowledge(told, true);
    if (this.#waiting.length > 0) this.#writeSoon();
    this.#tellIfEmpty();
  }

  #acknowledge(told: Told, isKept: boolean): void {
    if (told.kind === "accept") this.#deps.life.deliver(() => told.done(isKept));
  }

  #tellIfEmpty(): void {
    if (this.#count > 0) return;
    for (const tell of this.#onEmpty.splice(0)) this.#deps.life.deliver(tell);
  }
}
