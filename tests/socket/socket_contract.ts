/**
 * What every implementation of WebSockets does, on real connections.
 *
 * @module
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { listen, type Listener } from "../../lib/listener/listener.ts";
import { silentLog } from "../../lib/log/log.ts";
import { MetricSet } from "../../lib/metrics/metrics.ts";
import type { HttpRequest } from "../../lib/request.ts";
import {
  OVERSIZED,
  type Socket,
  type SocketEnd,
  type SocketMaker,
} from "../../lib/socket/socket.ts";
import { upgradeHead } from "../support/client.ts";
import { Inbox, inTime, until } from "../support/deadline.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { headerOf } from "../support/raw_client.ts";
import {
  ByteSocket,
  closeBytes,
  type End,
  fragments,
  frameBytes,
  joined,
  OPCODE,
} from "../support/websocket_bytes.ts";

const MIB = 1024 ** 2;
/** The largest message, where the implementation can bound it. */
export const MAX_MESSAGE = MIB;

/** What an implementation does of its own. */
export interface Own {
  /** Whether it looks at a message's length before the message has come. */
  readonly boundsMessages: boolean;
  /** How it ends a connection whose bytes are no WebSocket's, or no UTF-8. */
  readonly onFault: { readonly protocol: End; readonly utf8: End };
  /** Whether its close code comes also while the client goes on sending. */
  readonly closesThroughNoise: boolean;
  /** What its close event tells when it was cut, and when its client broke off. */
  readonly codes: { readonly cut: number; readonly broken: number };
  /** Whether a cut frees a connection whose client does not read. */
  readonly cutsBlocked: boolean;
  /** Whether it can stop to read. */
  readonly holds: boolean;
  /** Whether it tells the end of each socket, also where the client goes in the middle of its upgrade. */
  readonly tellsEach: boolean;
  /** Whether it waits by the clock that it is given. */
  readonly hasClock: boolean;
}

type Run = (server: Server, clock: FakeClock, t: Deno.TestContext) => Promise<void>;

/** The server's end of a connection, as the gateway listens to it. */
class Served implements EventListenerObject {
  readonly messages = new Inbox<string | object | typeof OVERSIZED>();
  readonly opened = Promise.withResolvers<void>();
  readonly ended = Promise.withResolvers<SocketEnd>();
  /** The types of all events, in order. */
  readonly events: string[] = [];
  onMessage = (): void => {};

  /** @param path Whom it is for. */
  constructor(
    readonly socket: Socket,
    readonly path: string,
    readonly maker: SocketMaker,
    readonly onOpen: () => void,
  ) {
    for (const type of ["open", "error", "close"] as const) socket.addEventListener(type, this);
  }

  handleEvent(event: Event): void {
    const { type } = event;
    this.events.push(type);
    if (type === "open") {
      this.socket.addEventListener("message", this);
      queueMicrotask(() => this.maker.opened(this.socket));
      this.onOpen();
      this.opened.resolve();
    } else if (type === "message") {
      this.messages.put((event as MessageEvent).data);
      this.onMessage();
    } else if (type === "error" && !this.events.includes("open")) {
      this.ended.resolve({ wasClean: false, code: 1006, reason: "" });
    } else if (type === "close") {
      for (const each of ["open", "message", "error", "close"] as const) {
        this.socket.removeEventListener(each, this);
      }
      this.maker.closed(this.socket);
      const { wasClean, code, reason } = event as CloseEvent;
      this.ended.resolve({ wasClean, code, reason });
    }
  }

  /** The next message, a text. */
  async text(): Promise<string> {
    return String(await this.messages.take("a message"));
  }

  /** @param client Ends its side of the connection now, as whoever has seen the other end does. */
  end(client?: ByteSocket): Promise<SocketEnd> {
    client?.[Symbol.dispose]();
    return inTime(this.ended.promise, "the close event");
  }
}

/** A listener that upgrades whoever comes. */
class Server implements AsyncDisposable {
  protocol: string | null = null;
  idleSeconds = 0;
  /** Is called for each socket in the middle of its open event. */
  onOpen = (_: Socket): void => {};
  /** Waited for before an upgrade is answered. */
  admission: Promise<void> = Promise.resolve();
  readonly asked = new Inbox<string>();
  readonly served = new Inbox<Served>();
  #count = 0;
  #listener!: Listener;

