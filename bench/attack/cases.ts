/**
 * The attacks, a row each.
 *
 * @module
 */

import type { Order } from "./attack.ts";

/** An attack, and the gateway that it is on. */
export interface Case {
  /** As `--only` has it. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly order: Order;
  /** Of the gateway. A program that does not know one of them is left out. */
  readonly flags?: readonly string[];
  /** What answers the gateway; without it a stub that answers at once. */
  readonly backend?: "slow" | "challenge" | "drip";
  /** Whether NATS is part of it. */
  readonly withNats?: true;
  /** It takes that long at least. */
  readonly minSeconds?: number;
}

/** How the honest clients' ids begin. */
export const HONEST_PREFIX = "honest";

/** Until after what the attackers look at their connections. */
const HOLD_SECONDS = 16;
const TIGHT = ["--max-memory=300MiB"];
/** As a PHP pool has workers, or more. */
const HOOKS = ["--connect-hook", "--disconnect-hook", "--backend-connections=32"];
const CLIENT_RATE = ["--client-rate=10"];
const STRICT = ["--validate=strict"];
/** MiB, and so frames, in a second: enough to keep a processor busy. */
const COLLISIONS_PER_SECOND = 3.7;
const TEXTS_PER_SECOND = 12;

/** All of them, by the holes that they go through. */
export const CASES: readonly Case[] = [
  {
    name: "heads",
    title: "4,500 connections with 64,000 bytes each of an HTTP head that never ends",
    order: { kind: "hold", what: "head", connections: 4500 },
    flags: TIGHT,
    minSeconds: HOLD_SECONDS,
  },
  {
    name: "bodies",
    title: "4,500 connections with 64,000 bytes each of a request whose body never ends",
    order: { kind: "hold", what: "body", connections: 4500 },
    flags: TIGHT,
    minSeconds: HOLD_SECONDS,
  },
  {
    name: "idle",
    title: "4,500 HTTP connections that are idle after one request",
    order: { kind: "hold", what: "idle", connections: 4500 },
    flags: TIGHT,
    minSeconds: HOLD_SECONDS,
  },
  {
    name: "answers",
    title: 'one client: `[3,"x",{}]` as fast as it goes',
    order: { kind: "flood", text: '[3,"x",{}]' },
  },
  {
    name: "empty",
    title: "one client: empty texts as fast as it goes",
    order: { kind: "flood", text: "" },
  },
  {
    name: "types",
    title: 'one client: `[9,"x"]`, an unknown type, as fast as it goes',
    order: { kind: "flood", text: '[9,"x"]' },
  },
  {
    name: "collisions",
    title: "one client: 1 MiB of texts with one hash, 3.7 times a second",
    order: { kind: "json", text: "collisions", perSecond: COLLISIONS_PER_SECOND },
  },
  {
    name: "collisions-strict",
    title: "the same in a payload, with `--validate strict`",
    order: { kind: "json", text: "collisions in a payload", perSecond: COLLISIONS_PER_SECOND },
    flags: STRICT,
  },
  {
    name: "brackets",
    title: "one client: 500,000 brackets in each other, 12 times a second",
    order: { kind: "json", text: "brackets", perSecond: TEXTS_PER_SECOND },
  },
  {
    name: "brackets-strict",
    title: "the same in a payload, with `--validate strict`",
    order: { kind: "json", text: "brackets in a payload", perSecond: TEXTS_PER_SECOND },
    flags: STRICT,
  },
  {
    name: "members",
    title: "one client: 1 MiB of objects whose members nothing else has, 12 times a second",
    order: { kind: "json", text: "members", perSecond: TEXTS_PER_SECOND },
  },
  {
    name: "members-strict",
    title: "the same in a payload, with `--validate strict`",
    order: { kind: "json", text: "members in a payload", perSecond: TEXTS_PER_SECOND },
    flags: STRICT,
  },
  {
    name: "drip",
    title: "an https backend (`--forwarder fetch`): every 2 s an answer in 20,000 one-byte chunks",
    order: { kind: "ask", action: "Drip", everyMs: 2000 },
    flags: ["--forwarder=fetch"],
    backend: "drip",
  },
  {
    name: "challenge",
    title: "a backend that refuses with a control character in `WWW-Authenticate`",
    order: { kind: "refused", everyMs: 500 },
    flags: ["--connect-hook"],
    backend: "challenge",
  },
  {
    name: "connects",
    title: "1,000 clients a second that come and go; both hooks, 32 requests at once of 50 ms each",
    order: { kind: "pass", perSecond: 1000 },
    flags: HOOKS,
    backend: "slow",
  },
  {
    name: "upgrades",
    title: "8,000 upgrades at once; both hooks, 32 requests at once of 50 ms each",
    order: { kind: "burst", connections: 8000 },
    flags: HOOKS,
    backend: "slow",
  },
  {
    name: "closing",
    title: "40 clients go on with a message that never ends after they were closed",
    order: { kind: "closing", connections: 40 },
    flags: ["--max-memory=400MiB"],
  },
  {
    name: "early",
    title: "30 clients that came first and have spoken begin a message and send 40 MiB of it",
    order: { kind: "early", connections: 30, mib: 40 },
    flags: ["--max-memory=400MiB"],
  },
  {
    name: "nats",
    title: "a note over NATS whose Action has a lone surrogate",
    order: { kind: "nats", clientId: `${HONEST_PREFIX}0` },
    withNats: true,
  },
  {
    name: "prefer",
    title: "requests with a `Prefer` header of 60 KB, one after the other",
    order: { kind: "prefer", bytes: 60_000 },
  },
  {
    name: "calls",
    title: "one client: CALLs as fast as it goes",
    order: { kind: "calls" },
  },
  {
    name: "calls-rate",
    title: "the same, with `--client-rate 10`",
    order: { kind: "calls" },
    flags: CLIENT_RATE,
  },
  {
    name: "busy",
    title: "20 clients that always have 50 CALLs outstanding each",
    order: { kind: "busy", clients: 20, outstanding: 50 },
  },
  {
    name: "busy-rate",
    title: "the same, with `--client-rate 10`",
    order: { kind: "busy", clients: 20, outstanding: 50 },
    flags: CLIENT_RATE,
  },
];
