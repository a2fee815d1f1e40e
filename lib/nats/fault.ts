/**
 * What went wrong with NATS, by the library's errors.
 *
 * @module
 */

import { errors } from "@nats-io/transport-node";

/** Whether a request failed because nobody subscribes to its subject. */
export function isNoResponders(error: unknown): boolean {
  return error instanceof errors.NoRespondersError ||
    (error instanceof errors.RequestError && error.isNoResponders());
}

/** Whether NATS does not know who this is. */
export function isLoginRefused(error: unknown): boolean {
  return error instanceof errors.AuthorizationError ||
    error instanceof errors.UserAuthenticationExpiredError;
}

/** What a login may not do; undefined when it is another error. */
export function forbiddenBy(
  error: unknown,
): { readonly operation: string; readonly subject: string } | undefined {
  if (!(error instanceof errors.PermissionViolationError)) return undefined;
  const { operation, subject } = error;
  return { operation, subject };
}

/** In words, for the log. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : "unknown";
}
