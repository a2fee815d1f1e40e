/**
 * The one stream of events that the page lives on, and whether it still tells anything.
 *
 * @module
 */

import { follow } from "./session.js";

/** @import { Session } from "./session.js" */

/** Without a snapshot for so long what is shown is old; … */
const STALE_MS = 3000;
/** … and after so long the stream is given up, and opened anew. */
const GIVEN_UP_MS = 5000;
const LOOK_MS = 1000;

/**
 * @typedef {object} StreamOptions
 * @property {(event: string, data: any) => void} onEvent `history`, `snapshot`, `faults`, `departures`,
 *   `instances`, and with a watched client `tail-connection`, `tail-frames`, `tail-refused`. After each
 *   "connected" faults and departures are told from the start, and of the history what is new.
 * @property {(state: "connected" | "reconnecting", reason: string) => void} onState
 * @property {(detail: string) => void} onRefused It is not tried again until `start`.
 * @property {(sinceMs: number) => void} onStale Since when nothing new has come, in milliseconds since
 *   1970; called each second while that is so.
 * @property {() => void} onFresh A snapshot has come again.
 * @property {Clock} [clock]
 *
 * @typedef {object} Clock
 * @property {() => number} now
 * @property {(callback: () => void, ms: number) => any} setInterval
 * @property {(timer: any) => void} clearInterval
 */

/** @type {Clock} */
const browserClock = {
  now: () => Date.now(),
  setInterval: (callback, ms) => setInterval(callback, ms),
  clearInterval: (timer) => clearInterval(timer),
};

/** Owns the connection. A gateway that hangs ends no connection: so it is judged by its snapshots. */
export class Stream {
  #session;
  #options;
  #clock;
  /** @type {AbortController | null} */
  #following = null;
  /** @type {any} */
  #timer = null;
  /** Whose frames are told. @type {string | null} */
  #clientId = null;
  #withPayloads = false;
  /** When the last snapshot came, or the stream began. */
  #heardAt = 0;
  /** When this connection was begun; null between two of them. @type {number | null} */
  #openedAt = null;
  #isStale = false;
  /** The newest time that was told, and of which run of the gateway. */
  #toldAt = 0;
  #startedAt = 0;

  /**
   * @param {Session} session
   * @param {StreamOptions} options
   */
  constructor(session, options) {
    this.#session = session;
    this.#options = options;
    this.#clock = options.clock ?? browserClock;
  }

  /** Whether it is begun, and neither stopped nor refused. */
  get isRunning() {
    return this.#following !== null;
  }

  /** Whether what is shown is old. */
  get isStale() {
    return this.#isStale;
  }

  /** Begins, or begins anew. */
  start() {
    this.stop();
    this.#heardAt = this.#clock.now();
    this.#timer = this.#clock.setInterval(() => this.#look(), LOOK_MS);
    this.#open();
  }

  /** Lets go of the gateway; nothing is told, and nothing is stale, until `start`. */
  stop() {
    this.#following?.abort();
    this.#following = null;
    this.#clock.clearInterval(this.#timer);
    this.#isStale = false;
  }

  /**
   * A client's frames are told from now on, in place of another's.
   *
   * @param {string} clientId
   * @param {boolean} withPayloads
   */
  watch(clientId, withPayloads) {
    if (this.#clientId === clientId && this.#withPayloads === withPayloads) return;
    this.#clientId = clientId;
    this.#withPayloads = withPayloads;
    if (this.isRunning) this.#open();
  }

  /** No frames are told any more. */
  unwatch() {
    if (this.#clientId === null) return;
    this.#clientId = null;
    if (this.isRunning) this.#open();
  }

  #path() {
    const query = new URLSearchParams();
    if (this.#toldAt > 0) {
      // Another run has a history of its own, which is told whole.
      query.set("run", String(this.#startedAt));
      query.set("after", String(this.#toldAt));
    }
    if (this.#clientId !== null) {
      query.set("tail", this.#clientId);
      if (this.#withPayloads) query.set("payloads", "1");
    }
    return query.size === 0 ? "status/stream" : `status/stream?${query}`;
  }

  #open() {
    this.#following?.abort();
    const following = this.#following = new AbortController();
    const { signal } = following;
    const { onState, onRefused } = this.#options;
    const begin = () => {
      this.#openedAt = this.#clock.now();
      return this.#path();
    };
    void follow(this.#session, begin, {
      signal,
      onState: (state, reason) => {
        if (signal.aborted) return;
        if (state === "reconnecting") this.#openedAt = null;
        onState(state, reason);
      },
      onEvent: (event, data) => {
        if (!signal.aborted) this.#take(event, data);
      },
      onRefused: (detail) => {
        if (signal.aborted) return;
        this.stop();
        onRefused(detail);
      },
    });
  }

  /**
   * @param {string} event
   * @param {any} data
   */
  #take(event, data) {
    const { onEvent, onFresh } = this.#options;
    if (event === "history") {
      this.#startedAt = data.startedAt;
      this.#toldAt = data.points.at(-1)?.at ?? this.#toldAt;
    }
    if (event === "snapshot") {
      this.#heardAt = this.#clock.now();
      this.#toldAt = data.at;
      if (this.#isStale) {
        this.#isStale = false;
        onFresh();
      }
    }
    onEvent(event, data);
  }

  #look() {
    const { onStale, onState } = this.#options;
    const now = this.#clock.now();
    if (now - this.#heardAt < STALE_MS) return;
    this.#isStale = true;
    onStale(this.#heardAt);
    if (this.#openedAt === null) return;
    if (now - Math.max(this.#heardAt, this.#openedAt) < GIVEN_UP_MS) return;
    onState("reconnecting", "no data");
    this.#open();
  }
}
