/**
 * A worker of the gateway that dies when a test tells it to.
 *
 * @module
 */

import { serveOrders, type WorkerScope } from "../../lib/worker/serve.ts";

const scope = globalThis as unknown as WorkerScope;

// Before the gateway's own listener, which does not know this message.
scope.addEventListener("message", (event) => {
  if ((event.data as unknown) !== "die") return;
  event.stopImmediatePropagation();
  throw new Error("killed by a test");
});
serveOrders(scope);
