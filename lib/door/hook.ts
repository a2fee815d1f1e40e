/**
 * The connect hook: the backend says who gets in.
 *
 * @module
 */

import { readMaxAgeSeconds } from "../codec/cache_control.ts";
import { isSuccess } from "../codec/reply.ts";
import { hookPath } from "../codec/route.ts";
import { ask, type Forwarder, isRefusal } from "../forwarder/forwarder.ts";
import { hookSlots } from "../forwarder/slots.ts";
import type { Identity } from "../identity.ts";
import { Cell } from "../metrics/tally.ts";
import type { ClientCertificate } from "./client_certificate.ts";
import type { Proofs, Verdicts } from "./verdicts.ts";

/** What a client brings along. */
export interface Credentials {
  /** The subprotocols it offered, in its order. */
  readonly protocols: readonly string[];
  /** Its Authorization header as it came: a Basic password may be binary. */
  readonly authorization: string | null;
  /** Whether it came by TLS. */
  readonly tls: boolean;
  /** Null for none. */
  readonly clientCertificate: ClientCertificate | null;
}

export type Verdict =
  | { readonly kind: "accepted" }
  /** 401, 403 or 404, with the backend's WWW-Authenticate. */
  | { readonly kind: "denied"; readonly status: 401 | 403 | 404; readonly challenge: string | null }
  /** No answer, or none that says yes or no. */
  | { readonly kind: "unavailable"; readonly failure: string };

export interface ConnectHookOptions {
  readonly forwarder: Forwarder;
  readonly verdicts: Verdicts;
  /** Requests that may be under way to the backend. */
  readonly backendConnections: number;
  /** Where the questions that wait for their answer are counted. */
  readonly waiting?: Cell;
}

/**
 * Questions that may wait for each slot that connect hooks may have. With a backend that answers in 50
 * ms the last one waits 5 s. Fewer would turn away more of those who come back at once after an outage, and
 * a refusal that comes back costs more than one that waits.
 */
const WAITING_FOR_EACH_SLOT = 100;

/** One that the backend is asked just now. */
interface Question {
  /** The backend has refused this client in the meantime: a yes is not remembered. */
  isVoid: boolean;
}

/**
 * Asks the backend whether a client may connect: `POST /connect/<ClientId>`. What it let in, and said
 * may be remembered, need not be asked again.
 *
 * Owns the count of the questions that wait for their answer.
 */
export class ConnectHook {
  readonly #options: ConnectHookOptions;
  readonly #waiting: Cell;
  readonly #maxWaiting: number;
  /** Questions under way, by ClientId. */
  readonly #asking = new Map<string, Set<Question>>();

  constructor(options: ConnectHookOptions) {
    this.#options = options;
    this.#waiting = options.waiting ?? new Cell();
    this.#maxWaiting = WAITING_FOR_EACH_SLOT * hookSlots(options.backendConnections);
  }

  /** Whether one more may be asked. */
  get hasRoom(): boolean {
    return this.#waiting.own < this.#maxWaiting;
  }

  /** Whether a client is let in without a question. */
  remembers(clientId: string, credentials: Credentials): boolean {
    return this.#options.verdicts.has(clientId, proofsOf(credentials));
  }

  /** @returns Never rejects, ends within the backend time-out, tries and the wait for a slot beside. */
  async ask(identity: Identity, credentials: Credentials): Promise<Verdict> {
    const { forwarder, verdicts } = this.#options;
    const { clientId, remoteAddress } = identity;
    const { protocols, authorization, tls, clientCertificate } = credentials;
    const { epoch } = verdicts;
    const question = this.#begin(clientId);
    this.#waiting.add(1);
    const reply = await ask(forwarder, {
      kind: "connect",
      path: hookPath("connect", encodeURIComponent(clientId)),
      body: JSON.stringify({ protocols, remoteAddress, authorization, tls, clientCertificate }),
      origin: identity,
    });
    this.#waiting.add(-1);
    this.#end(clientId, question);
    if (!reply.ok) return { kind: "unavailable", failure: reply.fault };
    const { status, challenge = null } = reply;
    if (isSuccess(status)) {
      const seconds = question.isVoid ? 0 : readMaxAgeSeconds(reply.cacheControl);
      verdicts.add(clientId, proofsOf(credentials), seconds, epoch);
      return { kind: "accepted" };
    }
    if (!isRefusal(status)) return { kind: "unavailable", failure: `status ${status}` };
    verdicts.refused(clientId);
    for (const other of this.#asking.get(clientId) ?? []) other.isVoid = true;
    return { kind: "denied", status, challenge };
  }

  #begin(clientId: string): Question {
    const question = { isVoid: false };
    const others = this.#asking.get(clientId);
    if (others === undefined) this.#asking.set(clientId, new Set([question]));
    else others.add(question);
    return question;
  }

  #end(clientId: string, question: Question): void {
    const all = this.#asking.get(clientId);
    all?.delete(question);
    if (all?.size === 0) this.#asking.delete(clientId);
  }
}

/** What a verdict depends on; neither the subprotocols nor the address. */
function proofsOf({ authorization, clientCertificate }: Credentials): Proofs {
  return [authorization, clientCertificate?.fingerprint256 ?? null];
}
