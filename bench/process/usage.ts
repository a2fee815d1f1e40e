/**
 * What processes and the machine use, from Linux's /proc.
 *
 * By way of `cat`: reading /proc oneself takes --allow-all.
 *
 * @module
 */

/** CPU time since the process began, and resident memory. */
export interface ProcessUse {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly residentKib: number;
}

/** CPU time of all processors together since the machine began. */
export interface MachineUse {
  readonly busySeconds: number;
  readonly idleSeconds: number;
  /** Part of the busy time: what the kernel does for sockets, whoever it was charged to. */
  readonly softirqSeconds: number;
}

/** One look at everything. */
export interface Look {
  /** Milliseconds, as `performance.now()` has them. */
  readonly at: number;
  /** By process id. */
  readonly processes: Readonly<Record<number, ProcessUse>>;
  readonly machine: MachineUse;
}

/** Linux shows CPU time in these to every program, whatever its own tick is. */
const TICKS_PER_SECOND = 100;
const PAGE_KIB = 4;

/** Looks at processes and the machine. @throws When one of them has ended. */
export async function look(pids: readonly number[]): Promise<Look> {
  const at = performance.now();
  const text = await cat(["/proc/stat", ...pids.map((pid) => `/proc/${pid}/stat`)]);
  const processes: Record<number, ProcessUse> = {};
  for (const line of text.split("\n")) {
    // proc_pid_stat(5): a name in parentheses may have blanks. Behind it utime and stime are the
    // 12th and 13th fields, the resident pages the 22nd.
    const pid = Number(/^(\d+) \(/.exec(line)?.[1]);
    if (!Number.isInteger(pid)) continue;
    const fields = line.slice(line.lastIndexOf(") ") + 2).split(" ").map(Number);
    processes[pid] = {
      userSeconds: fields[11]! / TICKS_PER_SECOND,
      systemSeconds: fields[12]! / TICKS_PER_SECOND,
      residentKib: fields[21]! * PAGE_KIB,
    };
  }
  if (pids.some((pid) => processes[pid] === undefined)) {
    throw new Error("a process of the run has ended");
  }
  return { at, processes, machine: machineUse(text) };
}

/** proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal. */
function machineUse(text: string): MachineUse {
  const fields = /^cpu +(.*)$/m.exec(text)?.[1]?.split(" ").map(Number) ?? [];
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] =
    fields.map((ticks) => ticks / TICKS_PER_SECOND);
  return {
    busySeconds: user + nice + system + irq + softirq + steal,
    idleSeconds: idle + iowait,
    softirqSeconds: softirq,
  };
}

/** Resident memory of processes added up: what they have in common counts for each. */
export async function residentKib(pids: readonly number[]): Promise<number> {
  const { processes } = await look(pids);
  return Object.values(processes).reduce((sum, each) => sum + each.residentKib, 0);
}

/** The processes' shares of memory: what several map counts once, divided among them. */
export async function proportionalKib(pids: readonly number[]): Promise<number> {
  const text = await cat(pids.map((pid) => `/proc/${pid}/smaps_rollup`));
  return [...text.matchAll(/^Pss: +(\d+) kB$/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
}

/** @returns What there is of them. */
export async function cat(files: readonly string[]): Promise<string> {
  const { stdout } = await new Deno.Command("cat", { args: [...files], stderr: "null" }).output();
  return new TextDecoder().decode(stdout);
}

/** CPU time of processes, all threads of each, added up. @throws When one of them has ended. */
export async function cpuSeconds(pids: readonly number[]): Promise<number> {
  const { processes } = await look(pids);
  return Object.values(processes).reduce(
    (sum, { userSeconds, systemSeconds }) => sum + userSeconds + systemSeconds,
    0,
  );
}

/** CPU time of a process's threads with this name. @throws When there is none. */
export async function threadSeconds(pid: number, name: string): Promise<number> {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `cat /proc/${pid}/task/*/stat`],
    stderr: "null",
  }).output();
  const lines = new TextDecoder().decode(stdout).split("\n")
    .filter((line) => line.includes(` (${name}) `));
  if (lines.length === 0) throw new Error(`no thread ${name} in process ${pid}`);
  return lines.reduce((sum, line) => {
    const fields = line.slice(line.lastIndexOf(") ") + 2).split(" ").map(Number);
    return sum + (fields[11]! + fields[12]!) / TICKS_PER_SECOND;
  }, 0);
}

/** What processes had the kernel write to disk, or will have: pages that they changed, whole. */
export async function writtenBytes(pids: readonly number[]): Promise<number> {
  const text = await cat(pids.map((pid) => `/proc/${pid}/io`));
  return [...text.matchAll(/^write_bytes: (\d+)$/gm)]
    .reduce((sum, match) => sum + Number(match[1]), 0);
}
