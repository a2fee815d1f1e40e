/**
 * The real gateway in a simulated world, driven by a seed.
 *
 * Some instances of it, put together as `lib/gateway` does, run in this process on edges that are
 * simulated: time, chance, clients, the backend and the ways to it, NATS, the outbox. First there is a storm, in
 * which all that the plan has goes wrong; then it is calm, and within a bound all must come to its end.
 * What went over the edges is checked against the contract (`books.ts`).
 *
 * A run is one function call, without a turn of the event loop: what waits for promises runs between two
 * events, by the runtime's own means. So the same seed gives the same run, event by event.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { REMEMBER_MS } from "../../lib/cluster/times.ts";
import type { Message } from "../../lib/outbox/jetstream/ledger.ts";
import { readSign } from "../../lib/outbox/jetstream/sign_text.ts";
import { SimulatedBackend } from "./backend.ts";
import { Books } from "./books.ts";
import { Chance } from "./chance.ts";
import { ownerOf } from "../../lib/outbox/jetstream/subject.ts";
import type { ApiCall, ApiRequest } from "./entries.ts";
import { type ApiResponse, Instance } from "./instance.ts";
import { SimulatedJetStream } from "./jetstream.ts";
import { SimulatedNats } from "./nats.ts";
import {
  drawCanHold,
  drawLedger,
  drawPlan,
  drawWhereabouts,
  type Mishaps,
  type Plan,
  type Whereabouts,
} from "./plan.ts";
import type { Sabotage } from "./sabotage.ts";
import { Station } from "./station.ts";
import { SimulatedDisk } from "./store.ts";
import { Timeline } from "./timeline.ts";
import { Trace } from "./trace.ts";
import { Weather } from "./weather.ts";

export interface Outcome {
  readonly seed: number;
  /** What was broken; empty when all is well. */
  readonly faults: readonly string[];
  /** Over all events and their times. */
  readonly hash: string;
  readonly events: number;
  /** The last ones, in words. */
  readonly lastEvents: readonly string[];
  readonly plan: Plan;
  /** How much was done, to see that a run is worth something. */
  readonly counts: Readonly<Record<string, number>>;
}

/** All that is owed must be there so long after the storm, … */
const CALM_MS = 120_000;
/** … and so long after that nothing may be left. */
const REST_MS = 60_000;
/** So long the backend takes no outcome of one client, in runs of that kind: after 15 minutes it is parked. */
const STUBBORN_MS = 17 * 60_000;
/** Who stands still goes on by then. */
const ALONE_MS = 10_000;
/** Those who were cut off have heard of each other by then, and said what the others missed. */
const HEARD_MS = 25_000;
/** One that crashed is missed for so long, if nobody begins where it listened. */
const MISSED_MS = REMEMBER_MS + 10_000;
const SLICE_MS = 100;
/** With NATS an instance says now and then that it is there. */
const STANDING_TIMERS = 1;
/** A shutdown is over so long after the drain time-out. */
const SHUTDOWN_MS = 30_000;
/** The server of NATS believes for so long in a process that died. */
const ZOMBIE_MS = 10_000;
/** What one owed that is lost is delivered by then. */
const INHERITED_MS = 15_000;
/** Events in one run, far more than any has. */
const MAX_EVENTS = 300_000;

const drain = microtasksOf(Deno);

/**
 * Runs what waits for promises that are settled. There is no public way to do that but to return to the
 * event loop, which costs more than all the rest of a run.
 */
function microtasksOf(runtime: object): () => void {
  const { internal } = runtime as { internal?: symbol };
  const inner = internal && Reflect.get(runtime, internal) as
    | { core?: { runMicrotasks?: () => void } }
    | undefined;
  const { core } = inner ?? {};
  if (typeof core?.runMicrotasks !== "function") {
    throw new TypeError("this runtime offers no way to run microtasks: the simulator cannot work");
  }
  return () => core.runMicrotasks!();
}

