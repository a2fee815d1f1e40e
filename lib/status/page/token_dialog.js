/**
 * Asks for the token.
 *
 * @module
 */

import { byId, setText } from "./dom.js";

/** The dialog. Open from `ask` until `done`, whatever else would close it. */
export class TokenDialog {
  #dialog = byId("token-dialog", HTMLDialogElement);
  #note = byId("token-note");
  #input = byId("token", HTMLInputElement);
  #isAsking = false;

  /** @param {(token: string) => void} onToken */
  constructor(onToken) {
    this.#dialog.addEventListener("cancel", (event) => event.preventDefault());
    // A browser closes a dialog at the second Escape all the same; without it nothing could be done.
    this.#dialog.addEventListener("close", () => {
      if (this.#isAsking) this.#open();
    });
    byId("token-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const token = this.#input.value.trim();
      this.#input.value = "";
      // So that it is read out again when the next one is wrong too.
      setText(this.#note, "");
      onToken(token);
    });
  }

  get isOpen() {
    return this.#isAsking;
  }

  /** @param {string} note What was wrong with the last one. */
  ask(note) {
    setText(this.#note, note);
    this.#isAsking = true;
    this.#open();
  }

  done() {
    this.#isAsking = false;
    if (this.#dialog.open) this.#dialog.close();
  }

  #open() {
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#input.focus();
  }
}
