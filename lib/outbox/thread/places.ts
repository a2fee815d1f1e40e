/**
 * The stores that are connected to an outbox.
 *
 * @module
 */

import type { Clock } from "../../clock.ts";
import type { FromStore, ToStore } from "./message.ts";

/** The end of a store's port at the outbox. */
export interface DeskPort {
  postMessage(message: ToStore): void;
  onmessage: ((event: MessageEvent<FromStore>) => void) | null;
  close(): void;
}

/** What a store says, but for its farewell. */
export type Said = Exclude<FromStore, { readonly kind: "bye" }>;

/** Turns of the event loop without a message, after which a dead thread's port is taken for empty. */
const QUIET_TURNS = 10;

interface Place {
  readonly port: DeskPort;
  /** Messages that came. */
  count: number;
  /** Nothing comes any more. */
  isDone: boolean;
}

/** Owns the ports of stores, by owner. */
export class Places {
  readonly #clock: Pick<Clock, "setTimeout">;
  readonly #take: (owner: number, said: Said) => void;
  readonly #all = new Map<number, Place>();

  /** @param take Takes what a store says. */
  constructor(clock: Pick<Clock, "setTimeout">, take: (owner: number, said: Said) => void) {
    this.#clock = clock;
    this.#take = take;
  }

  has(owner: number): boolean {
    return this.#all.has(owner);
  }

  /** A store of this owner speaks through a port from now on. */
  attach(owner: number, port: DeskPort): void {
    const place: Place = { port, count: 0, isDone: false };
    this.#all.set(owner, place);
    port.onmessage = ({ data }) => {
      place.count++;
      if (data.kind === "bye") place.isDone = true;
      else this.#take(owner, data);
    };
  }

  /** Says something to a store, if it is there. */
  post(owner: number, message: ToStore): void {
    this.#all.get(owner)?.port.postMessage(message);
  }

  /** Lets go of a dead thread's store. @returns When all that it had sent has been taken. */
  async leave(owner: number): Promise<void> {
    const place = this.#all.get(owner);
    if (place === undefined) return;
    await this.#emptied(place);
    this.#all.delete(owner);
    end(place);
  }

  close(): void {
    for (const place of this.#all.values()) end(place);
  }

  #emptied(place: Place): Promise<void> {
    return new Promise((resolve) => {
      let count = place.count;
      let turns = 0;
      const look = (): void => {
        turns = place.count === count ? turns + 1 : 0;
        count = place.count;
        if (place.isDone || turns >= QUIET_TURNS) resolve();
        else this.#clock.setTimeout(look, 1);
      };
      look();
    });
  }
}

function end({ port }: Place): void {
  port.onmessage = null;
  port.close();
}
