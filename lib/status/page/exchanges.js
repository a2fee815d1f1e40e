/**
 * What passed between a client and the gateway, as exchanges: a CALL and what answered it. Pure.
 *
 * @module
 */

/** @import { FrameRow } from "../../client/tap_row.ts" */
/** @import { FollowedRow } from "../../cluster/followed.ts" */

/** More are not kept: the oldest go. */
const MAX_ITEMS = 500;
/** Connections whose frames are counted. */
const MAX_COUNTED = 50;

/** @type {Record<string, string>} */
export const FRAME_TYPES = {
  call: "CALL",
  result: "CALLRESULT",
  error: "CALLERROR",
  resulterror: "CALLRESULTERROR",
  send: "SEND",
};

/** @type {Record<string, string>} */
const GAP_TEXTS = {
  too_much: "More passed here than the gateway keeps: some is left out.",
  joined: "An instance or a thread has joined: what passed on it before is not shown.",
  left: "An instance or a thread has gone: what it had not told is left out.",
  cut: "The page was cut off here: some may be left out.",
};

/**
 * A line of the list.
 *
 * @typedef {object} Item
 * @property {"exchange" | "frame" | "connection" | "gap"} kind
 * @property {number} at Milliseconds since 1970.
 * @property {"in" | "out" | null} direction Of an exchange, that of its CALL.
 * @property {string} name The Action, or what it is.
 * @property {string} outcome
 * @property {"" | "wait" | "good" | "warn" | "bad"} level
 * @property {number | null} ms Until the answer.
 * @property {string | null} connectionId
 * @property {string | null} messageId
 * @property {FollowedRow[]} rows What it is made of.
 */

/** Keeps the last ones, and pairs what belongs together. */
export class Exchanges {
  /** The oldest first. @type {Item[]} */
  items = [];
  /** Whether there were older ones. */
  isCut = false;
  /** Items by each of their rows. @type {Map<string, Item>} */
  #known = new Map();
  /** CALLs without an answer. @type {Map<string, Item>} */
  #open = new Map();
  /** The number of the last frame, by connection. @type {Map<string, number>} */
  #last = new Map();

