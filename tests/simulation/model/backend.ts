/**
 * A backend that answers when a test says so, and keeps the books on what reached it.
 *
 * @module
 */

import type { Clock } from "../../../lib/clock.ts";
import type { BackendReply, BackendRequest, Forwarder } from "../../../lib/forwarder/forwarder.ts";
import type { Answering } from "../../support/layers.ts";

/** How a try can come out. */
export const REPLIES = [
  200,
  204,
  404,
  502,
  "unreachable",
  "broken",
  "timeout",
  "unusable",
  "ambiguous",
] as const;
export type ReplyName = typeof REPLIES[number];

export interface BackendRules {
  readonly retries: number;
  /** Requests that may be under way. */
  readonly slots: number;
  /** How long a CALL may wait for a slot. */
  readonly maxSlotWaitMs: number;
  /** How long a CALL waits for a backend that cannot be reached. */
  readonly holdMs: number;
  /** The backend is away when the test begins. */
  readonly isAway: boolean;
}

/** One request of the gateway, with all its tries. */
export interface Delivery {
  readonly request: BackendRequest;
  readonly since: number;
  readonly tries: Try[];
  /** What the gateway was told in the end. */
  reply: BackendReply | undefined;
}

/** One POST. */
export interface Try {
  readonly delivery: Delivery;
  readonly resolve: (reply: BackendReply) => void;
  reply: BackendReply | undefined;
  repliedAt: number;
}

/** What came of one CALL's outcome. */
interface Arrival {
  readonly path: string;
  readonly body: string;
  tries: number;
  /** Tries that the backend answered for good. */
  finals: number;
}

function isOutcome({ kind }: BackendRequest): boolean {
  return kind === "result" || kind === "error" || kind === "resulterror";
}

function isReport(request: BackendRequest): boolean {
  return isOutcome(request) || request.kind === "disconnect";
}

/** Contract section 4: whether another try may follow this one. */
function mayRepeat(request: BackendRequest, reply: BackendReply): boolean {
  if (!isReport(request)) return !reply.ok && reply.fault === "unreachable";
  return !reply.ok || [408, 425, 429].includes(reply.status) || reply.status >= 500;
}

/** Whether a reply says that the backend is there. */
function isAnswer(name: ReplyName): boolean {
  return typeof name === "number" ? name < 500 : name === "unusable" || name === "ambiguous";
}

/** The pause before try `n + 1`, without the jitter. */
function pauseMs(n: number): number {
  return 400 * 3 ** (n - 1);
}

/**
 * Stands at both ends of the forwarder's layers: `innermost` is the backend, `outermost` sees what
 * the connections ask for. What breaks a rule of section 4 goes into `faults`.
 */
export class ScriptedBackend {
  readonly #rules: BackendRules;
  readonly #clock: Clock;
  readonly #lanes = new Map<string, Delivery[]>();
  readonly #byRequest = new Map<BackendRequest, Delivery>();
  readonly #open = new Set<Delivery>();
  #bodies = 0;
  /** A CALL has waited in vain, and nothing was answered since. */
  #isAway: boolean;
  /** When a try last found no backend; CALLs may wait for some time after it. */
  #missedAt = -Infinity;
  #always: ReplyName | undefined;
  readonly faults: string[] = [];
  /** Unanswered tries, oldest first. */
  readonly underWay: Try[] = [];
  /** Outcomes by the Action of their CALL. */
  readonly arrivals = new Map<string, Arrival>();

  constructor(rules: BackendRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
    this.#isAway = rules.isAway;
  }

