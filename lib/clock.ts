/**
 * Time, passed in so that tests can hold it.
 *
 * @module
 */

import { setImmediate } from "node:timers";

/** What `setTimeout` gives and `clearTimeout` takes. */
export type Timer = ReturnType<typeof setTimeout>;

export interface Clock {
  /** Monotonic milliseconds: the wall clock may jump, no timer may. */
  now(): number;
  /** Milliseconds since 1970, for people and other machines only: this clock may jump. */
  wallNow(): number;
  /** Runs `callback` once after `ms`. */
  setTimeout(callback: () => void, ms: number): Timer;
  clearTimeout(timer: Timer): void;
  /** Runs `callback` in the next turn of the event loop. */
  setImmediate(callback: () => void): void;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  setImmediate: (callback) => void setImmediate(callback),
};

/** A pause. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.setTimeout(resolve, ms));
}

/**
 * Runs `callback` again and again, each time `ms` after the last one has ended.
 *
 * @returns Ends it; must be called.
 */
export function every(clock: Clock, ms: number, callback: () => void): () => void {
  let isStopped = false;
  let timer: Timer;
  function wait(): void {
    timer = clock.setTimeout(() => {
      callback();
      if (!isStopped) wait();
    }, ms);
  }
  wait();
  return () => {
    isStopped = true;
    clock.clearTimeout(timer);
  };
}

/**
 * Waits for `done`, but no longer than `ms`; leaves no timer behind.
 *
 * @param done Must not reject.
 * @returns Whether `done` came in time.
 */
export async function within(clock: Clock, done: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: Timer | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = clock.setTimeout(() => resolve(false), ms);
  });
  const inTime = await Promise.race([done.then(() => true), late]);
  if (timer !== undefined) clock.clearTimeout(timer);
  return inTime;
}
