/**
 * What went wrong lately.
 *
 * @module
 */

import { byId, el, setText, timeText } from "./dom.js";

/** @import { RecentFault } from "../../log/recent_faults.ts" */

const MAX_ROWS = 100;
/** Told otherwise, or of no use here. */
const LEFT_OUT = ["worker", "connectionId"];

/** The table of recent faults, the newest first. */
export class Faults {
  #rows = byId("faults-rows");
  #note = byId("faults-note");
  #onOpen;

  /** @param {(clientId: string) => void} onOpen */
  constructor(onOpen) {
    this.#onOpen = onOpen;
  }

  /** @param {readonly RecentFault[]} faults The oldest first. */
  add(faults) {
    for (const fault of faults) this.#rows.prepend(this.#row(fault));
    while (this.#rows.childElementCount > MAX_ROWS) this.#rows.lastElementChild?.remove();
    const count = this.#rows.childElementCount;
    byId("faults-table").hidden = count === 0;
    setText(this.#note, count === 0 ? "None so far." : `The last ${count}, newest first.`);
  }

  clear() {
    this.#rows.replaceChildren();
    this.add([]);
  }

  /** @param {RecentFault} fault */
  #row({ at, level, event, fields, thread }) {
    const cell = el("td", {}, el("strong", {}, event));
    for (const [name, value] of Object.entries(fields)) {
      if (LEFT_OUT.includes(name)) continue;
      cell.append(" ", this.#field(name, String(value)));
    }
    if (thread > 0) cell.append(" ", this.#field("worker", String(thread)));
    const time = el("time", { datetime: new Date(at).toISOString() }, timeText(at));
    const tag = el("span", { class: `tag ${level}` }, level);
    return el("tr", {}, el("td", { class: "num" }, time), el("td", {}, tag), cell);
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  #field(name, value) {
    const field = el("span", { class: "field" }, el("i", {}, `${name} `));
    // One that was cut to fit is nobody's.
    if (name !== "clientId" || value.endsWith("…")) {
      field.append(value);
      return field;
    }
    const button = el("button", { type: "button", class: "link" }, value);
    button.addEventListener("click", () => this.#onOpen(value));
    field.append(button);
    return field;
  }
}
