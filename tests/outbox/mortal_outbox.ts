/**
 * An outbox's thread that dies when a test tells it to, and hangs when it is told that.
 *
 * @module
 */

import { type OutboxScope, serveOutbox } from "../../lib/outbox/sqlite/serve.ts";

const scope = globalThis as unknown as OutboxScope;
serveOutbox(scope);
const serve = scope.onmessage!;
scope.onmessage = (event) => {
  if ((event.data as unknown) === "die") throw new Error("killed by a test");
  serve.call(scope as never, event);
};
