/**
 * What a process costs: resident memory and CPU time, from Linux's /proc.
 *
 * @module
 */

/** One look at a process. */
export interface Usage {
  readonly residentKib: number;
  /** User and system time since the process began. */
  readonly cpuSeconds: number;
}

/** Linux shows CPU time in these to every program, whatever its own tick is. */
const TICKS_PER_SECOND = 100;

/**
 * Looks at a process, by way of `cat`: reading /proc oneself takes --allow-all.
 *
 * @returns Undefined when there is no such process (any more), and on systems without /proc.
 */
export async function readUsage(pid: number): Promise<Usage | undefined> {
  const { success, stdout } = await new Deno.Command("cat", {
    args: [`/proc/${pid}/status`, `/proc/${pid}/stat`],
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  const residentKib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]);
  if (!success || !Number.isInteger(residentKib)) return undefined;
  // proc_pid_stat(5): the name stands in parentheses and may have blanks; utime and stime are the
  // 14th and 15th fields, the 12th and 13th behind it.
  const fields = text.slice(text.lastIndexOf(") ") + 2).split(" ");
  return { residentKib, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND };
}

/** Looks at a process each second. */
export class UsageSampler {
  readonly #pid: number;
  readonly #timer: ReturnType<typeof setInterval>;
  #before: Usage | undefined;
  #last: Usage | undefined;
  #maxResidentKib = 0;

  private constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => void this.#sample(), 1000);
  }

  static async start(pid: number): Promise<UsageSampler> {
    const sampler = new UsageSampler(pid);
    await sampler.#sample();
    sampler.#before = sampler.#last;
    return sampler;
  }

  async #sample(): Promise<void> {
    const usage = await readUsage(this.#pid);
    if (usage === undefined) return;
    this.#last = usage;
    this.#maxResidentKib = Math.max(this.#maxResidentKib, usage.residentKib);
  }

  /** Takes a last look. */
  async stop(): Promise<UsageSummary | null> {
    clearInterval(this.#timer);
    await this.#sample();
    if (this.#before === undefined || this.#last === undefined) return null;
    return {
      residentBeforeKib: this.#before.residentKib,
      residentEndKib: this.#last.residentKib,
      residentMaxKib: this.#maxResidentKib,
      cpuSeconds: this.#last.cpuSeconds - this.#before.cpuSeconds,
    };
  }
}

/** A process from the first look to the last; the maximum is of samples a second apart. */
export interface UsageSummary {
  readonly residentBeforeKib: number;
  readonly residentEndKib: number;
  readonly residentMaxKib: number;
  readonly cpuSeconds: number;
}
