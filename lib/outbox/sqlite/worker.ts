/**
 * Where the outbox's thread begins. Importing this file makes the thread that of an outbox: only
 * `new Worker` may.
 *
 * @module
 */

import { type OutboxScope, serveOutbox } from "./serve.ts";

serveOutbox(globalThis as unknown as OutboxScope);
