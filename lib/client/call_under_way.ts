/**
 * One CALL or SEND of a client's, from its frame to its answer.
 *
 * @module
 */

import type { Call } from "../codec/frame.ts";
import { backendPath } from "../codec/route.ts";
import type { TraceContext } from "../codec/trace_context.ts";
import type { BackendReply, BackendRequest, Requester } from "../forwarder/forwarder.ts";
import type { Origin } from "../identity.ts";
import type { CallSpan } from "../trace/tracing.ts";

/** Whose CALL it is. */
export interface CallOwner {
  readonly caller: Origin;
  readonly encodedClientId: string;
  /** Whether the client was closed, and keeps its CALLs. */
  readonly isDropped: boolean;
  replied(call: CallUnderWay, reply: BackendReply): void;
}

/** The request that it becomes, and who waits for the reply, in one object. */
export class CallUnderWay implements BackendRequest, Requester {
  readonly call: Call;
  /** When it came, by the clock. */
  readonly since: number;
  readonly #owner: CallOwner;
  span: CallSpan | undefined = undefined;
  /** Its answer is being written, or was: whatever fails from then on, it gets no second one. */
  isAnswered = false;
  /** The client has sent it once more, and the log has been told. */
  isRepeated = false;

  constructor(call: Call, since: number, owner: CallOwner) {
    this.call = call;
    this.since = since;
    this.#owner = owner;
  }

  get kind(): Call["kind"] {
    return this.call.kind;
  }

  get path(): string {
    const { kind, action, messageId } = this.call;
    return backendPath(kind, action, this.#owner.encodedClientId, messageId);
  }

  get body(): string {
    return this.call.payload;
  }

  get origin(): Origin {
    return this.#owner.caller;
  }

  get trace(): TraceContext | undefined {
    return this.span?.context;
  }

  get isVoid(): boolean {
    return this.#owner.isDropped;
  }

  replied(reply: BackendReply): void {
    this.#owner.replied(this, reply);
  }
}
