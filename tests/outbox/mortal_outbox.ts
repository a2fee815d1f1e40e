/**
 * An outbox's thread that dies when a test tells it to, and hangs when it is told that.
 *
 * @module
 */

import { serveSqlite } from "../../lib/outbox/sqlite/serve.ts";
import type { OutboxScope } from "../../lib/outbox/thread/serve.ts";

const scope = globalThis as unknown as OutboxScope<string>;
serveSqlite(scope);
const serve = scope.onmessage!;
scope.onmessage = (event) => {
  if ((event.data as unknown) === "die") throw new Error("killed by a test");
  serve.call(scope as never, event);
};
