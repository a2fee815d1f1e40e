/**
 * What cannot be undone needs a second click.
 *
 * @module
 */

/** How long the second click may take. */
const CONFIRM_MS = 6000;
/** After a click others do nothing for so long: the second one of a double click is no second thought. */
const REST_MS = 500;

/**
 * @typedef {object} TwoClicksOptions
 * @property {string} text What the button says, such as `Remove`.
 * @property {string} again What it says before the second click.
 * @property {string} [object] What it is done to, for those who do not see where the button stands.
 * @property {() => boolean} [needsTwo] Whether one click is not enough; without it none is.
 * @property {boolean} [isDeaf] Whether it leaves clicks to its owner, who calls `press`.
 * @property {(isAsking: boolean) => void} [onAsk] Told when it begins and ends to wait for the second.
 * @property {() => void | Promise<void>} onSure Until its promise ends, further clicks do nothing.
 */

/** A button that does what it says at the second click, and not twice. */
export class TwoClicks {
  #button;
  #options;
  #text;
  #again;
  #isBusy = false;
  #isResting = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLButtonElement} button
   * @param {TwoClicksOptions} options
   */
  constructor(button, options) {
    this.#button = button;
    this.#options = options;
    this.#text = options.text;
    this.#again = options.again;
    this.#say(this.#text);
    if (options.isDeaf !== true) {
      button.addEventListener("click", (event) => this.press(event.detail > 0));
    }
    button.addEventListener("blur", () => this.calmDown());
    // A key that is held down clicks again and again.
    button.addEventListener("keydown", (event) => {
      if (event.repeat && event.key === "Enter") event.preventDefault();
    });
  }

  /** Whether the next click is the second one. */
  get isAsking() {
    return this.#timer !== undefined;
  }

  /**
   * Says something else from now on, and waits for the first click again.
   *
   * @param {string} text
   * @param {string} again
   */
  rename(text, again) {
    this.calmDown();
    this.#text = text;
    this.#again = again;
    this.#say(text);
  }

  /** Waits for the first click again. */
  calmDown() {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#say(this.#text);
    this.#button.classList.remove("sure");
    this.#options.onAsk?.(false);
  }

  /**
   * What a click does.
   *
   * @param {boolean} [isPointer] Whether it may be half of a double click; a key is pressed twice by intent.
   */
  press(isPointer = true) {
    const isOff = this.#isBusy || this.#button.matches(":disabled");
    if (isOff || (isPointer && this.#isResting)) return;
    if (isPointer) this.#rest();
    if (this.#timer !== undefined || this.#options.needsTwo?.() === false) {
      this.calmDown();
      void this.#do();
      return;
    }
    this.#say(this.#again);
    this.#button.classList.add("sure");
    this.#timer = setTimeout(() => this.calmDown(), CONFIRM_MS);
    this.#options.onAsk?.(true);
  }

  #rest() {
    this.#isResting = true;
    this.#button.setAttribute("aria-disabled", "true");
    setTimeout(() => {
      this.#isResting = false;
      this.#button.removeAttribute("aria-disabled");
    }, REST_MS);
  }

  async #do() {
    this.#isBusy = true;
    try {
      await this.#options.onSure();
    } finally {
      this.#isBusy = false;
    }
  }

  /** @param {string} text */
  #say(text) {
    this.#button.textContent = text;
    const { object } = this.#options;
    if (object !== undefined) this.#button.setAttribute("aria-label", `${text}: ${object}`);
  }
}
