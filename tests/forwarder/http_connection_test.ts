import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { systemClock, within } from "../../lib/clock.ts";
import { backendAddress } from "../../lib/forwarder/dial.ts";
import {
  type ConnectionOwner,
  HttpConnection,
  NEVER_LEFT,
  type Sent,
} from "../../lib/forwarder/http_connection.ts";
import { Post } from "../../lib/forwarder/layer.ts";
import { RequestWriter } from "../../lib/forwarder/request_writer.ts";
import { request } from "../support/backend_reply.ts";

/** A socket that takes `takes` bytes and then no more, and on which nothing comes until it is closed. */
function halfDeaf(takes: number): Deno.Conn {
  let end: (() => void) | undefined;
  const socket = {
    write(bytes: Uint8Array): Promise<number> {
      const taken = Math.min(takes, bytes.length);
      takes -= taken;
      return taken > 0 ? Promise.resolve(taken) : Promise.reject(new Deno.errors.BrokenPipe());
    },
    read: () => new Promise<null>((resolve) => end = () => resolve(null)),
    close: () => end?.(),
  };
  return socket as unknown as Deno.Conn;
}

/** Notes how an exchange ended. */
class Owner implements ConnectionOwner {
  readonly maxBytes = 100;
  readonly writer = new RequestWriter(backendAddress("http://127.0.0.1:1/"), {
    userAgent: "ws2api/test",
    signKeys: undefined,
    clock: systemClock,
  });
  readonly #ended = Promise.withResolvers<Sent>();
  readonly outcome = this.#ended.promise;
  closed(): void {}
  idle(): void {}
  answered(): void {}
  ended(_connection: HttpConnection, _post: Post, sent: Sent): void {
    this.#ended.resolve(sent);
  }
}

Deno.test("a request that was taken in part may have arrived, one of which nothing was taken has not", async () => {
  const post = new Post(request("call"), { replied() {} });
  const none = new Owner();
  new HttpConnection(halfDeaf(0), none).exchange(post);
  strictEqual(await none.outcome, NEVER_LEFT);
  const part = new Owner();
  const connection = new HttpConnection(halfDeaf(1), part);
  connection.exchange(post);
  // There may still be an answer to the part.
  strictEqual(await within(systemClock, part.outcome, 20), false);
  connection.close();
  deepStrictEqual(await part.outcome, { ok: false, fault: "broken" });
});
