/**
 * Samples to the bytes that `go tool pprof` reads.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { Profile, StringTable } from "pprof-format";
import { type CallFrame, keyOf } from "./inspector.ts";
import type { Locate } from "./locate.ts";

/** A function on a stack. */
export interface StackFrame {
  readonly callFrame: CallFrame;
  /** The line in the code that V8 runs, from 1; where V8 does not tell, the function's first. */
  readonly line?: number;
}

/** What was seen at one stack. */
export interface StackSample {
  /** The function that ran first, its caller behind it, and so on. Never empty. */
  readonly stack: readonly StackFrame[];
  /** One for each sample type. */
  readonly values: readonly number[];
}

/** What a unit is counted in, such as `["cpu", "nanoseconds"]`. */
export type SampleType = readonly [type: string, unit: string];

/** A profile before it is encoded. */
export interface PprofInput {
  readonly sampleTypes: readonly SampleType[];
  /** What happens once in each `period`. */
  readonly periodType: SampleType;
  readonly period: number;
  readonly samples: Iterable<StackSample>;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly durationMs: number;
}

/**
 * Encodes a profile, not yet compressed. Its last sample type is the one that pprof shows unasked.
 *
 * Pure but for `locate`, which finds the lines of the source.
 */
export function encodePprof(input: PprofInput, locate: Locate): Uint8Array {
  const table = new StackTable(locate);
  const { strings } = table;
  function valueType([type, unit]: SampleType): { type: number; unit: number } {
    return { type: strings.dedup(type), unit: strings.dedup(unit) };
  }
  const sample = Array.from(input.samples, ({ stack, values }) => ({
    locationId: stack.map((frame) => table.locationOf(frame)),
    value: [...values],
  }));
  return new Profile({
    sampleType: input.sampleTypes.map(valueType),
    sample,
    mapping: [{ id: 1, hasFunctions: true, hasFilenames: true, hasLineNumbers: true }],
    location: table.locations,
    function: table.functions,
    stringTable: strings,
    timeNanos: BigInt(Math.round(input.startedAt)) * 1_000_000n,
    durationNanos: BigInt(Math.round(input.durationMs)) * 1_000_000n,
    periodType: valueType(input.periodType),
    period: input.period,
    defaultSampleType: strings.dedup(input.sampleTypes.at(-1)?.[0] ?? ""),
  }).encode();
}

interface PprofFunction {
  readonly id: number;
  readonly name: number;
  readonly systemName: number;
  readonly filename: number;
  readonly startLine: number;
}

interface PprofLocation {
  readonly id: number;
  readonly mappingId: number;
  readonly line: { readonly functionId: number; readonly line: number }[];
}

/** Functions and lines, each once; the numbers that samples name them by count from 1. */
class StackTable {
  readonly strings = new StringTable();
  readonly functions: PprofFunction[] = [];
  readonly locations: PprofLocation[] = [];
  readonly #functionIds = new Map<string, number>();
  readonly #locationIds = new Map<string, number>();
  readonly #locate: Locate;

  constructor(locate: Locate) {
    this.#locate = locate;
  }

  locationOf({ callFrame, line }: StackFrame): number {
    const functionId = this.#functionOf(callFrame);
    const sourceLine = line === undefined || callFrame.url === ""
      ? this.functions[functionId - 1]!.startLine
      // V8 tells the line only; its end is surely inside of what stands there.
      : this.#locate(callFrame.url, line - 1, Infinity);
    const key = `${functionId}:${sourceLine}`;
    let id = this.#locationIds.get(key);
    if (id === undefined) {
      id = this.locations.length + 1;
      this.locations.push({ id, mappingId: 1, line: [{ functionId, line: sourceLine }] });
      this.#locationIds.set(key, id);
    }
    return id;
  }

  #functionOf(callFrame: CallFrame): number {
    const { functionName, url, lineNumber, columnNumber } = callFrame;
    const key = keyOf(callFrame);
    let id = this.#functionIds.get(key);
    if (id === undefined) {
      id = this.functions.length + 1;
      const startLine = lineNumber < 0 ? 0 : this.#locate(url, lineNumber, columnNumber);
      const plain = functionName === "" ? "(anonymous)" : functionName;
      // Many names are common, and `-top` shows nothing else: so they say where, as Go's do.
      const name = url === "" ? plain : `${plain} ${shortNameOf(url)}:${startLine}`;
      this.functions.push({
        id,
        name: this.strings.dedup(name),
        systemName: this.strings.dedup(plain),
        filename: this.strings.dedup(fileOf(url)),
        startLine,
      });
      this.#functionIds.set(key, id);
    }
    return id;
  }
}

/** Where this program's own files are. */
const ROOT = new URL("../../", import.meta.url).href;

/** `lib/codec/frame.ts`; of what is not this program's own, the last part. */
function shortNameOf(url: string): string {
  if (url.startsWith(ROOT)) return url.slice(ROOT.length);
  return url.startsWith("file:") ? url.slice(url.lastIndexOf("/") + 1) : url;
}

/** The path of a file; the runtime's own parts keep their `ext:` or `node:` names. */
function fileOf(url: string): string {
  try {
    return url.startsWith("file:") ? fileURLToPath(url) : url;
  } catch {
    return url;
  }
}
