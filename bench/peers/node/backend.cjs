/**
 * The backend's side of both bridges: one POST for each CALL, and what its answer means.
 *
 * @module
 */

"use strict";

const process = require("node:process");
const { Pool } = require("undici");

/** The gateway's defaults: `--backend-connections` and `--backend-timeout`. */
const CONNECTIONS = 256;
const TIMEOUT_MS = 30_000;

/** The gateway's table for a status without a `code` in its body. */
const CODES = new Map([
  [400, "FormationViolation"],
  [422, "FormationViolation"],
  [401, "SecurityError"],
  [403, "SecurityError"],
  [404, "NotImplemented"],
  [405, "NotImplemented"],
  [501, "NotImplemented"],
]);

/** Keep-alive connections to one backend. */
class Backend {
  #pool;

  /** @param {string} origin Such as `http://127.0.0.1:5000`. */
  constructor(origin) {
    this.#pool = new Pool(origin, {
      connections: CONNECTIONS,
      pipelining: 1,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
  }

  /**
   * Posts a CALL.
   *
   * `dispatch` is the fastest of undici's ways by its own table; `request` with `body.text()` makes a
   * stream of each answer and costs a tenth or more of the throughput.
   *
   * @param {string} path
   * @param {string} address The client's.
   * @param {string} body
   * @returns {Promise<{ status: number, text: string }>} Rejects when there is no answer.
   */
  post(path, address, body) {
    return new Promise((resolve, reject) => {
      this.#pool.dispatch(
        {
          path,
          method: "POST",
          headers: ["content-type", "application/json", "x-forwarded-for", address],
          body,
        },
        new Exchange(resolve, reject),
      );
    });
  }
}

/** One request's events, in the form that undici calls. */
class Exchange {
  #resolve;
  #reject;
  #status = 0;
  #chunks = [];

  constructor(resolve, reject) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart() {}

  onResponseStart(_controller, status) {
    this.#status = status;
  }

  onResponseData(_controller, chunk) {
    this.#chunks.push(chunk);
  }

  onResponseEnd() {
    const body = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#resolve({ status: this.#status, text: body.toString() });
  }

  onResponseError(_controller, error) {
    this.#reject(error);
  }
}

/**
 * The CALLERROR for an answer that is no 2xx.
 *
 * @param {number} status
 * @param {string} text
 * @returns {{ code: string, description: string, details: object }}
 */
function faultOf(status, text) {
  try {
    const { code, description = "", details = {} } = JSON.parse(text);
    if (typeof code === "string") return { code, description, details };
  } catch {
    // No JSON: the status says enough.
  }
  const code = CODES.get(status) ?? "InternalError";
  return { code, description: `the backend answered ${status}`, details: {} };
}

/** Says which port to connect to, and ends when whoever started this has gone. */
function ready(port) {
  process.stdout.write(`${port}\n`);
  process.stdin.on("end", () => process.exit(0));
  process.stdin.resume();
}

module.exports = { Backend, faultOf, ready };
