/**
 * An instance without others.
 *
 * @module
 */

import { type Bus, refused, type Witness } from "./bus.ts";

/** A bus with nobody on it. */
export const alone: Bus = {
  attach: () => {},
  detach: () => {},
  ask: () => Promise.resolve(refused("gone")),
  survey: () => Promise.resolve({ answers: [], isComplete: true }),
  forget: () => {},
  isAvailable: true,
  hasJoined: true,
  close: () => Promise.resolve(),
};

const nothing = () => {};

/** Nobody would be there to read it. */
export const noWitness: Witness = { accepted: () => nothing };
