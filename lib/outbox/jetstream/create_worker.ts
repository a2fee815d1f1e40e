/**
 * The web worker that the outbox runs in.
 *
 * @module
 */

/**
 * Makes one. It may use the network, since the servers of NATS name others, and nothing else.
 *
 * @throws When this thread itself may not.
 */
export function createLedgerWorker(): Worker {
  // In this form `deno compile` sees which file it is.
  return new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: "outbox",
    deno: {
      permissions: {
        net: "inherit",
        env: false,
        read: false,
        write: false,
        sys: false,
        run: false,
        ffi: false,
        import: false,
      },
    },
  });
}
