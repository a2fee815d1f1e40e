/**
 * An outbox in a web worker.
 *
 * @module
 */

import { takeUncaught, type UncaughtScope } from "../../uncaught.ts";
import type { Command, FoundPart, Told } from "./message.ts";
import type { DeskPort } from "./places.ts";

/** The part of a worker's global scope that is used. */
export interface OutboxScope<Place> extends UncaughtScope {
  postMessage(message: Told): void;
  onmessage: ((event: MessageEvent<Command<Place>>) => void) | null;
  /** Nothing runs any more, not even what stands behind it. */
  close(): void;
}

/** What does the outbox's work. */
export interface Desk {
  attach(owner: number, port: DeskPort): void;
  /** Rejects only for a bug. */
  recover(
    owner: number,
    heir: number,
    ask: number,
    post: (part: FoundPart) => void,
  ): Promise<void>;
  close(): void | Promise<void>;
}

/** What came of an opening: a desk, and how much was found; or why there is none, in one line. */
export type OpenedDesk =
  | { readonly ok: true; readonly desk: Desk; readonly calls: number; readonly reports: number }
  | { readonly ok: false; readonly reason: string };

/**
 * Does what the main thread says. An error that nobody catches ends the thread, and is told to the main
 * thread.
 *
 * @param open Must not reject.
 */
export function serveOutbox<Place>(
  scope: OutboxScope<Place>,
  open: (place: Place, tell: (told: Told) => void) => Promise<OpenedDesk>,
): void {
  const tell = (told: Told): void => scope.postMessage(told);
  let desk: Desk | undefined;

  async function begin(place: Place): Promise<void> {
    const opened = await open(place, tell);
    if (!opened.ok) return tell({ kind: "refused", reason: opened.reason });
    const { calls, reports } = opened;
    desk = opened.desk;
    tell({ kind: "opened", calls, reports });
  }

  async function end(): Promise<void> {
    await desk?.close();
    tell({ kind: "closed" });
  }

  function die(error: unknown): void {
    tell({ kind: "died", error: error instanceof Error ? error.stack ?? "" : String(error) });
    scope.close();
  }

  takeUncaught(scope, die);
  scope.onmessage = ({ data }) => {
    switch (data.kind) {
      case "open":
        return void begin(data.place);
      case "attach":
        return desk?.attach(data.owner, data.port as DeskPort);
      case "recover":
        // Rejects only for a bug, which ends the thread.
        return void desk?.recover(data.owner, data.heir, data.ask, tell);
      case "close":
        return void end();
    }
  };
}
