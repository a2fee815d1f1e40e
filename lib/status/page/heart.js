/**
 * Whether the page still hears of the gateway, and how that looks from outside of the page: in its
 * title and icon.
 *
 * @module
 */

import { byId, el, setText, spanText, timeText } from "./dom.js";

/** @import { Level } from "./health.js" */

/**
 * @typedef {"connected" | "reconnecting" | "connecting" | "asleep" | "refused"} State
 */

const STATES = {
  connecting: "Connecting",
  connected: "Live",
  reconnecting: "Reconnecting",
  asleep: "Paused",
  refused: "Refused",
};
/** Colours that are told apart on a light and on a dark bar of tabs. */
const COLORS = { good: "#2563c9", warn: "#c2750e", bad: "#cb2b2b", unknown: "#7a8494" };

/** Owns what is said of the connection to the gateway. */
export class Heart {
  #pill = byId("state");
  #words = el("span");
  /** It counts up, and is not read out each time. */
  #span = el("span", { "aria-hidden": "true" });
  #icon = document.querySelector("link[rel=icon]");
  #onStale;
  /** @type {State} */
  #state = "connecting";
  #reason = "";
  /** Since when nothing has come, by this page's clock; null while all is well. @type {number | null} */
  #silentSince = null;
  /** Whether there is anything to be old. */
  #isKnown = false;
  /** @type {Level} */
  #level = "idle";
  /** @type {string | null} */
  #instance = null;

  /** @param {(isStale: boolean) => void} onStale Told when that changes. */
  constructor(onStale) {
    this.#onStale = onStale;
    this.#pill.replaceChildren(this.#words, this.#span);
  }

  /**
   * @param {State} state
   * @param {string} [reason]
   */
  is(state, reason = "") {
    this.#state = state;
    this.#reason = reason;
    // A page that does not listen hears nothing.
    if (state === "asleep" || state === "connecting") this.#hear(null);
    this.#show();
  }

  /**
   * A snapshot has come.
   *
   * @param {string | null} instance
   * @param {Level} level The worst of all that it tells.
   */
  beat(instance, level) {
    this.#isKnown = true;
    this.#instance = instance;
    this.#level = level;
    this.#hear(null);
    this.#show();
  }

  /**
   * None has come for a while; called again as that goes on.
   *
   * @param {number} silentSince Milliseconds since 1970.
   */
  falter(silentSince) {
    this.#hear(silentSince);
    this.#show();
  }

  /** @param {number | null} silentSince */
  #hear(silentSince) {
    const before = this.#isStale;
    this.#silentSince = silentSince;
    if (this.#isStale === before) return;
    document.body.toggleAttribute("data-stale", this.#isStale);
    this.#onStale(this.#isStale);
  }

  get #isStale() {
    return this.#silentSince !== null;
  }

  #show() {
    // That nothing comes is said by the silence itself.
    const parts = [this.#isStale && this.#reason === "no data" ? "" : this.#reason];
    if (this.#state !== "connected" || !this.#isStale) parts.unshift(STATES[this.#state]);
    if (this.#silentSince !== null) {
      const silence = `no data since ${timeText(this.#silentSince)}`;
      parts.push(parts.some((part) => part !== "") ? silence : capital(silence));
    }
    setText(this.#words, parts.filter((part) => part !== "").join(": "));
    const since = this.#silentSince;
    setText(this.#span, since === null ? "" : ` (${spanText(Date.now() - since)})`);
    this.#pill.dataset.state = this.#isStale ? "stale" : this.#state;
    this.#showOutside();
  }

  #showOutside() {
    const isKnown = this.#state === "connected" && !this.#isStale && this.#isKnown;
    const mark = this.#isStale ? "(?) " : isKnown && this.#level === "bad" ? "(!) " : "";
    const name = this.#instance === null ? "ws2api" : `ws2api ${this.#instance}`;
    if (document.title !== mark + name) document.title = mark + name;
    const level = this.#level === "bad" || this.#level === "warn" ? this.#level : "good";
    const href = iconOf(isKnown ? COLORS[level] : COLORS.unknown);
    if (this.#icon?.getAttribute("href") !== href) this.#icon?.setAttribute("href", href);
  }
}

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {string} color */
function iconOf(color) {
  const svg =
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><rect width='16' height='16' rx='4' fill='${color}'/><path d='M3 10l3-4 3 3 4-5' fill='none' stroke='white' stroke-width='1.8' stroke-linecap='round' stroke-linejoin='round'/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
