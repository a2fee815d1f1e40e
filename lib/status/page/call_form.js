/**
 * A CALL to a client, written by hand.
 *
 * @module
 */

import { allowedActions } from "./access.js";
import { byId, el, setText, shown } from "./dom.js";
import { indented, lineAndColumn, placeOf, readPlaces } from "./json_text.js";
import { isDisruptive, Ocpp } from "./ocpp.js";
import { SentCalls } from "./sent_calls.js";
import { TwoClicks } from "./two_clicks.js";

/** @import { Access } from "../../api/may.ts" */
/** @import { Field } from "../../validate/form.ts" */
/** @import { Session } from "./session.js" */

/**
 * What is written and not sent. `skeleton` is what the form wrote into it by itself.
 *
 * @typedef {{ action: string, payload: string, wait: string, skeleton: string }} Draft
 */

/** @type {Draft} */
const EMPTY = { action: "", payload: "{}", wait: "30", skeleton: "{}" };
/** Of clients before that, drafts are forgotten. */
const MAX_DRAFTS = 50;
/** More of a name does not stand on a button. */
const MAX_NAME_CHARS = 40;

/**
 * The form, and the list of what was sent.
 *
 * Always true: what is in the fields belongs to the client that is shown, and goes to no other.
 */
export class CallForm {
  #ocpp;
  #sent;
  #title = byId("call-title");
  #form = byId("call-form", HTMLFormElement);
  #action = byId("call-action", HTMLInputElement);
  #actions = byId("actions");
  #payload = byId("call-payload", HTMLTextAreaElement);
  #wait = byId("call-wait", HTMLSelectElement);
  #note = byId("call-note");
  #fault = byId("call-fault");
  #skeletonButton = byId("call-skeleton", HTMLButtonElement);
  #fields = byId("call-fields");
  #fieldsTitle = byId("call-fields-title");
  #fieldRows = byId("call-field-rows");
  #send = byId("call-send", HTMLButtonElement);
  #anyway = byId("call-anyway", HTMLButtonElement);
  /** The last one used at the end. @type {Map<string, Draft>} */
  #drafts = new Map();
  #skeleton = EMPTY.skeleton;
  #clientId = "";
  /** Undefined until it is known. @type {string | null | undefined} */
  #protocol;
  /** @type {Access["actions"]} */
  #patterns = [];
  /** @type {readonly string[]} */
  #known = [];
  /** Only the answers to the last questions count. */
  #version = 0;
  #check = 0;
  #confirmSend;
  #confirmAnyway;

