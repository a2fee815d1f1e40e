/**
 * Why a worker could not start.
 *
 * @module
 */

import type { Fault } from "./message.ts";

/** A worker that could not start. */
export class StartError extends Error {
  /** @param fault Its `name` becomes this error's: `AddrInUse`, `Refusal`, `WorkerDied`, … */
  constructor({ name, message }: Fault) {
    super(message);
    this.name = name;
  }
}