  clear() {
    this.items = [];
    this.isCut = false;
    for (const map of [this.#known, this.#open, this.#last]) map.clear();
  }

  /**
   * Takes what was told. What is known already is not taken again, but for its payloads.
   *
   * @param {readonly FollowedRow[]} rows
   * @param {boolean} isFirst Whether a stream begins with them: it tells again what is kept.
   * @returns {Set<Item>} New ones, and those that have changed.
   */
  add(rows, isFirst) {
    /** @type {Set<Item>} */
    const touched = new Set();
    const isCut = isFirst && this.#known.size > 0 &&
      !rows.some((row) => this.#known.has(rowKeyOf(row)));
    if (isCut) touched.add(this.#gap("cut", rows[0]?.at ?? this.items.at(-1)?.at ?? 0));
    for (const row of rows) this.#take(row, touched);
    return touched;
  }

  /** What is kept of payloads goes. */
  forgetPayloads() {
    for (const item of this.items) {
      item.rows = item.rows.map((row) => row.kind === "frame" ? { ...row, text: null } : row);
    }
  }

  /**
   * @param {FollowedRow} row
   * @param {Set<Item>} touched
   */
  #take(row, touched) {
    if (row.kind === "gap") {
      touched.add(this.#gap(row.why, row.at));
      return;
    }
    const key = rowKeyOf(row);
    const known = this.#known.get(key);
    if (known !== undefined) {
      if (row.kind !== "frame" || row.text === null) return;
      known.rows = known.rows.map((each) => rowKeyOf(each) === key ? row : each);
      touched.add(known);
      return;
    }
    if (row.kind === "frame") {
      this.#count(row, touched);
      return this.#frame(row, key, touched);
    }
    const { connectionId, at } = row;
    if (row.kind === "connected") {
      this.#setLast(connectionId, 0);
      const outcome = [row.protocol ?? "no subprotocol", row.remoteAddress].join(" · ");
      const rest = { name: "connected", outcome, level: /** @type {const} */ ("good") };
      return this.#push({ ...itemOfRow("connection", row), ...rest }, key, touched);
    }
    for (const item of this.#open.values()) {
      if (item.connectionId !== connectionId) continue;
      item.outcome = "no answer: disconnected";
      item.level = "bad";
      touched.add(item);
    }
    for (const [name, item] of this.#open) {
      if (item.connectionId === connectionId) this.#open.delete(name);
    }
    const { cause, code, reason } = row;
    const outcome = reason === "" ? `${code}, ${cause}` : `${code}, ${cause}: ${reason}`;
    const level = cause === "client" ? "warn" : "bad";
    this.#push(
      { ...itemOfRow("connection", row), at, name: "disconnected", outcome, level },
      key,
      touched,
    );
  }

  /**
   * @param {FrameRow} row
   * @param {Set<Item>} touched
   */
  #count({ connectionId, number, at }, touched) {
    const last = this.#last.get(connectionId);
    const isMissing = last !== undefined && number > last + 1;
    if (isMissing && this.items.at(-1)?.kind !== "gap") touched.add(this.#gap("too_much", at));
    if (last === undefined || number > last) this.#setLast(connectionId, number);
  }

  /**
   * @param {string} connectionId
   * @param {number} number
   */
  #setLast(connectionId, number) {
    this.#last.set(connectionId, number);
    const [oldest] = this.#last.keys();
    if (this.#last.size > MAX_COUNTED && oldest !== undefined) this.#last.delete(oldest);
  }

  /**
   * @param {FrameRow} row
   * @param {string} key
   * @param {Set<Item>} touched
   */
  #frame(row, key, touched) {
    const { type, direction, messageId, code, at } = row;
    const other = direction === "in" ? "out" : "in";
    const name = (/** @type {string} */ way) => `${row.connectionId} ${way} ${messageId}`;
    if (type === "result" || type === "error") {
      const call = this.#open.get(name(other));
      if (call !== undefined) {
        this.#open.delete(name(other));
        call.rows = [...call.rows, row];
        call.ms = Math.max(0, at - call.at);
        call.outcome = type === "result" ? "CALLRESULT" : `CALLERROR ${code ?? ""}`;
        call.level = type === "result" ? "good" : "bad";
        this.#known.set(key, call);
        touched.add(call);
        return;
      }
    }
    const item = itemOfRow(type === "call" ? "exchange" : "frame", row);
    if (type === "call") {
      item.outcome = "waiting";
      item.level = "wait";
      this.#open.set(name(direction), item);
    } else if (type !== "result" && type !== "send") {
      item.outcome = type === null ? "no frame" : code ?? "";
      item.level = "bad";
    }
    this.#push(item, key, touched);
  }

  /**
   * @param {string} why
   * @param {number} at
   */
  #gap(why, at) {
    const name = GAP_TEXTS[why] ?? "Some may be left out here.";
    const row = /** @type {FollowedRow} */ ({ kind: "gap", connectionId: null, at, why });
    const item = { ...itemOfRow("gap", row), name, level: /** @type {const} */ ("warn") };
    this.#push(item, null, new Set());
    return item;
  }

  /**
   * @param {Item} item
   * @param {string | null} key
   * @param {Set<Item>} touched
   */
  #push(item, key, touched) {
    this.items.push(item);
    touched.add(item);
    if (key !== null) this.#known.set(key, item);
    while (this.items.length > MAX_ITEMS) {
      const oldest = this.items.shift();
      this.isCut = true;
      for (const row of oldest?.rows ?? []) this.#known.delete(rowKeyOf(row));
      for (const [name, open] of this.#open) if (open === oldest) this.#open.delete(name);
    }
  }
}

/**
 * @param {Item["kind"]} kind
 * @param {FollowedRow} row
 * @returns {Item}
 */
function itemOfRow(kind, row) {
  const frame = row.kind === "frame" ? row : null;
  const type = frame?.type;
  return {
    ...{ kind, at: row.at, direction: frame?.direction ?? null, outcome: "", level: "", ms: null },
    name: frame?.action ?? (type ? FRAME_TYPES[type] ?? type : "no frame"),
    ...{ connectionId: row.connectionId, messageId: frame?.messageId ?? null, rows: [row] },
  };
}

/** @param {FollowedRow} row */
function rowKeyOf(row) {
  return `${row.connectionId} ${row.kind === "frame" ? row.number : row.kind}`;
}

/** What may be chosen of the list. @type {Record<string, (item: Item) => boolean>} */
const ITEM_FILTERS = {
  in: ({ kind, direction }) => kind === "exchange" && direction === "in",
  out: ({ kind, direction }) => kind === "exchange" && direction === "out",
  failed: ({ kind, level }) => level === "bad" && kind !== "connection",
  send: ({ rows: [row] }) => row?.kind === "frame" && row.type === "send",
  connection: ({ kind }) => kind === "connection",
};

/**
 * Whether an item is to be shown. Gaps are, whatever is chosen.
 *
 * @param {Item} item
 * @param {{ action: string, type: string }} filter A part of the Action, in upper or lower case.
 */
export function isItemShown(item, { action, type }) {
  if (item.kind === "gap") return true;
  const isNamed = action === "" ||
    (item.kind !== "connection" && item.name.toLowerCase().includes(action.toLowerCase()));
  return isNamed && (ITEM_FILTERS[type]?.(item) ?? true);
}

/**
 * The rows of these as lines of JSON, as a recording has them.
 *
 * @param {readonly Item[]} items
 */
export function jsonLines(items) {
  return items.flatMap(({ rows }) => rows)
    .sort((a, b) => a.at - b.at)
    .map((row) => `${JSON.stringify({ ...row, at: new Date(row.at).toISOString() })}\n`)
    .join("");
}
