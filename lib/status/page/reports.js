/**
 * What the backend has not taken, page by page.
 *
 * @module
 */

import { generalAccess } from "./access.js";
import { byId, numberText, setText } from "./dom.js";
import { ReportRow } from "./report_row.js";
import { problemOf, Unauthorized } from "./session.js";

/** @import { GeneralAccess } from "../../api/may.ts" */
/** @import { ListedReport } from "./report_row.js" */
/** @import { Session } from "./session.js" */

const LIST_MS = 3000;
/** A filter counts when the keys rest. */
const KEYS_MS = 250;
/** With their bodies, which come with the list, a page stays small enough. */
const PAGE_REPORTS = 20;

/** The list of reports, as far as the token may see them. Asks only while it is open and seen. */
export class ReportsView {
  #session;
  #onOpenClient;
  #section = byId("reports");
  #title = byId("reports-title");
  #opener = byId("reports-open", HTMLButtonElement);
  #state = byId("reports-state", HTMLSelectElement);
  #client = byId("reports-client", HTMLInputElement);
  #retryAll = byId("reports-retry-all", HTMLButtonElement);
  #note = byId("reports-note");
  /** What is read out: what came of a filter, and not each refresh. */
  #said = byId("reports-said");
  #isAsked = false;
  /** What came of a button. */
  #outcome = byId("reports-done");
  #table = byId("reports-table");
  #body = byId("reports-rows");
  #previous = byId("reports-previous", HTMLButtonElement);
  #next = byId("reports-next", HTMLButtonElement);
  /** @type {Map<string, ReportRow>} */
  #rows = new Map();
  /** Where this page and those before it begin. @type {(string | null)[]} */
  #begins = [null];
  /** @type {string | null} */
  #after = null;
  /** Whose reports may be seen. @type {GeneralAccess["reports"]} */
  #allowed = [];
  #isOpen = false;
  #isAwake = false;
  /** A button that is disabled meanwhile would lose the keyboard. */
  #isRetrying = false;
  /** Only the last request counts. */
  #number = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {Session} session
   * @param {(clientId: string) => void} onOpenClient
   */
  constructor(session, onOpenClient) {
    this.#session = session;
    this.#onOpenClient = onOpenClient;
    this.#opener.addEventListener("click", () => this.#isOpen ? this.#close() : this.#open());
    byId("reports-close").addEventListener("click", () => this.#close());
    this.#section.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#close();
    });
    this.#state.addEventListener("change", () => this.#go([null]));
    this.#client.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#go([null]), KEYS_MS);
    });
    byId("reports-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#go([null]);
    });
    this.#retryAll.addEventListener("click", () => void this.#retryParked());
    this.#next.addEventListener("click", () => this.#go([...this.#begins, this.#after]));
    this.#previous.addEventListener("click", () => this.#go(this.#begins.slice(0, -1)));
    document.addEventListener("visibilitychange", () => void this.#refresh());
  }

  /** Asks the gateway for nothing more, and stays as it is. */
  sleep() {
    this.#isAwake = false;
    this.#halt();
  }

  /** The gateway is there again; the token may be another one, or may something else. */
  async wake() {
    this.#isAwake = true;
    const { reports } = await generalAccess(this.#session);
    this.#allowed = reports;
    const isAllowed = reports === null || reports.length > 0;
    this.#opener.hidden = !isAllowed;
    this.#retryAll.hidden = reports !== null;
    if (!isAllowed) this.#close();
    void this.#refresh();
  }

  #open() {
    this.#isOpen = true;
    this.#section.hidden = false;
    this.#opener.setAttribute("aria-expanded", "true");
    this.#title.focus();
    this.#section.scrollIntoView({ block: "nearest" });
    this.#go([null]);
  }

  #close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#halt();
    this.#clear();
    this.#section.hidden = true;
    this.#opener.setAttribute("aria-expanded", "false");
    this.#opener.focus();
  }

  #halt() {
    clearTimeout(this.#timer);
    this.#number++;
  }

  #clear() {
    this.#rows.clear();
    this.#body.replaceChildren();
    this.#table.hidden = true;
    this.#next.disabled = this.#previous.disabled = true;
  }

  /** @param {(string | null)[]} begins */
  #go(begins) {
    this.#begins = begins;
    this.#isAsked = true;
    setText(this.#outcome, "");
    void this.#refresh();
  }

  /** Asks now, and again in a while. */
  async #refresh() {
    this.#halt();
    if (!this.#isOpen || !this.#isAwake || document.hidden) return;
    const number = this.#number;
    const client = this.#client.value.trim();
    if (this.#allowed !== null && client === "") {
      this.#clear();
      return this.#tell(`This token may see reports of: ${this.#allowed.join(", ")}. Whose?`);
    }
    const query = new URLSearchParams({ limit: String(PAGE_REPORTS) });
    if (client !== "") query.set("client", client);
    if (this.#state.value !== "") query.set("state", this.#state.value);
    const after = this.#begins.at(-1) ?? null;
    if (after !== null) query.set("after", after);
    try {
      const response = await this.#session.fetch(`outbox?${query}`);
      const page = response.ok ? await response.json() : null;
      const problem = page === null ? await problemOf(response) : "";
      if (number !== this.#number) return;
      if (page === null) {
        this.#clear();
        this.#tell(`Cannot be listed: ${problem}.`);
      } else this.#show(page);
    } catch (error) {
      if (error instanceof Unauthorized || number !== this.#number) return;
      this.#tell("The gateway does not respond.");
    }
    if (number === this.#number) {
      this.#timer = setTimeout(() => void this.#refresh(), LIST_MS);
    }
  }

  /** @param {string} note */
  #tell(note) {
    setText(this.#note, note);
    if (this.#isAsked) setText(this.#said, note);
    this.#isAsked = false;
  }

  /** @param {{ total: number, reports: ListedReport[], next: string | null }} page */
  #show({ total, reports, next }) {
    const number = this.#begins.length;
    // The last ones of this page have gone.
    if (reports.length === 0 && number > 1) {
      this.#begins = this.#begins.slice(0, -1);
      return void this.#refresh();
    }
    const isFiltered = this.#client.value.trim() !== "" || this.#state.value !== "";
    const all = `${numberText(total)} ${total === 1 ? "report" : "reports"}`;
    const place = next === null && number === 1 ? "" : `, page ${number}`;
    this.#tell(`${all}${isFiltered ? " found" : ", oldest first"}${place}`);
    this.#after = next;
    this.#next.disabled = next === null;
    this.#previous.disabled = number === 1;
    this.#place(reports);
    this.#table.hidden = reports.length === 0;
  }

  /**
   * Changes only what is another now: what is moved loses the keyboard.
   *
   * @param {ListedReport[]} reports
   */
  #place(reports) {
    const focused = document.activeElement?.closest("#reports-rows tr") ?? null;
    const at = focused === null ? -1 : [...this.#body.children].indexOf(focused);
    const listed = new Set(reports.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (listed.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    for (const [i, report] of reports.entries()) {
      const row = this.#rows.get(report.id) ?? new ReportRow(report, {
        session: this.#session,
        onOpenClient: this.#onOpenClient,
        onDone: (text) => this.#done(text),
      });
      row.update(report);
      this.#rows.set(report.id, row);
      const there = this.#body.children[i] ?? null;
      if (there !== row.element) this.#body.insertBefore(row.element, there);
    }
    if (focused === null || focused.isConnected) return;
    // The keyboard goes on with the next one.
    const next = this.#body.children[Math.min(at, this.#body.childElementCount - 1)];
    const button = next?.querySelector(".buttons button");
    (button instanceof HTMLElement ? button : this.#title).focus({ preventScroll: true });
  }

  /** @param {string} text What came of a button. */
  #done(text) {
    setText(this.#outcome, text);
    void this.#refresh();
  }

  async #retryParked() {
    if (this.#isRetrying) return;
    this.#isRetrying = true;
    let text;
    try {
      const response = await this.#session.fetch("outbox/retry?state=parked", { method: "POST" });
      text = response.ok
        ? `${numberText((await response.json()).retried)} are tried again.`
        : `Not all are tried again: ${await problemOf(response)}.`;
    } catch (error) {
      if (error instanceof Unauthorized) return;
      text = "No response from the gateway.";
    } finally {
      this.#isRetrying = false;
    }
    this.#done(text);
  }
}
