/**
 * How fast clients get in.
 *
 * @module
 */

/** Upgrades in one turn of the event loop: each takes the CPU of some six CALLs. */
const MAX_UPGRADES = 8;
/** CALLs and outcomes under way in this thread from which on those who are connected go first. */
const BUSY_MESSAGES = 200;

/**
 * How many upgrades may begin in a turn: in a storm of them those who are connected are served on, and
 * a client that is not in yet sends nothing that would have to be refused.
 *
 * @param messages Under way in this thread, or waiting.
 */
export function upgradesPerTurn(messages: number): number {
  return messages > BUSY_MESSAGES ? 1 : MAX_UPGRADES;
}