export interface SimulateOptions {
  /** Gets each event at once. */
  readonly print?: ((line: string) => void) | undefined;
  /** Breaks the gateway, to see that the rules notice. */
  readonly sabotage?: Sabotage | undefined;
}

/** Simulates one run, in a turn of the event loop of its own. */
export function simulate(seed: number, options: SimulateOptions = {}): Promise<Outcome> {
  // Microtasks cannot be run from inside of one.
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(new World(seed, options).run());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** Owns who is there, and what befalls them. */
class World {
  readonly #seed: number;
  readonly #chance: Chance;
  readonly #plan: Plan;
  readonly #timeline = new Timeline();
  readonly #trace: Trace;
  readonly #weather: Weather;
  readonly #books: Books;
  readonly #backend: SimulatedBackend;
  readonly #nats: SimulatedNats | undefined;
  readonly #jetStream: SimulatedJetStream | undefined;
  readonly #sabotage: Sabotage;
  readonly #whereabouts: Whereabouts;
  /** Of each place whose first instance had to share it with another one. */
  readonly #ports: (string | undefined)[] = [];
  /** Of each place, with an outbox. */
  readonly #disks: (SimulatedDisk | undefined)[] = [];
  readonly #stations: Station[] = [];
  /** Those that should be there; a dead one until it is started again, or for ever where it stays away. */
  readonly #places: Instance[] = [];
  /** Places whose instance never comes back. */
  readonly #empty = new Set<number>();
  readonly #all: Instance[] = [];
  #lines = 0;
  #tokens = 0;
  readonly #mishaps: (keyof Mishaps)[];

  constructor(seed: number, { print, sabotage = {} }: SimulateOptions) {
    const chance = new Chance(seed);
    const plan = drawLedger(seed, drawPlan(chance));
    this.#seed = seed;
    this.#sabotage = sabotage;
    this.#chance = chance;
    this.#plan = plan;
    const timeline = this.#timeline;
    const { config, instances, outbox } = plan;
    this.#whereabouts = drawWhereabouts(new Chance(~seed), instances);
    this.#trace = new Trace(timeline, print);
    const trace = this.#trace;
    const weather = new Weather(plan.faults, chance.fork());
    this.#weather = weather;
    this.#books = new Books({ config, instances, outbox, canHold: drawCanHold(seed) }, timeline);
    const books = this.#books;
    this.#backend = new SimulatedBackend({
      timeline,
      weather,
      chance: chance.fork(),
      books,
      trace,
      sabotage: sabotage.layer,
    });
    const isLedger = outbox === "nats";
    this.#nats = instances === 1 && !isLedger ? undefined : new SimulatedNats({
      timeline,
      weather,
      chance: chance.fork(),
      note: (event) => trace.note(event),
    });
    this.#jetStream = !isLedger ? undefined : new SimulatedJetStream({
      ...{ timeline, weather, chance: chance.fork(), book: books.ledger },
      prefix: config.natsSubject,
      note: (event) => trace.note(event),
    });
    this.#mishaps = Object.entries(plan.mishaps).flatMap(([name, weight]) =>
      Array<keyof Mishaps>(Math.ceil(weight * 10)).fill(name as keyof Mishaps)
    );
    for (let place = 0; place < instances; place++) {
      this.#disks.push(outbox === "disk" ? new SimulatedDisk() : undefined);
      this.#start(place);
    }
    for (let i = 0; i < plan.clients; i++) {
      this.#stations.push(
        new Station(`CP${i}`, {
          timeline,
          weather,
          chance: chance.fork(),
          trace,
          books,
          protocol: plan.protocol,
          temper: plan.temper,
          doors: () => this.#places.filter(({ isServing }) => isServing),
          nextLine: () => this.#lines++,
        }),
      );
    }
  }

  run(): Outcome {
    const { stormMs, isStubborn, hasOneLoss } = this.#plan;
    const { reports } = this.#books;
    this.#callLater();
    this.#mishapLater();
    if (hasOneLoss) this.#loseOne();
    this.#pass(stormMs);
    if (isStubborn) this.#backend.refused = this.#stations[0]!.clientId;
    this.#calmDown();
    if (isStubborn) {
      this.#pass(STUBBORN_MS);
      this.#trace.note("the backend takes everything again");
      this.#backend.refused = undefined;
    }
    this.#passUntil("all is settled", CALM_MS, () => this.#unsettled(false));
    this.#pass(this.#nats === undefined ? ALONE_MS : HEARD_MS);
    // Until then nobody can say what those knew who crashed, or whose farewell was lost, and whose place nobody
    // took. Only now: before all have heard of each other one may know as many as there are, but not the same.
    this.#passUntil("nobody is missed", MISSED_MS, () => this.#missed());
    this.#checkLists();
    this.#retryParked(this.#present[0]!, true);
    this.#passUntil("what was parked is taken", CALM_MS, () => this.#unsettled(true));
    if (reports.counts.parked > 0) this.#pass(1000);
    this.#checkCalls();
    if (this.#books.faults.length === 0) {
      for (const station of this.#stations) station.retire();
    }
    const restMs = REST_MS + this.#plan.config.outcomeRetentionMs;
    this.#passUntil("nothing is left", restMs, () => this.#left());
    if (this.#books.faults.length === 0) {
      for (const instance of this.#present) instance.shutDown(true, () => {});
    }
    this.#passUntil("all have shut down", SHUTDOWN_MS, () => this.#running());
    this.#pass(1000);
    if (this.#books.faults.length === 0) {
      for (const held of this.#nats?.held ?? []) this.#books.fault(`NATS still holds ${held}`);
      for (const disk of this.#disks) {
        for (const id of disk?.ids ?? []) this.#books.fault(`the outbox still holds ${id}`);
      }
      const left = this.#leftInLedger(true);
      if (left !== undefined) this.#books.fault(left);
      this.#books.calls.close();
    }
    return this.#outcome();
  }

  #outcome(): Outcome {
    const { faults, calls, reports, past, clientCalls, counts, ledger, estates } = this.#books;
    return {
      seed: this.#seed,
      faults,
      hash: this.#trace.hash,
      events: this.#trace.count,
      lastEvents: this.#trace.last(60),
      plan: this.#plan,
      counts: {
        ...reports.counts,
        ...calls.counts,
        ...counts,
        ...ledger.counts,
        ...estates.counts,
        calls: calls.calls.size,
        clientCalls: clientCalls.size,
        crashes: past.crashes,
        lines: this.#lines,
        instances: this.#all.length,
      },
    };
  }

  // Time.

  /** Lets happen what happens until then, or until something is broken. */
  #pass(ms: number): void {
    const end = this.#timeline.now + ms;
    const { faults } = this.#books;
    // What was done to the gateway from here.
    drain();
    for (let n = 0; faults.length === 0 && this.#timeline.step(end); n++) {
      drain();
      if (n % 8 === 0) this.#checkBounds();
      if (n > MAX_EVENTS) this.#books.fault("this does not come to an end");
    }
    if (faults.length === 0) this.#timeline.passTo(end);
  }

  /** @param missing What is not as it should be; undefined when all is. */
  #passUntil(what: string, ms: number, missing: () => string | undefined): void {
    const end = this.#timeline.now + ms;
    const { faults } = this.#books;
    while (faults.length === 0) {
      const why = missing();
      if (why === undefined) return;
      if (this.#timeline.now >= end) {
        this.#books.fault(`not so after ${ms / 1000} s: ${what}: ${why}`);
        return;
      }
      this.#pass(SLICE_MS);
    }
  }

  #checkBounds(): void {
    for (const { life, name, excess } of this.#places) {
      if (life.isAlive && excess !== undefined) this.#books.fault(`${name}: ${excess}`);
    }
  }

  #missed(): string | undefined {
    if (this.#nats === undefined) return undefined;
    const places = this.#present;
    const others = places.length - 1;
    const { name, knownPeers } = places.find(({ knownPeers }) => knownPeers !== others) ?? {};
    return name === undefined ? undefined : `${name} knows of ${knownPeers}, and not of ${others}`;
  }

  // Who is there.

  /** Those who are there, or come back. */
  get #present(): Instance[] {
    return this.#places.filter((_, place) => !this.#empty.has(place));
  }

  /** @param isBeside The one before it is still there. */
  #start(place: number, isBeside = false): void {
    const { config, skewMs } = this.#plan;
    if (isBeside) this.#ports[place] = `${place} ${this.#all.length}`;
    const instance = new Instance(`G${this.#all.length}`, {
      config,
      timeline: this.#timeline,
      trace: this.#trace,
      books: this.#books,
      backend: this.#backend,
      nats: this.#nats,
      disk: this.#disks[place],
      jetStream: this.#jetStream,
      weather: this.#weather,
      sabotage: this.#sabotage,
      skewMs: Math.round(this.#chance.between(-skewMs, skewMs)) +
        this.#whereabouts.clockErrors[place]!,
      port: this.#whereabouts.knowsPorts ? this.#ports[place] ?? `${place}` : undefined,
      chance: this.#chance.fork(),
    });
    this.#places[place] = instance;
    this.#all.push(instance);
  }

  /** Nothing of it is left but what went over its edges. */
  #died(instance: Instance, isKnown: boolean): void {
    if (!instance.life.isAlive) return;
    this.#trace.note(`${instance.name} crashes${isKnown ? "" : " with its machine"}`);
    instance.died();
    this.#books.ended(instance.name, "crash");
    instance.nats?.died(isKnown);
    instance.ledger?.died();
    // Also while it connected or closed.
    this.#timeline.after(ZOMBIE_MS, () => this.#nats?.died(instance.life));
    for (const station of this.#stations) station.gatewayDied(instance.life, isKnown);
    const place = this.#places.indexOf(instance);
    if (place === -1) return;
    const { staysAway } = this.#plan;
    if (staysAway > 0 && this.#present.length > 1 && this.#chance.happens(staysAway)) {
      this.#trace.note(`${instance.name} never comes back`);
      this.#empty.add(place);
    } else {
      this.#timeline.after(this.#chance.between(100, 4000), () => this.#revive(place));
    }
  }

  #revive(place: number): void {
    if (!this.#empty.has(place) && !this.#places[place]!.life.isAlive) this.#start(place);
  }

  /** One is lost, and all that it owed must be delivered in time. */
  #loseOne(): void {
    const chance = this.#chance;
    this.#timeline.after(chance.between(0.3, 0.9) * this.#plan.stormMs, () => {
      this.#died(chance.pick(this.#present), chance.happens(0.5));
      this.#timeline.after(INHERITED_MS, () => {
        const { entries, deps } = this.#jetStream!;
        for (const { subject } of entries.messages) {
          if (!this.#books.ledger.isLost(ownerOf(deps.prefix, subject) ?? "")) continue;
          this.#books.fault(`${subject} is still there ${INHERITED_MS} ms after a loss`);
        }
      });
    });
  }

  // The backend's own requests.

  #callLater(): void {
    const { callMs } = this.#plan;
    this.#timeline.after(this.#chance.between(0.2, 2) * callMs, () => {
      if (this.#weather.isCalm) return;
      const count = this.#chance.happens(0.1) ? 8 : 1;
      for (let i = 0; i < count; i++) this.#call();
      if (this.#chance.happens(0.02)) this.#disconnect();
      this.#callLater();
    });
  }

  #call(): void {
    const chance = this.#chance;
    // Mostly one that is there: of those who are not, little is asked.
    const there = this.#stations.filter(({ isConnected }) => isConnected);
    const isThere = there.length > 0 && chance.happens(0.85);
    const { clientId } = chance.pick(isThere ? there : this.#stations);
    const token = `A${this.#tokens++}`;
    const call: ApiCall = {
      ...{ token, clientId },
      messageId: chance.happens(0.2) ? `m${chance.below(4)}` : `n${token}`,
      waitSeconds: chance.happens(0.2) ? 1 + chance.below(4) : null,
      key: chance.happens(0.25) ? `k${token}` : null,
      askedAt: this.#timeline.now,
      requests: [],
      answer: undefined,
      frames: 0,
      reportIds: new Set(),
    };
    this.#books.calls.calls.set(token, call);
    this.#request(call);
    if (call.key !== null) {
      for (let n = chance.below(4); n > 0; n--) {
        this.#timeline.after(chance.pick([0, 5, 500, 4000]) * chance.fraction(), () => {
          if (!this.#weather.isCalm) this.#request(call);
        });
      }
    }
    if (!chance.happens(0.4)) return;
    this.#timeline.after(chance.pick([1, 50, 3000]) * chance.fraction(), () => this.#look(call));
  }

  #request(call: ApiCall): void {
    const instance = this.#chance.pick(this.#places);
    const { token, clientId, messageId, waitSeconds, key, requests } = call;
    const request: ApiRequest = {
      ...{ instance: instance.name, askedAt: this.#timeline.now, answeredAt: Infinity },
      ...{ status: undefined, outcome: null, body: "", isReplay: false },
    };
    requests.push(request);
    this.#trace.note(
      `backend asks ${instance.name} for ${token} to ${clientId} as ${messageId}, key ${key}`,
    );
    const headers = {
      ...(waitSeconds === null ? {} : { prefer: `wait=${waitSeconds}` }),
      ...(key === null ? {} : { "idempotency-key": key }),
    };
    const path = `/call/${token}/${clientId}/${messageId}`;
    this.#ask(instance, "POST", path, headers, `{"for":"${token}"}`, (told) => {
      const { status, outcome, isReplay } = told;
      const again = isReplay ? ", again" : "";
      this.#trace.note(`${instance.name} answers ${token} with ${status} ${outcome}${again}`);
      this.#books.calls.responded(call, request, told);
    });
  }

  #ask(
    instance: Instance,
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string | null,
    answered: (response: ApiResponse) => void,
  ): void {
    this.#timeline.after(this.#weather.delayMs(), () => {
      if (instance.life.isAlive) return instance.asks(method, path, headers, body, answered);
      // Nobody listens.
      answered({ status: 0, outcome: "not-sent", body: "", isReplay: false });
    });
  }

  /** Somebody asks how far a CALL got. */
  #look(call: ApiCall, isStrict = false): void {
    const instance = this.#chance.pick(this.#places.filter(({ isServing }) => isServing));
    if (instance === undefined) return;
    const { token, clientId, messageId } = call;
    const known = this.#books.calls.knownOf(call);
    this.#ask(instance, "GET", `/call/${token}/${clientId}/${messageId}`, {}, null, (told) => {
      const { status, body } = told;
      if (status === 0) return;
      this.#trace.note(`${instance.name} says of ${token}: ${status} ${body}`);
      this.#books.calls.told(call, known, status, body, isStrict);
    });
  }

  /** An operator has all tried again that is parked. */
  #retryParked(instance: Instance, isStrict = false): void {
    if (this.#books.faults.length > 0) return;
    const { reports } = this.#books;
    this.#trace.note(`an operator has ${instance.name} retry what is parked`);
    reports.retryBegins();
    const path = "/outbox/retry?state=parked";
    this.#ask(instance, "POST", path, {}, null, ({ status, body }) => {
      // What some were not asked in time may reach them later.
      if (status === 202) reports.retryEnds();
      this.#trace.note(`${instance.name} answers the operator with ${status} ${body}`);
      if (isStrict && status !== 202) {
        this.#books.fault(`${instance.name} does not retry what is parked: ${status} ${body}`);
      }
    });
  }

  #disconnect(): void {
    const clientId = this.#chance.pick(this.#stations).clientId;
    const instance = this.#chance.pick(this.#places);
    this.#trace.note(`backend has ${instance.name} disconnect ${clientId}`);
    instance.asks("DELETE", `/clients/${clientId}`, {}, null, () => {});
  }

  // What goes wrong.

  #mishapLater(): void {
    if (this.#mishaps.length === 0) return;
    this.#timeline.after(this.#chance.between(0.3, 2) * this.#plan.mishapMs, () => {
      if (this.#weather.isCalm) return;
      this.#mishap(this.#chance.pick(this.#mishaps));
      this.#mishapLater();
    });
  }

  #mishap(kind: keyof Mishaps): void {
    const chance = this.#chance;
    const place = chance.below(this.#places.length);
    const instance = this.#places[place]!;
    const note = (event: string): void => this.#trace.note(event);
    switch (kind) {
      case "crash": {
        const isKnown = chance.happens(0.7);
        // In the middle of something, or between two things.
        if (chance.happens(0.5)) this.#died(instance, isKnown);
        else instance.life.dieAfter(chance.below(6), () => this.#died(instance, isKnown));
        return;
      }
      case "restart":
        if (!instance.isServing) return;
        // With an outbox the next one needs the file, which the first one has until it ends.
        if (this.#disks[place] === undefined) {
          instance.shutDown(false, () => {});
          return this.#start(place, true);
        }
        return instance.shutDown(false, () => this.#revive(place));
      case "freeze": {
        const ms = chance.pick([200, 2000, 5000, 9000]);
        if (!instance.life.isAlive || instance.life.isFrozen) return;
        note(`${instance.name} stands still for ${ms} ms`);
        instance.life.freeze(ms);
        instance.wasFrozen = true;
        if (ms >= 2000) this.#books.past.trouble(ms);
        return;
      }
      case "jump": {
        const ms = Math.round(chance.between(-5000, 5000));
        note(`the wall clock of ${instance.name} is set by ${ms} ms`);
        instance.jump(ms);
        return;
      }
      case "backendAway": {
        if (this.#backend.isAway) return;
        const ms = chance.pick([300, 2000, 8000, 20_000]);
        note(`the backend is away for ${ms} ms`);
        this.#backend.isAway = true;
        this.#timeline.after(ms, () => {
          note("the backend is back");
          this.#backend.isAway = false;
        });
        return;
      }
      case "backendFails": {
        if (this.#backend.isFailing) return;
        const ms = chance.pick([1000, 7000, 12_000]);
        note(`the backend fails for ${ms} ms`);
        this.#backend.isFailing = true;
        this.#timeline.after(ms, () => {
          note("the backend fails no more");
          this.#backend.isFailing = false;
        });
        return;
      }
      case "diskFull": {
        const disk = this.#disks[place] ?? this.#jetStream?.entries;
        if (disk === undefined || disk.isFull) return;
        const ms = chance.pick([300, 2000, 6000]);
        const isDisk = this.#disks[place] !== undefined;
        note(`${isDisk ? `the disk of ${instance.name}` : "the ledger"} is full for ${ms} ms`);
        disk.isFull = true;
        this.#timeline.after(ms, () => disk.isFull = false);
        return;
      }
      case "operator":
        return this.#retryParked(instance);
      case "natsCut": {
        const ms = chance.pick([0, 1000, 3000, 9000]);
        note(`${instance.name} is cut off NATS for ${ms} ms`);
        instance.nats?.breaks(ms);
        instance.ledger?.breaks(ms + chance.between(0, 300));
        return this.#books.past.trouble(ms + 2000);
      }
      case "natsHang": {
        const ms = chance.pick([500, 2000, 4000, 8000]);
        note(`the way of ${instance.name} to NATS hangs for ${ms} ms`);
        instance.nats?.hangs(ms);
        instance.ledger?.hangs(ms + chance.between(0, 300));
        return this.#books.past.trouble(ms + 2000);
      }
      case "natsAway": {
        const ms = chance.pick([100, 2000, 8000]);
        note(`NATS is away for ${ms} ms`);
        this.#nats?.goAway(ms);
        this.#jetStream?.goAway(ms);
        return this.#books.past.trouble(ms + 2000);
      }
      case "noLeader": {
        if (this.#jetStream === undefined) return;
        const { entries, owners } = this.#jetStream;
        const ms = chance.between(4000, 9000);
        for (const stream of chance.pick([[entries], [owners], [entries, owners]])) {
          note(`${stream.name} has no leader for ${ms} ms`);
          stream.depose(ms);
        }
        return;
      }
    }
  }

  // The end.

  #calmDown(): void {
    this.#trace.note("it is calm");
    this.#weather.isCalm = true;
    this.#backend.isAway = false;
    this.#backend.isFailing = false;
    for (const disk of this.#disks) if (disk !== undefined) disk.isFull = false;
    this.#nats?.calm();
    this.#jetStream?.calm();
    for (const { life } of this.#all) life.spare();
    for (const station of this.#stations) station.calm();
    for (let place = 0; place < this.#places.length; place++) this.#revive(place);
  }

  /** @param isFinal What is parked is owed too. */
  #unsettled(isFinal: boolean): string | undefined {
    const owed = this.#books.owed(isFinal);
    if (owed !== undefined) return owed;
    const idle = this.#present.find(({ isServing }) => !isServing);
    if (idle !== undefined) return `${idle.name} does not serve`;
    for (const { clientId, isConnected, unanswered, open } of this.#stations) {
      if (!isConnected) return `${clientId} is not connected`;
      if (unanswered > 0) return `${clientId} waits for ${unanswered} answers`;
      if (open > 1) return `${clientId} has ${open} connections`;
    }
    for (const instance of this.#all) {
      if (instance.life.isAlive && !this.#places.includes(instance)) {
        return `${instance.name} has not shut down`;
      }
    }
    const ids = this.#present.flatMap(({ clientIds }) => clientIds);
    return ids.length === this.#stations.length ? undefined : `connected: ${ids}`;
  }

  /** Each instance knows of all clients. */
  #checkLists(): void {
    if (this.#books.faults.length > 0) return;
    const wanted = this.#stations.map(({ clientId }) => clientId).join();
    const lists: string[] = [];
    const ask = (): void => {
      for (const instance of this.#present) {
        instance.asks("GET", "/clients", { accept: "application/json" }, null, ({ body }) => {
          const { clients } = JSON.parse(body) as { clients: { id: string }[] };
          lists.push(clients.map(({ id }) => id).join());
        });
      }
    };
    ask();
    this.#pass(2000);
    for (const list of lists) if (list !== wanted) this.#books.fault(`the clients are ${list}`);
    if (lists.length < this.#present.length && this.#books.faults.length === 0) {
      this.#books.fault("an instance does not list the clients");
    }
  }

  /** All that is known of CALLs is true, also after all that happened. */
  #checkCalls(): void {
    if (this.#books.faults.length > 0) return;
    for (const call of this.#books.calls.calls.values()) {
      if (call.answer?.status === 202) this.#look(call, true);
    }
    this.#pass(3000);
  }

  #left(): string | undefined {
    const timers = this.#nats === undefined ? 0 : STANDING_TIMERS;
    for (const instance of this.#present) {
      const [first] = instance.left(timers);
      if (first !== undefined) return `${instance.name}: ${first}`;
    }
    return this.#leftInLedger(false);
  }

  /** @param isOver All have shut down: nobody is said to be there. */
  #leftInLedger(isOver: boolean): string | undefined {
    if (this.#jetStream === undefined) return undefined;
    const { entries, owners, deps } = this.#jetStream;
    const { ledger } = this.#books;
    // The last sign of one that has an heir is kept for a while, by the next heir too.
    const isLeft = ({ subject, text }: Message): boolean => {
      const sign = readSign(text);
      if (sign?.heir) return false;
      return isOver ? !sign?.isGone : !ledger.isOwn(ownerOf(deps.prefix, subject) ?? "");
    };
    const left = entries.messages[0] ?? owners.messages.find(isLeft);
    return left === undefined ? undefined : `the ledger still holds ${left.subject} ${left.text}`;
  }

  #running(): string | undefined {
    return this.#present.find(({ hasLeft }) => !hasLeft)?.name;
  }
}
