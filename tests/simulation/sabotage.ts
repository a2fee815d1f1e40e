/**
 * Gateways that break their word in one way each: what the rules are for.
 *
 * @module
 */

import { isOutcome } from "../../lib/forwarder/forwarder.ts";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import { type Layer, OuterLayer, Post } from "../../lib/forwarder/layer.ts";

const TAKEN: BackendReply = { ok: true, status: 204, body: "" };

/** Says that every fifth outcome was taken, and sends it to nobody. */
class Forgets extends OuterLayer {
  #count = 0;

  override forward(post: Post): void {
    if (!isOutcome(post) || ++this.#count % 5 !== 0) return this.inner.forward(post);
    queueMicrotask(() => this.outer.replied(post, TAKEN));
  }
}

/** Sends an outcome once more when it was taken, as it was or changed. */
class Repeats extends OuterLayer {
  readonly #change: (post: Post) => Post;
  readonly #again = new WeakSet<Post>();

  constructor(inner: Layer, change: (post: Post) => Post) {
    super(inner);
    this.#change = change;
  }

  override replied(post: Post, reply: BackendReply): void {
    if (this.#again.has(post)) return;
    this.outer.replied(post, reply);
    if (!isOutcome(post) || !reply.ok || reply.status !== 204) return;
    const again = this.#change(post);
    this.#again.add(again);
    this.inner.forward(again);
  }
}

/** Sends a client's CALL again when the connection broke. */
class Insists extends OuterLayer {
  override replied(post: Post, reply: BackendReply): void {
    const isBroken = !reply.ok && (reply.fault === "broken" || reply.fault === "timeout");
    if (post.kind === "call" && isBroken) this.inner.forward(post);
    else this.outer.replied(post, reply);
  }
}

/** Holds every fifth request back until the next one has gone. */
class Overtakes extends OuterLayer {
  #held: Post | undefined;
  #count = 0;

  override forward(post: Post): void {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined && ++this.#count % 5 === 0 && post.kind === "call") {
      this.#held = post;
      // Its client gets an answer all the same, and sends the next one.
      queueMicrotask(() => this.outer.replied(post, { ok: true, status: 404, body: "" }));
      return;
    }
    this.inner.forward(post);
    if (held !== undefined) this.inner.forward(held);
  }
}

/** Gives a CALL the answer to another one. */
class Confuses extends OuterLayer {
  #last: BackendReply | undefined;

  override replied(post: Post, reply: BackendReply): void {
    const last = this.#last;
    if (post.kind === "call" && reply.ok && reply.status === 200) this.#last = reply;
    this.outer.replied(post, post.kind === "call" && last !== undefined ? last : reply);
  }
}

/** Makes an outcome out of nothing. */
class Lies extends OuterLayer {
  override forward(post: Post): void {
    const { request, requester, webhookId } = post;
    if (post.kind !== "result") return this.inner.forward(post);
    const lie = new Post({ ...request, body: '{"of":"nothing"}' }, requester);
    lie.webhookId = webhookId;
    this.inner.forward(lie);
  }
}

function renamed({ request, requester }: Post): Post {
  const post = new Post(request, requester);
  post.webhookId = crypto.randomUUID();
  return post;
}

function same({ request, requester, webhookId }: Post): Post {
  const post = new Post(request, requester);
  post.webhookId = webhookId;
  return post;
}

/** By what each does wrong, with words of the fault that must be found. */
export const SABOTAGES: Readonly<Record<string, readonly [(inner: Layer) => Layer, RegExp]>> = {
  "loses outcomes": [(inner) => new Forgets(inner), /has no outcome/],
  "tells an outcome twice": [(inner) => new Repeats(inner, renamed), /outcomes|is done/],
  "repeats what was taken": [(inner) => new Repeats(inner, same), /after its final answer|is done/],
  "repeats a CALL that may have arrived": [(inner) => new Insists(inner), /forwarded again/],
  "lets CALLs overtake": [(inner) => new Overtakes(inner), /out of order|under way/],
  "answers with another's answer": [(inner) => new Confuses(inner), /another's answer/],
  "makes up an outcome": [(inner) => new Lies(inner), /nobody answered/],
};
