/**
 * Which code allocated what is on the thread's heap.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { HeapNode, HeapProfile, Inspector } from "./inspector.ts";
import type { Locate } from "./locate.ts";
import { encodePprof, type StackFrame, type StackSample } from "./pprof.ts";

/** What V8 aligns objects to. */
const WORD_BYTES = 8;
/**
 * Bytes allocated for each sample, on average; V8 drops a sample when its object is collected. 118 KiB
 * and odd: one word more than a multiple of all numbers to 10, which makes `objectsIn` exact among
 * objects of 2 to 10 words.
 */
const INTERVAL_BYTES = (6 * 2520 + 1) * WORD_BYTES;

/** Samples allocations from `start` on. */
export class HeapRecorder {
  readonly #inspector: Inspector;
  readonly #locate: Locate;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #begin: number;

  private constructor(inspector: Inspector, locate: Locate, clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.wallNow();
    this.#begin = clock.now();
    this.#inspector = inspector;
    this.#locate = locate;
  }

  /** Starts sampling. @returns What records until the inspector is closed. */
  static async start(inspector: Inspector, locate: Locate, clock: Clock): Promise<HeapRecorder> {
    const recorder = new HeapRecorder(inspector, locate, clock);
    await inspector.send("HeapProfiler.startSampling", { samplingInterval: INTERVAL_BYTES });
    return recorder;
  }

  /** What is alive now of all that was allocated since the start, encoded. */
  async take(): Promise<Uint8Array> {
    const { profile } = await this.#inspector.send("HeapProfiler.getSamplingProfile");
    return encodePprof({
      sampleTypes: [["objects", "count"], ["space", "bytes"]],
      periodType: ["space", "bytes"],
      period: INTERVAL_BYTES,
      startedAt: this.#startedAt,
      durationMs: this.#clock.now() - this.#begin,
      samples: heapStacks(profile, INTERVAL_BYTES),
    }, this.#locate);
  }
}

/**
 * Adds up the samples of each stack: objects, and bytes.
 *
 * @param intervalBytes What V8 was told to sample at.
 */
export function* heapStacks(profile: HeapProfile, intervalBytes: number): Generator<StackSample> {
  const totals = new Map<number, { objects: number; bytes: number }>();
  const counts = new Map<number, number>();
  for (const { nodeId, size } of profile.samples) {
    let count = counts.get(size);
    if (count === undefined) counts.set(size, count = objectsIn(size, intervalBytes));
    const total = totals.get(nodeId) ?? { objects: 0, bytes: 0 };
    totals.set(nodeId, { objects: total.objects + count, bytes: total.bytes + size });
  }
  const open: [node: HeapNode, callers: StackFrame[]][] = [[profile.head, []]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [{ id, callFrame, children }, callers] = next;
    const total = totals.get(id);
    const stack = [{ callFrame }, ...callers];
    if (total !== undefined) yield { stack, values: [total.objects, total.bytes] };
    const above = id === profile.head.id ? [] : stack;
    for (const child of children) open.push([child, above]);
  }
}

/**
 * How many objects a sample stands for: an estimate.
 *
 * V8 takes one object of `size` for `1 / (1 - e^(-size / interval))` of them, and tells only the
 * product of the two. This takes the smallest size that gives it, since small objects are the many;
 * another one may give the same, so the count can be too high by a small factor. It is too low where
 * optimized code allocates several objects at once, which are one to V8. Bytes are as V8 tells them.
 *
 * @param bytes The product.
 */
export function objectsIn(bytes: number, intervalBytes: number): number {
  for (let size = 2 * WORD_BYTES; size < 1.1 * intervalBytes; size += WORD_BYTES) {
    if (bytes % size !== 0) continue;
    const count = bytes / size;
    if (count === Math.floor(1 / (1 - Math.exp(-size / intervalBytes)) + 0.5)) return count;
  }
  // Larger ones stand for themselves: the factor rounds to 1.
  return 1;
}
