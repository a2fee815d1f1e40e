/**
 * The numbers of this moment.
 *
 * @module
 */

import { byId, bytesText, durationText, estimateText, numberText, setText } from "./dom.js";
import { backendState, callsState, worstOf } from "./health.js";
import { reportsState } from "./outbox.js";
import { sumOf } from "./rates.js";

/** @import { Snapshot } from "../snapshot.ts" */
/** @import { Level } from "./health.js" */
/** @import { Point } from "./rates.js" */

/**
 * From which part of a bound a value is amber, and red.
 *
 * @typedef {readonly [warn: number, bad: number]} Parts
 */
/** @type {Parts} */
const CONNECTIONS = [0.9, 0.98];
/** @type {Parts} */
const WAITING = [0.2, 0.5];
/** @type {Parts} */
const MEMORY = [0.8, 0.9];

/** Of those who would connect so many at least, and such a part, are refused when it is amber. */
const [MANY_REFUSED, REFUSED_SHARE] = [5, 0.1];

/** The tiles. */
export class Tiles {
  /** By tile. @type {Map<string, Level>} */
  #levels = new Map();

  /** Of all tiles the worst. */
  get level() {
    return worstOf([...this.#levels.values()]);
  }

  /**
   * What stands by itself in one snapshot.
   *
   * @param {Snapshot} snapshot
   */
  show(snapshot) {
    const { opened, waiting, outstanding, residentBytes, eventLoopLagMs } = snapshot;
    const { maxConnections, maxWaiting, maxMemoryBytes } = snapshot;
    const connections = sumOf(snapshot.connections);
    this.#tell(
      "connections",
      numberText(connections),
      `of ${numberText(maxConnections)} · ${numberText(opened)} opened in all`,
      levelOf(connections, maxConnections, CONNECTIONS),
    );
    this.#tell(
      "waiting",
      numberText(waiting),
      `of ${numberText(maxWaiting)} · ${numberText(outstanding)} sent, unanswered`,
      levelOf(waiting, maxWaiting, WAITING),
    );
    this.#tell(
      "memory",
      bytesText(residentBytes),
      `of ${bytesText(maxMemoryBytes)} · loop lag ${durationText(eventLoopLagMs)}`,
      levelOf(residentBytes, maxMemoryBytes, MEMORY),
    );
    const { text, detail, outage, level } = reportsState(snapshot);
    this.#tell("reports", text, detail, level);
    setText(byId("reports-outage"), outage);
    byId("reports-outage").hidden = outage === "";
  }

  /**
   * What needs a snapshot of some seconds ago.
   *
   * @param {Snapshot} older
   * @param {Snapshot} snapshot
   * @param {readonly Point[]} points The last five minutes, this moment's at the end.
   */
  showRates(older, snapshot, points) {
    const point = points.at(-1);
    if (point === undefined) return;
    this.#tell("in", numberText(point.inRate), `${numberText(sumOf(snapshot.framesIn))} in all`);
    this.#tell("out", numberText(point.outRate), `${numberText(sumOf(snapshot.framesOut))} in all`);
    this.#tell(
      "latency",
      estimateText(point.callP50),
      `p99 ${estimateText(point.callP99)} · answered ones`,
    );
    this.#tell("invalid", numberText(point.invalidRate), `${numberText(snapshot.faults)} in all`);
    this.#tell(
      "connects",
      numberText(point.connectsRate),
      `${numberText(point.closesRate)} closed, ${numberText(point.refusedRate)} refused / s`,
      connectsLevel(older, snapshot),
    );
    for (
      const [tile, state] of /** @type {const} */ ([
        ["failed", callsState(older, snapshot)],
        ["backend", backendState(older, snapshot, points)],
      ])
    ) this.#tell(tile, state.text, state.detail, state.level);
  }

  /**
   * @param {string} tile
   * @param {string} value
   * @param {string} detail
   * @param {Level} level
   */
  #tell(tile, value, detail, level = "") {
    const element = byId(`tile-${tile}`);
    const [dd, small] = [element.querySelector("dd"), element.querySelector("small")];
    if (dd?.firstChild) dd.firstChild.nodeValue = value;
    if (small) setText(small, detail);
    if (element.dataset.level !== level) element.dataset.level = level;
    this.#levels.set(tile, level);
  }
}

/**
 * Whether many are not let in.
 *
 * @param {Snapshot} older
 * @param {Snapshot} snapshot
 * @returns {Level}
 */
function connectsLevel(older, snapshot) {
  const refused = snapshot.refused - older.refused;
  const tries = refused + snapshot.opened - older.opened;
  return refused >= MANY_REFUSED && refused >= REFUSED_SHARE * tries ? "warn" : "";
}

/**
 * @param {number} value
 * @param {number} bound
 * @param {Parts} parts
 * @returns {Level}
 */
function levelOf(value, bound, [warn, bad]) {
  return value > bad * bound ? "bad" : value > warn * bound ? "warn" : "";
}
