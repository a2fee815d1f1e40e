/**
 * Frames that lead nowhere: a client may send some, and no more; and it may not keep the event loop.
 *
 * @module
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { TestGateway } from "../support/gateway.ts";
import { counted, scrape } from "../support/metrics.ts";
import { ByteSocket, frameBytes, joined, OPCODE } from "../support/websocket_bytes.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

/** What a client may send of them in ten seconds. */
const ALLOWED = 1000;
/** Far more than that, and still no more than some MB. */
const FLOOD = 100_000;

const TEXTS: Record<string, string> = {
  "empty texts": "",
  "texts that are no JSON": "x",
  "unknown types": '[9,"x",{}]',
  "answers to nothing": '[3,"x",{}]',
  "CALLs without a payload": '[2,"x","Act"]',
};

function times(count: number, text: string): Uint8Array {
  return joined(Array<Uint8Array>(count).fill(frameBytes(text)));
}

/** The frames up to the answer to a CALL with this MessageId. @throws When the connection ends first. */
async function untilAnswer(socket: ByteSocket, messageId: string): Promise<void> {
  for (;;) {
    const text = await socket.text();
    if (text === undefined) throw new Error("the connection ended");
    if (text.startsWith(`[3,"${messageId}"`)) return;
  }
}

test("1,000 frames that lead nowhere are ignored, and one more ends the connection", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  for (const [name, text] of Object.entries(TEXTS)) {
    await t.step(name, async () => {
      using socket = await ByteSocket.upgrade(gateway.url);
      await socket.write(joined([times(ALLOWED, text), frameBytes('[2,"a","Act",{}]')]));
      await untilAnswer(socket, "a");
      await socket.write(frameBytes(text));
      const { end } = await socket.untilEnd();
      strictEqual(end, 1008);
    });
  }
  const ended = counted(await scrape(gateway), "ws2api_connections_closed_total");
  const reason = 'ws2api_connections_closed_total{reason="idle_frames"}';
  deepStrictEqual(ended, { [reason]: Object.keys(TEXTS).length });
});

test("a client that goes on with them is cut at once, and others are served", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const honest = await gateway.connect("honest");
  for (const [name, text] of Object.entries(TEXTS)) {
    await t.step(name, async () => {
      using socket = await ByteSocket.upgrade(gateway.url);
      const sent = socket.write(times(FLOOD, text));
      strictEqual(await honest.ask('[2,"h","Heartbeat",{}]'), '[3,"h",{}]');
      const { frames } = await socket.untilEnd();
      const answers = frames.filter(({ opcode }) => opcode === OPCODE.text);
      ok(answers.length <= ALLOWED + 1, `${answers.length} answers`);
      await sent;
    });
  }
});

test(
  "a client that floods its full queue, or repeats a CALL, has an end, and others are served",
  async (t, websocket) => {
    await using backend = new RecordingBackend();
    const held = Promise.withResolvers<void>();
    backend.answer = async ({ path }) => {
      if (path.includes("/CP1/")) await held.promise;
      return json("{}");
    };
    await using gateway = await TestGateway.start(backend.url);
    const honest = await gateway.connect("honest");
    const floods: Record<string, (i: number) => string> = {
      "CALLs": (i) => `[2,"${i}","Act",{}]`,
      "SENDs": (i) => `[6,"${i}","Act",{}]`,
      "repeats": () => '[2,"x","Act",{}]',
    };
    for (const [name, textOf] of Object.entries(floods)) {
      await t.step(name, async () => {
        using socket = await ByteSocket.upgrade(gateway.url, "/CP1", "ocpp2.1");
        const frames = Array.from({ length: FLOOD }, (_, i) => frameBytes(textOf(i)));
        const sent = socket.write(joined(frames));
        strictEqual(await honest.ask('[2,"h","Heartbeat",{}]'), '[3,"h",{}]');
        // With `ws` it is not read from while its queue is full, and nothing is refused.
        const isHeld = websocket === "ws" && name !== "repeats";
        if (isHeld) {
          strictEqual((await gateway.api("/clients/CP1", { method: "DELETE" })).status, 204);
        }
        const { frames: got, end } = await socket.untilEnd();
        if (isHeld) {
          strictEqual(end, 1000);
        }
        const answers = got.filter(({ opcode }) => opcode === OPCODE.text);
        const most = name === "CALLs" && !isHeld ? 1000 : 0;
        ok(answers.length <= most, `${answers.length} answers`);
        await sent;
      });
    }
    held.resolve();
  },
);
