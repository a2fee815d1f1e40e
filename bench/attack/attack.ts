/**
 * What an attacker process is told to do, and what an attack is.
 *
 * @module
 */

/** One attack with its parameters; crosses to the attacker's process as JSON. */
export type Order =
  /** HTTP connections that never get anywhere, all at once; those that are closed stay away. */
  | { readonly kind: "hold"; readonly what: "head" | "body" | "idle"; readonly connections: number }
  /** One client sends a text as fast as it goes. */
  | { readonly kind: "flood"; readonly text: string }
  /** The same with CALLs. */
  | { readonly kind: "calls" }
  /** Clients that always have so many CALLs outstanding. */
  | { readonly kind: "busy"; readonly clients: number; readonly outstanding: number }
  /** One client sends large texts at a rate. */
  | { readonly kind: "json"; readonly text: TextName; readonly perSecond: number }
  /** One client sends a CALL of an Action every so often. */
  | { readonly kind: "ask"; readonly action: string; readonly everyMs: number }
  /** Upgrades under a name that the backend refuses. */
  | { readonly kind: "refused"; readonly everyMs: number }
  /** Clients that come and go at once. */
  | { readonly kind: "pass"; readonly perSecond: number }
  /** Clients that all come at once, and stay. */
  | { readonly kind: "burst"; readonly connections: number }
  /** Clients that are closed for a binary message, and go on with a message that never ends. */
  | { readonly kind: "closing"; readonly connections: number }
  /** Clients that came before the others, and begin a message that never ends. */
  | { readonly kind: "early"; readonly connections: number; readonly mib: number }
  /** One request after the other with a header that is hard to read. */
  | { readonly kind: "prefer"; readonly bytes: number }
  /** Notes over NATS for a client, with an Action that is not Unicode. */
  | { readonly kind: "nats"; readonly clientId: string };

/** Large texts, see `texts.ts`. */
export type TextName =
  | "collisions"
  | "collisions in a payload"
  | "brackets"
  | "brackets in a payload"
  | "members"
  | "members in a payload";

/** Where the gateway is, and NATS if it is part of it. */
export interface Target {
  readonly port: number;
  readonly natsPort: number | null;
}

/** The attacker's argument, as JSON. */
export interface Orders {
  readonly order: Order;
  readonly target: Target;
}

/** An attack on its way. */
export interface Attack {
  /** What has to be so before the honest clients come. */
  prepare?(): Promise<void>;
  /** Begins, and goes on by itself until the process ends. */
  begin(): void;
  /** What came of it, for people: a few words each. */
  notes(): string[];
}
