/**
 * Which CALL or SEND a path names.
 *
 * @module
 */

import { isAction, isMessageId } from "../codec/name.ts";
import { decodeClientId, decodeSegment } from "../codec/route.ts";

/** The path's segments, decoded and checked. */
export interface Target {
  readonly action: string;
  readonly clientId: string;
  readonly messageId: string;
}

/** What is wrong with segments that name nothing. */
export const BAD_TARGET =
  "not valid segments: an Action and a ClientId have 1 to 255 characters, a MessageId 1 to 36, " +
  "each percent-encoded once";

/**
 * Reads the path behind `/call/` or `/send/`.
 *
 * @param segments Three raw segments.
 * @returns Undefined when one of them can be no such name.
 */
export function readTarget(segments: readonly string[]): Target | undefined {
  const action = decodeSegment(segments[0] ?? "");
  const clientId = decodeClientId(segments[1] ?? "");
  const messageId = decodeSegment(segments[2] ?? "");
  if (action === undefined || clientId === undefined || messageId === undefined) return undefined;
  return isAction(action) && isMessageId(messageId) ? { action, clientId, messageId } : undefined;
}
