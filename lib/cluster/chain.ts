/**
 * Two buses as one: the threads of this process, and other processes.
 *
 * @module
 */

import type { Bus, Client, ClientReply, ClientRequest } from "./bus.ts";
import type { Answers, QuestionKind, QuestionOf, Survey } from "./survey.ts";

/** The near bus, whose main thread is not on the far one. */
export type NearBus = Bus & {
  surveyMain<K extends QuestionKind>(question: QuestionOf<K>): Promise<Survey<Answers[K]>>;
};

/**
 * Tells both, and asks the near one first. Each thread is on the far one too, as an instance of its own,
 * so that one alone lists all clients.
 */
export class Chain implements Bus {
  readonly #near: NearBus;
  readonly #far: Bus;

  constructor(near: NearBus, far: Bus) {
    this.#near = near;
    this.#far = far;
  }

  get isAvailable(): boolean {
    return this.#far.isAvailable;
  }

  get hasJoined(): boolean {
    return this.#far.hasJoined;
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

  async survey<K extends QuestionKind>(question: QuestionOf<K>): Promise<Survey<Answers[K]>> {
    if (!this.#far.isAvailable) {
      const { answers } = await this.#near.survey<K>(question);
      return { answers, isComplete: false };
    }
    // The main thread lists the clients of workers, and has none of its own.
    if (question.kind === "page") return await this.#far.survey<K>(question);
    const [main, others] = await Promise.all([
      this.#near.surveyMain<K>(question),
      this.#far.survey<K>(question),
    ]);
    return {
      answers: [...main.answers, ...others.answers],
      isComplete: main.isComplete && others.isComplete,
    };
  }

  forget(clientId: string): void {
    this.#near.forget(clientId);
    this.#far.forget(clientId);
  }

  async close(timeoutMs: number): Promise<void> {
    await Promise.all([this.#near.close(timeoutMs), this.#far.close(timeoutMs)]);
  }
}
