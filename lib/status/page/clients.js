/**
 * Who is connected, page by page, in any order.
 *
 * @module
 */

import { controlsOf, filterText, FINDS, sortAfter } from "./clients_query.js";
import { ClientsTable } from "./clients_table.js";
import { byId, numberText, setText } from "./dom.js";
import { problemOf, Unauthorized } from "./session.js";

/** @import { Place } from "./place.js" */
/** @import { Session } from "./session.js" */

const REFRESH_MS = 3000;
/** A search begins when the keys rest. */
const TYPING_MS = 250;

/** What of the address is the list's. */
const FIRST_PAGE = { after: null, page: null };

/** The list of clients. Asks only while it is seen. */
export class ClientsView {
  #session;
  #place;
  #table;
  #section = byId("clients");
  #search = byId("search", HTMLInputElement);
  #filters = byId("filter-form", HTMLFormElement);
  #finds = byId("clients-finds");
  #heads = byId("clients-heads");
  #note = byId("clients-note");
  #empty = byId("clients-empty");
  /** What is read out: the answer to what was asked for, and not each refresh. */
  #said = byId("clients-said");
  #isAsked = true;
  #previous = byId("clients-previous", HTMLButtonElement);
  #next = byId("clients-next", HTMLButtonElement);
  /** Where the pages of one list begin that have been seen, by number. @type {Map<number, string>} */
  #begins = new Map();
  /** Which list that is. */
  #begun = "";
  /** @type {string | null} */
  #after = null;
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
    this.#place = place;
    this.#table = new ClientsTable(byId("clients-rows"), byId("clients-held"), onOpen);
    this.#listen();
    this.#readPlace();
    place.onChange(() => {
      this.#readPlace();
      this.#ask();
    });
    document.addEventListener("visibilitychange", () => void this.refresh());
    new IntersectionObserver(([entry]) => {
      this.#isSeen = entry?.isIntersecting === true;
      if (this.#isSeen) void this.refresh();
    }).observe(this.#section);
  }

  /**
   * Marks a client in the list.
   *
   * @param {string | null} clientId
   */
  select(clientId) {
    this.#table.select(clientId);
  }

  #listen() {
    const typed = () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#typed(), TYPING_MS);
    };
    for (const form of [byId("search-form", HTMLFormElement), this.#filters]) {
      form.addEventListener("input", typed);
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.#typed();
      });
    }
    this.#finds.addEventListener("click", ({ target }) => {
      const find = target instanceof HTMLElement ? FINDS[target.dataset["find"] ?? ""] : undefined;
      if (find !== undefined) this.#go({ ...find, search: null, ...FIRST_PAGE });
    });
    this.#heads.addEventListener("click", ({ target }) => {
      const column = target instanceof HTMLElement ? target.dataset["sort"] : undefined;
      if (column === undefined) return;
      this.#go({ sort: sortAfter(column, this.#place.get("sort") ?? ""), ...FIRST_PAGE });
    });
    this.#next.addEventListener("click", () => this.#goTo(this.#page + 1, this.#after));
    this.#previous.addEventListener("click", () => {
      // After a reload only this one's beginning is known.
      const number = this.#begins.has(this.#page - 1) ? this.#page - 1 : 1;
      this.#goTo(number, this.#begins.get(number) ?? null);
    });
    // By its own link the address would be that of the list alone.
    document.querySelector("a.skip")?.addEventListener("click", (event) => {
      event.preventDefault();
      this.#section.focus();
      this.#section.scrollIntoView();
    });
  }

  get #page() {
    const number = Number(this.#place.get("page") ?? "1");
    return Number.isSafeInteger(number) && number > 1 ? number : 1;
  }

  #typed() {
    const data = new FormData(this.#filters);
    /** @param {string} name */
    const text = (name) => String(data.get(name) ?? "");
    const filter = filterText({
      protocol: text("protocol"),
      address: text("address"),
      instance: text("instance"),
      silent: text("silent"),
      errors: data.has("errors"),
    });
    this.#place.set({ search: this.#search.value.trim(), filter, ...FIRST_PAGE });
    this.#heedPlace();
    this.#ask();
  }

  /**
   * @param {number} number
   * @param {string | null} after
   */
  #goTo(number, after) {
    this.#go(number > 1 && after !== null ? { page: String(number), after } : FIRST_PAGE);
  }

  /** @param {Record<string, string | null>} values */
  #go(values) {
    this.#place.set(values, { push: true });
    this.#readPlace();
    this.#ask();
  }

  /** The address says what is shown. */
  #readPlace() {
    this.#search.value = this.#place.get("search") ?? "";
    const controls = controlsOf(this.#place.get("filter") ?? "");
    for (const [name, value] of Object.entries(controls)) {
      const control = this.#filters.elements.namedItem(name);
      if (control instanceof HTMLInputElement && typeof value === "boolean") {
        control.checked = value;
      } else if (control instanceof HTMLInputElement) control.value = String(value);
      else if (control instanceof HTMLSelectElement) showChosen(control, String(value));
    }
    this.#heedPlace();
  }

  #heedPlace() {
    const list = JSON.stringify(["search", "sort", "filter"].map((name) => this.#place.get(name)));
    if (list !== this.#begun) this.#begins.clear();
    this.#begun = list;
    const after = this.#place.get("after");
    if (after !== null) this.#begins.set(this.#page, after);
    const [sort, filter] = [this.#place.get("sort") ?? "", this.#place.get("filter") ?? ""];
    for (const button of this.#finds.querySelectorAll("button")) {
      const find = FINDS[button.dataset["find"] ?? ""];
      const isPressed = find?.sort === sort && find.filter === filter;
      button.setAttribute("aria-pressed", String(isPressed));
    }
    for (const head of this.#heads.querySelectorAll("th")) {
      const column = head.querySelector("button")?.dataset["sort"];
      const isSorted = column !== undefined && (sort || "id").replace(/^-/, "") === column;
      if (isSorted) head.ariaSort = sort.startsWith("-") ? "descending" : "ascending";
      else head.removeAttribute("aria-sort");
    }
    this.#section.classList.toggle("by-ends", sort === "-ends");
  }

  #ask() {
    this.#isAsked = true;
    void this.refresh();
  }

  /** Asks now, and again in a while. */
  async refresh() {
    clearTimeout(this.#timer);
    if (document.hidden || !this.#isSeen || !this.isLive) return;
    const number = ++this.#number;
    const query = new URLSearchParams();
    for (const name of ["search", "sort", "filter", "after"]) {
      const value = this.#place.get(name);
      if (value !== null) query.set(name, value);
    }
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

  /**
   * @param {{ total: number, clients: any[], next: string | null, incomplete?: true,
   *   clientsAt: { port: number | null, path: string } }} page
   */
  #show({ total, clients, next, incomplete, clientsAt }) {
    const place = this.#place;
    const isSearch = place.get("search") !== null || place.get("filter") !== null ||
      place.get("sort") === "-ends";
    const page = this.#page;
    const all = `${numberText(total)} ${total === 1 ? "client" : "clients"}`;
    const number = next === null && page === 1 ? "" : `, page ${page}`;
    const found = `${all}${isSearch ? " found" : " connected"}${number}`;
    const missing = "incomplete: other instances cannot be reached";
    const note = incomplete !== true ? found : total === 0 ? missing : `${found}, ${missing}`;
    setText(this.#note, note);
    if (this.#isAsked) setText(this.#said, note);
    this.#empty.hidden = clients.length > 0;
    setText(this.#empty, this.#emptyText(isSearch, clientsAt));
    // The plain list does not tell it, nor does a gateway that is alone.
    const isAmong = clients.some(({ instance }) => instance !== undefined);
    this.#section.classList.toggle("by-instance", isAmong);
    this.#after = next;
    this.#next.disabled = next === null;
    this.#previous.disabled = page === 1;
    this.#table.show(clients, this.#isAsked);
    this.#isAsked = false;
  }

  /**
   * @param {boolean} isSearch
   * @param {{ port: number | null, path: string }} clientsAt
   */
  #emptyText(isSearch, { port, path }) {
    if (this.#place.get("sort") === "-ends") return "No client has come and gone in the last hour.";
    if (isSearch) return "No client fits the search and the filter.";
    const { protocol, host, hostname } = location;
    const at = port === null ? host : `${hostname}:${port}`;
    const scheme = protocol === "https:" ? "wss" : "ws";
    return `No client is connected. Clients connect to ${scheme}://${at}${path}<ClientId>.`;
  }
}

/**
 * Chooses a value, also one that is not proposed.
 *
 * @param {HTMLSelectElement} select
 * @param {string} value
 */
function showChosen(select, value) {
  const isKnown = [...select.options].some((option) => option.value === value);
  if (!isKnown) select.add(new Option(value, value));
  select.value = value;
}
