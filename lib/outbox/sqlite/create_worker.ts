/**
 * The web worker that the outbox runs in.
 *
 * @module
 */

/**
 * Makes one. It may read and write one folder, until it has opened its file, and nothing else.
 *
 * @throws When this thread itself may not.
 */
export function createOutboxWorker(folder: string): Worker {
  // In this form `deno compile` sees which file it is.
  return new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: "outbox",
    deno: {
      permissions: {
        net: false,
        env: false,
        read: [folder],
        write: [folder],
        sys: false,
        run: false,
        ffi: false,
        import: false,
      },
    },
  });
}
