/**
 * Where a gateway's CPU time goes, from the profiles that it writes itself.
 *
 * @module
 */

import { readProfile } from "../../tests/support/pprof.ts";

/** One function's own time. */
export interface Hot {
  readonly name: string;
  readonly seconds: number;
  /** Of all time on the CPU, 0 to 1. */
  readonly share: number;
}

/** CPU nanoseconds by function, from a profile's beginning to when it was written. */
export type CpuTimes = ReadonlyMap<string, number>;

const WRITTEN_MS = 20_000;
const AGAIN_MS = 100;
/** What V8 counts while it waits; not time on the CPU. */
const IDLE = "(idle)";

/**
 * Has a gateway write its profile and reads it.
 *
 * @param file Its `--cpuprofile`.
 * @throws When it is not there in time.
 */
export async function cpuTimes(pid: number, file: string): Promise<CpuTimes> {
  const before = await modifiedAt(file);
  Deno.kill(pid, "SIGUSR2");
  const endAt = performance.now() + WRITTEN_MS;
  while (await modifiedAt(file) === before) {
    if (performance.now() > endAt) throw new Error("the gateway wrote no profile");
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  // It comes into its place as a whole.
  const times = new Map<string, number>();
  for (const { name, file: source, startLine, flat } of readProfile(file).functions) {
    const place = source === "" ? "" : ` ${source.split("/").slice(-2).join("/")}:${startLine}`;
    const key = `${name || "(anonymous)"}${place}`;
    times.set(key, (times.get(key) ?? 0) + flat.at(-1)!);
  }
  return times;
}

/** The functions that took most between two profiles. */
export function hottest(before: CpuTimes, after: CpuTimes, count: number): Hot[] {
  const spent = [...after].filter(([name]) => !name.startsWith(IDLE))
    .map(([name, ns]) => ({ name, seconds: (ns - (before.get(name) ?? 0)) / 1e9 }));
  const total = spent.reduce((sum, { seconds }) => sum + seconds, 0);
  return spent.sort((a, b) => b.seconds - a.seconds).slice(0, count)
    .map((each) => ({ ...each, share: total > 0 ? each.seconds / total : 0 }));
}

async function modifiedAt(file: string): Promise<number> {
  try {
    return (await Deno.stat(file)).mtime?.getTime() ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
