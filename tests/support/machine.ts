/**
 * What a process uses of the machine.
 *
 * @module
 */

/** Resident memory of a process, in bytes. Linux only. */
export function residentBytesOf(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`)) ?? [];
  if (kib === undefined) throw new Error(`no resident memory of ${pid}`);
  return 1024 * Number(kib);
}
