/**
 * The words of time of the way to NATS, in milliseconds.
 *
 * @module
 */

/** How long one try to connect to NATS may take. */
export const CONNECT_MS = 2000;
/** Between two tries, and what a farewell to NATS may take. */
export const CONNECT_AGAIN_MS = 1000;
/** The same for the library, once it was connected. */
export const RECONNECT_MS = 500;
/** A server of NATS that does not answer two of these is left: within 3 s. */
export const PING_MS = 1000;
/** How long NATS may take to answer a new connection. */
export const FIRST_WORD_MS = 2000;
/** … and after so long without an end of its connection that connection is given up. */
export const STALE_MS = 500;
