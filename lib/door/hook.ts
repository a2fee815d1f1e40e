/**
 * The connect hook: the backend says who gets in.
 *
 * @module
 */

import { isSuccess } from "../codec/reply.ts";
import { hookPath } from "../codec/route.ts";
import { type Forwarder, isRefusal } from "../forwarder/forwarder.ts";
import type { Identity } from "../identity.ts";

/** What a client brings along. */
export interface Credentials {
  /** The subprotocols it offered, in its order. */
  readonly protocols: readonly string[];
  /** Its Authorization header as it came: a Basic password may be binary. */
  readonly authorization: string | null;
}

export type Verdict =
  | { readonly kind: "accepted" }
  /** 401, 403 or 404, with the backend's WWW-Authenticate. */
  | { readonly kind: "denied"; readonly status: 401 | 403 | 404; readonly challenge: string | null }
  /** No answer, or none that says yes or no. */
  | { readonly kind: "unavailable"; readonly failure: string };

/**
 * Asks the backend whether a client may connect: `POST /connect/<ClientId>`. Each time anew: nothing is
 * remembered.
 *
 * @returns Never rejects, ends within the backend time-out.
 */
export async function askBackend(
  forwarder: Forwarder,
  identity: Identity,
  { protocols, authorization }: Credentials,
): Promise<Verdict> {
  const { remoteAddress } = identity;
  const reply = await forwarder.forward({
    kind: "connect",
    path: hookPath("connect", encodeURIComponent(identity.clientId)),
    body: JSON.stringify({ protocols, remoteAddress, authorization }),
    origin: identity,
  });
  if (!reply.ok) return { kind: "unavailable", failure: reply.fault };
  const { status, challenge = null } = reply;
  if (isSuccess(status)) return { kind: "accepted" };
  return isRefusal(status)
    ? { kind: "denied", status, challenge }
    : { kind: "unavailable", failure: `status ${status}` };
}
