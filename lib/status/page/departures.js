/**
 * Who went, and why.
 *
 * @module
 */

import { byId, el, foreign, numberText, setText, shown, spanText, timeText } from "./dom.js";
import { growth } from "./rates.js";

/** @import { Snapshot } from "../snapshot.ts" */

/**
 * The end of a connection.
 *
 * @typedef {object} Departure
 * @property {number} at Milliseconds since 1970.
 * @property {string} clientId
 * @property {string} connectionId
 * @property {string | null} protocol
 * @property {string} remoteAddress
 * @property {number} connectedAt Milliseconds since 1970.
 * @property {string} cause
 * @property {number | null} code
 * @property {string} reason
 */

const MAX_ROWS = 200;
/** Of the clients that went so often, so many are named. */
const [OFTEN, MAX_NAMED] = [3, 5];

/** @type {Record<string, string>} */
const CLOSE_CAUSES = {
  client: "the client closed it",
  lost: "lost",
  replaced: "replaced by a newer one",
  operator: "closed by an operator",
  shutdown: "the gateway shut down",
  queue_full: "its queue was full",
  backend_away: "backend away",
  not_reading: "it did not read",
  binary: "binary message",
  too_large: "message too large",
  idle_frames: "too many idle frames",
  parse_time: "its frames took too long",
  memory: "the gateway’s memory",
  worker_died: "its worker died",
};

/** @type {Record<string, string>} */
const REFUSALS = {
  path: "other path",
  client_id: "no ClientId",
  origin: "other origin",
  handshake: "no handshake",
  protocol: "no common subprotocol",
  certificate: "certificate",
  denied: "denied by the backend",
  backend: "backend did not answer",
  hooks: "too many wait for the backend",
  connections: "too many connections",
  memory: "memory",
  rate: "too many at once",
  shutdown: "shutdown",
  gone: "the client went",
};

/** The ends of connections, the newest first, and how many there were for which reason. */
export class Departures {
  #rows = byId("departures-rows");
  #note = byId("departures-note");
  #often = byId("departures-often");
  #onOpen;
  /** Of the rows, the newest first. @type {Departure[]} */
  #shown = [];

  /** @param {(clientId: string) => void} onOpen */
  constructor(onOpen) {
    this.#onOpen = onOpen;
  }

  /** @param {readonly Departure[]} departures The oldest first. */
  add(departures) {
    for (const departure of departures) {
      this.#shown.unshift(departure);
      this.#rows.prepend(this.#row(departure));
    }
    this.#shown.splice(MAX_ROWS);
    while (this.#rows.childElementCount > MAX_ROWS) this.#rows.lastElementChild?.remove();
    const count = this.#shown.length;
    byId("departures-table").hidden = count === 0;
    setText(this.#note, count === 0 ? "Nobody so far." : `The last ${count}, newest first.`);
    this.#nameOften();
  }

  /** They are all told again. */
  clear() {
    this.#shown = [];
    this.#rows.replaceChildren();
    this.add([]);
  }

  /**
   * What is counted by reason.
   *
   * @param {Snapshot} snapshot
   * @param {Snapshot} older
   */
  count(snapshot, older) {
    const { closedBy, refusedBy } = snapshot;
    this.#list("closed-by", closedBy, growth(older.closedBy, closedBy), CLOSE_CAUSES);
    this.#list("refused-by", refusedBy, growth(older.refusedBy, refusedBy), REFUSALS);
  }

  /**
   * @param {string} id
   * @param {Readonly<Record<string, number>>} counts Since the start.
   * @param {Record<string, number>} lately
   * @param {Record<string, string>} words
   */
  #list(id, counts, lately, words) {
    const list = byId(id);
    const texts = Object.entries(counts).filter(([, count]) => count > 0)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => {
        const now = lately[name] ?? 0;
        const news = now === 0 ? "" : `, ${numberText(now)} just now`;
        return `${words[name] ?? name}: ${numberText(count)}${news}`;
      });
    if (texts.length === 0) texts.push("none");
    const text = texts.join("\n");
    // In place of nothing that is as it was: it may just be selected.
    if (list.dataset.text === text) return;
    list.dataset.text = text;
    list.replaceChildren(...texts.map((one) => el("li", {}, one)));
  }

  /** Those that come and go. */
  #nameOften() {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const { clientId } of this.#shown) {
      counts.set(clientId, (counts.get(clientId) ?? 0) + 1);
    }
    const often = [...counts].filter(([, count]) => count >= OFTEN)
      .sort(([, a], [, b]) => b - a).slice(0, MAX_NAMED);
    this.#often.hidden = often.length === 0;
    this.#often.replaceChildren("Most often: ");
    for (const [i, [clientId, count]] of often.entries()) {
      this.#often.append(i === 0 ? "" : ", ", this.#button(clientId), ` ${count} times`);
    }
  }

  /** @param {string} clientId */
  #button(clientId) {
    // One that was cut to fit is nobody's.
    if (clientId.endsWith("…")) return foreign(clientId);
    const button = el("button", { type: "button", class: "link" }, shown(clientId));
    button.addEventListener("click", () => this.#onOpen(clientId));
    return button;
  }

  /** @param {Departure} departure */
  #row({ at, clientId, protocol, remoteAddress, connectedAt, cause, code, reason }) {
    const time = el("time", { datetime: new Date(at).toISOString() }, timeText(at));
    const why = el("td", {}, CLOSE_CAUSES[cause] ?? cause);
    if (code !== null) why.append(` · ${code}`);
    if (reason !== "") why.append(" · ", foreign(reason));
    return el(
      "tr",
      {},
      el("td", { class: "num" }, time),
      el("th", { scope: "row" }, this.#button(clientId)),
      why,
      el("td", { class: "num" }, spanText(at - connectedAt)),
      el("td", { class: "wide" }, shown(protocol ?? "none")),
      el("td", { class: "wide" }, shown(remoteAddress)),
    );
  }
}
