/**
 * What passes between one client and the gateway, as it passes.
 *
 * @module
 */

import { byId, el, numberText, setText } from "./dom.js";
import { Exchanges, isItemShown, jsonLines } from "./exchanges.js";
import { fileName, saveFile } from "./files.js";
import { RecordingsView } from "./recordings.js";
import { TailRow } from "./tail_row.js";

/** @import { FollowedRow, Told } from "../../cluster/followed.ts" */
/** @import { Item } from "./exchanges.js" */
/** @import { Session } from "./session.js" */
/** @import { Stream } from "./stream.js" */

/** @type {Record<string, string>} */
const TAIL_REASONS = {
  no_tail: "Off: the gateway was started with --no-tail.",
  overloaded: "Too many clients are being looked at. Try again in a moment.",
};
/** @type {Record<string, string>} */
const MISSING_TEXTS = {
  no_tail: "some instances were started with --no-tail and show nothing",
  overloaded: "some threads look at too many clients and show nothing",
  unreachable: "incomplete: other instances cannot be reached",
};

/** The list of exchanges. One element for each, the newest first. */
export class TailView {
  /** @type {Stream | null} */
  #stream = null;
  #list = byId("tail-rows");
  #note = byId("tail-note");
  #payloads = byId("tail-payloads", HTMLButtonElement);
  #pause = byId("tail-pause", HTMLButtonElement);
  #action = byId("tail-action", HTMLInputElement);
  #type = byId("tail-type", HTMLSelectElement);
  #exchanges = new Exchanges();
  /** The last row, when there were older ones. */
  #older = el("li", { class: "frame gap" }, "Older rows are not kept by this page.");
  /** @type {Map<Item, TailRow>} */
  #rows = new Map();
  /** What came while nothing was drawn. @type {Set<Item>} */
  #undrawn = new Set();
  /** Null while nobody is looked at. @type {string | null} */
  #clientId = null;
  /** Whether the stream tells payloads. */
  #hasPayloads = false;
  #mayHavePayloads = false;
  #recordings;

