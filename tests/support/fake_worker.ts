/**
 * A web worker without a thread: what it does comes from the test.
 *
 * @module
 */

import type { Done, FromThread, Order, ToThread } from "../../lib/worker/message.ts";
import type { WorkerLike } from "../../lib/worker/thread.ts";

export class FakeWorker extends EventTarget implements WorkerLike {
  readonly got: ToThread[] = [];
  readonly transferred: Transferable[] = [];
  wasTerminated = false;
  /** How orders end; undefined for one that does not. */
  onOrder: (order: Order) => Done | undefined = () => ({ ok: true });

  postMessage(message: ToThread, transfer: Transferable[] = []): void {
    this.got.push(message);
    this.transferred.push(...transfer);
    if (message.kind !== "order") return;
    const done = this.onOrder(message.order);
    if (done !== undefined) this.say({ kind: "done", id: message.id, done });
  }

  terminate(): void {
    this.wasTerminated = true;
  }

  say(message: FromThread): void {
    this.dispatchEvent(new MessageEvent("message", { data: message }));
  }

  /** The runtime tells that it has died. @returns Whether that was taken care of. */
  die(message: string): boolean {
    const event = new ErrorEvent("error", { message, cancelable: true });
    this.dispatchEvent(event);
    return event.defaultPrevented;
  }
}
