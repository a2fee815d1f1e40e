/**
 * Parts of NATS subjects.
 *
 * @module
 */

/**
 * A text as one token of a subject.
 *
 * It may hold what has a meaning in subjects (`.`, `*`, `>`, blanks). Percent-encoding keeps that out, and
 * keeps different texts different; what `encodeURIComponent` leaves of it is done here.
 *
 * @param text Valid Unicode.
 */
export function tokenOf(text: string): string {
  return encodeURIComponent(text).replaceAll(".", "%2E").replaceAll("*", "%2A");
}

/**
 * What begins the subjects of answers to an instance's questions. Below the prefix, so that a login
 * needs nothing else, and others of the same account cannot read along.
 */
export function inboxPrefix(prefix: string): string {
  return `${prefix}.inbox`;
}
