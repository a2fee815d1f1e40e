/**
 * A request to a client that is carried out once, however often it comes.
 *
 * @module
 */

import type { RequestKey } from "../outbox/entry.ts";
import type { ClientReply, ClientRequest } from "./bus.ts";
import type { Claim, RequestKeys } from "./request_keys.ts";
import type { CallEnd, KeyAnswer, QuestionOf, Survey } from "./survey.ts";

/** What came of it. */
export type AskedOnce =
  /** It was carried out, now or before. */
  | { readonly kind: "asked" | "replayed"; readonly reply: ClientReply }
  /** The same request is under way. */
  | { readonly kind: "under_way" }
  /** Another request has this key. */
  | { readonly kind: "other_request" }
  /** There is no room for one more key. */
  | { readonly kind: "full" }
  /** Somebody who may know of the key cannot be asked. */
  | { readonly kind: "unavailable" }
  /** It was carried out, but its answer is larger than the way between instances takes. */
  | { readonly kind: "too_large" };

export interface OnceDeps {
  readonly keys: RequestKeys;
  /** Asks all others about a key. */
  readonly survey: (question: QuestionOf<"key">) => Promise<Survey<KeyAnswer | null>>;
  /** Carries the request out. */
  readonly ask: (request: CallRequest) => Promise<ClientReply>;
}

export type CallRequest = ClientRequest & { readonly kind: "call" };

/** How a request ended that was accepted, so that its key stands for that; null for any other. */
export function endOf(reply: ClientReply, { waitSeconds }: CallRequest): CallEnd | null {
  switch (reply.kind) {
    case "accepted":
    case "outcome":
    case "no_answer":
      return reply;
    case "refused": {
      // It was accepted, before the instance that held the client went.
      const { kind, reason } = reply;
      return reason === "lost" && waitSeconds !== null ? { kind, reason } : null;
    }
    default:
      return null;
  }
}

/** Asks for a CALL, unless the same was asked for under its key before. */
export async function askOnce(
  key: RequestKey,
  request: CallRequest,
  { keys, survey, ask }: OnceDeps,
): Promise<AskedOnce> {
  const claimed = keys.claim(key);
  if (claimed === "full") return { kind: "full" };
  if (!("claim" in claimed)) return saidOf(claimed, key);
  const { claim } = claimed;
  try {
    const stronger = await strongerThan(claim, survey);
    if (stronger !== null) return stronger;
    const meanwhile = keys.commit(claim);
    if (meanwhile !== null) return saidOf(meanwhile, key);
    const reply = await ask(request);
    const end = endOf(reply, request);
    if (end !== null) keys.decide(claim, end);
    return { kind: "asked", reply };
  } finally {
    // Unless it is decided.
    keys.release(claim);
  }
}

async function strongerThan(
  { id: claimId, key }: Claim,
  survey: OnceDeps["survey"],
): Promise<AskedOnce | null> {
  const { answers, isComplete } = await survey({ kind: "key", key, claimId });
  const known = answers.filter((answer) => answer !== null);
  const stronger = known.find(({ state }) => state === "decided") ??
    known.find((other) =>
      other.state === "claimed" && (other.isCommitted || other.claimId < claimId)
    );
  if (stronger !== undefined) return saidOf(stronger, key);
  return isComplete ? null : { kind: "unavailable" };
}

function saidOf(known: KeyAnswer, { fingerprint }: RequestKey): AskedOnce {
  if (known.fingerprint !== fingerprint) return { kind: "other_request" };
  if (known.state === "claimed") return { kind: "under_way" };
  return known.reply === null ? { kind: "too_large" } : { kind: "replayed", reply: known.reply };
}
