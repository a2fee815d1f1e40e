/**
 * The words of time of all that ties instances and threads together, in milliseconds.
 *
 * @module
 */

import type { ClientRequest } from "./bus.ts";
import type { QuestionKind } from "./survey.ts";

/** Until whoever holds a client has to answer, beside the time that the client itself has. */
const REPLY_MS = 5000;

/** How long the answer to a request is waited for: one that waits for a client has its time besides. */
export function replyMs(request: ClientRequest): number {
  return REPLY_MS + 1000 * (request.kind === "call" ? request.waitSeconds ?? 0 : 0);
}

/** Between threads: a client that has just connected to another one is looked for once more. */
export const SECOND_TRY_MS = 30;

/** Over NATS: the interest of a client that has just connected may not have come round yet. */
export const FIND_AGAIN_MS = 40;
/** Until the holder has to say that it is it: a question may be lost with a server of NATS. */
export const FIND_MS = 1500;
/** How long all others have for an answer to what each of them is asked. */
export const SURVEY_MS = 1000;
/** The same for a list, for which each of them walks all of its clients while it serves them. */
const LIST_MS = 4000;

/** How long all others have for an answer to a question of this kind. */
export function surveyMs(kind: QuestionKind): number {
  return kind === "list" ? LIST_MS : SURVEY_MS;
}

/** By so much the times of ids may differ before anybody is told. */
export const TIME_SLACK_MS = 50;

/** How often an instance says that it is there. */
export const ALIVE_MS = 3000;
/** After such a silence it is not counted any more, and not waited for. */
export const SILENT_MS = 10_000;
/**
 * For so long what cannot be found may be with an instance that is silent: the clients of one that was
 * killed have come back elsewhere by then, and one that is cut off is still missed.
 */
export const REMEMBER_MS = 300_000;
/** How long all others have to say that they are there, before a client is said to be nowhere. */
export const ROLL_MS = 1000;
/** Between two such questions to all. */
export const ROLL_PAUSE_MS = 20;

/** Two servers of a NATS cluster may not have known of each other's client: told once more. */
export const ANNOUNCE_AGAIN_MS = 2000;
/** Between two lots of announcements. */
export const ANNOUNCE_PAUSE_MS = 10;

/** How often those who owe an outcome are asked whether they are there. */
export const WATCH_MS = 1000;
/** For so long after an answer of NATS another instance's silence is its own. */
export const PROVEN_MS = 3000;
/** Who has not been asked for so long by whoever accepted a CALL asks before it reports the outcome … */
export const DOUBT_MS = 2500;
/** … and waits so long for the answer. */
export const CLAIM_MS = 2500;
/**
 * Without an answer of NATS for so long, an instance gives up the CALLs that it took from others …
 */
export const GIVE_UP_MS = 4000;
/** … and after so long without an answer they report these CALLs. The gap keeps both from doing it. */
export const LOST_MS = 7000;
