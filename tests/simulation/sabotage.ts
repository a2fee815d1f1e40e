/**
 * Gateways that break their word in one way each: what the rules are for.
 *
 * @module
 */

import { isOutcome } from "../../lib/forwarder/forwarder.ts";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import type { SharedTime } from "../../lib/ids.ts";
import type { Config } from "../../lib/config/config.ts";
import type { Ledger } from "../../lib/outbox/jetstream/ledger.ts";
import type { Store } from "../../lib/outbox/store.ts";
import type { ToStore } from "../../lib/outbox/thread/message.ts";
import { deaf } from "./deaf.ts";
import type { ApiResponse } from "./instance.ts";
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

/** Gives a report another Webhook-Id in each try. */
class Renames extends OuterLayer {
  readonly #own = new WeakMap<Post, Post>();

  override forward(post: Post): void {
    if (!isOutcome(post)) return this.inner.forward(post);
    const other = renamed(post);
    this.#own.set(other, post);
    this.inner.forward(other);
  }

  override replied(post: Post, reply: BackendReply): void {
    this.outer.replied(this.#own.get(post) ?? post, reply);
  }
}

/** Changes what the backend answers to what it carries. */
class Rewrites extends OuterLayer {
  readonly #change: (reply: BackendReply, post: Post) => BackendReply;

  constructor(inner: Layer, change: (reply: BackendReply, post: Post) => BackendReply) {
    super(inner);
    this.#change = change;
  }

  override replied(post: Post, reply: BackendReply): void {
    this.outer.replied(post, this.#change(reply, post));
  }
}

function withStatus(from: (status: number) => boolean, to: number) {
  return (reply: BackendReply, post: Post): BackendReply =>
    isOutcome(post) && reply.ok && from(reply.status) ? { ...reply, status: to } : reply;
}

/** What is put into a gateway, or done to it. */
export interface Sabotage {
  /** Between it and its way to the backend. */
  readonly layer?: (inner: Layer) => Layer;
  /** Between it and its store. */
  readonly store?: (store: Store) => Store;
  /** Between its outbox in JetStream and the ledger, and the store. @returns Undefined: it gets lost. */
  readonly ledger?: (ledger: Ledger) => Ledger;
  readonly toStore?: (message: ToStore) => ToStore | undefined;
  /** It is set up otherwise than the rules believe. */
  readonly config?: (config: Config) => Config;
  /** What it hears of others' time. */
  readonly time?: (time: SharedTime) => SharedTime;
  /** What its API gets, and what it answers. */
  readonly request?: (
    headers: Readonly<Record<string, string>>,
  ) => Readonly<Record<string, string>>;
  readonly response?: (path: string, told: ApiResponse) => ApiResponse;
}

const layer = (make: (inner: Layer) => Layer): Sabotage => ({ layer: make });
const config = (changes: (config: Config) => Partial<Config>): Sabotage => ({
  config: (given) => ({ ...given, ...changes(given) }),
});

/** By what each does wrong, with words of the fault that must be found, and a seed that is likely to find it. */
export const SABOTAGES: Readonly<Record<string, readonly [Sabotage, RegExp, seed?: number]>> = {
  "loses outcomes": [layer((inner) => new Forgets(inner)), /has no outcome/],
  "tells an outcome twice": [layer((inner) => new Repeats(inner, renamed)), /outcomes|is done/],
  "repeats what was taken": [
    layer((inner) => new Repeats(inner, same)),
    /after its final answer|is done/,
  ],
  "gives each try a Webhook-Id of its own": [
    layer((inner) => new Renames(inner)),
    /outcomes|is done/,
  ],
  "repeats a CALL that may have arrived": [
    layer((inner) => new Insists(inner)),
    /forwarded again/,
  ],
  "lets CALLs overtake": [layer((inner) => new Overtakes(inner)), /out of order|under way/],
  "answers with another's answer": [layer((inner) => new Confuses(inner)), /another's answer/],
  "makes up an outcome": [layer((inner) => new Lies(inner)), /nobody answered/],
  "tries again what was refused for good": [
    layer((inner) => new Rewrites(inner, withStatus((status) => status === 400, 500))),
    /after its final answer|not parked|is done/,
  ],
  "parks what was answered with 500": [
    layer((inner) => new Rewrites(inner, withStatus((status) => status === 500, 400))),
    /should not/,
    18,
  ],
  "does not read Retry-After": [
    layer((inner) =>
      new Rewrites(inner, (reply) => {
        if (!reply.ok) return reply;
        const { retryAfter: _, ...rest } = reply;
        return rest;
      })
    ),
    /before Retry-After/,
    18,
  ],
  "tells clients that the backend cannot be reached": [
    layer((inner) =>
      new Rewrites(
        inner,
        (reply, { kind }) =>
          kind === "call" && !reply.ok && reply.fault === "unreachable"
            ? { ok: false, fault: "broken" }
            : reply,
      )
    ),
    /while it could wait/,
  ],
  "takes the backend for away too soon": [
    config(({ awayHoldMs }) => ({ awayHoldMs: awayHoldMs / 10 })),
    /while the backend is not away|while it could wait/,
  ],
  "accepts more than there is room for": [
    config(({ maxReports }) => ({ maxReports: 3 * maxReports })),
    /places are taken|has accepted/,
    15,
  ],
  "parks what is not too old": [
    config(() => ({ reportTtlMs: 1000 })),
    /should not|which it has not tried/,
  ],
  "takes its own wall clock for the only one": [
    {
      time: (time) =>
        Object.assign(Object.create(time), { wallNow: () => time.wallNow(), hear: () => true }),
    },
    /and is the last one/,
  ],
  "forgets keys": [
    {
      request(headers) {
        const { "idempotency-key": _, ...rest } = headers;
        return rest;
      },
    },
    /sent to its client twice|was answered with/,
  ],
  "forgets how far CALLs got": [
    config(() => ({ outcomeRetentionMs: 1 })),
    /nobody knows/,
  ],
  "says too soon that an outcome was delivered": [
    {
      response: (path, told) => ({
        ...told,
        body: path.startsWith("/call/")
          ? told.body.replace('"delivery":"waiting"', '"delivery":"delivered"')
          : told.body,
      }),
    },
    /was not taken/,
  ],
  "accepts before it has written": [
    { store: (store) => deaf(store, { accept: (_call, done) => done(true) }) },
    /has no outcome/,
    12,
  ],
  "writes no outcomes": [
    { store: (store) => deaf(store, { end: () => {} }) },
    /in two ways|has no outcome|comes from|still holds|nobody asked|was taken from/,
    51,
  ],
  "does not strike what was delivered": [
    { store: (store) => deaf(store, { delivered: () => {} }) },
    /was taken from|still holds|in two ways/,
  ],
  "does not write what was parked": [
    { store: (store) => deaf(store, { park: () => {} }) },
    /was parked by/,
    51,
  ],
};
