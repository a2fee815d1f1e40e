/**
 * All implementations of WebSockets (`--websocket`), and the tests that each of them must pass.
 *
 * @module
 */

import { type Need, testWith } from "./needs.ts";

export const WEBSOCKETS = ["deno", "ws"] as const;

export type WebSocketName = typeof WEBSOCKETS[number];

type Body = (t: Deno.TestContext, websocket: WebSocketName) => Promise<void> | void;

/** A test of each implementation. */
interface Definition extends Omit<Deno.TestDefinition, "fn"> {
  /** What it needs beyond Deno. */
  readonly needs?: Need | readonly Need[];
  /** The one that does so, where the other rightly does something else. */
  readonly just?: WebSocketName;
  /** Is told which one it is, for what the two rightly do otherwise. */
  readonly fn: Body;
}

/** Whose turn it is: Deno runs the tests of a file one after the other. */
let current: WebSocketName | undefined;

/**
 * Registers a test for each implementation; its name says at its end which one it is. Gateways that
 * it starts, in this process (`TestGateway`) or as a program (`startProgram`), are of that one.
 */
export function testEachWebSocket(name: string, fn: Body): void;
export function testEachWebSocket(definition: Definition): void;
export function testEachWebSocket(first: string | Definition, body?: Body): void {
  const given = typeof first === "string" ? { name: first, fn: body! } : first;
  const { name, fn, needs = [], just, ...options }: Definition = given;
  for (const websocket of just === undefined ? WEBSOCKETS : [just]) {
    testWith(needs, `${name} [${websocket}]`, async (t) => {
      current = websocket;
      try {
        await fn(t, websocket);
      } finally {
        current = undefined;
      }
    }, options);
  }
}

/** Which one the test that runs is for; undefined in tests to which it is all the same. */
export function currentWebSocket(): WebSocketName | undefined {
  return current;
}

/** The flag for a gateway of that test. */
export function websocketFlags(): string[] {
  return current === undefined ? [] : [`--websocket=${current}`];
}
