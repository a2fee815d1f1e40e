import { strictEqual } from "node:assert/strict";
import { clearIdleTimer, forgetRequest } from "../../lib/socket/forget_request.ts";
import { inTime } from "../support/deadline.ts";

/** A server-side socket, open, with an idle time-out, and the client at its other end. */
async function open(): Promise<{ socket: WebSocket; client: WebSocket; stop(): Promise<void> }> {
  const opened = Promise.withResolvers<WebSocket>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { response, socket } = Deno.upgradeWebSocket(request, { idleTimeout: 60 });
    socket.addEventListener("open", () => queueMicrotask(() => opened.resolve(socket)));
    return response;
  });
  const client = new WebSocket(`ws://127.0.0.1:${server.addr.port}/`);
  const clientOpened = new Promise((resolve) => client.addEventListener("open", resolve));
  const closed = new Promise((resolve) => client.addEventListener("close", resolve));
  await inTime(clientOpened, "the client's open");
  return {
    socket: await inTime(opened.promise, "the open socket"),
    client,
    async stop() {
      client.close();
      await inTime(closed, "the close");
      await server.shutdown();
    },
  };
}

Deno.test("an open socket lets go of its request, once, and goes on working", async () => {
  const { socket, client, stop } = await open();
  const ended = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
  // Fails when an update of the runtime looks different: then look again what a socket keeps.
  strictEqual(forgetRequest(socket), true);
  strictEqual(forgetRequest(socket), false);
  const message = new Promise((resolve) =>
    socket.addEventListener("message", ({ data }) => resolve(data))
  );
  client.send("still there");
  strictEqual(await inTime(message, "a message"), "still there");
  await stop();
  strictEqual((await inTime(ended, "the close event")).wasClean, true);
  // Without this the idle time-out's timer would outlive the socket, and this test would fail for it.
  clearIdleTimer(socket);
});

Deno.test("what is no socket of the runtime has nothing to let go of", () => {
  strictEqual(forgetRequest(new EventTarget()), false);
  clearIdleTimer({});
});