  private constructor(readonly maker: SocketMaker) {}

  static async start(maker: SocketMaker): Promise<Server> {
    const server = new Server(maker);
    server.#listener = await listen({ host: "127.0.0.1", port: 0 }, {
      ...{ tls: undefined, tcpBacklog: 100, isShared: false, hasRoom: () => true },
      ...{ log: silentLog, metrics: new MetricSet([]).metrics, clock: systemClock },
    }, async (request: HttpRequest) => {
      server.asked.put(request.url);
      await server.admission;
      const { response, socket } = maker.upgrade(request, server.protocol, server.idleSeconds);
      const { pathname } = new URL(request.url);
      server.served.put(new Served(socket, pathname, maker, () => server.onOpen(socket)));
      return response;
    });
    return server;
  }

  get url(): string {
    return this.#listener.url;
  }

  /** A client that answers nothing by itself, and the open socket at this end. */
  async connect(): Promise<{ client: ByteSocket; served: Served }> {
    const path = `/${++this.#count}`;
    const client = await ByteSocket.upgrade(this.url, path, undefined);
    const served = await this.served.take("a socket", (each) => each.path === path);
    await inTime(served.opened.promise, "an open socket");
    return { client, served };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener.stop(0);
  }
}

/** Some turns of the event loop, in which bytes go to and fro between two others. */
async function turns(server: Server): Promise<void> {
  const { client, served } = await server.connect();
  using _ = client;
  for (let i = 0; i < 30; i++) {
    await client.write(frameBytes(String(i)));
    strictEqual(await served.text(), String(i));
    served.socket.send(String(i));
    strictEqual(await client.text(), String(i));
  }
  await goes(client, served);
}

/** The client closes. */
async function goes(client: ByteSocket, served: Served): Promise<void> {
  await client.write(closeBytes(1000));
  await client.untilEnd();
  await served.end(client);
}

/**
 * Registers the suite.
 *
 * @param create Makes the implementation, which bounds messages to `MAX_MESSAGE` if it can.
 */
