/**
 * What the main thread and a worker say to each other.
 *
 * @module
 */

import type { FromWorker, ToWorker } from "../cluster/message.ts";
import type { Config } from "../config/config.ts";
import type { Changes } from "../config/live.ts";
import type { Secrets, TlsPair } from "../config/secret.ts";
import type { Token } from "../config/token.ts";

/** Something that a worker is told to do; one after the other, in the order given. */
export type Order =
  | {
    readonly kind: "start";
    /** The worker's, from 1: its row in the metrics, and in its log lines. */
    readonly number: number;
    readonly workers: number;
    /** Its ports are those that all share, never 0. */
    readonly config: Config;
    readonly secrets: Secrets;
    readonly version: string;
    readonly metrics: SharedArrayBuffer;
    /** When the process began, in milliseconds since 1970. */
    readonly startedAt: number;
    /** The process's name among others; undefined without others. */
    readonly instance: string | undefined;
    /** The machine's name; null where that may not be known. */
    readonly host: string | null;
    readonly faults: SharedArrayBuffer;
    readonly departures: SharedArrayBuffer;
    /** The main thread writes it. */
    readonly history: SharedArrayBuffer;
    /** Its way to the outbox; without it nothing outlives the process. */
    readonly outbox: MessagePort | undefined;
    /** Clients of whom the main thread has reports; changes follow over the bus. */
    readonly earlier: readonly string[];
  }
  | { readonly kind: "reload_tls"; readonly pair: TlsPair }
  | { readonly kind: "forget_verdicts" }
  | { readonly kind: "reload_tokens"; readonly tokens: readonly Token[] }
  | { readonly kind: "change"; readonly changes: Changes }
  /** Begins to write; done before it is written. */
  | { readonly kind: "write_profiles" }
  | {
    readonly kind: "shutdown";
    /** Milliseconds since it was asked for: each thread's clock has its own beginning. */
    readonly elapsedMs: number;
    /** Clients of all workers. */
    readonly clients: number;
  };

/** How an order ended. */
export type Done =
  | ({ readonly ok: true } & Yield)
  | { readonly ok: false; readonly fault: Fault };

/** What an order brought. */
export interface Yield {
  /** Of a start. */
  readonly addresses?: Addresses;
  /** Of a shutdown: reports that the backend has not taken. */
  readonly undelivered?: number;
}

/** Where a worker that has started listens. */
export interface Addresses {
  readonly url: string;
  readonly apiUrl: string | undefined;
}

/** An error, as far as it can be cloned. */
export interface Fault {
  /** The error's name. */
  readonly name: string;
  readonly message: string;
}

export type ToThread =
  | { readonly kind: "order"; readonly id: number; readonly order: Order }
  | { readonly kind: "bus"; readonly message: ToWorker };

export type FromThread =
  /** Its modules are there. The first message. */
  | { readonly kind: "loaded" }
  | { readonly kind: "done"; readonly id: number; readonly done: Done }
  | { readonly kind: "bus"; readonly message: FromWorker }
  /** The last message: nothing runs there any more. */
  | { readonly kind: "died"; readonly death: Death };

/** Why a worker died. */
export interface Death {
  readonly message: string;
  /** Where, as far as that is known. */
  readonly stack: string;
}
