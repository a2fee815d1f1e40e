/**
 * One client, followed wherever it connects.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Clients } from "./clients.ts";
import type { FollowedRow, GapCause, GapRow, NotTold, TailRefusal, Told } from "./followed.ts";
import type { TailAnswer } from "./tail.ts";

type Seen = Exclude<TailAnswer, { readonly refusal: TailRefusal }>;

/**
 * Asks all threads and instances for what passed there, again and again: each of them looks out for the client
 * from the first question on, so that the first frame of its next connection is seen wherever that begins.
 *
 * Always true: a row is told once; where one may be missing there is a gap.
 */
export class Following {
  readonly #clients: Pick<Clients, "survey">;
  readonly #clock: Pick<Clock, "wallNow">;
  readonly #clientId: string;
  readonly #withPayloads: boolean;
  /** By source, where to go on from. */
  #cursors = new Map<string, number>();
  #isFirst = true;

  constructor(
    clients: Pick<Clients, "survey">,
    clock: Pick<Clock, "wallNow">,
    clientId: string,
    withPayloads: boolean,
  ) {
    this.#clients = clients;
    this.#clock = clock;
    this.#clientId = clientId;
    this.#withPayloads = withPayloads;
  }

  /** Asks once. One question at a time. */
  async next(): Promise<Told | NotTold> {
    const { answers, isComplete } = await this.#clients.survey<"tail">({
      kind: "tail",
      clientId: this.#clientId,
      cursors: Object.fromEntries(this.#cursors),
      withPayloads: this.#withPayloads,
    });
    const seen = new Map<string, Seen>();
    let refusal: TailRefusal | null = null;
    for (const answer of answers) {
      // The main thread has no clients, and answers nothing.
      if (answer === null) continue;
      if (answer.refusal === null) seen.set(answer.source, answer);
      else refusal = answer.refusal;
    }
    if (seen.size === 0 && refusal !== null) return { refusal };
    const rows = [
      ...this.#left(seen, isComplete),
      ...[...seen.values()].flatMap((one) => this.#rowsOf(one)),
    ];
    // Not before one has answered: whoever does so later has joined.
    this.#isFirst &&= seen.size === 0;
    return {
      connectionId: newestOf(seen.values()),
      missing: refusal ?? (isComplete ? null : "unreachable"),
      rows: rows.sort((a, b) => a.at - b.at),
    };
  }

  #rowsOf({ source, reading }: Seen): FollowedRow[] {
    const { rows, next, isBroken } = reading;
    const isNew = !this.#cursors.has(source) && !this.#isFirst;
    this.#cursors.set(source, next);
    if (!isNew && !isBroken) return [...rows];
    return [this.#gap(isNew ? "joined" : "too_much", rows[0]?.at), ...rows];
  }

  /** Who cannot be asked just now may be back with all that it has. */
  #left(seen: ReadonlyMap<string, Seen>, isComplete: boolean): FollowedRow[] {
    if (!isComplete) return [];
    const left = [...this.#cursors.keys()].filter((source) => !seen.has(source));
    for (const source of left) this.#cursors.delete(source);
    return left.length > 0 ? [this.#gap("left")] : [];
  }

  #gap(why: GapCause, at = this.#clock.wallNow()): GapRow {
    return { kind: "gap", connectionId: null, at, why };
  }
}

function newestOf(seen: Iterable<Seen>): string | null {
  let newest: string | null = null;
  for (const { connectionId } of seen) {
    if (connectionId !== null && (newest === null || connectionId > newest)) newest = connectionId;
  }
  return newest;
}
