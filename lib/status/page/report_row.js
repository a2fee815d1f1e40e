/**
 * One report in the list of those that the backend has not taken.
 *
 * @module
 */

import { el, numberText, setText, spanText, timeText } from "./dom.js";
import { bodyOf, nameOf } from "./outbox.js";
import { problemOf, Unauthorized } from "./session.js";
import { TwoClicks } from "./two_clicks.js";

/** @import { Session } from "./session.js" */

/** More of a body is not shown. */
const MAX_BODY_CHARS = 100_000;

/**
 * A report as `GET /outbox` has it.
 *
 * @typedef {object} ListedReport
 * @property {string} id
 * @property {"waiting" | "parked"} state
 * @property {string} kind
 * @property {string} client
 * @property {string | null} action
 * @property {string | null} messageId
 * @property {string} since
 * @property {number} tries
 * @property {string | null} lastFailure
 *
 * @typedef {object} ReportRowOptions
 * @property {Session} session
 * @property {(clientId: string) => void} onOpenClient
 * @property {(text: string) => void} onDone Told what came of a button, in words.
 */

/** A row, which stays the same element as long as its report is listed: the keyboard may be in it. */
export class ReportRow {
  #session;
  #onDone;
  #path;
  #name;
  #age = el("small", {});
  #state = el("span", { class: "tag" });
  #tries = el("td", { class: "num wide" });
  #failure = el("td", {});
  #retry = button("Retry");
  #remove = button("Remove", "danger");
  #showBody = button("Body");
  #body = el("pre", { tabindex: "0", "aria-label": "The report’s body", hidden: "" });
  /** A button that is disabled meanwhile would lose the keyboard. */
  #isBusy = false;
  element;

  /**
   * @param {ListedReport} report
   * @param {ReportRowOptions} options
   */
  constructor(report, { session, onOpenClient, onDone }) {
    this.#session = session;
    this.#onDone = onDone;
    this.#path = `outbox/${report.id}`;
    this.#name = nameOf(report);
    const { kind, client, action, messageId, since } = report;
    const open = button(client, "link");
    open.addEventListener("click", () => onOpenClient(client));
    const what = el("td", { class: "what" }, el("strong", {}, kind));
    if (action !== null) what.append(` ${action} `);
    if (messageId !== null) what.append(el("span", { class: "message-id" }, messageId));
    what.append(this.#body);
    const time = el("time", { datetime: since }, timeText(Date.parse(since)));
    const actions = el("td", { class: "buttons" }, this.#showBody, this.#retry, this.#remove);
    this.element = el(
      "tr",
      {},
      el("td", { class: "num" }, time, this.#age),
      el("th", { scope: "row" }, open),
      what,
      el("td", {}, this.#state),
      this.#tries,
      this.#failure,
      actions,
    );
    this.#retry.setAttribute("aria-label", `Retry: ${this.#name}`);
    this.#retry.addEventListener("click", () => {
      void this.#do("POST", `${this.#path}/retry`, "is tried again");
    });
    new TwoClicks(this.#remove, {
      text: "Remove",
      again: "Click again: the backend will not get it",
      object: this.#name,
      onSure: () => void this.#do("DELETE", this.#path, "is removed"),
    });
    this.#showBody.setAttribute("aria-label", `Body: ${this.#name}`);
    this.#showBody.setAttribute("aria-expanded", "false");
    this.#showBody.addEventListener("click", () => void this.#toggleBody());
    this.update(report);
  }

  /** @param {ListedReport} report The same one, now. */
  update({ state, since, tries, lastFailure }) {
    setText(this.#age, `${spanText(Date.now() - Date.parse(since))} ago`);
    setText(this.#state, state);
    this.#state.classList.toggle("error", state === "parked");
    setText(this.#tries, numberText(tries));
    setText(this.#failure, lastFailure ?? "–");
    const hadFocus = [this.#retry, this.#remove].some((one) => one === document.activeElement);
    this.#retry.hidden = this.#remove.hidden = state !== "parked";
    if (hadFocus && state !== "parked") this.#showBody.focus({ preventScroll: true });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {string} done
   */
  async #do(method, path, done) {
    if (this.#isBusy) return;
    this.#isBusy = true;
    let text;
    try {
      const response = await this.#session.fetch(path, { method });
      text = response.ok
        ? `${this.#name} ${done}.`
        : `${this.#name}: ${await problemOf(response)}.`;
    } catch (error) {
      if (error instanceof Unauthorized) return;
      text = "No response from the gateway.";
    } finally {
      this.#isBusy = false;
    }
    this.#onDone(text);
  }

  async #toggleBody() {
    const isOpen = this.#showBody.getAttribute("aria-expanded") !== "true";
    this.#showBody.setAttribute("aria-expanded", String(isOpen));
    this.#body.hidden = true;
    setText(this.#body, "");
    if (!isOpen) return;
    let text;
    try {
      const response = await this.#session.fetch(this.#path);
      text = response.ok ? bodyOf(await response.text()) : await problemOf(response);
    } catch (error) {
      if (error instanceof Unauthorized) return;
      text = "No response from the gateway.";
    }
    if (this.#showBody.getAttribute("aria-expanded") !== "true") return;
    const shown = text === "null" ? "Too large to be shown here." : text.slice(0, MAX_BODY_CHARS);
    setText(this.#body, shown);
    this.#body.hidden = false;
  }
}

/**
 * @param {string} text
 * @param {string} [kind]
 */
function button(text, kind = "") {
  const element = el("button", { type: "button", class: kind }, text);
  return /** @type {HTMLButtonElement} */ (element);
}