export function testSockets(name: string, own: Own, create: (clock: Clock) => SocketMaker): void {
  function test(what: string, run: Run, options: { sanitizeOps?: boolean } = {}): void {
    Deno.test({
      name: `${name}: ${what}`,
      ...options,
      async fn(t) {
        const clock = new FakeClock();
        {
          await using server = await Server.start(create(clock));
          await run(server, clock, t);
        }
        strictEqual(clock.timers, 0);
      },
    });
  }

  test("an upgrade is answered with its key and what was agreed", async (server) => {
    for (const protocol of [null, "ocpp1.6", "ocpp2.0.1"]) {
      server.protocol = protocol;
      using client = await ByteSocket.connect(server.url);
      await client.write(
        upgradeHead("/", { "Sec-WebSocket-Protocol": "ocpp2.0.1,ocpp1.6, other" }),
      );
      const head = await client.head();
      match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
      strictEqual(headerOf(head, "upgrade")?.toLowerCase(), "websocket");
      strictEqual(headerOf(head, "connection")?.toLowerCase(), "upgrade");
      strictEqual(headerOf(head, "sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
      strictEqual(headerOf(head, "sec-websocket-protocol"), protocol ?? undefined);
      strictEqual(headerOf(head, "sec-websocket-extensions"), undefined);
      const served = await server.served.take("a socket");
      await inTime(served.opened.promise, "an open socket");
      await goes(client, served);
      deepStrictEqual(served.events, ["open", "close"]);
    }
  });

  test("an upgrade with Content-Length: 0 is accepted", async (server) => {
    using client = await ByteSocket.connect(server.url);
    await client.write(upgradeHead("/", { "Content-Length": "0" }));
    match(await client.head(), /^HTTP\/1\.1 101 /);
    await goes(client, await server.served.take("a socket"));
  });

  test("frames in one packet with the upgrade come when it is open, in order", async (server) => {
    using client = await ByteSocket.connect(server.url);
    const head = new TextEncoder().encode(upgradeHead("/"));
    await client.write(joined([head, frameBytes("1"), frameBytes("2"), frameBytes("3")]));
    const served = await server.served.take("a socket");
    for (const text of ["1", "2", "3"]) strictEqual(await served.text(), text);
    match(await client.head(), /^HTTP\/1\.1 101 /);
    await goes(client, served);
    deepStrictEqual(served.events, ["open", "message", "message", "message", "close"]);
  });

  test("frames that come before the upgrade is answered are kept, in order", async (server) => {
    const admission = Promise.withResolvers<void>();
    server.admission = admission.promise;
    using client = await ByteSocket.connect(server.url);
    const texts = Array.from({ length: 50 }, (_, i) => `${i} ${"x".repeat(1000)}`);
    await client.write(upgradeHead("/"));
    for (const text of texts) await client.write(frameBytes(text));
    admission.resolve();
    const served = await server.served.take("a socket");
    for (const text of texts) strictEqual(await served.text(), text);
    await client.head();
    await goes(client, served);
  });

  test("texts go both ways, in their order", async (server) => {
    const { client, served } = await server.connect();
    using _ = client;
    const texts = ["", "é", "\u{1f600}", "x\ufeff", "x".repeat(125), "x".repeat(126)];
    texts.push("x".repeat(65535), "é".repeat(40_000), "x".repeat(MIB));
    for (let i = 0; i < 1000; i++) texts.push(`${i}`);
    const sent = client.write(joined(texts.map((text) => frameBytes(text))));
    for (const text of texts) strictEqual(await served.text(), text);
    await sent;
    for (const text of texts) served.socket.send(text);
    for (const text of texts) strictEqual(await client.text(), text);
    await client.write(frameBytes("\ufeff"));
    strictEqual(await served.text(), "\ufeff");
    await goes(client, served);
  });

  test("a binary message is no text", async (server) => {
    const { client, served } = await server.connect();
    using _ = client;
    await client.write(frameBytes("[]", { opcode: OPCODE.binary }));
    await client.write(fragments(["a", "b"], { opcode: OPCODE.binary }));
    await client.write(frameBytes("text"));
    for (let i = 0; i < 2; i++) strictEqual(typeof await served.messages.take("it"), "object");
    strictEqual(await served.messages.take("a text"), "text");
    await goes(client, served);
  });

  test("fragments are one message, pings between them are answered", async (server) => {
    const { client, served } = await server.connect();
    using _ = client;
    const between = joined([
      frameBytes("p", { opcode: OPCODE.ping }),
      frameBytes("x", { opcode: OPCODE.pong }),
    ]);
    await client.write(fragments(["é", "", "b"], { between }));
    strictEqual(await served.text(), "éb");
    for (let i = 0; i < 2; i++) {
      deepStrictEqual(await client.frame(), {
        opcode: OPCODE.pong,
        payload: Uint8Array.of(0x70),
      });
    }
    await goes(client, served);
    deepStrictEqual(served.events, ["open", "message", "close"]);
  });

  test(
    "a close of this end tells its code and reason, and ends when it is answered",
    async (server, _clock, t) => {
      for (
        const [code, reason] of [[1000, ""], [1008, "replaced"], [4999, "é".repeat(61)]] as const
      ) {
        await t.step(String(code), async () => {
          const { client, served } = await server.connect();
          using _ = client;
          served.socket.send("last");
          served.socket.close(code, reason);
          strictEqual(await client.text(), "last");
          const frame = await client.frame();
          deepStrictEqual(joined([frame!.payload]), closeOf(code, reason));
          strictEqual(frame?.opcode, OPCODE.close);
          await client.write(closeBytes(code, reason));
          strictEqual(await client.frame(), undefined, "the end of the connection");
          strictEqual((await served.end(client)).wasClean, true);
          deepStrictEqual(served.events, ["open", "close"]);
        });
      }
    },
  );

  test("a close of the client is answered, and told", async (server, _clock, t) => {
    const rows: [name: string, bytes: Uint8Array, answer: End, end: SocketEnd][] = [
      ["a code", closeBytes(1000), 1000, { wasClean: true, code: 1000, reason: "" }],
      ["why", closeBytes(4000, "é"), 4000, { wasClean: true, code: 4000, reason: "é" }],
      ["none", frameBytes("", { opcode: 8 }), 1005, { wasClean: true, code: 1005, reason: "" }],
    ];
    for (const [name, bytes, answer, end] of rows) {
      await t.step(name, async () => {
        const { client, served } = await server.connect();
        using _ = client;
        await client.write(bytes);
        deepStrictEqual(await client.untilEnd(), { frames: [], end: answer });
        deepStrictEqual(await served.end(client), end);
      });
    }
  });

  test("both closes at once end it, once", async (server) => {
    const { client, served } = await server.connect();
    using _ = client;
    await client.write(closeBytes(1001));
    served.socket.close(1008, "replaced");
    await client.untilEnd();
    strictEqual((await served.end(client)).wasClean, true);
    // Neither a second close nor a text does harm now.
    try {
      served.socket.close(1000, "");
      served.socket.send("late");
    } catch {
      // Allowed.
    }
    await turns(server);
    strictEqual(served.events.filter((type) => type === "close").length, 1);
  });

  if (own.closesThroughNoise) {
    test("a close's code comes also while the client goes on sending", async (server) => {
      const { client, served } = await server.connect();
      using _ = client;
      let isOver = false;
      const noise = (async () => {
        const many = joined(Array<Uint8Array>(1000).fill(frameBytes("noise")));
        while (!isOver && await client.write(many));
      })();
      await served.text();
      served.socket.close(1008, "enough");
      const frame = await client.frame();
      isOver = true;
      deepStrictEqual(joined([frame!.payload]), closeOf(1008, "enough"));
      await noise;
      await client.write(closeBytes(1008));
      strictEqual(await client.frame(), undefined);
      await served.end(client);
    });
  }

  test("what comes behind a close is no message", async (server) => {
    const { client, served } = await server.connect();
    using _ = client;
    await client.write(joined([frameBytes("1"), closeBytes(1000), frameBytes("2")]));
    deepStrictEqual(await client.untilEnd(), { frames: [], end: 1000 });
    await served.end(client);
    deepStrictEqual(served.messages.left, ["1"]);
  });

  test(
    "a connection that breaks is told as one without a close frame",
    async (server, _clock, t) => {
      for (const name of ["ends", "is cut", "ends in a message", "ends in a header"]) {
        await t.step(name, async () => {
          const { client, served } = await server.connect();
          if (name === "ends in a message") await client.write(frameBytes("a", { length: 9 }));
          if (name === "ends in a header") await client.write(frameBytes("a").subarray(0, 1));
          if (name.startsWith("ends")) {
            await client.endWriting();
            await client.untilEnd();
          }
          client[Symbol.dispose]();
          const { wasClean, code } = await served.end();
          deepStrictEqual([wasClean, code], [false, own.codes.broken]);
        });
      }
    },
  );

  test("a cut ends it without a close frame, and is told", async (server) => {
    const { client, served } = await server.connect();
    using _ = client;
    server.maker.cut(served.socket);
    deepStrictEqual(await client.untilEnd(), { frames: [], end: "cut" });
    strictEqual((await served.end()).code, own.codes.cut);
    // Once more is no fault.
    server.maker.cut(served.socket);
    await turns(server);
    strictEqual(served.events.filter((type) => type === "close").length, 1);
  });

  test("a socket whose client does not answer the close can be cut", async (server) => {
    const { client, served } = await server.connect();
    using _ = client;
    served.socket.close(1008, "go");
    strictEqual((await client.frame())?.opcode, OPCODE.close);
    server.maker.cut(served.socket);
    strictEqual(await client.frame(), undefined);
    await served.end();
  });

  test("bufferedAmount tells what the client has not taken", async (server) => {
    const { client, served } = await server.connect();
    using _ = client;
    const { socket } = served;
    strictEqual(socket.bufferedAmount, 0);
    const text = "x".repeat(MIB);
    for (let i = 0; i < 32; i++) socket.send(text);
    // The rest is with the kernel.
    ok(socket.bufferedAmount > 16 * MIB && socket.bufferedAmount < 33 * MIB);
    for (let i = 0; i < 32; i++) strictEqual((await client.text())?.length, MIB);
    await until("nothing is buffered", () => socket.bufferedAmount === 0);
    await goes(client, served);
  });

  test("a client that does not read can be cut, and that is told", async (server) => {
    const { client, served } = await server.connect();
    using _ = client;
    for (let i = 0; i < 32; i++) served.socket.send("x".repeat(MIB));
    served.socket.close(1008, "not reading");
    server.maker.cut(served.socket);
    await served.end();
    const { frames } = await client.untilEnd();
    if (own.cutsBlocked) ok(frames.length < 16, `${frames.length} MiB`);
  });

  test("bytes that are no WebSocket's end it, and that is told", async (server, _clock, t) => {
    const { protocol, utf8 } = own.onFault;
    const rows: [name: string, bytes: Uint8Array, end: End][] = [
      ["a reserved bit", frameBytes("", { rsv: 4 }), protocol],
      ["an opcode that is none", frameBytes("", { opcode: 3 }), protocol],
      ["a continuation of nothing", frameBytes("", { opcode: 0 }), protocol],
      ["a ping in fragments", frameBytes("", { opcode: 9, fin: false }), protocol],
      ["a long ping", frameBytes("x".repeat(126), { opcode: 9 }), protocol],
      ["a close of one byte", frameBytes("x", { opcode: 8 }), protocol],
      ["a close with a code that is none", closeBytes(1005), 1002],
      ["no UTF-8", frameBytes(Uint8Array.of(0xc3)), utf8],
      ["a close whose reason is no UTF-8", closeBytes(1000, Uint8Array.of(0xc3)), utf8],
    ];
    for (const [name, bytes, end] of rows) {
      await t.step(name, async () => {
        const { client, served } = await server.connect();
        using _ = client;
        await client.write(joined([frameBytes("before"), bytes, frameBytes("behind")]));
        deepStrictEqual(await client.untilEnd(), { frames: [], end });
        await served.end(client);
        deepStrictEqual(served.messages.left, ["before"]);
      });
    }
  });

  if (own.boundsMessages) {
    test(
      "a message that is too large is told by its head, and nothing behind it",
      async (server, _clock, t) => {
        const head = frameBytes("", { length: MAX_MESSAGE + 1, lengthBits: 64 });
        const start = frameBytes("x", { fin: false });
        const rest = frameBytes("", { opcode: 0, length: MAX_MESSAGE, lengthBits: 64 });
        const rows: [name: string, bytes: Uint8Array][] = [
          ["in one", head],
          ["in fragments", joined([start, rest])],
          ["binary", head.with(0, 0x82)],
          ["a length that no number is", frameBytes("", { lengthBits: 64 }).with(2, 0xff)],
        ];
        for (const [name, bytes] of rows) {
          await t.step(name, async () => {
            const { client, served } = await server.connect();
            using _ = client;
            await client.write(joined([frameBytes("before"), bytes]));
            strictEqual(await served.text(), "before");
            strictEqual(await served.messages.take("it"), OVERSIZED);
            await client.write(joined([frameBytes("x"), closeBytes(1000)]));
            served.socket.close(1009, "too large");
            deepStrictEqual(await client.untilEnd(), { frames: [], end: 1009 });
            await served.end(client);
            deepStrictEqual(served.messages.left, []);
          });
        }
      },
    );

    test("a message of the largest size comes", async (server) => {
      const { client, served } = await server.connect();
      using _ = client;
      const text = "x".repeat(MAX_MESSAGE);
      await client.write(frameBytes(text));
      strictEqual(await served.text(), text);
      await client.write(fragments([text.slice(1), "x"]));
      strictEqual(await served.text(), text);
      await goes(client, served);
    });
  } else {
    test("the runtime's own: what announces 64 MiB is cut, and what is shorter is waited for", async (server) => {
      const { client, served } = await server.connect();
      using _ = client;
      await client.write(frameBytes("", { length: 64 * MIB, lengthBits: 64 }));
      deepStrictEqual(await client.untilEnd(), { frames: [], end: "cut" });
      await served.end(client);
    });
  }

  test("a client that is silent is pinged, and given up", async (server, clock) => {
    server.idleSeconds = 1;
    const { client, served } = await server.connect();
    using _ = client;
    clock.tick(600);
    strictEqual((await client.frame())?.opcode, OPCODE.ping);
    clock.tick(600);
    // The runtime may say why.
    await client.untilEnd();
    strictEqual((await served.end()).wasClean, false);
    deepStrictEqual(served.events.filter((type) => type !== "error"), ["open", "close"]);
  });

  if (own.hasClock) {
    test("a client that answers pings is not given up", async (server, clock) => {
      server.idleSeconds = 1;
      const { client, served } = await server.connect();
      using _ = client;
      for (let i = 0; i < 5; i++) {
        clock.tick(700);
        const frame = await client.frame();
        strictEqual(frame?.opcode, OPCODE.ping);
        await client.write(frameBytes(frame.payload, { opcode: OPCODE.pong }));
        // Whoever has this has the pong.
        await turns(server);
      }
      await goes(client, served);
    });

    test(
      "a client that speaks is neither pinged nor given up, whatever it says",
      async (server, clock) => {
        server.idleSeconds = 1;
        const { client, served } = await server.connect();
        using _ = client;
        const message = frameBytes("x".repeat(100));
        for (
          const bytes of [
            frameBytes("a"),
            ...Array.from(message, (byte) => Uint8Array.of(byte)),
          ]
        ) {
          clock.tick(400);
          await client.write(bytes);
          await turns(server);
        }
        await client.write(closeBytes(1000));
        deepStrictEqual(await client.untilEnd(), { frames: [], end: 1000 });
        await served.end(client);
      },
    );

    test("without an idle time nobody is pinged or given up", async (server, clock) => {
      const { client, served } = await server.connect();
      using _ = client;
      clock.tick(24 * 3600 * 1000);
      await client.write(closeBytes(1000));
      deepStrictEqual(await client.untilEnd(), { frames: [], end: 1000 });
      await served.end(client);
    });

    test(
      "a client that does not end a connection on which all is said is cut",
      async (server, clock) => {
        const { client, served } = await server.connect();
        using _ = client;
        await client.write(closeBytes(1000));
        await client.untilEnd();
        clock.tick(10_000);
        strictEqual((await served.end()).code, 1000);
      },
    );
  }

  test("clients that go in the middle of their upgrade do no harm", async (server) => {
    const admission = Promise.withResolvers<void>();
    for (let i = 0; i < 40; i++) {
      server.admission = i < 20 ? Promise.resolve() : admission.promise;
      using client = await ByteSocket.connect(server.url);
      await client.write(upgradeHead("/"));
      if (i % 2 === 0) await client.write(frameBytes("and gone"));
    }
    admission.resolve();
    await turns(server);
    // The runtime tells neither the open nor the end of some of them.
  }, { sanitizeOps: false });

  if (own.tellsEach) {
    test(
      "a client that goes while its upgrade waits is told as one that went",
      async (server, _clock, t) => {
        for (const name of ["ends", "ends behind a frame", "ends in a frame", "ends its side"]) {
          await t.step(name, async () => {
            const admission = Promise.withResolvers<void>();
            server.admission = admission.promise;
            using client = await ByteSocket.connect(server.url);
            await client.write(upgradeHead("/gone"));
            await server.asked.take("the upgrade", (url) => url.endsWith("/gone"));
            server.admission = Promise.resolve();
            if (name === "ends behind a frame") await client.write(frameBytes("x"));
            if (name === "ends in a frame") await client.write(frameBytes("x").subarray(0, 3));
            await client.endWriting();
            if (name !== "ends its side") client[Symbol.dispose]();
            await turns(server);
            admission.resolve();
            const served = await server.served.take("a socket", ({ path }) => path === "/gone");
            strictEqual((await served.end()).wasClean, false);
          });
        }
      },
    );
  }

  if (own.holds) testHolding(test);
  else {
    test("no socket can be held", async (server) => {
      const { client, served } = await server.connect();
      using _ = client;
      deepStrictEqual([served.socket.hold, served.socket.release], [undefined, undefined]);
      await goes(client, served);
    });
  }
}

/** For those whose sockets can be held. */
function testHolding(test: (what: string, run: Run) => void): void {
  test(
    "a socket that is held gives no message until it is released, and loses none",
    async (server) => {
      const { client, served } = await server.connect();
      using _ = client;
      served.socket.hold!();
      served.socket.hold!();
      for (let i = 0; i < 10; i++) await client.write(frameBytes(String(i)));
      await turns(server);
      deepStrictEqual(served.messages.left, []);
      // What goes out is not held.
      served.socket.send("out");
      strictEqual(await client.text(), "out");
      served.socket.release!();
      for (let i = 0; i < 10; i++) strictEqual(await served.text(), String(i));
      served.socket.release!();
      await client.write(frameBytes("on"));
      strictEqual(await served.text(), "on");
      await goes(client, served);
    },
  );

  test("a message that holds its socket is the last, also of one packet", async (server) => {
    const { client, served } = await server.connect();
    using _ = client;
    served.onMessage = () => served.socket.hold!();
    await client.write(joined(Array.from({ length: 20 }, (_, i) => frameBytes(String(i)))));
    for (let i = 0; i < 20; i++) {
      strictEqual(await served.text(), String(i));
      if (i % 5 === 0) await turns(server);
      deepStrictEqual(served.messages.left, []);
      served.socket.release!();
    }
    served.onMessage = () => {};
    served.socket.release!();
    await goes(client, served);
  });

  test("a socket that is held as it opens keeps what came with its upgrade", async (server) => {
    server.onOpen = (socket) => socket.hold!();
    using client = await ByteSocket.connect(server.url);
    const head = new TextEncoder().encode(upgradeHead("/"));
    await client.write(joined([head, frameBytes("1"), frameBytes("2")]));
    await client.head();
    const served = await server.served.take("a socket");
    await inTime(served.opened.promise, "an open socket");
    server.onOpen = () => {};
    await client.write(frameBytes("3"));
    await turns(server);
    deepStrictEqual(served.messages.left, []);
    served.socket.release!();
    for (const text of ["1", "2", "3"]) strictEqual(await served.text(), text);
    await goes(client, served);
  });

  test(
    "the client of a held socket has to wait, and what it sends is not kept here",
    async (server) => {
      const { client, served } = await server.connect();
      using _ = client;
      served.socket.hold!();
      const MESSAGES = 64;
      const text = "x".repeat(MIB - 100);
      let written = 0;
      const sent = (async () => {
        for (let i = 0; i < MESSAGES; i++) {
          await client.write(frameBytes(text));
          written++;
        }
      })();
      await turns(server);
      await turns(server);
      // What the kernel takes, and no more.
      ok(written < MESSAGES / 2, `${written} MiB`);
      served.socket.release!();
      for (let i = 0; i < MESSAGES; i++) strictEqual((await served.text()).length, text.length);
      await sent;
      await goes(client, served);
    },
  );

  test("a held socket can be closed, and ends when that is answered", async (server) => {
    const { client, served } = await server.connect();
    using _ = client;
    served.socket.hold!();
    await client.write(frameBytes("may come now"));
    served.socket.close(1008, "go");
    deepStrictEqual(await client.untilEnd(), { frames: [], end: 1008 });
    strictEqual((await served.end(client)).wasClean, true);
    served.socket.release!();
    served.socket.hold!();
  });

  test("a held socket can be cut", async (server) => {
    const { client, served } = await server.connect();
    using _ = client;
    served.socket.hold!();
    await client.write(frameBytes("never taken"));
    server.maker.cut(served.socket);
    deepStrictEqual(await client.untilEnd(), { frames: [], end: "cut" });
    await served.end();
    served.socket.release!();
    deepStrictEqual(served.messages.left, []);
  });

  test(
    "a close that came while its socket was held is told behind what came before",
    async (server) => {
      const { client, served } = await server.connect();
      using _ = client;
      served.socket.hold!();
      await client.write(joined([frameBytes("1"), closeBytes(4000, "bye")]));
      await turns(server);
      deepStrictEqual(served.events, ["open"]);
      served.socket.release!();
      deepStrictEqual(await client.untilEnd(), { frames: [], end: 4000 });
      deepStrictEqual(await served.end(client), { wasClean: true, code: 4000, reason: "bye" });
      deepStrictEqual(served.messages.left, ["1"]);
    },
  );

  test(
    "a client that goes while its socket is held is told at the latest when it is released",
    async (server) => {
      const { client, served } = await server.connect();
      served.socket.hold!();
      await client.write(frameBytes("1"));
      client[Symbol.dispose]();
      await turns(server);
      served.socket.release!();
      strictEqual((await served.end()).wasClean, false);
    },
  );

  test("a held socket is not given up while its client is not read from", async (server, clock) => {
    server.idleSeconds = 1;
    const { client, served } = await server.connect();
    using _ = client;
    served.socket.hold!();
    await client.write(frameBytes("1"));
    for (let i = 0; i < 30; i++) clock.tick(100);
    await turns(server);
    served.socket.release!();
    strictEqual(await served.text(), "1");
    await goes(client, served);
  });
}

/** What a close frame says. */
function closeOf(code: number, reason: string): Uint8Array {
  return Uint8Array.of(code >> 8, code & 255, ...new TextEncoder().encode(reason));
}
