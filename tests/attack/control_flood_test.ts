import { strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { startProgram, urlOf } from "../support/program.ts";
import { ByteSocket, frameBytes, joined, OPCODE } from "../support/websocket_bytes.ts";

const FLOODERS = 10;
const CALLS = 5;

Deno.test("with ws, clients that send pongs without end do not keep others from their answers", async () => {
  await using backend = new RecordingBackend();
  await using program = startProgram([
    ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--log-level=error"],
    "--websocket=ws",
  ]);
  const url = await urlOf(program);
  using honest = await ByteSocket.upgrade(url, "/CP1");
  const pong = frameBytes("", { opcode: OPCODE.pong });
  const pongs = joined(Array(Math.floor(65536 / pong.length)).fill(pong));
  let isOver = false;
  async function flood(socket: ByteSocket): Promise<void> {
    while (!isOver) await socket.write(pongs);
  }
  const flooders: ByteSocket[] = [];
  for (let i = 0; i < FLOODERS; i++) flooders.push(await ByteSocket.upgrade(url, `/FLOOD${i}`));
  const floods = flooders.map(flood);
  try {
    // Each within the deadline of a read: they took longer than that.
    for (let i = 0; i < CALLS; i++) {
      await honest.write(frameBytes(`[2,"${i}","Data",{}]`));
      strictEqual(await honest.text(), `[3,"${i}",{}]`);
    }
  } finally {
    isOver = true;
    for (const flooder of flooders) flooder[Symbol.dispose]();
    await Promise.allSettled(floods);
  }
});
