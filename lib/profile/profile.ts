/**
 * Profiles of one thread, written to files that `go tool pprof` reads.
 *
 * @module
 */

import { type Clock, within } from "../clock.ts";
import type { Log } from "../log/log.ts";
import type { Random } from "../random.ts";
import { CpuRecorder } from "./cpu.ts";
import { HeapRecorder } from "./heap.ts";
import { Inspector } from "./inspector.ts";
import { createLocate } from "./locate.ts";
import { replaceFile, tryReplaceFile } from "./replace_file.ts";

/** Where the profiles of a thread go. Every thread needs names of its own. */
export interface ProfileFiles {
  readonly cpuFile: string | undefined;
  readonly memFile: string | undefined;
}

/** The profiles of the thread that started them. */
export interface Profiles {
  /**
   * Writes what there is so far: the CPU profile from the start on, the heap profile of what is alive
   * now. Never rejects: what goes wrong is logged, and the earlier file stays. While one write is
   * under way and one waits, a third is the one that waits.
   */
  write(): Promise<void>;
  /**
   * Writes for the last time and ends the sampling. Once only; never rejects.
   *
   * @param timeoutMs How long that may take; a disk that hangs must not hold the shutdown.
   */
  stop(timeoutMs: number): Promise<void>;
}

export type StartedProfiles =
  | { readonly ok: true; readonly profiles: Profiles }
  /** One line that names the flag and the file. */
  | { readonly ok: false; readonly message: string };

export interface ProfileDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Puts a file in its place as a whole. */
  readonly replaceFile?: (name: string, bytes: Uint8Array) => Promise<void>;
}

interface Recorder {
  take(): Promise<Uint8Array>;
}

interface Target {
  readonly file: string;
  readonly recorder: Recorder;
}

/**
 * Starts to profile the thread that this is called in, best before all else that it runs.
 *
 * @returns A message when a file cannot be written there, or the inspector may not be used
 *   (`--allow-sys`); nothing is sampled then.
 */
export async function startProfiles(
  { cpuFile, memFile }: ProfileFiles,
  deps: ProfileDeps,
): Promise<StartedProfiles> {
  const { clock, random, log } = deps;
  for (const [flag, file] of [["cpuprofile", cpuFile], ["memprofile", memFile]] as const) {
    try {
      if (file !== undefined) await tryReplaceFile(file, random);
    } catch (error) {
      const message = `--${flag}: ${JSON.stringify(file)} cannot be written (${nameOf(error)}); ` +
        "allowed is a file in a folder that exists and can be written to";
      return { ok: false, message };
    }
  }
  let inspector: Inspector;
  try {
    inspector = new Inspector();
  } catch (error) {
    const flag = cpuFile === undefined ? "memprofile" : "cpuprofile";
    return { ok: false, message: `--${flag}: needs deno's --allow-sys (${nameOf(error)})` };
  }
  const locate = createLocate();
  const targets: Target[] = [];
  let cpu: CpuRecorder | undefined;
  if (memFile !== undefined) {
    targets.push({ file: memFile, recorder: await HeapRecorder.start(inspector, locate, clock) });
  }
  if (cpuFile !== undefined) {
    cpu = await CpuRecorder.start(inspector, locate, deps);
    targets.push({ file: cpuFile, recorder: cpu });
  }

  let last = Promise.resolve();
  let waiting: Promise<void> | undefined;
  function write(): Promise<void> {
    return waiting ??= last = last.then(async () => {
      waiting = undefined;
      for (const { file, recorder } of targets) await writeOne(file, recorder, deps);
    });
  }

  async function stop(timeoutMs: number): Promise<void> {
    const isWritten = await within(clock, write(), timeoutMs);
    if (!isWritten) log.error("profiles not written in time");
    cpu?.stop();
    inspector.close();
  }

  return { ok: true, profiles: { write, stop } };
}

async function writeOne(file: string, recorder: Recorder, deps: ProfileDeps): Promise<void> {
  const { log, random } = deps;
  const replace = deps.replaceFile ?? ((name, whole) => replaceFile(name, whole, random));
  try {
    const bytes = await recorder.take();
    const zipped = new Blob([new Uint8Array(bytes)]).stream()
      .pipeThrough(new CompressionStream("gzip"));
    await replace(file, await new Response(zipped).bytes());
    log.info("profile written", { file });
  } catch (error) {
    log.error("profile not written", { file, error: String(error) });
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
