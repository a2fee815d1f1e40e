import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { deflated, deflatedBytes, inflated, upgradeDeflated } from "../support/deflated.ts";
import { TestGateway } from "../support/gateway.ts";
import { residentBytesOf } from "../support/machine.ts";
import { startProgram, urlOf } from "../support/program.ts";
import {
  ByteSocket,
  fragments,
  frameBytes,
  joined,
  OPCODE,
  type Received,
} from "../support/websocket_bytes.ts";

const FLAGS = ["--websocket=ws", "--compression"];
const LONG = "1.0,".repeat(2000) + "1.0";

/** A gateway that compresses, and its backend. */
async function start(flags: readonly string[] = []) {
  const backend = new RecordingBackend();
  const gateway = await TestGateway.start(backend.url, [...FLAGS, ...flags]);
  return {
    ...{ backend, gateway },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
    },
  };
}

function call(id: string, payload: string): string {
  return `[2,"${id}","Data",${payload}]`;
}

async function textFrame(socket: ByteSocket): Promise<Received> {
  const frame = await socket.frame();
  ok(frame !== undefined && frame.opcode === OPCODE.text, "a text");
  return frame;
}

Deno.test("a compressed message reaches the backend as it was, and a long answer comes back compressed", async () => {
  await using started = await start();
  const { backend, gateway } = started;
  backend.answer = () => json(`{"list":[${LONG}]}`);
  const { socket, agreed } = await upgradeDeflated(gateway.url, "/CP1");
  using _ = socket;
  match(agreed ?? "", /server_no_context_takeover/);
  match(agreed ?? "", /client_no_context_takeover/);
  for (const id of ["1", "2"]) {
    await socket.write(deflatedBytes(call(id, `{"values":[${LONG}]}`)));
    const frame = await textFrame(socket);
    strictEqual(frame.isCompressed, true);
    // Each is whole in itself, for no context is kept.
    strictEqual(inflated(frame.payload), `[3,"${id}",{"list":[${LONG}]}]`);
    ok(frame.payload.length < 200, `${frame.payload.length} bytes`);
  }
  deepStrictEqual(backend.requests.map(({ body }) => body), Array(2).fill(`{"values":[${LONG}]}`));
});

Deno.test("a short answer, and every frame to a client that did not offer it, goes uncompressed", async () => {
  await using started = await start();
  const { backend, gateway } = started;
  const { socket } = await upgradeDeflated(gateway.url, "/CP1");
  using _ = socket;
  // A client may leave its own messages as they are.
  await socket.write(frameBytes(call("1", "{}")));
  const frame = await textFrame(socket);
  strictEqual(frame.isCompressed, undefined);
  strictEqual(new TextDecoder().decode(frame.payload), '[3,"1",{}]');
  using plain = await ByteSocket.upgrade(gateway.url, "/CP2");
  backend.answer = () => json(`{"list":[${LONG}]}`);
  await plain.write(frameBytes(call("2", "{}")));
  strictEqual((await textFrame(plain)).isCompressed, undefined);
});

Deno.test("what is agreed on", async (t) => {
  await using started = await start();
  const { gateway } = started;
  const both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  const cases: readonly (readonly [offer: string, agreed: string | null])[] = [
    ["permessage-deflate", both],
    ["permessage-deflate; client_max_window_bits", both],
    [
      "permessage-deflate; server_max_window_bits=10",
      "permessage-deflate; server_max_window_bits=10; server_no_context_takeover; client_no_context_takeover",
    ],
    // zlib makes no raw stream with so small a window.
    ["permessage-deflate; server_max_window_bits=8", null],
    ["permessage-deflate; server_max_window_bits=8, permessage-deflate", both],
    ["permessage-deflate; unknown_parameter", null],
    ["permessage-deflate; server_max_window_bits=99", null],
    ["x-webkit-deflate-frame", null],
    ["x-webkit-deflate-frame, permessage-deflate", both],
    ["permessage-deflate; =", null],
    [";;;,,", null],
    ["permessage-deflate; client_max_window_bits=15", `${both}; client_max_window_bits=15`],
  ];
  for (const [i, [offer, expected]] of cases.entries()) {
    await t.step(offer, async () => {
      const { socket, agreed } = await upgradeDeflated(gateway.url, `/CP${i}`, offer);
      using _ = socket;
      const parts = (text: string | null) => text?.split("; ").toSorted() ?? null;
      deepStrictEqual(parts(agreed), parts(expected));
      // Whatever was agreed on, it serves.
      await socket.write(
        agreed === null ? frameBytes(call("1", "{}")) : deflatedBytes(call("1", "{}")),
      );
      strictEqual(await socket.text(), '[3,"1",{}]');
    });
  }
});

Deno.test("without --compression nothing is agreed on, and a compressed message is a fault", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--websocket=ws"]);
  const { socket, agreed } = await upgradeDeflated(gateway.url, "/CP1");
  using _ = socket;
  strictEqual(agreed, null);
  await socket.write(deflatedBytes(call("1", "{}")));
  strictEqual((await socket.untilEnd()).end, 1002);
});

