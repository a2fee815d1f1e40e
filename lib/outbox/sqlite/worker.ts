/**
 * Where the outbox's thread begins. Importing this file makes the thread that of an outbox: only
 * `new Worker` may.
 *
 * @module
 */

import type { OutboxScope } from "../thread/serve.ts";
import { serveSqlite } from "./serve.ts";

serveSqlite(globalThis as unknown as OutboxScope<string>);
