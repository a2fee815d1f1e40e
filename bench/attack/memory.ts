/**
 * Attacks on memory: messages that never end.
 *
 * @module
 */

import { againAndAgain, callFrame, drop, openWebSocket, writeAll } from "../load/raw_socket.ts";
import { maskedFrame } from "../load/frame.ts";
import { digits } from "../report/markdown.ts";
import type { Attack } from "./attack.ts";

const MIB = 1024 ** 2;
const BINARY = 2;
/** The longest message that the runtime takes has 64 MiB. */
const MESSAGE_BYTES = 60 * MIB;
const CHUNK = new Uint8Array(MIB);

/** The head of a masked text frame of that length, without its payload. */
function headOf(bytes: number): Uint8Array {
  const head = new Uint8Array(14);
  head[0] = 0x81;
  head[1] = 0xff;
  new DataView(head.buffer).setBigUint64(2, BigInt(bytes));
  return head;
}

/** Begins a message, sends so much of it, and stays. */
async function neverFinish(conn: Deno.TcpConn, bytes: number): Promise<void> {
  await writeAll(conn, headOf(MESSAGE_BYTES));
  for (let sent = 0; sent < bytes; sent += CHUNK.length) await writeAll(conn, CHUNK);
}

/** Clients that have themselves closed, answer no close, and send on what nobody will read. */
export function closingClients(port: number, connections: number): Attack {
  let cuts = 0;

  async function beClosed(conn: Deno.TcpConn): Promise<void> {
    const ended = drop(conn);
    await writeAll(conn, maskedFrame(BINARY, new Uint8Array(1)));
    await neverFinish(conn, MESSAGE_BYTES - MIB);
    await ended;
  }

  return {
    begin() {
      for (let i = 0; i < connections; i++) {
        void againAndAgain(port, `closing${i}`, beClosed, () => cuts++);
      }
    },
    notes: () => [`attackers cut or refused ${digits(cuts)} times`],
  };
}

/** Clients that came first and have spoken, each of which then begins a message. */
export function earlyClients(port: number, connections: number, mib: number): Attack {
  const conns: Deno.TcpConn[] = [];
  let left = connections;
  return {
    async prepare() {
      for (let i = 0; i < connections; i++) {
        const conn = await openWebSocket(port, `early${i}`);
        await writeAll(conn, callFrame(1, "Heartbeat"));
        await conn.read(new Uint8Array(4096));
        conns.push(conn);
      }
    },
    begin() {
      for (const conn of conns) {
        void drop(conn).then(() => left--);
        void neverFinish(conn, mib * MIB).catch(() => {});
      }
    },
    notes: () => [`${left} of ${connections} attackers still there`],
  };
}
