/**
 * One client: what it is, its frames, a CALL to it, its end, as far as the token may.
 *
 * @module
 */

import { accessTo, NOTHING, proposedActions } from "./access.js";
import { byId, durationText, el, numberText, setText, spanText, timeText } from "./dom.js";
import { problemOf, Unauthorized } from "./session.js";
import { TailView } from "./tail.js";
import { TwoClicks } from "./two_clicks.js";

/** @import { Access } from "../../api/may.ts" */
/** @import { Session } from "./session.js" */

const DESCRIBE_MS = 3000;
const WAIT_SECONDS = 30;
/** More of an answer is not shown. */
const MAX_ANSWER_CHARS = 100_000;

/** The panel of one client. */
export class ClientView {
  #session;
  #tail;
  #onClosed;
  #panel = byId("client");
  #title = byId("client-title");
  #details = byId("client-details");
  #disconnectPart = byId("disconnect-part");
  #disconnect = byId("disconnect", HTMLButtonElement);
  #disconnectNote = byId("disconnect-note");
  #callTitle = byId("call-title");
  #callForm = byId("call-form", HTMLFormElement);
  #actions = byId("actions");
  #callNote = byId("call-note");
  #outcome = byId("call-outcome");
  #answer = byId("call-answer");
  #send = byId("call-send", HTMLButtonElement);
  /** @type {string | null} */
  #clientId = null;
  #isAsleep = false;
  /** Only the last request for the details counts. */
  #number = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #confirm;

