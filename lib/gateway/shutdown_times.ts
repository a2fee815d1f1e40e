/**
 * What a shutdown is told, and when each of its parts must be over.
 *
 * @module
 */

/** How the end of a gateway is asked for. */
export interface ShutdownOrder {
  /** When it was asked for, by the clock's `now()`: all time limits count from then on. Now, when absent. */
  readonly since?: number;
  /** Clients that are closed together, over all threads; this gateway's own when absent. */
  readonly clients?: number;
  /**
   * Begun when the drain is over, beside the farewells.
   *
   * @param timeoutMs How long it may take. It must not reject.
   */
  readonly beside?: (timeoutMs: number) => Promise<void>;
}

/** Each by the clock's `now()`. */
export interface ShutdownTimes {
  /** What is under way is ended. */
  readonly drain: number;
  /** Reports of what ended then have reached the backend, and clients have answered their close frames. */
  readonly farewell: number;
  /** Other instances have been told. */
  readonly leave: number;
  /** The last responses have left: nothing of a gateway is left. */
  readonly gateway: number;
  /** Workers that have not ended are ended. */
  readonly workers: number;
  /** What those owed has been reported. */
  readonly aftermath: number;
  /** The gateway, or all workers, are not waited for any longer. */
  readonly shutdown: number;
  /** The program ends, whatever there is left to do; between the two it closes what it keeps on disk. */
  readonly program: number;
}

/**
 * Beyond the drain time-out, in milliseconds. The program promises to end within 2 s: the rest is for a
 * machine that is busy, and for the end of the process.
 */
const AFTER_DRAIN_MS = {
  drain: 0,
  farewell: 900,
  leave: 1000,
  gateway: 1050,
  workers: 1100,
  aftermath: 1200,
  shutdown: 1300,
  program: 1500,
} satisfies Record<keyof ShutdownTimes, number>;

/**
 * The times of one shutdown. What comes later in it has a little more time than what it waits for.
 *
 * @param since When it was asked for.
 */
export function shutdownTimes(since: number, drainTimeoutMs: number): ShutdownTimes {
  const drain = since + drainTimeoutMs;
  const after = AFTER_DRAIN_MS;
  return {
    drain,
    farewell: drain + after.farewell,
    leave: drain + after.leave,
    gateway: drain + after.gateway,
    workers: drain + after.workers,
    aftermath: drain + after.aftermath,
    shutdown: drain + after.shutdown,
    program: drain + after.program,
  };
}
