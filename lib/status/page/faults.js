/**
 * What went wrong lately.
 *
 * @module
 */

import { byId, el, foreign, numberText, setText, shown, timeText } from "./dom.js";
import { FaultGroups } from "./fault_groups.js";

/** @import { RecentFault } from "../../log/recent_faults.ts" */
/** @import { Group } from "./fault_groups.js" */

/** Told otherwise, or of no use here. */
const LEFT_OUT = ["worker", "connectionId"];

/** Warnings and errors, each in a table: one row for an event and a client, the newest first. */
export class Faults {
  #tables;
  #note = byId("faults-note");

  /** @param {(clientId: string) => void} onOpen */
  constructor(onOpen) {
    this.#tables = {
      error: new FaultTable("errors", onOpen),
      warn: new FaultTable("faults", onOpen),
    };
  }

  /** @param {readonly RecentFault[]} faults The oldest first. */
  add(faults) {
    for (const fault of faults) this.#tables[fault.level].add(fault);
    const { error, warn } = this.#tables;
    for (const table of [error, warn]) table.show();
    const counts = [count(error.count, "error"), count(warn.count, "warning")];
    const isNone = error.count + warn.count === 0;
    setText(this.#note, isNone ? "None so far." : `${counts.join(", ")}, newest first.`);
  }

  /** They are all told again. */
  clear() {
    for (const table of Object.values(this.#tables)) table.clear();
    this.add([]);
  }
}

/** The table of one level. */
class FaultTable {
  #name;
  #onOpen;
  #groups = new FaultGroups();
  #body;
  /** By key. @type {Map<string, HTMLElement>} */
  #rows = new Map();

  /**
   * @param {string} name
   * @param {(clientId: string) => void} onOpen
   */
  constructor(name, onOpen) {
    this.#name = name;
    this.#onOpen = onOpen;
    this.#body = byId(`${name}-rows`);
  }

  get count() {
    return this.#groups.count;
  }

  /** @param {RecentFault} fault */
  add(fault) {
    const { group, gone } = this.#groups.add(fault);
    const row = this.#row(group);
    this.#rows.get(group.key)?.remove();
    this.#rows.set(group.key, row);
    this.#body.prepend(row);
    if (gone === null) return;
    this.#rows.get(gone.key)?.remove();
    this.#rows.delete(gone.key);
  }

  show() {
    byId(`${this.#name}-part`).hidden = this.#groups.size === 0;
  }

  clear() {
    this.#groups.clear();
    this.#rows.clear();
    this.#body.replaceChildren();
  }

  /** @param {Group} group */
  #row({ count, first, last }) {
    const cell = el("td", {}, el("strong", {}, last.event));
    for (const [name, value] of Object.entries(last.fields)) {
      if (!LEFT_OUT.includes(name)) cell.append(" ", this.#field(name, String(value)));
    }
    if (last.thread > 0) cell.append(" ", this.#field("worker", String(last.thread)));
    return el(
      "tr",
      {},
      el("td", { class: "num" }, timeOf(last.at)),
      el("td", { class: "num wide" }, timeOf(first)),
      el("td", { class: "num count" }, numberText(count)),
      cell,
    );
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  #field(name, value) {
    const field = el("span", { class: "field" }, el("i", {}, `${name} `));
    // One that was cut to fit is nobody's.
    if (name !== "clientId" || value.endsWith("…")) {
      field.append(foreign(value));
      return field;
    }
    const button = el("button", { type: "button", class: "link" }, shown(value));
    button.addEventListener("click", () => this.#onOpen(value));
    field.append(button);
    return field;
  }
}

/** @param {number} at */
function timeOf(at) {
  return el("time", { datetime: new Date(at).toISOString() }, timeText(at));
}

/**
 * @param {number} count
 * @param {string} noun
 */
function count(count, noun) {
  return `${numberText(count)} ${noun}${count === 1 ? "" : "s"}`;
}