  /**
   * @param {Session} session
   * @param {() => void} onClosed
   */
  constructor(session, onClosed) {
    this.#session = session;
    this.#tail = new TailView(session);
    this.#onClosed = onClosed;
    byId("client-close").addEventListener("click", () => this.close());
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    this.#callForm.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#call();
    });
    this.#confirm = new TwoClicks(this.#disconnect, {
      text: "Disconnect",
      again: "Click again to disconnect",
      onAsk: (isAsking) => {
        setText(this.#disconnectNote, isAsking ? "The client may connect again at once." : "");
      },
      onSure: () => void this.#end(),
    });
  }

  /** What is told of its frames goes there. */
  get tail() {
    return this.#tail;
  }

  /** @returns {string | null} */
  get clientId() {
    return this.#clientId;
  }

  /** @param {string} clientId */
  open(clientId) {
    this.#clientId = clientId;
    this.#isAsleep = false;
    setText(this.#title, clientId);
    this.#details.replaceChildren();
    setText(this.#outcome, "");
    this.#answer.hidden = true;
    setText(this.#disconnectNote, "");
    this.#send.disabled = false;
    this.#confirm.calmDown();
    this.#allow(NOTHING);
    this.#panel.hidden = false;
    this.#title.focus();
    this.#panel.scrollIntoView({ block: "nearest" });
    this.#tail.open(clientId);
    void this.#askAccess();
    void this.#refresh();
  }

  close() {
    if (this.#clientId === null) return;
    this.#clientId = null;
    this.#halt();
    this.#tail.close();
    this.#panel.hidden = true;
    this.#onClosed();
  }

  /** Asks the gateway for nothing more, and stays as it is. */
  sleep() {
    this.#isAsleep = true;
    this.#halt();
    this.#tail.sleep();
  }

  /** The gateway is there again: goes on with the client that is shown. */
  wake() {
    // The token may be another one, or may something else.
    void this.#askAccess();
    if (!this.#isAsleep) return;
    this.#isAsleep = false;
    if (this.#clientId === null) return;
    this.#tail.wake();
    void this.#refresh();
  }

  /** Until the gateway has said what may be done, nothing may. */
  async #askAccess() {
    const clientId = this.#clientId;
    if (clientId === null) return;
    const access = await accessTo(this.#session, clientId);
    if (this.#clientId === clientId) this.#allow(access);
  }

  /** @param {Access} access */
  #allow({ disconnect, payloads, actions }) {
    this.#disconnectPart.hidden = !disconnect;
    this.#tail.allowPayloads(payloads);
    const isCaller = actions === null || actions.length > 0;
    this.#callTitle.hidden = this.#callForm.hidden = !isCaller;
    const options = proposedActions(actions).map((value) => el("option", { value }));
    this.#actions.replaceChildren(...options);
    setText(this.#callNote, actions === null ? "" : `Allowed: ${actions.join(", ")}`);
    this.#callNote.hidden = actions === null;
  }

  #halt() {
    clearTimeout(this.#timer);
    this.#number++;
  }

  async #refresh() {
    this.#halt();
    const number = this.#number;
    const clientId = this.#clientId;
    if (clientId === null || this.#isAsleep) return;
    if (!document.hidden) {
      try {
        const response = await this.#session.fetch(`clients/${encodeURIComponent(clientId)}`);
        const client = response.ok ? await response.json() : null;
        if (this.#number === number) this.#describe(client, response.status);
      } catch (error) {
        if (error instanceof Unauthorized) return;
      }
    }
    if (this.#number === number) {
      this.#timer = setTimeout(() => void this.#refresh(), DESCRIBE_MS);
    }
  }

  /**
   * @param {any} client
   * @param {number} status
   */
  #describe(client, status) {
    this.#disconnect.disabled = client === null;
    if (client === null) {
      const text = status === 404 ? "Not connected." : "Cannot be reached at the moment.";
      this.#details.replaceChildren(el("dt", {}, "State"), el("dd", {}, text));
      return;
    }
    const now = Date.now();
    const since = Date.parse(client.connectedAt);
    /** @type {[string, string][]} */
    const rows = [
      ["Subprotocol", client.protocol ?? "none"],
      ["Address", client.remoteAddress],
      ["Connected", `${spanText(now - since)}, since ${timeText(since)}`],
      ["Connection", client.connection],
    ];
    if (client.lastActivityAt !== undefined) {
      rows.push(
        ["Last activity", `${spanText(now - Date.parse(client.lastActivityAt))} ago`],
        ["Frames", `${numberText(client.framesIn)} in, ${numberText(client.framesOut)} out`],
        ["Waiting", numberText(client.waiting)],
        ["CALLs outstanding", numberText(client.outstanding)],
      );
    }
    this.#details.replaceChildren(
      ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
    );
  }

  async #call() {
    const clientId = this.#clientId;
    if (clientId === null) return;
    const action = byId("call-action", HTMLInputElement).value.trim();
    const payload = byId("call-payload", HTMLTextAreaElement).value;
    this.#send.disabled = true;
    this.#answer.hidden = true;
    setText(this.#outcome, "Sent, waiting for the answer …");
    const startedAt = performance.now();
    let text;
    let answer = "";
    try {
      const path = [action, clientId, newMessageId()].map(encodeURIComponent).join("/");
      const response = await this.#session.fetch(`call/${path}`, {
        method: "POST",
        headers: { "prefer": `wait=${WAIT_SECONDS}`, "content-type": "application/json" },
        body: payload,
      });
      const reach = response.headers.get("ws2api-outcome") ?? "unknown";
      const word = OUTCOMES[response.status] ?? `Status ${response.status}`;
      text = `${word} · ${reach} · ${durationText(performance.now() - startedAt)}`;
      const isProblem = response.headers.get("content-type") === "application/problem+json";
      answer = isProblem ? await problemOf(response) : await response.text();
    } catch (error) {
      text = error instanceof Unauthorized
        ? "Not sent: the token is missing."
        : "No response from the gateway; the CALL may have been sent.";
    }
    // Meanwhile another client may be shown.
    if (this.#clientId !== clientId) return;
    this.#send.disabled = false;
    setText(this.#outcome, text);
    setText(this.#answer, answer.slice(0, MAX_ANSWER_CHARS));
    this.#answer.hidden = answer === "";
  }

  async #end() {
    const clientId = this.#clientId;
    if (clientId === null) return;
    try {
      const response = await this.#session.fetch(`clients/${encodeURIComponent(clientId)}`, {
        method: "DELETE",
      });
      const text = response.ok ? "Disconnected." : `Failed: ${await problemOf(response)}.`;
      if (this.#clientId === clientId) setText(this.#disconnectNote, text);
    } catch {
      setText(this.#disconnectNote, "No response from the gateway.");
    }
    void this.#refresh();
  }
}

/** 128 random bits. Not by `randomUUID`, which a page has over TLS or from localhost only. */
function newMessageId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @type {Record<number, string>} */
const OUTCOMES = {
  200: "200 CALLRESULT",
  422: "422 CALLERROR",
  410: "410 The client went",
  504: "504 No answer in time",
};