Deno.test("compressed messages in fragments, many in one packet, and with controls between", async () => {
  await using started = await start();
  const { backend, gateway } = started;
  const { socket } = await upgradeDeflated(gateway.url, "/CP1");
  using _ = socket;
  const whole = deflated(call("frag", `{"values":[${LONG}]}`));
  const third = Math.ceil(whole.length / 3);
  const parts = [0, 1, 2].map((i) => whole.subarray(i * third, (i + 1) * third));
  const ping = frameBytes("p", { opcode: OPCODE.ping });
  const split = fragments(parts, { between: ping });
  // The first fragment says that the message is compressed.
  split[0] = split[0]! | 0x40;
  await socket.write(split);
  const seen: number[] = [];
  let frame = await socket.frame();
  for (; frame !== undefined && frame.opcode !== OPCODE.text; frame = await socket.frame()) {
    seen.push(frame.opcode);
  }
  deepStrictEqual(seen, [OPCODE.pong, OPCODE.pong]);
  strictEqual(new TextDecoder().decode(frame?.payload), '[3,"frag",{}]');
  const many = Array.from({ length: 200 }, (_, i) => deflatedBytes(call(`m${i}`, `{"n":${i}}`)));
  await socket.write(joined(many));
  for (let i = 0; i < 200; i++) strictEqual(await socket.text(), `[3,"m${i}",{}]`);
  deepStrictEqual(
    backend.requests.slice(1).map(({ body }) => body),
    Array.from({ length: 200 }, (_, i) => `{"n":${i}}`),
  );
});

Deno.test("what inflates to more than --max-message is refused with 1009, up to it it is served", async (t) => {
  await using started = await start(["--max-message=64KiB"]);
  const { gateway } = started;
  const filled = (length: number): string => {
    const frame = call("1", '{"a":""}');
    return frame.replace('""', `"${"a".repeat(length - frame.length)}"`);
  };
  const cases: readonly (readonly [name: string, bytes: Uint8Array, end: number | "serves"])[] = [
    ["as much as may be", deflatedBytes(filled(65536)), "serves"],
    ["a byte more", deflatedBytes(filled(65537)), 1009],
    ["a thousand times as much", deflatedBytes(new Uint8Array(64 * 1024 ** 2)), 1009],
    ["no deflate stream", frameBytes(Uint8Array.of(0xff, 0xff, 0xff), { rsv: 4 }), 1007],
    ["no UTF-8", deflatedBytes(Uint8Array.of(0xc3, 0x28)), 1007],
    ["a compressed binary message", deflatedBytes("{}", { opcode: OPCODE.binary }), 1003],
    ["a compressed ping", frameBytes("", { opcode: OPCODE.ping, rsv: 4 }), 1002],
  ];
  for (const [i, [name, bytes, end]] of cases.entries()) {
    await t.step(name, async () => {
      const { socket } = await upgradeDeflated(gateway.url, `/CP${i}`);
      using _ = socket;
      await socket.write(bytes);
      if (end === "serves") strictEqual(await socket.text(), '[3,"1",{}]');
      else strictEqual((await socket.untilEnd()).end, end);
    });
  }
});

Deno.test("large messages are inflated at once and compressed in slices, and stay in their order", async () => {
  await using started = await start(["--max-message=4MiB"]);
  const { backend, gateway } = started;
  const noise = Array.from(
    crypto.getRandomValues(new Uint8Array(65536)),
    (byte) => byte.toString(36),
  ).join("");
  backend.answer = ({ body }) => json(body);
  const { socket } = await upgradeDeflated(gateway.url, "/CP1");
  using _ = socket;
  const large = `{"noise":"${noise.repeat(4)}"}`;
  ok(deflated(large).length > 100_000, "large when it is compressed, too");
  await socket.write(joined([
    deflatedBytes(call("1", large)),
    deflatedBytes(call("2", '{"small":1}')),
    frameBytes(call("3", '{"plain":1}')),
  ]));
  const first = await textFrame(socket);
  strictEqual(first.isCompressed, true);
  strictEqual(inflated(first.payload), `[3,"1",${large}]`);
  strictEqual(await socket.text(), '[3,"2",{"small":1}]');
  strictEqual(await socket.text(), '[3,"3",{"plain":1}]');
  deepStrictEqual(backend.requests.map(({ path }) => path.split("/").at(-1)), ["1", "2", "3"]);
});

Deno.test("a client that has compressed and is idle costs no more than one that has not", async () => {
  const CLIENTS = 400;
  await using backend = new RecordingBackend();
  /** What clients of a fresh gateway cost, each after a CALL. */
  async function costOf(isCompressing: boolean): Promise<number> {
    await using program = startProgram([
      ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--log-level=error", ...FLAGS],
    ]);
    const url = await urlOf(program);
    const text = call("1", `{"values":[${LONG}]}`);
    const clients: ByteSocket[] = [];
    try {
      const before = await residentBytesOf(program.pid);
      for (let i = 0; i < CLIENTS; i++) {
        const socket = isCompressing
          ? (await upgradeDeflated(url, `/CP${i}`)).socket
          : await ByteSocket.upgrade(url, `/CP${i}`);
        clients.push(socket);
        await socket.write(isCompressing ? deflatedBytes(text) : frameBytes(text));
        ok((await textFrame(socket)).isCompressed === (isCompressing ? true : undefined));
      }
      return await residentBytesOf(program.pid) - before;
    } finally {
      for (const client of clients) client[Symbol.dispose]();
    }
  }
  backend.answer = () => json(`{"list":[${LONG}]}`);
  const [plain, compressing] = [await costOf(false), await costOf(true)];
  // Contexts on both sides would cost 300 KiB for each; this is far from it, and far from the noise.
  const more = (compressing - plain) / CLIENTS / 1024;
  ok(more < 60, `${more.toFixed(1)} KiB more for each`);
});
