/**
 * Whether `--max-memory` makes sense on this machine.
 *
 * @module
 */

/** What a thread takes beside the process, without a client. */
const WORKER_BYTES = 20 * 1024 ** 2;
/** What listening takes beyond what the program has taken before. */
const STARTED_SHARE = 1.1;
/** Below this many times what the gateway takes, few clients have room. */
const ROOMY = 2;

export interface MemoryFacts {
  readonly maxMemoryBytes: number;
  /** Threads. */
  readonly workers: number;
  /** What the process takes now, before it listens. */
  readonly residentBytes: number;
  /** What the machine has. */
  readonly machineBytes: number;
}

export type MemorySense =
  | { readonly kind: "good" }
  /** It works; `reason` says what is odd. */
  | { readonly kind: "odd"; readonly reason: string }
  /** No client would ever be let in. */
  | { readonly kind: "refuse"; readonly message: string };

/** Judges it. Pure. */
export function memorySense(
  { maxMemoryBytes, workers, residentBytes, machineBytes }: MemoryFacts,
): MemorySense {
  const extra = workers > 1 ? workers * WORKER_BYTES : 0;
  const idle = residentBytes * STARTED_SHARE + extra;
  if (maxMemoryBytes < idle) {
    return {
      kind: "refuse",
      message:
        `--max-memory: ${mebibytes(maxMemoryBytes)} is not allowed: the gateway takes about ` +
        `${mebibytes(idle)} without a client; allowed is more`,
    };
  }
  if (maxMemoryBytes > machineBytes) {
    const reason =
      `it is more than this machine has (${mebibytes(machineBytes)}): the system would ` +
      "end the gateway before the limit is reached";
    return { kind: "odd", reason };
  }
  if (maxMemoryBytes < ROOMY * idle) {
    const reason = `the gateway takes about ${mebibytes(idle)} of it without a client`;
    return { kind: "odd", reason };
  }
  return { kind: "good" };
}

/** Bytes as a person writes them. */
export function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)}MiB`;
}
