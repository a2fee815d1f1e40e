/**
 * One client's frames as they pass.
 *
 * @module
 */

import { byId, el, numberText, setText, timeText } from "./dom.js";
import { follow } from "./session.js";

/** @import { TappedFrame } from "../../client/tap.ts" */
/** @import { Session } from "./session.js" */

const MAX_FRAMES = 200;
const TYPES = {
  call: "CALL",
  result: "CALLRESULT",
  error: "CALLERROR",
  resulterror: "CALLRESULTERROR",
  send: "SEND",
};
/** @type {Record<string, string>} */
const REASONS = {
  no_tail: "Off: the instance that holds the client was started with --no-tail.",
  overloaded: "Too many clients are being looked at. Try again in a moment.",
};

/** The list of frames. One element for each frame, the newest first. */
export class TailView {
  #session;
  #rows = byId("tail-rows");
  #note = byId("tail-note");
  #payloads = byId("tail-payloads", HTMLButtonElement);
  #pause = byId("tail-pause", HTMLButtonElement);
  #clientId = "";
  /** Of the frames that are shown. @type {string | null} */
  #connectionId = null;
  /** The number of the newest frame that is shown. */
  #newest = 0;
  /** @type {AbortController | null} */
  #following = null;

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
    for (const button of [this.#payloads, this.#pause]) {
      button.addEventListener("click", () => {
        button.setAttribute("aria-pressed", String(!isPressed(button)));
        // What is kept is told again, now with or without payloads.
        if (!isPressed(this.#pause)) this.#clear();
        this.#follow();
      });
    }
  }

  /**
   * Begins with a client. Payloads are shown only when they are asked for again.
   *
   * @param {string} clientId
   */
  open(clientId) {
    this.#clientId = clientId;
    for (const button of [this.#payloads, this.#pause]) {
      button.setAttribute("aria-pressed", "false");
    }
    this.#clear();
    this.#follow();
  }

  /**
   * Whether payloads may be asked for; when not any more, what is shown of them goes.
   *
   * @param {boolean} isAllowed
   */
  allowPayloads(isAllowed) {
    this.#payloads.hidden = !isAllowed;
    if (isAllowed || !isPressed(this.#payloads)) return;
    this.#payloads.setAttribute("aria-pressed", "false");
    this.#clear();
    this.#follow();
  }

  close() {
    this.#following?.abort();
    this.#following = null;
  }

  /** Follows nobody for a while. */
  sleep() {
    this.close();
    setText(this.#note, "Waiting for the gateway …");
  }

  /** Goes on behind what is shown. */
  wake() {
    this.#follow();
  }

  #clear() {
    this.#rows.replaceChildren();
    this.#newest = 0;
  }

  #follow() {
    this.close();
    if (isPressed(this.#pause)) return setText(this.#note, "Paused.");
    const following = this.#following = new AbortController();
    const payloads = isPressed(this.#payloads) ? 1 : 0;
    setText(this.#note, "Waiting for frames …");
    void follow(
      this.#session,
      `status/tail/${encodeURIComponent(this.#clientId)}?payloads=${payloads}`,
      {
        signal: following.signal,
        onEvent: (event, data) => this.#take(event, data),
        onState: (state, reason) => {
          if (state === "connected") return;
          setText(this.#note, `${reason || "Cut off"}, trying again …`);
        },
        onRefused: (detail) => setText(this.#note, `Off: ${detail}.`),
      },
    );
  }

  /**
   * @param {string} event
   * @param {any} data
   */
  #take(event, data) {
    switch (event) {
      case "connection":
        if (data.connectionId === null) setText(this.#note, "The client is not connected.");
        else this.#begin(data.connectionId);
        break;
      case "refused":
        setText(this.#note, REASONS[data.reason] ?? `Off: ${data.reason}.`);
        this.close();
        break;
      case "frames":
        this.#add(data.frames, data.isBroken);
        break;
    }
  }

  /** @param {string} connectionId */
  #begin(connectionId) {
    setText(this.#note, "Live, newest first.");
    // Frames are numbered from 1 in each.
    if (connectionId !== this.#connectionId) this.#newest = 0;
    this.#connectionId = connectionId;
  }

  /**
   * @param {readonly TappedFrame[]} frames After a while without a tail, some are told again.
   * @param {boolean} isBroken
   */
  #add(frames, isBroken) {
    const isFirst = this.#newest === 0;
    let expected = this.#newest + 1;
    if (isBroken) this.#rows.prepend(gapRow());
    for (const frame of frames) {
      if (frame.number < expected) continue;
      if (frame.number > expected && !isFirst && !isBroken) this.#rows.prepend(gapRow());
      this.#rows.prepend(frameRow(frame));
      expected = frame.number + 1;
    }
    this.#newest = expected - 1;
    while (this.#rows.childElementCount > MAX_FRAMES) this.#rows.lastElementChild?.remove();
  }
}

/** @param {HTMLElement} button */
function isPressed(button) {
  return button.getAttribute("aria-pressed") === "true";
}

/** @param {TappedFrame} frame */
function frameRow({ direction, at, type, messageId, action, code, size, text }) {
  const way = direction === "in" ? "from client" : "to client";
  const row = el(
    "li",
    { class: "frame" },
    el("time", { class: "num", datetime: new Date(at).toISOString() }, timeText(at, true)),
    el("span", { class: `way ${direction}` }, way),
    el("span", { class: "kind" }, type === null ? "no frame" : TYPES[type]),
    el("span", { class: "name" }, action ?? code ?? ""),
    el("span", { class: "message-id", title: "MessageId" }, messageId ?? ""),
    el("span", { class: "num size" }, `${numberText(size)} chars`),
  );
  if (text !== null) {
    row.append(el("code", {}, text.length < size ? `${text} …` : text));
  }
  return row;
}

function gapRow() {
  return el("li", { class: "frame gap" }, "Some frames are left out here.");
}