  /** @param {Session} session */
  constructor(session) {
    this.#recordings = new RecordingsView(session);
    this.#payloads.addEventListener("click", () => {
      const isShowing = !isOn(this.#payloads);
      setOn(this.#payloads, isShowing);
      this.#askPayloads(isShowing);
      for (const row of this.#rows.values()) row.open(isShowing);
    });
    this.#pause.addEventListener("click", () => {
      setOn(this.#pause, !isOn(this.#pause));
      this.#draw();
    });
    for (const input of [this.#action, this.#type]) {
      input.addEventListener("input", () => this.#drawAll());
    }
    byId("tail-download").addEventListener("click", () => {
      saveFile(`${fileName(this.#clientId ?? "")}.jsonl`, jsonLines(this.#chosen()));
    });
  }

  /**
   * Whom to ask for frames; once.
   *
   * @param {Stream} stream
   */
  use(stream) {
    this.#stream = stream;
  }

  /**
   * Begins with a client. Payloads are shown only when they are asked for again.
   *
   * @param {string} clientId
   */
  open(clientId) {
    for (const button of [this.#payloads, this.#pause]) setOn(button, false);
    if (this.#clientId !== clientId) {
      this.#exchanges.clear();
      this.#action.value = this.#type.value = "";
    }
    this.#clientId = clientId;
    this.#askPayloads(false);
    this.#stream?.watch(clientId, false);
    this.#drawAll();
    setText(this.#note, "Waiting for frames …");
    this.#recordings.open(clientId);
  }

  /**
   * Whether payloads may be asked for; when not any more, what is shown of them goes.
   *
   * @param {boolean} isAllowed
   */
  allowPayloads(isAllowed) {
    this.#mayHavePayloads = isAllowed;
    this.#payloads.hidden = !isAllowed;
    this.#recordings.allow(isAllowed);
    if (isAllowed || !this.#hasPayloads) return;
    setOn(this.#payloads, false);
    this.#askPayloads(false);
    this.#drawAll();
  }

  close() {
    this.#clientId = null;
    this.#stream?.unwatch();
    this.#recordings.close();
  }

  /** Nothing is told for a while. */
  sleep() {
    setText(this.#note, "Waiting for the gateway …");
    this.#recordings.sleep();
  }

  /** Goes on behind what is shown. */
  wake() {
    this.#recordings.wake();
  }

  /** @param {"connected" | "reconnecting"} state Of the stream. */
  streamIs(state) {
    if (this.#clientId === null) return;
    setText(this.#note, state === "connected" ? "Waiting for frames …" : "Cut off, trying again …");
  }

  /**
   * An event of the stream.
   *
   * @param {string} event
   * @param {any} data
   */
  take(event, data) {
    if (this.#clientId === null) return;
    if (event === "tail-connection") this.#tellState(data);
    if (event === "tail-frames") this.#add(data.rows, data.isFirst);
    if (event === "tail-refused") {
      setText(this.#note, TAIL_REASONS[data.reason] ?? `Off: ${data.detail ?? data.reason}.`);
    }
  }

  /** @param {Omit<Told, "rows">} told */
  #tellState({ connectionId, missing }) {
    const state = connectionId === null
      ? "The client is not connected; its next connection is shown from its first frame on."
      : "Live, newest first.";
    setText(this.#note, missing === null ? state : `${state} But ${MISSING_TEXTS[missing]}.`);
  }

  /** @param {boolean} isAsking */
  #askPayloads(isAsking) {
    if (this.#hasPayloads === isAsking || this.#clientId === null) return;
    this.#hasPayloads = isAsking;
    if (!isAsking) this.#exchanges.forgetPayloads();
    // What is kept is told again, now with payloads.
    this.#stream?.watch(this.#clientId, isAsking);
  }

  /**
   * @param {readonly FollowedRow[]} rows
   * @param {boolean} isFirst
   */
  #add(rows, isFirst) {
    for (const item of this.#exchanges.add(rows, isFirst)) this.#undrawn.add(item);
    this.#draw();
  }

  /** A pause holds the drawing back, and nothing else. */
  #draw() {
    const isPaused = isOn(this.#pause);
    const count = this.#undrawn.size;
    setText(this.#pause, isPaused ? `Resume (${numberText(count)} new or changed)` : "Pause");
    if (isPaused) return;
    const kept = new Set(this.#exchanges.items);
    for (const item of this.#undrawn) {
      const row = this.#rows.get(item);
      if (row !== undefined) row.update();
      else if (kept.has(item)) this.#show(item);
    }
    this.#undrawn.clear();
    for (const [item, row] of this.#rows) {
      if (kept.has(item)) continue;
      row.element.remove();
      this.#rows.delete(item);
    }
    if (this.#exchanges.isCut) this.#list.append(this.#older);
    this.#heedFilter();
  }

  /** @param {Item} item */
  #show(item) {
    const row = new TailRow(item, () => {
      if (this.#mayHavePayloads) this.#askPayloads(true);
    });
    this.#rows.set(item, row);
    this.#list.prepend(row.element);
    if (isOn(this.#payloads)) row.open(true);
  }

  #drawAll() {
    if (isOn(this.#pause)) return this.#heedFilter();
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#undrawn = new Set(this.#exchanges.items);
    this.#draw();
  }

  #heedFilter() {
    for (const [item, row] of this.#rows) row.element.hidden = !isItemShown(item, this.#filter);
  }

  get #filter() {
    return { action: this.#action.value.trim(), type: this.#type.value };
  }

  #chosen() {
    return this.#exchanges.items.filter((item) => isItemShown(item, this.#filter));
  }
}

/** @param {HTMLElement} button */
function isOn(button) {
  return button.getAttribute("aria-pressed") === "true";
}

/**
 * @param {HTMLElement} button
 * @param {boolean} isPressed
 */
function setOn(button, isPressed) {
  button.setAttribute("aria-pressed", String(isPressed));
}
