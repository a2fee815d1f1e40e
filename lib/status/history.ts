/**
 * The last five minutes in numbers, one point a second.
 *
 * @module
 */

/** What is kept of each second. Rates are those of the second before `at`. */
export interface HistoryPoint {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly connections: number;
  /** Frames a second, from clients and to them. */
  readonly inRate: number;
  readonly outRate: number;
  /** Milliseconds that a client's CALL took, over ten seconds; null without one that was answered. */
  readonly callP50: number | null;
  readonly callP95: number | null;
  readonly callP99: number | null;
  /** CALLs of clients that failed, a second. */
  readonly failedRate: number;
  /** Of all that ended, 0 to 1; null when none did. */
  readonly failedShare: number | null;
  /** Texts that were no valid frames, a second. */
  readonly invalidRate: number;
  /** Requests to the backend a second, and those of them that failed. */
  readonly backendRate: number;
  readonly backendFailedRate: number;
  /** Milliseconds of one request, over ten seconds; null without one. */
  readonly backendP50: number | null;
  readonly backendP95: number | null;
  readonly waiting: number;
  readonly outstanding: number;
  readonly residentBytes: number;
  readonly lagMs: number;
  /** Clients that came and went, and that were not let in, a second. */
  readonly connectsRate: number;
  readonly closesRate: number;
  readonly refusedRate: number;
}

/** In this order in the memory. */
const FIELDS = [
  ...["at", "connections", "inRate", "outRate", "callP50", "callP95", "callP99"] as const,
  ...["failedRate", "failedShare", "invalidRate", "backendRate", "backendFailedRate"] as const,
  ...["backendP50", "backendP95", "waiting", "outstanding", "residentBytes", "lagMs"] as const,
  ...["connectsRate", "closesRate", "refusedRate"] as const,
] satisfies readonly (keyof HistoryPoint)[];

/** So many points are told. */
const POINTS = 300;
/** One more: it may be written while the others are read. */
const SLOTS = POINTS + 1;

/** The memory, to be handed to each thread. */
export function historyBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer((1 + SLOTS * FIELDS.length) * Float64Array.BYTES_PER_ELEMENT);
}

/**
 * A ring of points in memory that all threads see.
 *
 * One thread writes, a point a second; the others read without a lock. Its first number is how many
 * points there have been.
 */
export class History {
  /** To be handed to other threads. */
  readonly buffer: SharedArrayBuffer;
  readonly #numbers: Float64Array;

  /** @param buffer From `historyBuffer`; without it the thread is alone. */
  constructor(buffer: SharedArrayBuffer = historyBuffer()) {
    this.buffer = buffer;
    this.#numbers = new Float64Array(buffer);
  }

  /** Adds a point; the oldest goes. */
  add(point: HistoryPoint): void {
    const number = this.#numbers[0]!;
    const start = startOf(number);
    for (const [i, field] of FIELDS.entries()) this.#numbers[start + i] = point[field] ?? NaN;
    this.#numbers[0] = number + 1;
  }

  /** Points later than this, in milliseconds since 1970; 300 at most, the oldest first. */
  points(after = -Infinity): HistoryPoint[] {
    const count = this.#numbers[0]!;
    const points: HistoryPoint[] = [];
    for (let number = Math.max(0, count - POINTS); number < count; number++) {
      if (this.#numbers[startOf(number)]! > after) points.push(this.#point(number));
    }
    return points;
  }

  /** The newest point; undefined in the first second. */
  get last(): HistoryPoint | undefined {
    const count = this.#numbers[0]!;
    return count === 0 ? undefined : this.#point(count - 1);
  }

  #point(number: number): HistoryPoint {
    let next = startOf(number);
    const may = (): number | null => {
      const value = this.#numbers[next++]!;
      return Number.isNaN(value) ? null : rounded(value);
    };
    const must = (): number => rounded(this.#numbers[next++]!);
    // In the order of `FIELDS`. Objects of one shape: 300 of them are made for each who looks.
    return {
      at: must(),
      connections: must(),
      inRate: must(),
      outRate: must(),
      callP50: may(),
      callP95: may(),
      callP99: may(),
      failedRate: must(),
      failedShare: may(),
      invalidRate: must(),
      backendRate: must(),
      backendFailedRate: must(),
      backendP50: may(),
      backendP95: may(),
      waiting: must(),
      outstanding: must(),
      residentBytes: must(),
      lagMs: must(),
      connectsRate: must(),
      closesRate: must(),
      refusedRate: must(),
    };
  }
}

function startOf(number: number): number {
  return 1 + (number % SLOTS) * FIELDS.length;
}

/** To a thousandth: enough to draw, and short as text. */
function rounded(value: number): number {
  return Math.round(1000 * value) / 1000;
}
