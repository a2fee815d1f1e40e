/**
 * The backend and the way to it.
 *
 * Faults of the way: refused though the backend is there; cut before the request arrives, or behind it;
 * no answer in time, to a request that arrived or did not; slow. Faults of the backend: it is away and
 * refuses everybody; it answers 500, 502, 503, 504, 429, 400, with and without Retry-After, and 204 or an
 * error of its own; it fails, as one does whose proxy is all that is left; some outcomes it never takes.
 *
 * @module
 */

import type { Clock } from "../../lib/clock.ts";
import type { BackendReply, ForwarderOptions } from "../../lib/forwarder/forwarder.ts";
import type { Layer, Outer, Post } from "../../lib/forwarder/layer.ts";
import { type Look, sightOf } from "../../lib/forwarder/look.ts";
import type { Books } from "./books.ts";
import type { Chance } from "./chance.ts";
import type { Attempt } from "./entries.ts";
import type { Life } from "./life.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";
import type { Weather } from "./weather.ts";

export interface BackendDeps {
  readonly timeline: Timeline;
  readonly weather: Weather;
  readonly chance: Chance;
  readonly books: Books;
  readonly trace: Trace;
  /** Put around each way. */
  readonly sabotage?: ((inner: Layer) => Layer) | undefined;
}

/** Statuses of a backend that is not well, or that does not want a request. */
const BAD_STATUSES = [400, 404, 408, 422, 425, 429, 429, 500, 500, 502, 503, 503, 504];

/** Owns whether the backend is there, and answers. */
export class SimulatedBackend {
  readonly #deps: BackendDeps;
  isAway = false;
  /** All that it says is 502, 503 or 504. */
  isFailing = false;
  /** It answers all outcomes of this client with 500. */
  refused: string | undefined;
  /** Each answer is another one. */
  #answers = 0;

  constructor(deps: BackendDeps) {
    this.#deps = deps;
  }

  /** The way of one instance. */
  wayOf(life: Life, clock: Clock): (options: ForwarderOptions) => Layer {
    const { sabotage = (inner) => inner } = this.#deps;
    return ({ timeoutMs }) => sabotage(new Way(this, life, clock, timeoutMs, this.#deps));
  }

  /** How one instance looks for it. */
  lookOf(life: Life): Look {
    const { weather, timeline, books, trace } = this.#deps;
    return (wanted) =>
      new Promise((resolve) => {
        timeline.after(weather.delayMs() + weather.delayMs(), () =>
          life.deliver(() => {
            const isThere = !this.isAway && !weather.happens("refused");
            const status = this.isFailing ? 503 : 404;
            const sight = !isThere
              ? "nothing"
              : wanted === "answer" && !weather.happens("cutAfter")
              ? sightOf(status, "")
              : "connected";
            trace.note(`${life.name} looks for the backend: ${sight}`);
            books.saw(life.name, sight);
            resolve(sight);
          }));
      });
  }

  /** A request arrived: what is answered, and after how long. */
  take({ kind, path, body }: Attempt): { reply: BackendReply; thinkMs: number } {
    const { weather, chance } = this.#deps;
    const thinkMs = weather.happens("slow") ? chance.between(10, 3000) : chance.between(0.2, 20);
    if (this.isFailing) {
      return { reply: { ok: true, status: chance.pick([502, 503, 504]), body: "" }, thinkMs };
    }
    const isRefused = this.refused !== undefined && path.includes(`/${this.refused}/`);
    if (isRefused && (kind === "result" || kind === "error")) {
      return { reply: { ok: true, status: 500, body: "" }, thinkMs };
    }
    if (weather.happens("badStatus")) {
      const status = chance.pick(BAD_STATUSES);
      const hasCode = kind === "call" && chance.happens(0.3);
      const text = hasCode ? '{"code":"Own","description":"no"}' : "";
      const asks = (status === 429 || status === 503) && chance.happens(0.5);
      const retryAfter = asks ? { retryAfter: String(1 + chance.below(4)) } : {};
      return { reply: { ok: true, status, body: text, ...retryAfter }, thinkMs };
    }
    if (kind !== "call" || chance.happens(0.1)) {
      return { reply: { ok: true, status: 204, body: "" }, thinkMs };
    }
    // An answer tells for which CALL it is.
    const text = `{"to":${body},"n":${this.#answers++}}`;
    return { reply: { ok: true, status: 200, body: text }, thinkMs };
  }
}

const UNREACHABLE: BackendReply = { ok: false, fault: "unreachable" };
const BROKEN: BackendReply = { ok: false, fault: "broken" };
const TIMED_OUT: BackendReply = { ok: false, fault: "timeout" };

/** The innermost layer of an instance's forwarder. */
class Way implements Layer {
  readonly #backend: SimulatedBackend;
  readonly #life: Life;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #deps: BackendDeps;
  #outer!: Outer;

  constructor(
    backend: SimulatedBackend,
    life: Life,
    clock: Clock,
    timeoutMs: number,
    deps: BackendDeps,
  ) {
    this.#backend = backend;
    this.#life = life;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#deps = deps;
  }

  repliesTo(outer: Outer): void {
    this.#outer = outer;
  }

  forward(post: Post): void {
    const { books, trace, weather, timeline } = this.#deps;
    const { name } = this.#life;
    if (!this.#life.acts("a request to the backend")) return;
    post.sentAt = this.#clock.now();
    const attempt: Attempt = {
      instance: name,
      kind: post.kind,
      path: post.path,
      body: post.request.body,
      webhookId: post.webhookId,
      connectionId: post.request.origin.connectionId,
      beganAt: timeline.now,
      status: undefined,
      reply: undefined,
      repliedAt: Infinity,
      isOrphan: false,
    };
    trace.note(`${name} POST ${attempt.path} ${attempt.body}`);
    books.begins(attempt);
    const reply = (given: BackendReply, ms: number): void => {
      timeline.after(ms, () => this.#reply(post, attempt, given));
    };
    if (this.#backend.isAway || weather.happens("refused")) {
      return reply(UNREACHABLE, weather.delayMs());
    }
    if (weather.happens("cutBefore")) return reply(BROKEN, weather.delayMs());
    const delayMs = weather.delayMs();
    const isHung = weather.happens("hung");
    if (isHung) {
      reply(TIMED_OUT, this.#timeoutMs);
      if (delayMs < 1) return;
    }
    const isCut = !isHung && weather.happens("cutAfter");
    timeline.after(delayMs, () => {
      // It went between the connect and the request.
      if (this.#backend.isAway) return isHung ? undefined : reply(BROKEN, 0);
      const { reply: given, thinkMs } = this.#backend.take(attempt);
      attempt.status = given.ok ? given.status : undefined;
      trace.note(`backend takes ${attempt.path} with ${attempt.status}`);
      if (isHung) return;
      if (isCut) return reply(BROKEN, thinkMs);
      const ms = thinkMs + weather.delayMs();
      if (delayMs + ms < this.#timeoutMs) reply(given, ms);
      else reply(TIMED_OUT, this.#timeoutMs - delayMs);
    });
  }

  #reply(post: Post, attempt: Attempt, reply: BackendReply): void {
    this.#life.deliver(() => {
      post.repliedAt = this.#clock.now();
      this.#deps.trace.note(
        `${this.#life.name} is told ${reply.ok ? reply.status : reply.fault} of ${attempt.path}`,
      );
      this.#deps.books.replied(attempt, reply);
      this.#outer.replied(post, reply);
    });
  }

  close(): void {}
}
