/**
 * Reads profiles back.
 *
 * @module
 */

import { gunzipSync } from "node:zlib";
import { Profile } from "pprof-format";

/** What a profile says of one function. */
export interface ProfiledFunction {
  readonly name: string;
  readonly file: string;
  readonly startLine: number;
  /** Sums over the stacks that it is the innermost function of, one for each sample type. */
  readonly flat: readonly number[];
  /** The lines of these stacks, and the sum of the last sample type. */
  readonly lines: ReadonlyMap<number, number>;
}

/** A profile that was read back. */
export interface ReadProfile {
  readonly sampleTypes: readonly string[];
  readonly periodType: string;
  readonly period: number;
  readonly durationMs: number;
  /** Sums over all stacks, one for each sample type. */
  readonly total: readonly number[];
  readonly functions: readonly ProfiledFunction[];
}

/** @throws When it is no gzipped profile, or names what it does not hold. */
export function readProfile(file: string): ReadProfile {
  const profile = Profile.decode(gunzipSync(Deno.readFileSync(file)));
  const text = (index: number | bigint): string => {
    const string = profile.stringTable.strings[Number(index)];
    if (string === undefined) throw new Error(`no string ${index}`);
    return string;
  };
  const functions = new Map(profile.function.map((each) => [Number(each.id), {
    name: text(each.systemName),
    file: text(each.filename),
    startLine: Number(each.startLine),
    flat: profile.sampleType.map(() => 0),
    lines: new Map<number, number>(),
  }]));
  const locations = new Map(profile.location.map(({ id, line }) => [Number(id), line[0]!]));
  const total = profile.sampleType.map(() => 0);
  for (const { locationId, value } of profile.sample) {
    for (const id of locationId) {
      if (!locations.has(Number(id))) throw new Error(`no location ${id}`);
    }
    const { functionId, line } = locations.get(Number(locationId[0]))!;
    const { flat, lines } = functions.get(Number(functionId))!;
    for (const [i, each] of value.entries()) {
      flat[i]! += Number(each);
      total[i]! += Number(each);
    }
    lines.set(Number(line), (lines.get(Number(line)) ?? 0) + Number(value.at(-1)));
  }
  return {
    sampleTypes: profile.sampleType.map(({ type, unit }) => `${text(type)}/${text(unit)}`),
    periodType: `${text(profile.periodType!.type)}/${text(profile.periodType!.unit)}`,
    period: Number(profile.period),
    durationMs: Number(profile.durationNanos) / 1e6,
    total,
    functions: [...functions.values()],
  };
}

/** The function of that name in a file whose path ends so. */
export function functionOf(
  profile: ReadProfile,
  name: string,
  file: string,
): ProfiledFunction | undefined {
  return profile.functions.find((each) => each.name === name && each.file.endsWith(file));
}

/** The line, from 1, of the first place of a text in a file. */
export function lineOf(file: URL, part: string): number {
  const [before, found] = Deno.readTextFileSync(file).split(part, 2);
  if (found === undefined) throw new Error(`${part} is not there`);
  return before!.split("\n").length;
}
