/**
 * The outbox in a web worker.
 *
 * @module
 */

import { takeUncaught, type UncaughtScope } from "../../uncaught.ts";
import { systemClock } from "../../clock.ts";
import { Database } from "./database.ts";
import type { DeskPort } from "../thread/places.ts";
import { Desk } from "./desk.ts";
import { reasonOf } from "./fault.ts";
import type { Command, Told } from "../thread/message.ts";

/** The part of a worker's global scope that is used. */
export interface OutboxScope extends UncaughtScope {
  postMessage(message: Told): void;
  onmessage: ((event: MessageEvent<Command<string>>) => void) | null;
  /** Nothing runs any more, not even what stands behind it. */
  close(): void;
}

/** Does what the main thread says. An error that nobody catches ends the thread, and is told to the main thread. */
export function serveOutbox(scope: OutboxScope): void {
  const tell = (told: Told): void => scope.postMessage(told);
  let desk: Desk | undefined;

  async function open(folder: string): Promise<void> {
    try {
      const database = Database.open(folder);
      desk = new Desk({ database, clock: systemClock, tell });
      const { calls, reports } = database.count();
      // An open file stays open.
      await Deno.permissions.revoke({ name: "read" });
      await Deno.permissions.revoke({ name: "write" });
      tell({ kind: "opened", calls, reports });
    } catch (error) {
      tell({ kind: "refused", reason: reasonOf(error) });
    }
  }

  function die(error: unknown): void {
    tell({ kind: "died", error: error instanceof Error ? error.stack ?? "" : String(error) });
    scope.close();
  }

  takeUncaught(scope, die);
  scope.onmessage = ({ data }) => {
    switch (data.kind) {
      case "open":
        return void open(data.place);
      case "attach":
        return desk?.attach(data.owner, data.port as DeskPort);
      case "recover":
        // Rejects only for a bug, which ends the thread.
        return void desk?.recover(data.owner, data.heir, data.ask, tell);
      case "close":
        desk?.close();
        return tell({ kind: "closed" });
    }
  };
}
