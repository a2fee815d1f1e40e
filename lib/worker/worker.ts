/**
 * Where a web worker begins. Importing this file makes the thread a worker of the gateway: only
 * `new Worker` may.
 *
 * @module
 */

import { serveOrders, type WorkerScope } from "./serve.ts";

serveOrders(globalThis as unknown as WorkerScope);
