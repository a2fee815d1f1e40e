/**
 * The words of time of the ledger, in milliseconds.
 *
 * @module
 */

/** How long the answer to one question to JetStream is waited for. */
export const ANSWER_MS = 1500;
/** How often an owner writes that it is there. */
export const RENEW_MS = 1500;
/** An owner that has written nothing for so long is taken for gone … */
export const GONE_MS = 7000;
/** … and one that knows of nothing written for so long does not take itself for the owner any more. */
export const CERTAIN_MS = 5500;
/** After a time in which nothing could be written, the others have so long to say that they are there. */
export const GRACE_MS = 3000;
/**
 * The last sign of an owner is kept for so long after all that it had is delivered, so that it finds whose
 * that is when it comes back …
 */
export const SIGN_KEPT_MS = 900_000;
/** … and one whose sign is missing for no longer than this was taken over by nobody: others removed it. */
export const SIGN_MISSED_MS = 600_000;
/** One whose place another one has now is taken for gone after so long without a sign of life. */
export const PLACE_MS = 3500;
/** How often is looked who has gone … */
export const LOOK_MS = 500;
/** … and whether there is one of whom nothing was ever heard. */
export const LIST_MS = 60_000;
/** How long a CALL may wait to be kept, repeats included. */
export const ACCEPT_MS = 2500;
