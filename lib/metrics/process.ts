/**
 * What the runtime tells of this process. Owns nothing: each call asks anew.
 *
 * @module
 */

import { cpuUsage } from "node:process";
import type { ProcessUsage } from "./exposition.ts";

/** CPU time of all threads, and memory: `rss` of the process, the heap of the thread that asks. */
export function processUsage(): ProcessUsage {
  return { cpu: cpuUsage(), memory: Deno.memoryUsage() };
}

/** The process's resident memory in bytes. */
export function residentBytes(): number {
  return Deno.memoryUsage().rss;
}

/** Deno's version. */
export function runtimeVersion(): string {
  return Deno.version.deno;
}
