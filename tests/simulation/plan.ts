/**
 * What a seed stands for: how the gateway is set up, who is there, and what goes wrong.
 *
 * @module
 */

import { type Config, readInvocation } from "../../lib/config/config.ts";
import { Chance } from "./chance.ts";
import { SEEDS } from "./seeds.ts";
import type { Temper } from "./station.ts";
import { type Faults, NO_FAULTS } from "./weather.ts";

/** Faults that somebody causes now and then, as shares of all of these. */
export interface Mishaps {
  readonly crash: number;
  readonly restart: number;
  readonly freeze: number;
  readonly jump: number;
  readonly backendAway: number;
  readonly backendFails: number;
  readonly diskFull: number;
  readonly operator: number;
  readonly natsCut: number;
  readonly natsHang: number;
  readonly natsAway: number;
  /** A stream has no leader. */
  readonly noLeader: number;
}

/** Where an instance keeps what it accepted. */
export type Keeping = "none" | "disk" | "nats";

export interface Plan {
  readonly config: Config;
  readonly instances: number;
  /** A disk outlives its instance; what is in JetStream, its machine too. */
  readonly outbox: Keeping;
  /** Of those that crash, how many never come back, from 0 to 1. */
  readonly staysAway: number;
  /** All that goes wrong is that one instance is lost, and never comes back. */
  readonly hasOneLoss: boolean;
  /** For half an hour the backend takes no outcome of one client. */
  readonly isStubborn: boolean;
  readonly clients: number;
  readonly protocol: string | null;
  readonly faults: Faults;
  readonly mishaps: Mishaps;
  /** Milliseconds between two of them. */
  readonly mishapMs: number;
  readonly temper: Temper;
  /** Between two requests of the backend's own. */
  readonly callMs: number;
  readonly stormMs: number;
  /** How wrong the wall clocks are at most. */
  readonly skewMs: number;
}

/** What is known of where instances are, and when. */
export interface Whereabouts {
  /** How wrong the wall clock of each place is, whoever is there, in milliseconds. */
  readonly clockErrors: readonly number[];
  /** Whether it is known who listens where, so that a successor is known for one. */
  readonly knowsPorts: boolean;
}

/** Draws that; from a chance of its own, so that the plans stay what they are. */
export function drawWhereabouts(chance: Chance, instances: number): Whereabouts {
  const most = chance.pick([0, 0, 60_000, 3600_000]);
  const clockErrors = Array.from(
    { length: instances },
    () => Math.round(chance.between(-most, most)),
  );
  return { clockErrors, knowsPorts: chance.happens(0.7) };
}

/**
 * Whether clients can be held back: in half of the worlds, but for those that were kept when none could.
 * From a chance of its own, too.
 */
export function drawCanHold(seed: number): boolean {
  return !isKept(seed) && new Chance(seed ^ 0x5bd1e995).happens(0.5);
}

/** Whether a seed was kept before there was what is drawn here, so that its run must stay what it is. */
function isKept(seed: number): boolean {
  return SEEDS.some(([kept, , isNewer]) => kept === seed && isNewer !== true);
}

/**
 * Has half of the worlds with several instances keep what they accept in JetStream, and some of those with
 * one, but for those that were kept when none did. From a chance of its own, too.
 */
export function drawLedger(seed: number, plan: Plan): Plan {
  const chance = new Chance(seed ^ 0x27d4eb2f);
  if (isKept(seed) || !chance.happens(plan.instances > 1 ? 0.5 : 0.15)) return plan;
  const kept: Plan = { ...plan, outbox: "nats" };
  if (plan.instances > 1 && chance.happens(0.15)) {
    const { reportTtlMs } = plan.config;
    return {
      ...kept,
      config: { ...plan.config, reportTtlMs: Math.max(reportTtlMs, LONG_TTL_MS) },
      faults: NO_FAULTS,
      mishaps: NO_MISHAPS,
      hasOneLoss: true,
      isStubborn: false,
    };
  }
  const sometimes = (share: number, most: number): number =>
    chance.happens(share) ? chance.between(0, most) : 0;
  const isClean = plan.faults === NO_FAULTS;
  const weight = (): number => !isClean && chance.happens(0.5) ? chance.fraction() : 0;
  return {
    ...kept,
    staysAway: chance.pick([0, 0.3, 0.6]),
    faults: isClean ? NO_FAULTS : {
      ...plan.faults,
      lostWrite: sometimes(0.3, 0.15),
      lostAnswer: sometimes(0.3, 0.15),
      stall: sometimes(0.3, 0.03),
      unheard: sometimes(0.4, 0.5),
      staleRead: sometimes(0.5, 0.7),
    },
    mishaps: {
      ...plan.mishaps,
      diskFull: weight(),
      natsCut: weight(),
      natsHang: weight(),
      natsAway: weight(),
      noLeader: weight(),
    },
  };
}

