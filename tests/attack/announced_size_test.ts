import { ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { TestGateway } from "../support/gateway.ts";
import { residentBytesOf } from "../support/machine.ts";
import { startProgram, urlOf } from "../support/program.ts";
import { ByteSocket, frameBytes } from "../support/websocket_bytes.ts";

const MIB = 1024 ** 2;
const ATTACKERS = 1000;

Deno.test("with ws, a thousand who announce 60 MiB each are refused at the head, and cost next to nothing", async () => {
  await using backend = new RecordingBackend();
  await using program = startProgram([
    ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--log-level=error"],
    "--websocket=ws",
  ]);
  const url = await urlOf(program);
  const attackers: ByteSocket[] = [];
  try {
    for (let i = 0; i < ATTACKERS; i++) attackers.push(await ByteSocket.upgrade(url, `/CP${i}`));
    // The heap is as large by then as traffic makes it.
    const honest = frameBytes(`[2,"1","Data",{"a":"${"a".repeat(16 * 1024)}"}]`);
    for (const attacker of attackers) await attacker.write(honest);
    for (const attacker of attackers) strictEqual(await attacker.text(), '[3,"1",{}]');
    const before = await residentBytesOf(program.pid);
    // The head, and as much behind it as goes out at once.
    const begun = frameBytes("[".repeat(1024), { length: 60 * MIB, lengthBits: 64 });
    for (const attacker of attackers) await attacker.write(begun);
    for (const attacker of attackers) {
      const frame = await attacker.frame();
      strictEqual(frame?.opcode, 8);
      strictEqual(frame.payload[0]! * 256 + frame.payload[1]!, 1009);
    }
    const grown = (await residentBytesOf(program.pid) - before) / MIB;
    ok(grown < 20, `${grown.toFixed(1)} MiB`);
  } finally {
    for (const attacker of attackers) attacker[Symbol.dispose]();
  }
});

Deno.test("with ws, a client that goes on sending after it was closed reads its close code", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--websocket=ws"]);
  using client = await ByteSocket.upgrade(gateway.url, "/CP1");
  await client.write(frameBytes("", { length: 60 * MIB, lengthBits: 64 }));
  const part = new Uint8Array(MIB);
  for (let i = 0; i < 32; i++) ok(await client.write(part), `${i} MiB are taken`);
  const frame = await client.frame();
  strictEqual(frame?.opcode, 8);
  strictEqual(new TextDecoder().decode(frame.payload.subarray(2)), "message too large");
});
