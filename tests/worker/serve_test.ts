import { deepStrictEqual, ok } from "node:assert/strict";
import type { FromThread, ToThread } from "../../lib/worker/message.ts";
import { serveOrders, type WorkerScope } from "../../lib/worker/serve.ts";
import { Inbox } from "../support/deadline.ts";

/** A worker's global scope that records. */
class FakeScope extends EventTarget {
  readonly said = new Inbox<FromThread | "closed">();

  postMessage(message: FromThread): void {
    this.said.put(message);
  }

  close(): void {
    this.said.put("closed");
  }

  order(message: ToThread): void {
    this.dispatchEvent(new MessageEvent("message", { data: message }));
  }
}

function start(): FakeScope {
  const scope = new FakeScope();
  serveOrders(scope as unknown as WorkerScope);
  return scope;
}

Deno.test("an error that nobody catches is a worker's last word, and nothing runs behind it", () => {
  const error = new TypeError("a bug");
  const rejected = Promise.reject(error);
  rejected.catch(() => {});
  const events = [
    new ErrorEvent("error", { error, message: "Uncaught a bug", cancelable: true }),
    new PromiseRejectionEvent("unhandledrejection", {
      promise: rejected,
      reason: error,
      cancelable: true,
    }),
  ];
  for (const event of events) {
    const scope = start();
    scope.dispatchEvent(event);
    ok(event.defaultPrevented);
    const death = { message: "a bug", stack: error.stack! };
    deepStrictEqual(scope.said.left, [{ kind: "loaded" }, { kind: "died", death }, "closed"]);
  }
});

Deno.test("what is thrown that is no error is told as text", () => {
  const scope = start();
  scope.dispatchEvent(new ErrorEvent("error", { error: 7, cancelable: true }));
  const [, died] = scope.said.left;
  ok(typeof died === "object" && died.kind === "died");
  deepStrictEqual(died.death.message, "7");
});

Deno.test("orders before the start do nothing, and each is answered, in order", async () => {
  const scope = start();
  await scope.said.take("the first message");
  const pair = { cert: "", key: "" };
  scope.order({ kind: "order", id: 1, order: { kind: "reload_tls", pair } });
  scope.order({ kind: "order", id: 2, order: { kind: "write_profiles" } });
  scope.order({ kind: "order", id: 3, order: { kind: "shutdown", elapsedMs: 0, clients: 0 } });
  for (const id of [1, 2, 3]) {
    const answer = await scope.said.take(`the answer to ${id}`);
    deepStrictEqual(answer, { kind: "done", id, done: { ok: true } });
  }
});
