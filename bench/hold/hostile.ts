/**
 * A process: hostile clients, each doing one bad thing over and over until the process is ended.
 *
 * Arguments: the gateway's port, and which things: flood, deaf, large, hang, openclose.
 * Prints a line when it begins.
 *
 * @module
 */

import {
  againAndAgain,
  callFrame,
  drop,
  openWebSocket,
  pause,
  writeAll,
} from "../load/raw_socket.ts";
import { writeOut } from "../process/text.ts";

const OPEN_CLOSE_PER_SECOND = 500;
const MIB = 1024 ** 2;

const port = Number(Deno.args[0]);
const chosen = new Set(Deno.args.slice(1));

async function flood(conn: Deno.TcpConn): Promise<void> {
  void drop(conn);
  for (let id = 1;; id++) await writeAll(conn, callFrame(id, "Act"));
}

async function neverRead(conn: Deno.TcpConn): Promise<void> {
  for (let id = 1;; id++) {
    await writeAll(conn, callFrame(id, "Big"));
    await pause(20);
  }
}

async function sendLarge(conn: Deno.TcpConn): Promise<void> {
  void drop(conn);
  const payload = JSON.stringify({ text: "x".repeat(MIB - 1000) });
  for (let id = 1;; id++) {
    await writeAll(conn, callFrame(id, "Act", payload));
    await pause(200);
  }
}

async function hang(conn: Deno.TcpConn): Promise<void> {
  await writeAll(conn, callFrame(1, "Hang"));
  await drop(conn);
}

async function openAndClose(): Promise<void> {
  for (let n = 0;; n++) {
    void openWebSocket(port, `gone${n % 1000}`).then((conn) => conn.close()).catch(() => {});
    if (n % 5 === 4) await pause(5000 / OPEN_CLOSE_PER_SECOND);
  }
}

/** How many clients do each thing; together they are well inside one process's open files. */
const ATTACKS: [name: string, clients: number, act: (conn: Deno.TcpConn) => Promise<void>][] = [
  ["flood", 20, flood],
  ["deaf", 30, neverRead],
  ["large", 10, sendLarge],
  ["hang", 60, hang],
];
for (const [name, clients, act] of ATTACKS) {
  if (!chosen.has(name)) continue;
  for (let n = 0; n < clients; n++) void againAndAgain(port, `${name}${n}`, act);
}
if (chosen.has("openclose")) void openAndClose();
writeOut("hostile\n");
for await (const _chunk of Deno.stdin.readable);
Deno.exit(0);
