/**
 * The outbox on disk in a web worker.
 *
 * @module
 */

import { systemClock } from "../../clock.ts";
import type { Told } from "../thread/message.ts";
import { type OpenedDesk, type OutboxScope, serveOutbox } from "../thread/serve.ts";
import { Database } from "./database.ts";
import { Desk } from "./desk.ts";
import { reasonOf } from "./fault.ts";

/** Does what the main thread says, with the file in the folder that it names. */
export function serveSqlite(scope: OutboxScope<string>): void {
  serveOutbox(scope, open);
}

async function open(folder: string, tell: (told: Told) => void): Promise<OpenedDesk> {
  try {
    const database = Database.open(folder);
    const desk = new Desk({ database, clock: systemClock, tell });
    const found = database.count();
    // An open file stays open.
    await Deno.permissions.revoke({ name: "read" });
    await Deno.permissions.revoke({ name: "write" });
    return { ok: true, desk, ...found };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}
