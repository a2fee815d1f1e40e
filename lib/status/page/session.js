/**
 * Requests to the gateway, with the token, which is kept here and nowhere else.
 *
 * @module
 */

/** Thrown for a missing or wrong token. */
export class Unauthorized extends Error {}

const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 30_000;

/** What the page knows of the gateway's access. */
export class Session {
  /** @type {string | null} */
  #token = null;
  /** Called when a request was refused for want of the right token. */
  onUnauthorized = () => {};

  get hasToken() {
    return this.#token !== null;
  }

  /** @param {string | null} token */
  setToken(token) {
    this.#token = token;
  }

  /**
   * A request to the gateway. One that was sent with another token than the present one says
   * nothing of the present one.
   *
   * @param {string} path Relative to the page.
   * @param {RequestInit} [init]
   * @throws {Unauthorized}
   */
  async fetch(path, init = {}) {
    const headers = new Headers(init.headers);
    const token = this.#token;
    if (token !== null) {
      try {
        headers.set("authorization", `Bearer ${token}`);
      } catch {
        // No header can hold it, so it cannot be the right one.
        this.onUnauthorized();
        throw new Unauthorized();
      }
    }
    const response = await fetch(path, { ...init, headers, cache: "no-store" });
    if (response.status !== 401) return response;
    await response.body?.cancel();
    if (this.#token === token) this.onUnauthorized();
    throw new Unauthorized();
  }
}

/**
 * What is wrong, from a response that is no success.
 *
 * @param {Response} response
 */
export async function problemOf(response) {
  try {
    const { detail } = await response.json();
    if (typeof detail === "string") return detail;
  } catch {
    // From a proxy, perhaps.
  }
  return `status ${response.status}`;
}

/**
 * Reads Server-Sent Events to their end. Not by EventSource, which sends no Authorization.
 *
 * @param {Response} response
 * @param {(event: string, data: any) => void} onEvent
 */
async function readEvents(response, onEvent) {
  const { body } = response;
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (event !== undefined && data !== undefined) onEvent(event, JSON.parse(data));
    }
  }
}

/**
 * @typedef {object} FollowOptions
 * @property {(event: string, data: any) => void} onEvent
 * @property {(state: "connected" | "reconnecting", reason: string) => void} onState
 * @property {(detail: string) => void} [onRefused] It is not tried again after a 4xx.
 * @property {AbortSignal} signal Ends it.
 */

/**
 * Follows a stream of events for ever, and connects again with a growing pause.
 *
 * @param {Session} session
 * @param {string | (() => string)} path The same for each connection, or made for it.
 * @param {FollowOptions} options
 */
export async function follow(session, path, { onEvent, onState, onRefused, signal }) {
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    let reason = "";
    try {
      const response = await session.fetch(typeof path === "string" ? path : path(), { signal });
      if (response.ok) {
        onState("connected", reason);
        await readEvents(response, (event, data) => {
          pauseMs = FIRST_PAUSE_MS;
          onEvent(event, data);
        });
      } else {
        reason = await problemOf(response);
        if (response.status < 500) return onRefused?.(reason);
      }
    } catch (error) {
      if (error instanceof Unauthorized) return;
      // The network, or the gateway that restarts.
    }
    if (signal.aborted) return;
    onState("reconnecting", reason);
    await paused(pauseMs * (0.75 + Math.random() / 2), signal);
    pauseMs = Math.min(MAX_PAUSE_MS, 2 * pauseMs);
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal Ends the pause early.
 */
function paused(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve(undefined);
    }, { once: true });
  });
}
