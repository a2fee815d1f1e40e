import { ok, strictEqual } from "node:assert/strict";
import { terminate } from "../../lib/socket/terminate.ts";
import { Inbox, inTime } from "../support/deadline.ts";
import { ByteSocket, frameBytes } from "../support/websocket_bytes.ts";

const MIB = 1024 ** 2;
const BLOCKED_MIB = 32;

/** A server that hands over each socket when it is open, and is told nothing else. */
class SocketServer implements AsyncDisposable {
  readonly #opened = new Inbox<WebSocket>();
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
      socket.addEventListener("open", () => this.#opened.put(socket));
      return response;
    },
  );

  /** A raw peer that answers nothing by itself, and the socket at this end. */
  async connect(): Promise<{ peer: ByteSocket; socket: WebSocket }> {
    const peer = await ByteSocket.upgrade(`http://127.0.0.1:${this.#server.addr.port}`, "/");
    return { peer, socket: await this.#opened.take("a socket that opens") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await inTime(this.#server.shutdown(), "the server's end");
  }
}

/** Resolves at the close event. */
function closeOf(socket: WebSocket): Promise<CloseEvent> {
  const closed = new Promise<CloseEvent>((resolve) => {
    socket.addEventListener("close", resolve, { once: true });
  });
  return inTime(closed, "the close event");
}

// A rejection that nobody handles fails this whole file: the runner sees to that.

Deno.test("an open socket is cut: its peer sees the end without a close frame, and the close event comes", async () => {
  await using server = new SocketServer();
  const { peer, socket } = await server.connect();
  using _ = peer;
  const closed = closeOf(socket);
  strictEqual(terminate(socket), true);
  strictEqual((await peer.untilEnd()).end, "cut");
  // Nothing is said of its code: the runtime reports 1005, as if the peer had closed.
  strictEqual((await closed).code, 1005);
  strictEqual(socket.readyState, WebSocket.CLOSED);
});

Deno.test("a socket whose peer ignores the close frame is cut", async () => {
  await using server = new SocketServer();
  const { peer, socket } = await server.connect();
  using _ = peer;
  const closed = closeOf(socket);
  socket.close(1008, "go");
  strictEqual((await peer.frame())?.opcode, 8);
  strictEqual(socket.readyState, WebSocket.CLOSING);
  strictEqual(terminate(socket), true);
  strictEqual(await peer.frame(), undefined);
  await closed;
});

/** A socket whose peer reads nothing, with far more waiting than the kernel takes. */
async function blocked(server: SocketServer): Promise<{ peer: ByteSocket; socket: WebSocket }> {
  const pair = await server.connect();
  const text = "x".repeat(MIB);
  for (let i = 0; i < BLOCKED_MIB; i++) pair.socket.send(text);
  ok(pair.socket.bufferedAmount > 0);
  return pair;
}

Deno.test("the close event comes also when the peer does not read", async () => {
  await using server = new SocketServer();
  const { peer, socket } = await blocked(server);
  using _ = peer;
  const closed = closeOf(socket);
  socket.close(1008, "not reading");
  strictEqual(terminate(socket), true);
  await closed;
  await peer.untilEnd();
});

Deno.test("the runtime's own: a blocked write keeps the connection and all that waits, cut or not", async () => {
  await using server = new SocketServer();
  const { peer, socket } = await blocked(server);
  using _ = peer;
  const closed = closeOf(socket);
  terminate(socket);
  await closed;
  // The reason for `Unsent`, which hands the runtime little ahead.
  const { frames } = await peer.untilEnd();
  strictEqual(frames.length, BLOCKED_MIB);
});

Deno.test("cutting twice, and after the end, does no harm", async () => {
  await using server = new SocketServer();
  const first = await server.connect();
  const second = await server.connect();
  using _ = first.peer;
  using __ = second.peer;
  const closed = closeOf(first.socket);
  terminate(first.socket);
  terminate(first.socket);
  await closed;
  terminate(first.socket);
  // The other one did not notice.
  await second.peer.write(frameBytes("hello"));
  const message = new Promise((resolve) =>
    second.socket.addEventListener("message", ({ data }) => resolve(data), { once: true })
  );
  strictEqual(await inTime(message, "a message"), "hello");
  const ended = closeOf(second.socket);
  second.socket.close();
  await second.peer.untilEnd();
  await ended;
  terminate(second.socket);
});

Deno.test("an object that is no socket gives false", async (t) => {
  const rows: [name: string, value: object][] = [
    ["an empty object", {}],
    ["a function", () => {}],
    ["an event target", new EventTarget()],
    ["a symbol that only looks the same", { [Symbol("rid")]: 3 }],
    ["a resource id that is no number", { [Symbol("[[rid]]")]: "3" }],
    ["a frozen object without a prototype", Object.freeze(Object.create(null))],
  ];
  for (const [name, value] of rows) {
    await t.step(name, () => strictEqual(terminate(value), false));
  }
});

Deno.test("what is buffered of an unfinished message is freed", async () => {
  const SOCKETS = 10;
  const SENT_MIB = 30;
  await using server = new SocketServer();
  const pairs = [];
  for (let i = 0; i < SOCKETS; i++) pairs.push(await server.connect());
  using stack = new DisposableStack();
  for (const { peer } of pairs) stack.use(peer);
  const before = Deno.memoryUsage().rss;
  const chunk = new Uint8Array(MIB);
  const start = frameBytes("", { lengthBits: 64, length: 60 * MIB });
  await Promise.all(pairs.map(async ({ peer }) => {
    await peer.write(start);
    for (let i = 0; i < SENT_MIB; i++) await peer.write(chunk);
  }));
  const least = SOCKETS * (SENT_MIB - 10) * MIB;
  const grown = await residentUntil((rss) => rss - before > least, "the messages are buffered");
  const closed = Promise.all(pairs.map(({ socket }) => closeOf(socket)));
  for (const { socket } of pairs) strictEqual(terminate(socket), true);
  await closed;
  // The peers still hold their ends: nothing was freed by their going.
  await residentUntil((rss) => rss - before < (grown - before) / 2, "half of it is freed");
});

/** Looks at the resident memory until it fits. */
async function residentUntil(fits: (rss: number) => boolean, what: string): Promise<number> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const { rss } = Deno.memoryUsage();
    if (fits(rss)) return rss;
    ok(performance.now() < deadline, `not in time: ${what}, resident ${Math.round(rss / MIB)} MiB`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
