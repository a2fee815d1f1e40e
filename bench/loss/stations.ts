/**
 * Charging stations that come back to whichever gateway is left.
 *
 * @module
 */

import type { Books, Link } from "./books.ts";
import { now } from "./journal.ts";
import { resultOf } from "./judge.ts";

/** Who may be connected to. */
export interface Door {
  readonly name: string;
  readonly port: number;
}

const BACKOFF_MS = [100, 500] as const;
const ANSWER_MS = [0, 2000] as const;
const CALL = 2;

/** Shares of CALLs, of all. */
const SHARE = { never: 0.05, error: 0.1, atOnce: 0.3 };

export function between([least, most]: readonly [number, number]): number {
  return least + Math.random() * (most - least);
}

export function oneOf<T>(all: readonly T[]): T | undefined {
  return all[Math.floor(Math.random() * all.length)];
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** All stations, in this process. */
export class Stations {
  readonly ids: readonly string[];
  readonly #books: Books;
  readonly #doors: () => readonly Door[];
  readonly #sockets = new Set<WebSocket>();
  readonly #running: Promise<void>[];
  readonly #answering = new Set<Promise<void>>();
  #isClosed = false;

  /** @param doors The gateways that are there now. */
  constructor(count: number, books: Books, doors: () => readonly Door[]) {
    this.#books = books;
    this.#doors = doors;
    this.ids = Array.from({ length: count }, (_, i) => `CP-${i}`);
    this.#running = this.ids.map((id) => this.#run(id));
  }

  get areConnected(): boolean {
    const open = [...this.#sockets].filter(({ readyState }) => readyState === WebSocket.OPEN);
    return open.length === this.ids.length;
  }

  /** A share of them lose their connections, and come back anywhere. */
  drop(share: number): void {
    for (const socket of this.#sockets) {
      if (Math.random() < share) socket.close();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.drop(1);
    await Promise.all([...this.#running, ...this.#answering]);
  }

  async #run(id: string): Promise<void> {
    while (!this.#isClosed) {
      const door = oneOf(this.#doors());
      if (door !== undefined) await this.#connect(id, door);
      if (!this.#isClosed) await pause(between(BACKOFF_MS));
    }
  }

  /** Resolves when the connection has ended. */
  #connect(id: string, { name, port }: Door): Promise<void> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/${id}`, ["ocpp1.6"]);
    this.#sockets.add(socket);
    let link: Link | undefined;
    socket.addEventListener("open", () => {
      link = this.#books.open(id, name, now());
    });
    socket.addEventListener("message", ({ data }) => {
      if (link === undefined) return;
      const answering = this.#took(socket, link, data).finally(() =>
        this.#answering.delete(answering)
      );
      this.#answering.add(answering);
    });
    return new Promise((resolve) => {
      socket.addEventListener("error", () => {});
      socket.addEventListener("close", () => {
        this.#sockets.delete(socket);
        if (link !== undefined) link.endedAt = now();
        resolve();
      });
    });
  }

  async #took(socket: WebSocket, link: Link, text: string): Promise<void> {
    const [type, messageId] = JSON.parse(text);
    const call = this.#books.find(messageId);
    if (type !== CALL || call === undefined) return;
    call.received.push({ at: now(), link });
    const chance = Math.random();
    if (chance < SHARE.never) return;
    if (Math.random() > SHARE.atOnce) await pause(between(ANSWER_MS));
    if (socket.readyState !== WebSocket.OPEN) return;
    const kind = chance < SHARE.never + SHARE.error ? "error" : "result";
    call.answered = { at: now(), kind };
    socket.send(
      kind === "result"
        ? `[3,"${messageId}",${resultOf(messageId)}]`
        : `[4,"${messageId}","NotSupported","not here",{}]`,
    );
  }
}
