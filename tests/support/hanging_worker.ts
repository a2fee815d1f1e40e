/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/**
 * A worker of the gateway that hangs in a busy loop when a test tells it to.
 *
 * @module
 */

import { serveOrders, type WorkerScope } from "../../lib/worker/serve.ts";

const scope = globalThis as unknown as WorkerScope;

// Before the gateway's own listener, which does not know this message.
scope.addEventListener("message", (event) => {
  if ((event.data as unknown) !== "hang") return;
  // Said first: nothing can be said from within.
  self.postMessage({ kind: "bus", message: { kind: "forget", clientId: "none" } });
  for (;;);
});
serveOrders(scope);
