/**
 * The CALLs of all clients: which are not answered, and which time each counts from.
 *
 * @module
 */

/** Answers may come so many places before their turn. */
const MAX_AHEAD = 32;

/** A client's MessageIds count from 1; no object is made for any of them. */
export class Calls {
  readonly #periodMs: number;
  /** When a client's first CALL was intended; without a period, its last one. */
  readonly #since: Float64Array;
  readonly #sent: Uint32Array;
  /** All up to this one are answered, and of those behind it the ones whose bit is set. */
  readonly #answered: Uint32Array;
  readonly #ahead: Uint32Array;

  /** @param periodMs Between the CALLs of a client; 0 when `begin` says of each when it is intended. */
  constructor(clients: number, periodMs: number) {
    this.#periodMs = periodMs;
    this.#since = new Float64Array(clients);
    this.#sent = new Uint32Array(clients);
    this.#answered = new Uint32Array(clients);
    this.#ahead = new Uint32Array(clients);
  }

  /** A client's next CALL is intended at that time. */
  begin(client: number, at: number): void {
    this.#since[client] = at - this.#sent[client]! * this.#periodMs;
  }

  /** Nothing that is outstanding will be answered any more. */
  abandon(client: number): void {
    this.#answered[client] = this.#sent[client]!;
    this.#ahead[client] = 0;
  }

  /** When the next one is intended. */
  dueAt(client: number): number {
    return this.#intendedAt(client, this.#sent[client]! + 1);
  }

  /** @returns The next MessageId: it is outstanding from now on. */
  send(client: number): number {
    return ++this.#sent[client]!;
  }

  /** @returns When it was intended; undefined when it is not outstanding. */
  answer(client: number, id: number): number | undefined {
    const place = id - this.#answered[client]! - 1;
    let ahead = this.#ahead[client]!;
    if (
      place < 0 || place >= MAX_AHEAD || id > this.#sent[client]! || (ahead >>> place & 1) === 1
    ) {
      return undefined;
    }
    for (ahead |= 1 << place; (ahead & 1) === 1; ahead >>>= 1) this.#answered[client]!++;
    this.#ahead[client] = ahead;
    return this.#intendedAt(client, id);
  }

  /** When each of those was intended that are outstanding. */
  outstanding(client: number): number[] {
    const times: number[] = [];
    const first = this.#answered[client]! + 1;
    for (let id = first; id <= this.#sent[client]!; id++) {
      const place = id - first;
      const isAnswered = place < MAX_AHEAD && (this.#ahead[client]! >>> place & 1) === 1;
      if (!isAnswered) times.push(this.#intendedAt(client, id));
    }
    return times;
  }

  #intendedAt(client: number, id: number): number {
    return this.#since[client]! + (id - 1) * this.#periodMs;
  }
}
