/**
 * The inspector of the thread that this runs in.
 *
 * @module
 */

import { Session } from "node:inspector";

/** The commands that profiles need, with what each takes and gives. */
export interface Commands {
  "Profiler.enable": { takes: undefined; gives: void };
  "Profiler.setSamplingInterval": { takes: { interval: number }; gives: void };
  "HeapProfiler.startSampling": { takes: { samplingInterval: number }; gives: void };
  "HeapProfiler.getSamplingProfile": { takes: undefined; gives: { profile: HeapProfile } };
}

/** A function as V8 knows it: where it begins in the code that V8 runs, not in its source. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0; -1 for what is no JavaScript. */
  readonly lineNumber: number;
  /** From 0. */
  readonly columnNumber: number;
}

/** Tells functions apart. */
export function keyOf({ functionName, url, lineNumber, columnNumber }: CallFrame): string {
  return `${lineNumber}:${columnNumber}:${functionName}:${url}`;
}

/** A CPU profile: every call path that was seen, and how often. */
export interface CpuProfile {
  /** The first one is the root. */
  readonly nodes: readonly CpuNode[];
}

/** The end of one call path. */
export interface CpuNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly hitCount?: number | undefined;
  readonly children?: readonly number[] | undefined;
  /** The hits by line, from 1; a line may come more than once. */
  readonly positionTicks?:
    | readonly { readonly line: number; readonly ticks: number }[]
    | undefined;
}

/** A heap profile: what is alive of the allocations that were sampled. */
export interface HeapProfile {
  readonly head: HeapNode;
  readonly samples: readonly HeapSample[];
}

/** The end of one call path. */
export interface HeapNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children: readonly HeapNode[];
}

/** One object, standing for as many of its size as were allocated for each one sampled. */
export interface HeapSample {
  readonly nodeId: number;
  /** The size of all of them, in bytes. */
  readonly size: number;
}

/**
 * A connection to the inspector. No port is opened.
 *
 * Needs `--allow-sys` to connect, and nothing after that: the runtime has no narrower permission.
 */
export class Inspector {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
  }

  /** Sends one command. @returns What it gives; rejects when V8 refuses it. */
  send<N extends keyof Commands>(
    name: N,
    ...[params]: Commands[N]["takes"] extends undefined ? [] : [Commands[N]["takes"]]
  ): Promise<Commands[N]["gives"]> {
    return new Promise((resolve, reject) => {
      this.#session.post(name, params ?? {}, (error, given) => {
        if (error === null) resolve(given as Commands[N]["gives"]);
        else reject(new Error(`${name}: ${error.message}`));
      });
    });
  }

  /** Calls `take` with each profile that `console.profileEnd` ends, in any session of this thread. */
  onCpuProfile(take: (title: string, profile: CpuProfile) => void): void {
    this.#session.on("Profiler.consoleProfileFinished", ({ params }) => {
      take(params.title ?? "", params.profile);
    });
  }

  /** Ends all sampling that was begun here. */
  close(): void {
    this.#session.disconnect();
  }
}