  readonly innermost: Answering = { forward: (request) => this.#try(request), close: () => {} };

  outermost(inner: Answering): Forwarder {
    return {
      forward: (request, requester) => {
        const reply = isReport(request)
          ? this.#report(request, inner)
          : this.#deliver(request, inner);
        void reply.then((reply) => requester.replied(reply));
      },
      close: () => {},
    };
  }

  /** What a connection's lane of CALLs asked for so far, in order. */
  calls(connectionId: string): readonly Delivery[] {
    return this.#lanes.get(`calls ${connectionId}`) ?? [];
  }

  /** The same of a client's reports; one that is tried again stands there once. */
  reports(clientId: string): readonly Delivery[] {
    return this.#lanes.get(`reports ${clientId}`) ?? [];
  }

  /** Whether a report of this client is under way, or waits for its slot. */
  isReporting(clientId: string): boolean {
    return this.reports(clientId).some((delivery) => this.#open.has(delivery));
  }

  /** Deliveries that wait for their next try. */
  get pauses(): number {
    return [...this.#open].filter((each) => this.#isInPause(each)).length;
  }

  /** Whether each try is answered at once. */
  get isAnswering(): boolean {
    return this.#always !== undefined && isAnswer(this.#always);
  }

  /** From now on each try is answered at once and alike, those under way too; or none is. */
  answerAll(name: ReplyName | undefined): void {
    this.#always = name;
    if (name === undefined) return;
    for (const attempt of [...this.underWay]) this.answer(attempt, name);
  }

  answer(attempt: Try, name: ReplyName): void {
    const { request } = attempt.delivery;
    const body = name === 200 ? `{"reply":${this.#bodies++}}` : "";
    attempt.reply = typeof name === "number"
      ? { ok: true, status: name, body }
      : { ok: false, fault: name };
    if (isAnswer(name)) this.#isAway = false;
    if (name === "unreachable") this.#missedAt = this.#clock.now();
    attempt.repliedAt = this.#clock.now();
    this.underWay.splice(this.underWay.indexOf(attempt), 1);
    if (isOutcome(request) && !mayRepeat(request, attempt.reply)) this.#arrival(request).finals++;
    attempt.resolve(attempt.reply);
  }

  /** What is wrong now that nothing moves. */
  check(): string[] {
    const { slots } = this.#rules;
    const slotsForCalls = slots === 1 ? 1 : slots - Math.ceil(slots / 8);
    const underWay = this.underWay.map(({ delivery }) => delivery.request);
    const disconnects = underWay.filter(({ kind }) => kind === "disconnect").length;
    const calls = underWay.filter((request) => !isOutcome(request)).length - disconnects;
    const slotsForDisconnects = Math.max(1, Math.floor(slots / 8));
    if (this.underWay.length > slots) this.faults.push("more under way than there are slots");
    if (calls + disconnects > slotsForCalls) {
      this.faults.push("CALLs and disconnects hold the slots of the outcomes");
    }
    if (disconnects > slotsForDisconnects) this.faults.push("disconnects hold the slots of CALLs");
    for (const delivery of this.#open) {
      const last = delivery.tries.at(-1);
      if ((last !== undefined && last.reply === undefined) || this.#isInPause(delivery)) continue;
      if (delivery.request.kind === "call" && this.#mayBeHeld()) continue;
      const mayWait = this.underWay.length === slots ||
        (!isOutcome(delivery.request) && calls + disconnects === slotsForCalls) ||
        (delivery.request.kind === "disconnect" && disconnects === slotsForDisconnects);
      if (!mayWait) this.faults.push(`${delivery.request.path} waits though a slot is free`);
    }
    return this.faults;
  }

  /** One try of a report: it is done when it may not be repeated. */
  async #report(request: BackendRequest, inner: Answering): Promise<BackendReply> {
    const names = request.path.split("/");
    const key = `reports ${names[request.kind === "disconnect" ? 1 : 2]}`;
    const lane = this.#lanes.get(key) ?? [];
    this.#lanes.set(key, lane);
    let delivery = lane.find((each) => each.request.webhookId === request.webhookId);
    if (delivery === undefined) {
      delivery = { request, since: this.#clock.now(), tries: [], reply: undefined };
      lane.push(delivery);
    }
    if (lane.some((each) => each !== delivery && each.reply === undefined)) {
      this.faults.push(`${request.path} came before the one ahead of it was done`);
    }
    this.#byRequest.set(request, delivery);
    this.#open.add(delivery);
    const reply = await inner.forward(request);
    this.#open.delete(delivery);
    if (reply !== delivery.tries.at(-1)?.reply) {
      this.faults.push(`${request.path} ended without a reply of the backend`);
    }
    if (!mayRepeat(request, reply)) delivery.reply = reply;
    return reply;
  }

  async #deliver(request: BackendRequest, inner: Answering): Promise<BackendReply> {
    const key = `calls ${request.origin.connectionId}`;
    const lane = this.#lanes.get(key) ?? [];
    if (lane.some(({ reply }) => reply === undefined)) {
      this.faults.push(`${request.path} came before the one ahead of it was done`);
    }
    const delivery: Delivery = { request, since: this.#clock.now(), tries: [], reply: undefined };
    this.#lanes.set(key, lane);
    lane.push(delivery);
    this.#byRequest.set(request, delivery);
    this.#open.add(delivery);
    const reply = await inner.forward(request);
    this.#open.delete(delivery);
    delivery.reply = reply;
    if (!this.#isRightEnd(delivery, reply)) {
      this.faults.push(`${request.path} ended too early, after ${delivery.tries.length} tries`);
    }
    return reply;
  }

  #isRightEnd({ request, tries, since }: Delivery, reply: BackendReply): boolean {
    const { retries, maxSlotWaitMs, holdMs } = this.#rules;
    const last = tries.at(-1)?.reply;
    if (last !== undefined && reply === last) {
      if (!mayRepeat(request, last)) return true;
      return request.kind !== "call" && tries.length === 1 + retries;
    }
    if (reply.ok) return false;
    if (reply.fault === "away") {
      // One that has waited in vain ends the others' hope as well.
      if (this.#clock.now() - since >= holdMs) this.#isAway = true;
      return request.kind === "call" && this.#isAway;
    }
    return reply.fault === "overloaded" && request.kind === "call" &&
      this.#clock.now() - since > maxSlotWaitMs;
  }

  #try(request: BackendRequest): Promise<BackendReply> {
    const delivery = this.#byRequest.get(request);
    if (delivery === undefined) throw new Error(`nobody asked for ${request.path}`);
    this.#checkRepeat(delivery);
    if (isOutcome(request)) this.#arrival(request).tries++;
    return new Promise((resolve) => {
      const attempt: Try = { delivery, resolve, reply: undefined, repliedAt: 0 };
      delivery.tries.push(attempt);
      this.underWay.push(attempt);
      if (this.#always !== undefined) this.answer(attempt, this.#always);
    });
  }

  #checkRepeat({ request, tries, reply }: Delivery): void {
    const last = tries.at(-1);
    if (last === undefined) return;
    const pausedMs = this.#clock.now() - last.repliedAt;
    // A CALL goes on when there is a backend, whenever that is. All reports have one clock for a backend
    // that cannot be reached.
    const isTimely = request.kind === "call" ||
      (isReport(request)
        ? pausedMs >= (last.reply?.ok === false && last.reply.fault === "unreachable" ? 0 : 400)
        : tries.length <= this.#rules.retries && pausedMs >= pauseMs(tries.length));
    const isAllowed = reply === undefined && last.reply !== undefined &&
      mayRepeat(request, last.reply) && isTimely;
    if (!isAllowed) this.faults.push(`${request.path} was repeated after ${tries.length} tries`);
  }

  /** The books on one CALL's outcome: one path, one body, one final answer. */
  #arrival({ path, body }: BackendRequest): Arrival {
    const action = path.split("/")[1]!;
    const arrival = this.arrivals.get(action) ?? { path, body, tries: 0, finals: 0 };
    this.arrivals.set(action, arrival);
    if (arrival.path !== path || arrival.body !== body) {
      this.faults.push(`${action} came as ${arrival.path} ${arrival.body} and ${path} ${body}`);
    }
    if (arrival.finals > 0) this.faults.push(`${path} came again after its final answer`);
    return arrival;
  }

  /** Twice: whoever waits behind others when there is a backend again is given as long once more. */
  #mayBeHeld(): boolean {
    return this.#clock.now() - this.#missedAt <= 2 * this.#rules.holdMs;
  }

  #isInPause({ request, tries }: Delivery): boolean {
    const last = tries.at(-1);
    return !isReport(request) && request.kind !== "call" && last?.reply !== undefined &&
      this.#clock.now() < last.repliedAt + pauseMs(tries.length);
  }
}