  /** @param {Session} session */
  constructor(session) {
    this.#ocpp = new Ocpp(session);
    this.#sent = new SentCalls(session, () => this.#allow());
    const options = { text: "Send", again: "", isDeaf: true };
    const needsTwo = () => isDisruptive(this.#action.value.trim());
    const onSure = () => this.#go();
    this.#confirmSend = new TwoClicks(this.#send, { ...options, needsTwo, onSure });
    this.#confirmAnyway = new TwoClicks(this.#anyway, {
      ...{ text: "Send anyway", again: "", needsTwo, onSure },
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.#action.addEventListener("input", () => {
      this.#edited();
      void this.#describe();
    });
    this.#payload.addEventListener("input", () => this.#edited());
    this.#skeletonButton.addEventListener("click", () => void this.#begin(true));
  }

  /**
   * Shows a client's draft, and what was sent to it.
   *
   * @param {string} clientId
   */
  open(clientId) {
    this.#keep();
    this.#clientId = clientId;
    this.#protocol = undefined;
    this.#known = [];
    this.#version++;
    const { action, payload, wait, skeleton } = this.#drafts.get(clientId) ?? EMPTY;
    this.#action.value = action;
    this.#payload.value = payload;
    this.#wait.value = wait;
    this.#skeleton = skeleton;
    this.#edited();
    this.#fields.hidden = this.#skeletonButton.hidden = true;
    this.allow([]);
    this.#sent.show(clientId);
  }

  /** @param {Access["actions"]} patterns Of the Actions that may be sent; null for all. */
  allow(patterns) {
    this.#patterns = patterns;
    this.#title.hidden = this.#form.hidden = patterns?.length === 0;
    setText(this.#note, patterns === null ? "" : `Allowed: ${patterns.join(", ")}`);
    this.#note.hidden = patterns === null;
    this.#propose();
  }

  /** @param {string | null} protocol What the client speaks; null without a subprotocol. */
  async speak(protocol) {
    if (this.#protocol === protocol) return;
    this.#protocol = protocol;
    const version = ++this.#version;
    const { actions } = await this.#ocpp.actions(protocol);
    if (version !== this.#version) return;
    this.#known = actions;
    this.#propose();
    await this.#describe();
  }

  /** Keeps the draft of the client that is shown. */
  #keep() {
    if (this.#clientId === "") return;
    const draft = {
      action: this.#action.value,
      payload: this.#payload.value,
      wait: this.#wait.value,
      skeleton: this.#skeleton,
    };
    this.#drafts.delete(this.#clientId);
    this.#drafts.set(this.#clientId, draft);
    const [oldest] = this.#drafts.keys();
    if (this.#drafts.size > MAX_DRAFTS && oldest !== undefined) this.#drafts.delete(oldest);
  }

  #propose() {
    const values = allowedActions(this.#known, this.#patterns);
    this.#actions.replaceChildren(...values.map((value) => el("option", { value })));
  }

  /** What was found, or asked, was about another text. */
  #edited() {
    this.#check++;
    const action = shown(this.#action.value.trim());
    const what = `${action === "" ? "a CALL" : cut(action)} to ${cut(shown(this.#clientId))}`;
    this.#confirmSend.rename(`Send ${what}`, `Click again to send ${what}`);
    this.#confirmAnyway.rename("Send anyway", `Click again to send ${what} anyway`);
    this.#anyway.hidden = true;
    const { fault } = readPlaces(this.#payload.value);
    if (fault === null || this.#payload.value.trim() === "") setText(this.#fault, "");
    else setText(this.#fault, `${lineAndColumn(this.#payload.value, fault.at)}: ${fault.detail}`);
  }

  /** Shows how the Action's payload is written, and begins it where nothing is written yet. */
  async #describe() {
    const action = this.#action.value.trim();
    const isKnown = this.#protocol !== undefined && this.#known.includes(action);
    this.#fields.hidden = this.#skeletonButton.hidden = true;
    if (isKnown) await this.#begin(false);
  }

  /** @param {boolean} isWanted Whether it takes the place of what somebody has written. */
  async #begin(isWanted) {
    const [clientId, action] = [this.#clientId, this.#action.value.trim()];
    const form = await this.#ocpp.form(this.#protocol ?? null, action);
    const isSame = clientId === this.#clientId && action === this.#action.value.trim();
    if (form === null || !isSame) return;
    this.#fields.hidden = this.#skeletonButton.hidden = false;
    setText(this.#fieldsTitle, `Fields of ${action}`);
    this.#fieldRows.replaceChildren(...form.fields.map(fieldRow));
    const isOwn = [this.#skeleton, "{}", ""].includes(this.#payload.value.trim());
    // Whoever is in there is about to write.
    const isBegun = !isOwn || document.activeElement === this.#payload;
    if (!isWanted && isBegun) return;
    this.#skeleton = this.#payload.value = indented(JSON.stringify(form.payload));
    this.#edited();
  }

  /** Checks what is written, and sends it when nothing is wrong. */
  async #submit() {
    if (this.#sent.isFull) return;
    if (this.#confirmSend.isAsking) return this.#confirmSend.press();
    const check = ++this.#check;
    const fault = await this.#faultOf();
    if (check !== this.#check) return;
    setText(this.#fault, fault === null ? "" : fault.text);
    this.#anyway.hidden = fault?.isJson !== true;
    if (fault === null) return this.#confirmSend.press();
    this.#payload.focus();
    this.#payload.setSelectionRange(...fault.place);
  }

  /** @returns {Promise<{ text: string, place: [number, number], isJson: boolean } | null>} */
  async #faultOf() {
    const payload = this.#payload.value;
    const { fault, places } = readPlaces(payload);
    if (payload.trim() !== "" && fault !== null) {
      const text = `${lineAndColumn(payload, fault.at)}: ${fault.detail}`;
      return { text, place: [fault.at, fault.at + 1], isJson: false };
    }
    // Whether the client is there is the gateway's to say.
    if (this.#protocol === undefined) return null;
    const action = this.#action.value.trim();
    const found = await this.#ocpp.check(this.#protocol, action, payload);
    if (found === null) return null;
    const place = placeOf(places, found.pointer);
    const where = found.pointer === "" ? "" : `${lineAndColumn(payload, place[0])}: `;
    return { text: `${where}${found.detail}`, place, isJson: true };
  }

  #go() {
    this.#keep();
    this.#anyway.hidden = true;
    setText(this.#fault, "");
    void this.#sent.send({
      clientId: this.#clientId,
      action: this.#action.value.trim(),
      payload: this.#payload.value,
      waitSeconds: Number(this.#wait.value),
    });
  }

  #allow() {
    const { isFull } = this.#sent;
    this.#send.disabled = this.#anyway.disabled = isFull;
    this.#send.title = isFull ? "As many CALLs wait for their answers as one page may send." : "";
  }
}

/** @param {string} name */
function cut(name) {
  return name.length > MAX_NAME_CHARS ? `${name.slice(0, MAX_NAME_CHARS)}…` : name;
}

/** @param {Field} field */
function fieldRow({ pointer, type, isRequired, values, bounds = {} }) {
  const limits = Object.entries(bounds).map(([name, value]) => `${name} ${value}`);
  const allowed = values === undefined ? [] : [values.join(", ")];
  const text = [type, ...(isRequired ? ["needed"] : []), ...limits, ...allowed].join(" · ");
  return el("li", {}, el("code", {}, pointer.slice(1)), ` ${text}`);
}
