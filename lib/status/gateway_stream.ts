/**
 * What one who looks at the status page is told.
 *
 * @module
 */

import type { Departures } from "../client/departures.ts";
import type { Clock } from "../clock.ts";
import type { Cursor } from "../log/recent.ts";
import type { RecentFaults } from "../log/recent_faults.ts";
import type { JsonText, Write } from "./event_stream.ts";
import type { History } from "./history.ts";
import type { Instances, InstancesLook } from "./instances.ts";
import type { Tail } from "./tail.ts";

export interface GatewayStreamDeps {
  /** The latest, the same for all who look. */
  readonly snapshot: () => JsonText;
  readonly faults: Pick<RecentFaults, "since">;
  readonly departures: Pick<Departures, "since">;
  readonly history: Pick<History, "points">;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Undefined without others. */
  readonly instances: Pick<InstancesLook, "look" | "latest"> | undefined;
  readonly clock: Pick<Clock, "now">;
}

export interface GatewayStreamQuery {
  /** Points of the history later than this are told, in milliseconds since 1970. */
  readonly after: number;
  /** Whose frames are told besides; a refusal when that may not be; undefined for nobody's. */
  readonly tail: Tail | TailRefusal | undefined;
}

/** Why no frames are told. */
export interface TailRefusal {
  readonly reason: "no_client_id" | "no_tail" | "forbidden";
  /** In words. */
  readonly detail: string;
}

/** How often a snapshot is told. */
const SNAPSHOT_MS = 1000;
/** A timer may be a little early. */
const EARLY_MS = 250;
/** How often a stream has something to say: frames are told twice a second. */
export const TICK_MS = SNAPSHOT_MS;
export const TAIL_TICK_MS = 500;

/**
 * Tells one reader: `history` once, a `snapshot` each second, `faults`, `departures` and `instances` when
 * there are new ones, and with a tail its events, `tail-` before their names.
 */
export class GatewayStream {
  readonly #deps: GatewayStreamDeps;
  readonly #after: number;
  #tail: Tail | TailRefusal | undefined;
  #faults: Cursor = [];
  #departures: Cursor = [];
  /** What was told last; null that there are no others. */
  #instances: Instances | null | undefined;
  #toldAt = -Infinity;
  #isFirst = true;
  #isAskingTail = false;
  #failure: unknown;

  constructor(deps: GatewayStreamDeps, { after, tail }: GatewayStreamQuery) {
    this.#deps = deps;
    this.#after = after;
    this.#tail = tail;
  }

  /**
   * Says what is new.
   *
   * @returns True: it has no end of its own.
   * @throws What looking for frames came to.
   */
  tick(write: Write): true {
    if (this.#failure !== undefined) throw this.#failure;
    const now = this.#deps.clock.now();
    if (now - this.#toldAt >= SNAPSHOT_MS - EARLY_MS) {
      this.#toldAt = now;
      this.#tellGateway(write);
    }
    this.#tellTail(write);
    return true;
  }

  #tellGateway(write: Write): void {
    const { snapshot, faults, departures, history, startedAt, instances } = this.#deps;
    if (this.#isFirst) {
      this.#isFirst = false;
      write("history", { startedAt, points: history.points(this.#after) });
      if (instances === undefined) write("instances", null);
    }
    write("snapshot", snapshot());
    const fault = faults.since(this.#faults);
    this.#faults = fault.cursor;
    if (fault.faults.length > 0) write("faults", fault.faults);
    const departure = departures.since(this.#departures);
    this.#departures = departure.cursor;
    if (departure.departures.length > 0) write("departures", departure.departures);
    if (instances === undefined) return;
    instances.look();
    const { latest } = instances;
    if (latest === undefined || latest === this.#instances) return;
    this.#instances = latest;
    write("instances", latest);
  }

  /** Not waited for: who holds the client may be long in answering, and snapshots go on. */
  #tellTail(write: Write): void {
    const tail = this.#tail;
    if (tail === undefined || this.#isAskingTail) return;
    if (!("tell" in tail)) {
      this.#tail = undefined;
      return write("tail-refused", tail);
    }
    this.#isAskingTail = true;
    void tail.tell((event, data) => write(`tail-${event}`, data)).then((goesOn) => {
      if (!goesOn) this.#tail = undefined;
    }).catch((error) => this.#failure = error).finally(() => this.#isAskingTail = false);
  }
}
