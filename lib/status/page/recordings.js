/**
 * What the gateway records of clients, whether somebody looks or not.
 *
 * @module
 */

import { byId, el, numberText, setText, shown, timeText } from "./dom.js";
import { fileName, saveFile } from "./files.js";
import { problemOf, Unauthorized } from "./session.js";

/** @import { Session } from "./session.js" */

/**
 * @typedef {object} Recording As `GET /recordings` has it.
 * @property {string} id
 * @property {string} client
 * @property {string} startedAt
 * @property {string} endsAt
 * @property {string | null} endedAt
 * @property {number} lines
 * @property {number} bytes
 * @property {number} dropped
 */

const LOOK_AGAIN_MS = 3000;

/** The list of recordings. Asks only while a client is looked at whose payloads the token may see. */
export class RecordingsView {
  #session;
  #part = byId("recordings");
  #start = byId("record", HTMLButtonElement);
  #note = byId("record-note");
  #list = byId("recordings-rows");
  /** Rows by the id of their recording: what a person points at stays. @type {Map<string, RecordingRow>} */
  #rows = new Map();
  /** @type {string | null} */
  #clientId = null;
  #isAllowed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Only the last request counts. */
  #number = 0;

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
    this.#start.addEventListener("click", () => {
      const clientId = this.#clientId;
      if (clientId === null) return;
      const path = `recordings?client=${encodeURIComponent(clientId)}`;
      void this.#command("POST", path, "Recorded for an hour, also when this page is closed.");
    });
  }

  /** @param {string} clientId */
  open(clientId) {
    this.#clientId = clientId;
    setText(this.#note, "");
    void this.#refresh();
  }

  close() {
    this.#clientId = null;
    this.sleep();
  }

  /** @param {boolean} isAllowed */
  allow(isAllowed) {
    this.#isAllowed = isAllowed;
    this.#part.hidden = !isAllowed;
    void this.#refresh();
  }

  sleep() {
    clearTimeout(this.#timer);
    this.#number++;
  }

  wake() {
    void this.#refresh();
  }

  async #refresh() {
    this.sleep();
    if (this.#clientId === null || !this.#isAllowed) return;
    const number = this.#number;
    try {
      const response = document.hidden ? null : await this.#session.fetch("recordings");
      if (this.#number !== number) return;
      if (response?.status === 403) {
        this.#part.hidden = true;
        return;
      }
      if (response?.ok) this.#show((await response.json()).recordings);
    } catch (error) {
      if (error instanceof Unauthorized) return;
    }
    if (this.#number === number) {
      this.#timer = setTimeout(() => void this.#refresh(), LOOK_AGAIN_MS);
    }
  }

  /** @param {Recording[]} recordings */
  #show(recordings) {
    this.#start.disabled = recordings.some(({ client, endedAt }) =>
      client === this.#clientId && endedAt === null
    );
    const ids = new Set(recordings.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    for (const recording of recordings) {
      let row = this.#rows.get(recording.id);
      if (row === undefined) {
        row = new RecordingRow(recording, {
          onDownload: (each) => void this.#download(each),
          onEnd: ({ id }) => void this.#command("POST", `recordings/${id}/end`, "Ended."),
          onRemove: ({ id }) => void this.#command("DELETE", `recordings/${id}`, "Removed."),
        });
        this.#rows.set(recording.id, row);
        this.#list.append(row.element);
      }
      row.update(recording);
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {string} done
   */
  async #command(method, path, done) {
    try {
      const response = await this.#session.fetch(path, { method });
      setText(this.#note, response.ok ? done : `Refused: ${await problemOf(response)}.`);
    } catch {
      setText(this.#note, "No response from the gateway.");
    }
    await this.#refresh();
  }

  /** @param {Recording} recording */
  async #download({ id, client, startedAt }) {
    try {
      const response = await this.#session.fetch(`recordings/${id}`);
      if (!response.ok) {
        setText(this.#note, `Refused: ${await problemOf(response)}.`);
        return;
      }
      const day = startedAt.replace(/\..*/, "");
      saveFile(`${fileName(client)}-${fileName(day)}.jsonl`, await response.blob());
    } catch {
      setText(this.#note, "No response from the gateway.");
    }
  }
}

/** One of them. */
class RecordingRow {
  #text = el("span");
  #end = el("button", { type: "button" }, "End");
  element;

  /**
   * @param {Recording} recording
   * @param {Record<"onDownload" | "onEnd" | "onRemove", (recording: Recording) => void>} on
   */
  constructor(recording, { onDownload, onEnd, onRemove }) {
    const save = el("button", { type: "button" }, "Download");
    const remove = el("button", { type: "button", class: "danger" }, "Remove");
    save.addEventListener("click", () => onDownload(recording));
    this.#end.addEventListener("click", () => onEnd(recording));
    remove.addEventListener("click", () => onRemove(recording));
    const name = el("strong", {}, shown(recording.client));
    this.element = el("li", {}, name, " ", this.#text, " ", save, this.#end, remove);
  }

  /** @param {Recording} recording */
  update({ startedAt, endsAt, endedAt, lines, bytes, dropped }) {
    const [from, to] = [startedAt, endedAt ?? endsAt].map((time) => timeText(Date.parse(time)));
    const until = endedAt === null ? `recording since ${from}, until ${to}` : `${from} to ${to}`;
    const lost = dropped === 0 ? "" : `, ${numberText(dropped)} older ones made room`;
    setText(
      this.#text,
      `${until} · ${numberText(lines)} lines, ${numberText(bytes / 1024)} KiB${lost}`,
    );
    this.#end.hidden = endedAt !== null;
  }
}