const LONG_TTL_MS = 72 * 3600_000;

const NO_MISHAPS: Mishaps = {
  crash: 0,
  restart: 0,
  freeze: 0,
  jump: 0,
  backendAway: 0,
  backendFails: 0,
  diskFull: 0,
  operator: 0,
  natsCut: 0,
  natsHang: 0,
  natsAway: 0,
  noLeader: 0,
};

let base: Config | undefined;

function baseConfig(): Config {
  const read = readInvocation(["--listen=127.0.0.1:0"], () => undefined, "0.0.0-simulated");
  if (read.kind !== "run") throw new TypeError(JSON.stringify(read));
  return read.config;
}

/**
 * Draws a plan. Each kind of fault is there or not, so that some runs have few kinds and many of each:
 * what hides behind a frequent fault is found where that one is missing.
 */
export function drawPlan(chance: Chance): Plan {
  base ??= baseConfig();
  const sometimes = (share: number, most: number): number =>
    chance.happens(share) ? chance.between(0, most) : 0;
  const instances = chance.pick([1, 1, 2, 2, 3]);
  const isMany = instances > 1;
  const hasOutbox = chance.happens(0.6);
  const isClean = chance.happens(0.1);
  const faults: Faults = isClean ? NO_FAULTS : {
    ...NO_FAULTS,
    slow: sometimes(0.5, 0.3),
    refused: sometimes(0.3, 0.3),
    cutBefore: sometimes(0.3, 0.2),
    cutAfter: sometimes(0.4, 0.3),
    hung: sometimes(0.3, 0.1),
    badStatus: sometimes(0.4, 0.4),
    lostResponse: sometimes(0.3, 0.2),
  };
  const weight = (isPossible: boolean): number =>
    isPossible && !isClean && chance.happens(0.5) ? chance.fraction() : 0;
  const mishaps: Mishaps = {
    crash: weight(true),
    restart: weight(true),
    freeze: weight(true),
    jump: weight(true),
    backendAway: weight(true),
    backendFails: weight(true) / 2,
    diskFull: weight(hasOutbox),
    operator: weight(true),
    natsCut: weight(isMany),
    natsHang: weight(isMany),
    natsAway: weight(isMany),
    noLeader: 0,
  };
  const protocol = chance.pick([null, "ocpp1.6", "ocpp2.1"]);
  return {
    config: {
      ...base,
      disconnectHook: chance.happens(0.5),
      connectHook: chance.happens(0.3),
      backendAway: chance.pick(["close", "close", "answer"]),
      awayHoldMs: chance.pick([500, 1000, 3000, 15_000, 15_000]),
      maxReports: chance.pick([2, 10, 30, 100_000, 100_000, 100_000]),
      reportTtlMs: chance.pick([6000, 15_000, LONG_TTL_MS, LONG_TTL_MS, LONG_TTL_MS]),
      outcomeRetentionMs: chance.pick([3000, 20_000, 200_000]),
      retries: chance.below(4),
      maxQueue: chance.pick([1, 2, 4, 8]),
      maxWaiting: chance.pick([6, 40, 1000, 1000]),
      callConcurrency: chance.pick([1, 1, 1, 2]),
      backendConnections: chance.pick([1, 2, 4, 16, 256]),
      callTimeoutMs: chance.pick([1000, 3000, 8000]),
      backendTimeoutMs: chance.pick([1000, 3000, 8000]),
      pingIntervalMs: chance.pick([2000, 5000]),
      drainTimeoutMs: chance.pick([0, 500, 2000]),
      maxBufferedBytes: chance.pick([200, 64 * 1024]),
    },
    instances,
    outbox: hasOutbox ? "disk" : "none",
    staysAway: 0,
    hasOneLoss: false,
    isStubborn: chance.happens(0.02),
    clients: 1 + chance.below(5),
    protocol,
    faults,
    mishaps,
    mishapMs: chance.pick([700, 2000, 6000]),
    temper: {
      pauseMs: chance.pick([100, 400, 1500]),
      restless: sometimes(0.7, 0.3),
      rude: sometimes(0.6, 0.5),
    },
    callMs: chance.pick([80, 250, 800]),
    stormMs: chance.between(4000, 20_000),
    skewMs: chance.pick([0, 0, 30, 3000]),
  };
}
