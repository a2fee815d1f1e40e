/**
 * One line of the list of what passed.
 *
 * @module
 */

import { copyButton } from "./copy.js";
import { durationText, el, numberText, setText, shown, timeText } from "./dom.js";
import { FRAME_TYPES, jsonLines } from "./exchanges.js";

/** @import { FrameRow } from "../../client/tap_row.ts" */
/** @import { Item } from "./exchanges.js" */

const WAY_TEXTS = { in: "from client", out: "to client" };

/** Its element stays the same, so that what a person has opened stays open. */
export class TailRow {
  #item;
  #outcome = el("span", { class: "outcome" });
  #ms = el("span", { class: "num ms" });
  #body = el("div", { class: "exchange-body" });
  #details;
  element;

  /**
   * @param {Item} item
   * @param {() => void} onOpen
   */
  constructor(item, onOpen) {
    this.#item = item;
    const { kind, at, direction, name } = item;
    if (kind === "gap") {
      this.element = el("li", { class: "frame gap" }, `${timeText(at, true)} ${name}`);
      this.#details = null;
      return;
    }
    const time = el("time", { class: "num", datetime: new Date(at).toISOString() });
    time.textContent = timeText(at, true);
    const cells = [
      time,
      el(
        "span",
        { class: `way ${direction ?? ""}` },
        direction === null ? "" : WAY_TEXTS[direction],
      ),
      el("span", { class: "name" }, shown(name)),
      this.#outcome,
      this.#ms,
    ];
    if (kind === "connection") {
      this.element = el("li", { class: "frame connection" }, ...cells);
      this.#details = null;
    } else {
      this.#details = el("details", {}, el("summary", {}, ...cells), this.#body);
      this.element = el("li", { class: "frame" }, this.#details);
      this.#details.addEventListener("toggle", () => {
        this.#fill();
        if (this.#isOpen) onOpen();
      });
    }
    this.update();
  }

  get #isOpen() {
    return this.#details?.hasAttribute("open") === true;
  }

  /** @param {boolean} isOpen */
  open(isOpen) {
    this.#details?.toggleAttribute("open", isOpen);
    this.#fill();
  }

  /** Shows what the item is now. */
  update() {
    const { level, outcome, ms } = this.#item;
    this.element.dataset.level = level;
    setText(this.#outcome, shown(outcome));
    setText(this.#ms, ms === null ? "" : durationText(ms));
    this.#fill();
  }

  /** What is not seen is not made. */
  #fill() {
    if (!this.#isOpen) return this.#body.replaceChildren();
    const { rows, messageId } = this.#item;
    const button = copyButton("Copy as JSON lines", () => jsonLines([this.#item]));
    const head = el("p", {}, `MessageId ${messageId === null ? "–" : shown(messageId)} `, button);
    this.#body.replaceChildren(
      head,
      ...rows.flatMap((row) => row.kind === "frame" ? frameParts(row) : []),
    );
  }
}

/** @param {FrameRow} row */
function frameParts({ type, direction, at, size, text }) {
  const name = type === null ? "no frame" : FRAME_TYPES[type] ?? type;
  const what = `${name} ${WAY_TEXTS[direction]}, ${timeText(at, true)}, ${numberText(size)} chars`;
  const payload = text === null
    ? "The payload is not shown."
    : text.length < size
    ? `${shown(text)} …`
    : shown(text);
  return [el("p", { class: "what" }, what), el(text === null ? "p" : "code", {}, payload)];
}
