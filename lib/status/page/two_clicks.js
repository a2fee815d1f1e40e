/**
 * What cannot be undone needs a second click.
 *
 * @module
 */

/** How long the second click may take. */
const CONFIRM_MS = 6000;

/**
 * @typedef {object} TwoClicksOptions
 * @property {string} text What the button says, such as `Remove`.
 * @property {string} again What it says before the second click.
 * @property {string} [object] What it is done to, for those who do not see where the button stands.
 * @property {(isAsking: boolean) => void} [onAsk] Told when it begins and ends to wait for the second.
 * @property {() => void} onSure
 */

/** A button that does what it says at the second click. */
export class TwoClicks {
  #button;
  #options;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLButtonElement} button
   * @param {TwoClicksOptions} options
   */
  constructor(button, options) {
    this.#button = button;
    this.#options = options;
    this.#say(options.text);
    button.addEventListener("click", () => this.#click());
    button.addEventListener("blur", () => this.calmDown());
  }

  /** Waits for the first click again. */
  calmDown() {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#say(this.#options.text);
    this.#button.classList.remove("sure");
    this.#options.onAsk?.(false);
  }

  #click() {
    if (this.#timer !== undefined) {
      this.calmDown();
      this.#options.onSure();
      return;
    }
    this.#say(this.#options.again);
    this.#button.classList.add("sure");
    this.#timer = setTimeout(() => this.calmDown(), CONFIRM_MS);
    this.#options.onAsk?.(true);
  }

  /** @param {string} text */
  #say(text) {
    this.#button.textContent = text;
    const { object } = this.#options;
    if (object !== undefined) this.#button.setAttribute("aria-label", `${text}: ${object}`);
  }
}
