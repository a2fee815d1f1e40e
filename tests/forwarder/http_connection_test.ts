import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { HttpConnection, NEVER_LEFT } from "../../lib/forwarder/http_connection.ts";
import { within } from "../../lib/clock.ts";
import { systemClock } from "../../lib/clock.ts";

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

Deno.test("a request that was taken in part may have arrived, one of which nothing was taken has not", async () => {
  const ignore = { maxBytes: 100, onIdle: () => {}, onClosed: () => {} };
  strictEqual(
    await new HttpConnection(halfDeaf(0), ignore).exchange("POST / HTTP/1.1"),
    NEVER_LEFT,
  );
  const connection = new HttpConnection(halfDeaf(1), ignore);
  const sent = connection.exchange("POST / HTTP/1.1");
  // There may still be an answer to the part.
  strictEqual(await within(systemClock, sent, 20), false);
  connection.close();
  deepStrictEqual(await sent, { ok: false, fault: "broken" });
});
