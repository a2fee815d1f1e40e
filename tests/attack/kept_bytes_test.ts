import { ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { residentBytesOf } from "../support/machine.ts";
import { startProgram, urlOf } from "../support/program.ts";
import { ByteSocket, frameBytes, joined, OPCODE } from "../support/websocket_bytes.ts";

const MIB = 1024 ** 2;
const ATTACKERS = 6;
const PACKETS = 1000;
const PACKET_BYTES = 65536;

Deno.test("with ws, fragments of a byte each do not keep the pongs that came with them", async () => {
  await using backend = new RecordingBackend();
  await using program = startProgram([
    ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--log-level=error"],
    "--websocket=ws",
  ]);
  const url = await urlOf(program);
  const attackers = [];
  const pong = frameBytes(new Uint8Array(125), { opcode: OPCODE.pong });
  const pongs = joined(Array(Math.floor(PACKET_BYTES / pong.length) - 1).fill(pong));
  try {
    for (let i = 0; i < ATTACKERS; i++) attackers.push(await ByteSocket.upgrade(url, `/CP${i}`));
    const before = await residentBytesOf(program.pid);
    for (let i = 0; i < PACKETS; i++) {
      const opcode = i === 0 ? OPCODE.text : OPCODE.continuation;
      const packet = joined([pongs, frameBytes("[", { opcode, fin: false })]);
      for (const attacker of attackers) await attacker.write(packet);
    }
    for (const attacker of attackers) {
      await attacker.write(frameBytes("", { opcode: OPCODE.ping }));
      strictEqual((await attacker.frame())?.opcode, OPCODE.pong);
    }
    // 375 MiB came. 4 KiB of each packet is kept; of the rest some may not have been collected yet.
    const grown = (await residentBytesOf(program.pid) - before) / MIB;
    ok(grown < 280, `${grown.toFixed(1)} MiB`);
  } finally {
    for (const attacker of attackers) attacker[Symbol.dispose]();
  }
});
