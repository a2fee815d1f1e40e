/**
 * Latencies: HDR histograms in microseconds, from a microsecond to an hour, to three digits.
 *
 * @module
 */

import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64 } from "hdr-histogram-js";

const MAX_US = 3_600_000_000;

/** Durations given in milliseconds; merges with those of other processes. */
export class Latencies {
  readonly #histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: MAX_US,
    numberOfSignificantValueDigits: 3,
  });

  record(ms: number): void {
    // Two clock readings may give a tiny negative difference; the library takes whole numbers only.
    this.#histogram.recordValue(Math.min(MAX_US, Math.max(0, Math.round(ms * 1000))));
  }

  /** All of several together. @param encoded What their `encode` gave. */
  static of(encoded: readonly string[]): Latencies {
    const all = new Latencies();
    for (const each of encoded) all.#histogram.add(decodeFromCompressedBase64(each));
    return all;
  }

  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram);
  }

  /** For people. */
  toJSON(): object {
    const [p50, p90, p99, p999, max] = [50, 90, 99, 99.9, 100].map((each) => this.percentile(each));
    return { count: this.count, p50, p90, p99, p999, max };
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** Milliseconds; 0 when nothing was recorded. @param percent 0 to 100; 100 is the longest. */
  percentile(percent: number): number {
    return this.count === 0 ? 0 : this.#histogram.getValueAtPercentile(percent) / 1000;
  }
}
