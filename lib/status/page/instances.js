/**
 * The instances that are one gateway together.
 *
 * @module
 */

import { byId, bytesText, durationText, el, numberText, setText, shown, spanText } from "./dom.js";

/**
 * @typedef {object} Instance
 * @property {string} instance
 * @property {string | null} host
 * @property {string} version
 * @property {number} startedAt Milliseconds since 1970.
 * @property {number} clients
 * @property {number} inRate Messages a second.
 * @property {number} outRate
 * @property {number} failedRate
 * @property {number} waiting
 * @property {number} residentBytes
 * @property {number} lagMs
 * @property {boolean} self The one that shows this page.
 */

/** The table of instances, which is there only where there may be several. */
export class Instances {
  #part = byId("instances");
  #rows = byId("instances-rows");
  #sum = byId("instances-sum");
  #note = byId("instances-note");
  #name = "";

  /** What the header says of them. */
  get place() {
    return this.#name;
  }

  /** @param {{ complete: boolean, list: Instance[] } | null} instances Null without others. */
  show(instances) {
    this.#part.hidden = instances === null;
    byId("now").classList.toggle("among", instances !== null);
    if (instances === null) {
      this.#name = "";
      return setText(byId("now-title"), "Now");
    }
    const { complete } = instances;
    const list = instances.list.toSorted((a, b) => a.instance < b.instance ? -1 : 1);
    const self = list.findIndex((one) => one.self);
    const count = complete ? `${list.length}` : `${list.length} or more`;
    this.#name = self === -1
      ? ""
      : `instance ${shown(list[self]?.instance ?? "")}, ${self + 1} of ${count}`;
    setText(byId("now-title"), `This instance: ${shown(list[self]?.instance ?? "unknown")}`);
    setText(this.#note, complete ? "" : "Incomplete: other instances cannot be reached.");
    this.#note.classList.toggle("wrong", !complete);
    const now = Date.now();
    this.#rows.replaceChildren(...list.map((one) => rowOf(one, now)));
    this.#sum.replaceChildren(sumOfAll(list, complete));
  }
}

/**
 * @param {Instance} one
 * @param {number} now
 */
function rowOf(one, now) {
  const name = el("th", { scope: "row" }, shown(one.instance));
  if (one.self) name.append(" ", el("span", { class: "tag" }, "this"));
  return el(
    "tr",
    { class: one.self ? "selected" : "" },
    name,
    el("td", { class: "wide" }, shown(one.host ?? "–")),
    el("td", { class: "wide" }, shown(one.version)),
    num(spanText(now - one.startedAt), true),
    ...figures(one),
    num(durationText(one.lagMs), true),
  );
}

/**
 * @param {readonly Instance[]} list
 * @param {boolean} complete
 */
function sumOfAll(list, complete) {
  /** @param {(one: Instance) => number} read */
  const sum = (read) => list.reduce((all, one) => all + read(one), 0);
  const all = {
    clients: sum(({ clients }) => clients),
    inRate: sum(({ inRate }) => inRate),
    outRate: sum(({ outRate }) => outRate),
    failedRate: sum(({ failedRate }) => failedRate),
    waiting: sum(({ waiting }) => waiting),
    residentBytes: sum(({ residentBytes }) => residentBytes),
  };
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, complete ? "All" : "All that answered"),
    ...["wide", "wide", "wide"].map((name) => el("td", { class: name })),
    ...figures(all),
    el("td", { class: "wide" }),
  );
}

/** @param {Pick<Instance, "clients" | "inRate" | "outRate" | "failedRate" | "waiting" | "residentBytes">} of */
function figures({ clients, inRate, outRate, failedRate, waiting, residentBytes }) {
  return [
    num(numberText(clients)),
    num(`${numberText(inRate)} / ${numberText(outRate)}`),
    num(numberText(failedRate)),
    num(numberText(waiting), true),
    num(bytesText(residentBytes), true),
  ];
}

/**
 * @param {string} text
 * @param {boolean} [isWide] Left out where there is little room.
 */
function num(text, isWide = false) {
  return el("td", { class: isWide ? "num wide" : "num" }, text);
}
