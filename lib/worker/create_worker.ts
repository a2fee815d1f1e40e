/**
 * The web worker that a gateway runs in.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { WorkerLike } from "./thread.ts";

/**
 * Makes one. The main thread keeps the permissions that this needs; the worker gets no more than it
 * needs itself.
 *
 * @param number From 1; names it in what the runtime prints.
 */
export function createWorker(number: number, config: Config): WorkerLike {
  const { cpuProfileFile, memProfileFile, backend } = config;
  const isProfiled = cpuProfileFile !== undefined || memProfileFile !== undefined;
  const files = isProfiled || backend.startsWith("unix:") ? "inherit" : false;
  // In this form `deno compile` sees which file it is.
  return new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: String(number),
    deno: {
      permissions: {
        net: "inherit",
        env: false,
        read: files,
        write: files,
        sys: isProfiled ? "inherit" : false,
        run: false,
        ffi: false,
      },
    },
  });
}
