/**
 * Two buses as one: the threads of this process, and other processes.
 *
 * @module
 */

import type { Bus, Client, ClientPage, ClientReply, ClientRequest } from "./bus.ts";

/**
 * Tells both, and asks the near one first. Each thread is on the far one too, as an instance of its own,
 * so that one alone lists all clients.
 */
export class Chain implements Bus {
  readonly #near: Bus;
  readonly #far: Bus;

  constructor(near: Bus, far: Bus) {
    this.#near = near;
    this.#far = far;
  }

  get isAvailable(): boolean {
    return this.#far.isAvailable;
  }

  attach(client: Client): void {
    this.#near.attach(client);
    this.#far.attach(client);
  }

  detach(client: Client): void {
    this.#near.detach(client);
    this.#far.detach(client);
  }

  async ask(request: ClientRequest): Promise<ClientReply> {
    const reply = await this.#near.ask(request);
    return reply.kind === "refused" && reply.reason === "gone" ? this.#far.ask(request) : reply;
  }

  pages(after: string | null, limit: number, search?: string): Promise<readonly ClientPage[]> {
    return (this.#far.isAvailable ? this.#far : this.#near).pages(after, limit, search);
  }

  forget(clientId: string): void {
    this.#near.forget(clientId);
    this.#far.forget(clientId);
  }

  async close(timeoutMs: number): Promise<void> {
    await Promise.all([this.#near.close(timeoutMs), this.#far.close(timeoutMs)]);
  }
}
