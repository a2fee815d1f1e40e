/**
 * The rows of the list of clients, which stay what they are while they are looked at.
 *
 * @module
 */

import { copyButton } from "./copy.js";
import { el, numberText, setText, shown, spanText } from "./dom.js";

/** So long after its last move a mouse that rests on the rows does not keep them in their places. */
const HELD_MS = 5000;
/** What is heard of a client later than what passes with it by more than this is told apart. */
const HEARD_SLACK_MS = 5000;

/**
 * A client as the gateway tells it.
 *
 * @typedef {Record<string, any>} Client
 */

/**
 * @typedef {object} Row
 * @property {HTMLElement} element
 * @property {HTMLElement[]} cells
 * @property {Client} client
 * @property {{ frames: number, at: number }[]} counts The last two, to tell messages a second of.
 */

/**
 * Owns the rows. A client's row is one element as long as it is listed: a press on it is not lost, and text
 * in it can be marked. While the mouse works on the rows none moves.
 */
export class ClientsTable {
  #body;
  #onOpen;
  #held;
  /** By ClientId. @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {string | null} */
  #selected = null;
  /** When the mouse last moved over the rows, -Infinity when it is elsewhere. */
  #movedAt = -Infinity;
  #isPressed = false;
  /** What is to be shown when the mouse has gone. @type {(() => void) | null} */
  #later = null;

