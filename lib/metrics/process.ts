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

/** The machine's memory in bytes; Infinity without the permission for system facts. */
export function machineBytes(): number {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" });
  return state === "granted" ? Deno.systemMemoryInfo().total : Infinity;
}

/** The machine's name; null without the permission for it. */
export function hostName(): string | null {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  return state === "granted" ? Deno.hostname() : null;
}

/** Deno's version. */
export function runtimeVersion(): string {
  return Deno.version.deno;
}
