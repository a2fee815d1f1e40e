/**
 * Random API calls to random gateways.
 *
 * @module
 */

import type { Books } from "./books.ts";
import { now } from "./journal.ts";
import { type Door, oneOf, pause } from "./stations.ts";

const ACTIONS = ["Reset", "TriggerMessage", "GetConfiguration", "ChangeAvailability"];
/** This share of CALLs comes as several to one client, each after the 202 of the one before. */
const ROW_SHARE = 0.1;
const ROW = 4;
const ANSWER_MS = 10_000;
const MAX_UNDER_WAY = 500;

/** Asks on while it runs; what is under way then is answered within 10 s. */
export class Traffic {
  readonly #books: Books;
  readonly #clientIds: readonly string[];
  readonly #doors: () => readonly Door[];
  readonly #perSecond: number;
  // None kept: fetch would send a POST again by itself when a kept one is cut.
  readonly #http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  readonly #underWay = new Set<Promise<void>>();
  #number = 0;

  constructor(
    books: Books,
    clientIds: readonly string[],
    doors: () => readonly Door[],
    perSecond: number,
  ) {
    this.#books = books;
    this.#clientIds = clientIds;
    this.#doors = doors;
    this.#perSecond = perSecond;
  }

  /** Resolves when `isOver`, and all that was asked for was answered. */
  async run(isOver: () => boolean): Promise<void> {
    const perRequest = 1 - ROW_SHARE + ROW_SHARE * ROW;
    while (!isOver()) {
      await pause(-Math.log(1 - Math.random()) * 1000 * perRequest / this.#perSecond);
      if (this.#underWay.size >= MAX_UNDER_WAY) continue;
      const row = this.#row().finally(() => this.#underWay.delete(row));
      this.#underWay.add(row);
    }
    await Promise.all(this.#underWay);
  }

  close(): void {
    this.#http.close();
  }

  async #row(): Promise<void> {
    const clientId = oneOf(this.#clientIds)!;
    const count = Math.random() < ROW_SHARE ? ROW : 1;
    for (let i = 0; i < count; i++) await this.#ask(clientId);
  }

  /** Never rejects. */
  async #ask(clientId: string): Promise<void> {
    const door = oneOf(this.#doors());
    if (door === undefined) return;
    const messageId = `m${this.#number++}`;
    const call = this.#books.ask(messageId, clientId, door.name, now());
    const url = `http://127.0.0.1:${door.port}/call/${oneOf(ACTIONS)}/${clientId}/${messageId}`;
    try {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const response = await fetch(url, { method: "POST", body: "{}", signal, client: this.#http });
      const at = now();
      const outcome = response.headers.get("ws2api-outcome") ?? "";
      const text = response.status === 202 ? "" : await response.text();
      await response.body?.cancel();
      call.answer = { at, status: response.status, outcome, text };
    } catch (error) {
      call.answer = { at: now(), status: 0, outcome: "", text: String(error) };
    }
  }
}
