/**
 * What a process uses of the machine.
 *
 * @module
 */

/** A file under /proc, read by a program: this one may read there only with all permissions. */
export async function procText(path: string): Promise<string> {
  const { success, stdout } = await new Deno.Command("cat", { args: [`/proc/${path}`] }).output();
  if (!success) throw new Error(`/proc/${path} cannot be read`);
  return new TextDecoder().decode(stdout);
}

/** Resident memory of a process, in bytes. Linux only. */
export async function residentBytesOf(pid: number): Promise<number> {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(await procText(`${pid}/status`)) ?? [];
  if (kib === undefined) throw new Error(`no resident memory of ${pid}`);
  return 1024 * Number(kib);
}

/** How many files a process has open. Linux only. */
export async function openFilesOf(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("ls", { args: [`/proc/${pid}/fd`] }).output();
  return new TextDecoder().decode(stdout).trim().split("\n").length;
}
