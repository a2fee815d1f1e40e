/**
 * Where the outbox's thread begins. Importing this file makes the thread that of an outbox: only
 * `new Worker` may.
 *
 * @module
 */

import type { OutboxScope } from "../thread/serve.ts";
import { type LedgerPlace, serveLedger } from "./serve.ts";

serveLedger(globalThis as unknown as OutboxScope<LedgerPlace>);
