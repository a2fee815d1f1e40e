/**
 * The clients that are connected here, as NATS knows them.
 *
 * @module
 */

import type { Subscription } from "@nats-io/transport-node";
import type { Clock } from "../../clock.ts";
import { type Announced, Announcer } from "./announcer.ts";

export interface HeldClientsOptions {
  readonly clock: Clock;
  /** Takes what is asked of a client; null while there is no connection. */
  readonly subscribe: (clientId: string) => Subscription | null;
  /** Tells whoever else may hold the client of this connection. */
  readonly announce: (announced: Announced) => void;
}

interface HeldClient {
  readonly connectionId: string;
  subscription: Subscription | null;
}

/**
 * Owns the subscription of each client that is connected here, and its announcements.
 *
 * Always true: a client is in it once, with the connection that came last; it has a subscription
 * while there is a connection to NATS. Only the connection that is in it is announced.
 */
export class HeldClients {
  readonly #subscribe: HeldClientsOptions["subscribe"];
  readonly #clients = new Map<string, HeldClient>();
  readonly #announcer: Announcer;

  constructor({ clock, subscribe, announce }: HeldClientsOptions) {
    this.#subscribe = subscribe;
    this.#announcer = new Announcer(clock, (announced) => {
      const { clientId, connectionId } = announced;
      if (this.#clients.get(clientId)?.connectionId === connectionId) announce(announced);
    });
  }

  attach({ clientId, connectionId }: Announced): void {
    const before = this.#clients.get(clientId);
    const subscription = before?.subscription ?? this.#subscribe(clientId);
    this.#clients.set(clientId, { connectionId, subscription });
    this.#announcer.add({ clientId, connectionId });
  }

  detach({ clientId, connectionId }: Announced): void {
    const client = this.#clients.get(clientId);
    if (client?.connectionId !== connectionId) return;
    this.#clients.delete(clientId);
    // Who asks in this very moment gets its answer: that nobody is here.
    client.subscription?.drain().catch(() => {});
  }

  /** There is a new connection to NATS. */
  subscribeAll(): void {
    for (const [clientId, client] of this.#clients) client.subscription = this.#subscribe(clientId);
  }

  /** There is no connection any more. */
  dropSubscriptions(): void {
    for (const client of this.#clients.values()) client.subscription = null;
  }

  /** All clients: meanwhile they may have connected elsewhere. */
  announceAll(): void {
    this.#announcer.addAll(
      Array.from(this.#clients, ([clientId, { connectionId }]) => ({ clientId, connectionId })),
    );
  }

  /** Announces nothing any more. */
  close(): void {
    this.#announcer.close();
  }
}
