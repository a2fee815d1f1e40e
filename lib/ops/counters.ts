/**
 * What happened since the start, in numbers.
 *
 * @module
 */

/** Plain counters: each is increased by the part that sees the event. */
export interface Counters {
  connectionsOpened: number;
  connectionsClosed: number;
  /** Messages handed to the forwarder, a retried one once. */
  requestsStarted: number;
  requestsFailed: number;
  requestsSucceeded: number;
  /** Frames that were no valid frames, or answered nothing. */
  faults: number;
}

export function createCounters(): Counters {
  return {
    connectionsOpened: 0,
    connectionsClosed: 0,
    requestsStarted: 0,
    requestsFailed: 0,
    requestsSucceeded: 0,
    faults: 0,
  };
}

/** Every counter, in the order in which they are shown. */
export const COUNTER_NAMES = Object.keys(createCounters()) as readonly (keyof Counters)[];

/** The counters as `name value` lines. */
export function countersText(counters: Readonly<Counters>): string {
  return Object.entries(counters)
    .map(([name, value]) => `${name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)} ${value}\n`)
    .join("");
}