  /**
   * @param {HTMLElement} body
   * @param {HTMLElement} held Shown while rows are kept in their places.
   * @param {(clientId: string) => void} onOpen
   */
  constructor(body, held, onOpen) {
    this.#body = body;
    this.#held = held;
    this.#onOpen = onOpen;
    body.addEventListener("pointermove", () => this.#movedAt = performance.now());
    body.addEventListener("pointerdown", () => this.#isPressed = true);
    for (const type of ["pointerup", "pointercancel"]) {
      document.addEventListener(type, () => this.#isPressed = false);
    }
    body.addEventListener("pointerleave", () => {
      this.#movedAt = -Infinity;
      if (!this.#isHeld) this.#later?.();
    });
  }

  /**
   * Shows these clients in this order.
   *
   * @param {Client[]} clients
   * @param {boolean} isAsked Whether somebody has asked for others than before: then nothing is kept.
   */
  show(clients, isAsked) {
    this.#later = null;
    const now = Date.now();
    const listed = new Map(clients.map((client) => [client.id, client]));
    if (!isAsked && this.#isHeld && this.#moves(clients)) {
      for (const [id, row] of this.#rows) {
        const client = listed.get(id);
        if (client !== undefined) this.#update(row, client, now);
        row.element.classList.toggle("gone", client === undefined);
      }
      this.#held.hidden = false;
      this.#later = () => this.show(clients, true);
      return;
    }
    this.#held.hidden = true;
    const focused = document.activeElement;
    for (const [id, { element }] of this.#rows) {
      if (listed.has(id)) continue;
      element.remove();
      this.#rows.delete(id);
    }
    clients.forEach((client, i) => {
      const row = this.#rows.get(client.id) ?? this.#create(client);
      this.#update(row, client, now);
      row.element.classList.remove("gone");
      const there = this.#body.children[i] ?? null;
      if (there !== row.element) this.#body.insertBefore(row.element, there);
    });
    // One that was moved has lost it.
    if (focused instanceof HTMLElement && this.#body.contains(focused)) {
      focused.focus({ preventScroll: true });
    }
  }

  /**
   * Marks a client.
   *
   * @param {string | null} clientId
   */
  select(clientId) {
    const before = this.#selected;
    this.#selected = clientId;
    for (const [id, { element }] of this.#rows) {
      element.classList.toggle("selected", id === clientId);
    }
    if (clientId !== null || before === null) return;
    // Back to where the keyboard came from.
    this.#rows.get(before)?.element.querySelector("button")?.focus();
  }

  get #isHeld() {
    return this.#isPressed || performance.now() - this.#movedAt < HELD_MS ||
      this.#marked()?.intersectsNode(this.#body) === true;
  }

  /** What the reader has marked. */
  #marked() {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed ? selection.getRangeAt(0) : undefined;
  }

  /** Whether these clients are other ones than those that are shown, or in another order. */
  #moves(/** @type {Client[]} */ clients) {
    const shown = [...this.#body.children];
    return shown.length !== clients.length ||
      clients.some(({ id }, i) => this.#rows.get(id)?.element !== shown[i]);
  }

  /** @param {Client} client @returns {Row} */
  #create(client) {
    const { id } = client;
    const open = el("button", { type: "button", class: "link" }, shown(id));
    open.addEventListener("click", () => this.#onOpen(id));
    const cells = COLUMNS.map(({ className }) => el("td", { class: className }));
    const copy = el("td", { class: "wide" }, copyButton("Copy ClientId", () => id));
    const element = el("tr", {}, el("th", { scope: "row" }, open), ...cells, copy);
    element.classList.toggle("selected", id === this.#selected);
    const row = { element, cells, client, counts: [] };
    this.#rows.set(id, row);
    return row;
  }

  /**
   * @param {Row} row
   * @param {Client} client
   * @param {number} now
   */
  #update(row, client, now) {
    if (row.client.connection !== client.connection) row.counts = [];
    row.client = client;
    if (client.framesIn !== undefined) {
      row.counts = [...row.counts, { frames: client.framesIn + client.framesOut, at: now }].slice(
        -2,
      );
    }
    // What is marked would be marked no more.
    if (this.#marked()?.intersectsNode(row.element) === true) return;
    COLUMNS.forEach(({ textOf }, i) => {
      const cell = row.cells[i];
      if (cell !== undefined) setText(cell, textOf(client, now, row));
    });
  }
}

/** @param {(client: Client, now: number, row: Row) => string} textOf */
function ofState(textOf) {
  /** @param {Client} client @param {number} now @param {Row} row */
  return (client, now, row) => client.lastActivityAt === undefined ? "–" : textOf(client, now, row);
}

/** @type {{ className: string, textOf: (client: Client, now: number, row: Row) => string }[]} */
const COLUMNS = [
  { className: "wide", textOf: ({ protocol }) => shown(protocol ?? "none") },
  { className: "wide", textOf: ({ remoteAddress }) => shown(remoteAddress) },
  {
    className: "num wide",
    textOf: ({ connectedAt, endedAt }, now) =>
      endedAt === undefined ? spanText(now - Date.parse(connectedAt)) : "not connected",
  },
  { className: "num", textOf: activityText },
  { className: "num wide", textOf: rateText },
  {
    className: "num wide",
    textOf: ofState(({ framesIn, framesOut }) =>
      `${numberText(framesIn)} / ${numberText(framesOut)}`
    ),
  },
  {
    className: "num",
    textOf: ofState(({ errors }) => errors === undefined ? "–" : numberText(errors)),
  },
  {
    className: "num wide",
    textOf: ofState(({ waiting, outstanding }) => `${waiting} / ${outstanding}`),
  },
  { className: "num ends", textOf: ({ ends }) => ends === undefined ? "" : numberText(ends) },
  // Not known of all, and not of those that are not connected any more.
  { className: "wide instance", textOf: ({ instance }) => shown(instance ?? "–") },
];

/**
 * @param {Client} client
 * @param {number} now
 */
function activityText({ lastActivityAt, heardAt, endedAt }, now) {
  if (endedAt !== undefined) return `left ${spanText(now - Date.parse(endedAt))} ago`;
  if (lastActivityAt === undefined) return "–";
  const ago = `${spanText(now - Date.parse(lastActivityAt))} ago`;
  if (heardAt === undefined) return ago;
  if (heardAt === null) return `${ago}, never heard`;
  const isApart = Date.parse(lastActivityAt) - Date.parse(heardAt) > HEARD_SLACK_MS;
  return isApart ? `${ago}, heard ${spanText(now - Date.parse(heardAt))} ago` : ago;
}

/**
 * As the gateway has measured it, or else between the last two times that it told of the client.
 *
 * @param {Client} client
 * @param {number} _now
 * @param {Row} row
 */
function rateText({ messagesPerSecond }, _now, { counts: [before, last] }) {
  if (messagesPerSecond !== undefined) return numberText(messagesPerSecond);
  if (before === undefined || last === undefined || last.at === before.at) return "–";
  return numberText((1000 * (last.frames - before.frames)) / (last.at - before.at));
}
