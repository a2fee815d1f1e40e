/**
 * One client, as a view of its own: what it is, its frames, CALLs to it, its end, as far as the token may.
 *
 * @module
 */

import { accessTo, NOTHING } from "./access.js";
import { CallForm } from "./call_form.js";
import { byId, el, numberText, setText, shown, spanText, timeText } from "./dom.js";
import { problemOf, Unauthorized } from "./session.js";
import { TailView } from "./tail.js";
import { TwoClicks } from "./two_clicks.js";

/** @import { Access } from "../../api/may.ts" */
/** @import { Place } from "./place.js" */
/** @import { Session } from "./session.js" */

const DESCRIBE_MS = 3000;
/** Its name in the page's address. */
const NAME = "client";

/** The view of one client. While there is one, nothing else is shown. */
export class ClientView {
  #session;
  #place;
  #onShown;
  #tail;
  #callForm;
  #main = byId("main");
  #panel = byId("client");
  #title = byId("client-title");
  #details = byId("client-details");
  #disconnectPart = byId("disconnect-part");
  #disconnect = byId("disconnect", HTMLButtonElement);
  #disconnectNote = byId("disconnect-note");
  /** @type {string | null} */
  #clientId = null;
  /** Nothing is asked of the gateway, before it is there too. */
  #isAsleep = true;
  #isTailOpen = false;
  /** Only the last request for the details counts. */
  #number = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #confirm;
  /** How far the page was scrolled before. */
  #scrolled = 0;

  /**
   * @param {Session} session
   * @param {Place} place
   * @param {(clientId: string | null) => void} onShown Told which client is shown, null for none.
   */
  constructor(session, place, onShown) {
    this.#session = session;
    this.#place = place;
    this.#onShown = onShown;
    this.#tail = new TailView(session);
    this.#callForm = new CallForm(session);
    byId("client-close").addEventListener("click", () => this.close());
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    this.#confirm = new TwoClicks(this.#disconnect, {
      text: "Disconnect",
      again: "Click again to disconnect",
      onAsk: (isAsking) => {
        setText(this.#disconnectNote, isAsking ? "The client may connect again at once." : "");
      },
      onSure: () => this.#end(),
    });
    place.onChange(() => this.follow());
  }

  /** What passes between it and the gateway. */
  get tail() {
    return this.#tail;
  }

  /** @returns {string | null} */
  get clientId() {
    return this.#clientId;
  }

  /** Shows the client that the page's address tells, or none. */
  follow() {
    const clientId = this.#place.get(NAME);
    if (clientId === this.#clientId) return;
    if (clientId === null) this.#hide();
    else this.#show(clientId);
  }

  /** @param {string} clientId */
  open(clientId) {
    this.#place.set({ [NAME]: clientId }, { push: true });
    this.#isAsleep = false;
    this.#show(clientId);
  }

  close() {
    this.#place.set({ [NAME]: null }, { push: true });
    this.#hide();
  }

  /** Asks the gateway for nothing more, and stays as it is. */
  sleep() {
    this.#isAsleep = true;
    this.#halt();
    if (this.#isTailOpen) this.#tail.sleep();
  }

  /** The gateway is there again: goes on with the client that is shown. */
  wake() {
    // The token may be another one, or may something else.
    void this.#askAccess();
    if (!this.#isAsleep) return;
    this.#isAsleep = false;
    if (this.#clientId === null) return;
    if (this.#isTailOpen) this.#tail.wake();
    else this.#openTail(this.#clientId);
    void this.#refresh();
  }

  /** @param {string} clientId */
  #show(clientId) {
    if (this.#clientId === null) this.#scrolled = scrollY;
    this.#halt();
    this.#clientId = clientId;
    setText(this.#title, shown(clientId));
    this.#details.replaceChildren();
    setText(this.#disconnectNote, "");
    this.#disconnect.disabled = true;
    const name = shown(clientId);
    this.#confirm.rename("Disconnect", `Click again to disconnect ${name}`);
    this.#callForm.open(clientId);
    this.#allow(NOTHING);
    this.#main.dataset.view = "client";
    this.#panel.hidden = false;
    scrollTo({ top: 0, behavior: "instant" });
    this.#title.focus({ preventScroll: true });
    this.#onShown(clientId);
    if (this.#isAsleep) {
      this.#closeTail();
      return;
    }
    this.#openTail(clientId);
    void this.#askAccess();
    void this.#refresh();
  }

  #hide() {
    if (this.#clientId === null) return;
    this.#clientId = null;
    this.#halt();
    this.#closeTail();
    this.#panel.hidden = true;
    delete this.#main.dataset.view;
    scrollTo({ top: this.#scrolled, behavior: "instant" });
    this.#onShown(null);
  }

  /** @param {string} clientId */
  #openTail(clientId) {
    this.#isTailOpen = true;
    this.#tail.open(clientId);
  }

  #closeTail() {
    if (this.#isTailOpen) this.#tail.close();
    this.#isTailOpen = false;
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
    if (this.#isTailOpen) this.#tail.allowPayloads(payloads);
    this.#callForm.allow(actions);
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
      this.#tell([[
        "State",
        status === 404
          ? "Not connected. This view goes on when the client connects; until then nothing can be sent to it."
          : "Cannot be reached at the moment.",
      ]]);
      return;
    }
    void this.#callForm.speak(client.protocol);
    const now = Date.now();
    const since = Date.parse(client.connectedAt);
    /** @type {[string, string][]} */
    const rows = [
      ["Subprotocol", shown(client.protocol ?? "none")],
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
    this.#tell(rows);
  }

  /**
   * In place, so that a text that somebody has selected stays selected.
   *
   * @param {[name: string, value: string][]} rows
   */
  #tell(rows) {
    const names = Array.from(this.#details.querySelectorAll("dt"), (dt) => dt.textContent);
    if (names.join() !== rows.map(([name]) => name).join()) {
      this.#details.replaceChildren(
        ...rows.flatMap(([name]) => [el("dt", {}, name), el("dd")]),
      );
    }
    const values = this.#details.querySelectorAll("dd");
    rows.forEach(([, value], i) => {
      const dd = values[i];
      if (dd !== undefined) setText(dd, value);
    });
  }

  async #end() {
    const clientId = this.#clientId;
    if (clientId === null) return;
    let text = "No response from the gateway.";
    try {
      const response = await this.#session.fetch(`clients/${encodeURIComponent(clientId)}`, {
        method: "DELETE",
      });
      text = response.ok ? "Disconnected." : `Failed: ${await problemOf(response)}.`;
    } catch {
      // As it says.
    }
    // Meanwhile another client may be shown.
    if (this.#clientId !== clientId) return;
    setText(this.#disconnectNote, text);
    void this.#refresh();
  }
}
