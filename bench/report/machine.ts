/**
 * The machine that a run was on: figures of different ones are not to be compared.
 *
 * @module
 */

import { cat } from "../process/usage.ts";
import { digits } from "./markdown.ts";

/**
 * In one line, from the texts of /proc/cpuinfo and /proc/meminfo. Pure.
 *
 * What they do not tell is left out: not every architecture names its processor's model.
 */
export function machineOf(cpuinfo: string, meminfo: string): string {
  const cores = cpuinfo.match(/^processor\s*:/gm)?.length ?? 0;
  const model = /^model name\s*:\s*(\S.*?)\s*$/m.exec(cpuinfo)?.[1];
  const kib = Number(/^MemTotal:\s*(\d+) kB$/m.exec(meminfo)?.[1]);
  return [
    model,
    cores > 0 ? `${cores} ${cores === 1 ? "core" : "cores"}` : undefined,
    kib > 0 ? `${digits(kib / 1024 ** 2)} GiB` : undefined,
  ].filter((part) => part !== undefined).join(", ") || "unknown machine";
}

/** This machine, in one line. */
export async function readMachine(): Promise<string> {
  return machineOf(await cat(["/proc/cpuinfo"]), await cat(["/proc/meminfo"]));
}
