/**
 * What the page shows, as its address tells it: so a reload and Back lead to the same, and a link too.
 *
 * @module
 */

/**
 * What is used of a browser's window.
 *
 * @typedef {object} Addressed
 * @property {{ pathname: string, search: string, hash: string }} location
 * @property {Record<"pushState" | "replaceState", (state: null, title: string, url: string) => void>} history
 * @property {(type: string, callback: () => void) => void} addEventListener
 */

/**
 * Owns the part of the address behind `#`, which no browser sends: no log of a proxy has ClientIds
 * of it. It holds names and values as a form does, for example `#search=CP1&client=CP17`.
 */
export class Place {
  #window;
  /** As it was last set or told. */
  #hash;
  /** @type {(() => void)[]} */
  #callbacks = [];

  /** @param {Addressed} window */
  constructor(window) {
    this.#window = window;
    this.#hash = window.location.hash;
    const changed = () => {
      // Back fires two events where one entry has another hash than the other.
      if (this.#hash === window.location.hash) return;
      this.#hash = window.location.hash;
      for (const callback of this.#callbacks) callback();
    };
    window.addEventListener("popstate", changed);
    window.addEventListener("hashchange", changed);
  }

  /**
   * @param {string} name
   * @returns {string | null} Null when the address does not tell it.
   */
  get(name) {
    return this.#values().get(name);
  }

  /**
   * Changes some values, and leaves the others as they are. `onChange` is not called for it.
   *
   * @param {Record<string, string | null>} values Null and an empty text take a name away.
   * @param {{ push?: boolean }} [options] `push`: Back leads to what was shown before.
   */
  set(values, { push = false } = {}) {
    const all = this.#values();
    for (const [name, value] of Object.entries(values)) {
      if (value === null || value === "") all.delete(name);
      else all.set(name, value);
    }
    const { location, history } = this.#window;
    const hash = all.size === 0 ? "" : `#${all}`;
    if (hash === location.hash) return;
    const url = `${location.pathname}${location.search}${hash}`;
    try {
      if (push) history.pushState(null, "", url);
      else history.replaceState(null, "", url);
    } catch {
      // A browser takes some hundred changes in half a minute. The page works without.
    }
    this.#hash = this.#window.location.hash;
  }

  /**
   * @param {() => void} callback Called when Back, Forward or a hand has changed the address.
   */
  onChange(callback) {
    this.#callbacks.push(callback);
  }

  #values() {
    return new URLSearchParams(this.#window.location.hash.slice(1));
  }
}
