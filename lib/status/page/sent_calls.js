/**
 * The CALLs that were sent from this page, and what came of each.
 *
 * @module
 */

import { byId, durationText, el, setText, shown, timeText } from "./dom.js";
import { indented } from "./json_text.js";
import { isDisruptive } from "./ocpp.js";
import { problemOf, Unauthorized } from "./session.js";
import { TwoClicks } from "./two_clicks.js";

/** @import { Session } from "./session.js" */

/**
 * A CALL as somebody wrote it.
 *
 * @typedef {object} WrittenCall
 * @property {string} clientId
 * @property {string} action
 * @property {string} payload
 * @property {number} waitSeconds How long the gateway waits for the answer.
 */

/** Those before are forgotten. */
const MAX_CALLS = 50;
/** Each holds one of the six connections that a browser has for all its tabs. */
const MAX_WAITING = 3;
/** More of an answer is not shown. */
const MAX_ANSWER_CHARS = 100_000;
/** The gateway answers when the wait is over; one that does not is given up so much later. */
const GRACE_MS = 15_000;

/**
 * Owns the list, over all clients; shows what was sent to one of them.
 *
 * Always true: an outcome stands in the row of its own CALL, whichever client is shown meanwhile.
 */
export class SentCalls {
  #session;
  #onChange;
  #part = byId("sent");
  #rows = byId("sent-rows");
  #said = byId("sent-said");
  /** The newest first. @type {SentCall[]} */
  #calls = [];
  #number = 0;
  #clientId = "";
  #waiting = 0;

  /**
   * @param {Session} session
   * @param {() => void} onChange Called when `isFull` may be another.
   */
  constructor(session, onChange) {
    this.#session = session;
    this.#onChange = onChange;
  }

  /** Whether no more may be sent before one is answered. */
  get isFull() {
    return this.#waiting >= MAX_WAITING;
  }

  /** @param {string} clientId Whose CALLs are shown. */
  show(clientId) {
    this.#clientId = clientId;
    this.#draw();
  }

  /** @param {WrittenCall} written */
  async send(written) {
    if (this.isFull) return;
    const call = new SentCall(++this.#number, written, () => void this.send(written));
    this.#calls.unshift(call);
    // Those that wait are few and new.
    this.#calls.length = Math.min(this.#calls.length, MAX_CALLS);
    this.#waiting++;
    this.#draw();
    this.#onChange();
    const outcome = await outcomeOf(this.#session, written);
    this.#waiting--;
    call.end(outcome);
    if (written.clientId === this.#clientId) setText(this.#said, `${call.name}: ${outcome.text}`);
    this.#allowAgain();
    this.#onChange();
  }

  #draw() {
    const calls = this.#calls.filter(({ clientId }) => clientId === this.#clientId);
    this.#part.hidden = calls.length === 0;
    this.#rows.replaceChildren(...calls.map(({ row }) => row));
    setText(this.#said, "");
    this.#allowAgain();
  }

  #allowAgain() {
    for (const call of this.#calls) call.allowAgain(!this.isFull);
  }
}

/**
 * @typedef {object} Outcome
 * @property {string} text In one line.
 * @property {"good" | "warn" | "bad"} level
 * @property {string} answer What the client or the gateway said; empty for nothing.
 */

/** One row. */
class SentCall {
  #answer = el("pre", { tabindex: "0", "aria-label": "The answer", hidden: "" });
  #outcome = el("span", { class: "outcome" }, "Waiting for the answer …");
  #again;

  /**
   * @param {number} number
   * @param {WrittenCall} written
   * @param {() => void} onAgain
   */
  constructor(number, { clientId, action, payload }, onAgain) {
    this.clientId = clientId;
    this.name = `#${number} ${shown(action)}`;
    const again = el("button", { type: "button" });
    this.#again = /** @type {HTMLButtonElement} */ (again);
    new TwoClicks(this.#again, {
      text: "Again",
      again: "Click again",
      object: this.name,
      needsTwo: () => isDisruptive(action),
      onSure: onAgain,
    });
    const now = Date.now();
    const time = el("time", { datetime: new Date(now).toISOString() }, timeText(now));
    const head = el(
      "p",
      { class: "sent-head" },
      el("b", {}, this.name),
      time,
      again,
      this.#outcome,
    );
    // It may have been pasted.
    const text = shownLines(indented(payload));
    const sent = el("pre", { tabindex: "0", "aria-label": "The payload" }, text);
    const details = el("details", {}, el("summary", {}, "Payload"), sent);
    this.row = el("li", { class: "sent", "data-level": "waiting" }, head, this.#answer, details);
  }

  /** @param {boolean} isAllowed */
  allowAgain(isAllowed) {
    this.#again.disabled = !isAllowed;
  }

  /** @param {Outcome} outcome */
  end({ text, level, answer }) {
    this.row.dataset.level = level;
    setText(this.#outcome, text);
    setText(this.#answer, answer);
    this.#answer.hidden = answer === "";
  }
}

/**
 * Sends a CALL. Never rejects.
 *
 * @param {Session} session
 * @param {WrittenCall} written
 * @returns {Promise<Outcome>}
 */
async function outcomeOf(session, { clientId, action, payload, waitSeconds }) {
  const path = [action, clientId, newMessageId()].map(encodeURIComponent).join("/");
  const startedAt = performance.now();
  const spent = () => durationText(performance.now() - startedAt);
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), 1000 * waitSeconds + GRACE_MS);
  try {
    const response = await session.fetch(`call/${path}`, {
      method: "POST",
      headers: { "prefer": `wait=${waitSeconds}`, "content-type": "application/json" },
      body: payload,
      signal: abort.signal,
    });
    const reach = response.headers.get("ws2api-outcome") ?? "unknown";
    const isProblem = response.headers.get("content-type") === "application/problem+json";
    const answer = isProblem ? await problemOf(response) : await response.text();
    const { word, level } = wordOf(response.status, isProblem);
    return {
      text: `${response.status} ${word} · ${reach} · ${spent()}`,
      level,
      answer: shownLines((isProblem ? answer : indented(answer)).slice(0, MAX_ANSWER_CHARS)),
    };
  } catch (error) {
    const text = error instanceof Unauthorized
      ? "Not sent: the token is missing."
      : `No response from the gateway after ${spent()}; the CALL may have been sent.`;
    return { text, level: "bad", answer: "" };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * @param {number} status
 * @param {boolean} isProblem Whether the gateway itself answered.
 * @returns {{ word: string, level: Outcome["level"] }}
 */
function wordOf(status, isProblem) {
  if (status === 200) return { word: "CALLRESULT", level: "good" };
  if (status === 422 && !isProblem) return { word: "CALLERROR", level: "warn" };
  if (status === 504) return { word: "No answer in time", level: "bad" };
  return { word: status === 410 ? "The client went" : "Refused", level: "bad" };
}

/** @param {string} text Its line ends are kept. */
function shownLines(text) {
  return text.split("\n").map((line) => {
    const inner = line.trimStart();
    return " ".repeat(line.length - inner.length) + shown(inner);
  }).join("\n");
}

/** 128 random bits. Not by `randomUUID`, which a page has over TLS or from localhost only. */
function newMessageId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
