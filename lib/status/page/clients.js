/**
 * Who is connected, page by page.
 *
 * @module
 */

import { byId, el, numberText, setText, spanText } from "./dom.js";
import { problemOf, Unauthorized } from "./session.js";

/** @import { Place } from "./place.js" */
/** @import { Session } from "./session.js" */

const REFRESH_MS = 3000;
/** A search begins when the keys rest. */
const TYPING_MS = 250;

/** The list of clients. Asks only while it is seen. */
export class ClientsView {
  #session;
  #onOpen;
  #search = byId("search", HTMLInputElement);
  #note = byId("clients-note");
  /** What is read out: the answer to what was asked for, and not each refresh. */
  #said = byId("clients-said");
  #isAsked = false;
  #rows = byId("clients-rows");
  #previous = byId("clients-previous", HTMLButtonElement);
  #next = byId("clients-next", HTMLButtonElement);
  /** Where this page and those before it begin. @type {(string | null)[]} */
  #begins = [null];
  /** @type {string | null} */
  #after = null;
  /** @type {string | null} */
  #selected = null;
  #isSeen = false;
  /** Whether the gateway can be asked. */
  isLive = false;
  /** Only the last request counts. */
  #number = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {Session} session
   * @param {Place} place
   * @param {(clientId: string) => void} onOpen
   */
  constructor(session, place, onOpen) {
    this.#session = session;
    this.#search.value = place.get("search") ?? "";
    place.onChange(() => {
      this.#search.value = place.get("search") ?? "";
      this.#go([null]);
    });
    this.#onOpen = onOpen;
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        place.set({ search: this.#search.value.trim() });
        this.#go([null]);
      }, TYPING_MS);
    });
    byId("search-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#go([null]);
    });
    this.#next.addEventListener("click", () => this.#go([...this.#begins, this.#after]));
    this.#previous.addEventListener("click", () => this.#go(this.#begins.slice(0, -1)));
    document.addEventListener("visibilitychange", () => void this.refresh());
    new IntersectionObserver(([entry]) => {
      this.#isSeen = entry?.isIntersecting === true;
      if (this.#isSeen) void this.refresh();
    }).observe(byId("clients"));
  }

  /**
   * Marks a client in the list.
   *
   * @param {string | null} clientId
   */
  select(clientId) {
    const before = this.#selected;
    this.#selected = clientId;
    for (const row of this.#rows.children) this.#mark(row);
    if (clientId !== null || before === null) return;
    // Back to where the keyboard came from.
    this.#rows.querySelectorAll("button").forEach((button) => {
      if (button.textContent === before) button.focus();
    });
  }

  /** @param {Element} row */
  #mark(row) {
    const isSelected = row.querySelector("button")?.textContent === this.#selected;
    row.classList.toggle("selected", isSelected);
  }

  /** @param {(string | null)[]} begins */
  #go(begins) {
    this.#begins = begins;
    this.#isAsked = true;
    void this.refresh();
  }

  /** Asks now, and again in a while. */
  async refresh() {
    clearTimeout(this.#timer);
    if (document.hidden || !this.#isSeen || !this.isLive) return;
    const number = ++this.#number;
    const query = new URLSearchParams({ search: this.#search.value.trim() });
    const after = this.#begins.at(-1) ?? null;
    if (after !== null) query.set("after", after);
    try {
      const response = await this.#session.fetch(`status/clients?${query}`);
      if (number !== this.#number) return;
      if (response.ok) this.#show(await response.json());
      else setText(this.#note, `Cannot be listed: ${await problemOf(response)}.`);
    } catch (error) {
      if (error instanceof Unauthorized || number !== this.#number) return;
      setText(this.#note, "The gateway does not respond.");
    }
    if (number === this.#number) {
      this.#timer = setTimeout(() => void this.refresh(), REFRESH_MS);
    }
  }

  /** @param {{ total: number, clients: any[], next: string | null }} page */
  #show({ total, clients, next }) {
    const focused = document.activeElement?.closest("#clients-rows button")?.textContent;
    const isSearch = this.#search.value.trim() !== "";
    const number = this.#begins.length;
    const all = `${numberText(total)} ${total === 1 ? "client" : "clients"}`;
    const place = next === null && number === 1 ? "" : `, page ${number}`;
    const note = `${all}${isSearch ? " found" : " connected"}${place}`;
    setText(this.#note, note);
    if (this.#isAsked) setText(this.#said, note);
    this.#isAsked = false;
    this.#after = next;
    this.#next.disabled = next === null;
    this.#previous.disabled = number === 1;
    const now = Date.now();
    this.#rows.replaceChildren(...clients.map((client) => this.#row(client, now)));
    if (focused === undefined) return;
    // The keyboard stays where it was.
    this.#rows.querySelectorAll("button").forEach((button) => {
      if (button.textContent === focused) button.focus({ preventScroll: true });
    });
  }

  /**
   * @param {any} client
   * @param {number} now
   */
  #row(client, now) {
    const button = el("button", { type: "button", class: "link" }, client.id);
    button.addEventListener("click", () => this.#onOpen(client.id));
    const isKnown = client.lastActivityAt !== undefined;
    /** @param {string | number} value */
    const state = (value) => el("td", { class: "num" }, isKnown ? String(value) : "–");
    const row = el(
      "tr",
      {},
      el("th", { scope: "row" }, button),
      el("td", { class: "wide" }, client.protocol ?? "none"),
      el("td", { class: "wide" }, client.remoteAddress),
      el("td", { class: "num wide" }, spanText(now - Date.parse(client.connectedAt))),
      state(isKnown ? `${spanText(now - Date.parse(client.lastActivityAt))} ago` : ""),
      state(isKnown ? `${numberText(client.framesIn)} / ${numberText(client.framesOut)}` : ""),
      state(isKnown ? `${client.waiting} / ${client.outstanding}` : ""),
    );
    this.#mark(row);
    return row;
  }
}
