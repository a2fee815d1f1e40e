import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket as Connection } from "node:net";
import { pause, systemClock } from "../../../lib/clock.ts";
import type { Message } from "../../../lib/socket/ws/inflow.ts";
import type { Socket, SocketEnd } from "../../../lib/socket/socket.ts";
import { createWsSockets } from "../../../lib/socket/ws/ws_sockets.ts";
import { inTime } from "../../support/deadline.ts";
import { deflatedBytes, inflated, upgradeDeflated } from "../../support/deflated.ts";
import {
  type ByteSocket,
  closeBytes,
  frameBytes,
  joined,
  OPCODE,
} from "../../support/websocket_bytes.ts";

const MAX_MESSAGE_BYTES = 4096;

/** Text that zlib cannot make small, and that takes it many turns. */
const NOISE = Array.from(
  crypto.getRandomValues(new Uint8Array(65536)),
  (byte) => byte.toString(36),
).join("").repeat(8);

/** One client's socket on both of its sides. */
interface Pair extends AsyncDisposable {
  readonly client: ByteSocket;
  readonly socket: Socket;
  /** How the gateway's side ended. */
  readonly ended: Promise<SocketEnd>;
}

/** A client with compression, and what answers its messages. */
async function connect(onMessage: (data: Message, socket: Socket) => void): Promise<Pair> {
  const maker = createWsSockets(
    { maxMessageBytes: MAX_MESSAGE_BYTES, compression: true },
    systemClock,
  );
  const upgraded = Promise.withResolvers<Socket>();
  const ended = Promise.withResolvers<SocketEnd>();
  const server = createServer().on("upgrade", (message, connection, head) => {
    const { socket } = maker.upgrade(
      {
        ...{ method: "GET", url: "http://localhost/", body: null },
        headers: new Headers(message.headers as Record<string, string>),
        upgrade: { socket: connection as Connection, head },
      },
      null,
      0,
    );
    socket.addEventListener("message", {
      handleEvent: (event) => onMessage((event as MessageEvent).data, socket),
    });
    socket.addEventListener("close", {
      handleEvent: (event) => ended.resolve(event as CloseEvent),
    });
    upgraded.resolve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { socket: client } = await upgradeDeflated(`http://127.0.0.1:${port}`, "/");
  return {
    ...{ client, socket: await upgraded.promise, ended: ended.promise },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      server.close();
      await inTime(ended.promise, "the end of the socket");
    },
  };
}

Deno.test("a close frame that comes while an answer is compressed is answered behind it", async () => {
  await using pair = await connect((data, socket) => {
    socket.send(NOISE);
    socket.send(String(data));
  });
  const { client, ended } = pair;
  await client.write(joined([frameBytes("after"), closeBytes(1000, "bye")]));
  const large = await client.frame();
  strictEqual(large?.isCompressed, true);
  ok(inflated(large.payload) === NOISE, "as it was");
  strictEqual(await client.text(), "after");
  const { frames, end } = await client.untilEnd();
  deepStrictEqual([frames, end], [[], 1000]);
  const { code, reason, wasClean } = await inTime(ended, "the close event");
  deepStrictEqual({ code, reason, wasClean }, { code: 1000, reason: "bye", wasClean: true });
});

Deno.test("a client that sends what is refused while its answer is compressed gets both", async (t) => {
  const cases: readonly (readonly [name: string, bytes: Uint8Array, end: number])[] = [
    ["too large", frameBytes("[", { length: MAX_MESSAGE_BYTES + 1, lengthBits: 16 }), 1009],
    ["inflates to too much", deflatedBytes("[".repeat(MAX_MESSAGE_BYTES + 1)), 1009],
    ["no frame", frameBytes("", { opcode: 7 }), 1002],
    ["no deflate stream", frameBytes(Uint8Array.of(0xff, 0xff, 0xff), { rsv: 4 }), 1007],
  ];
  for (const [name, bytes, code] of cases) {
    await t.step(name, async () => {
      await using pair = await connect((data, socket) => {
        if (typeof data === "string") socket.send(NOISE);
      });
      const { client } = pair;
      await client.write(joined([frameBytes("ask"), bytes]));
      const { frames, end } = await client.untilEnd();
      strictEqual(frames.length, 1);
      ok(inflated(frames[0]!.payload) === NOISE, "as it was");
      strictEqual(end, code);
    });
  }
});

Deno.test("a client that goes while its answer is compressed ends as ever", async () => {
  await using pair = await connect((_, socket) => socket.send(NOISE));
  await pair.client.write(joined([frameBytes("ask"), frameBytes("", { opcode: OPCODE.ping })]));
  await pair.client.endWriting();
  strictEqual((await inTime(pair.ended, "the close event")).code, 1006);
  // Its next slice has a turn to see that it has gone.
  await pause(systemClock, 2);
});
