/**
 * A process: hostile clients, each doing one bad thing over and over until the process is ended.
 *
 * Arguments: the gateway's port, and which things: flood, deaf, large, hang, openclose.
 * Prints a line when it begins.
 *
 * @module
 */

import { maskedFrame, TEXT } from "../load/frame.ts";
import { upgradeRequest } from "../load/upgrade.ts";
import { writeOut } from "../process/text.ts";

const OPEN_CLOSE_PER_SECOND = 500;
const MIB = 1024 ** 2;

const port = Number(Deno.args[0]);
const chosen = new Set(Deno.args.slice(1));
const encoder = new TextEncoder();

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** A socket behind its upgrade. What came with the upgrade's answer is dropped. */
async function open(clientId: string): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(conn, upgradeRequest({ hostname: "127.0.0.1", port, path: "/" }, clientId));
  await conn.read(new Uint8Array(1024));
  return conn;
}

function call(id: number, action: string, payload = "{}"): Uint8Array {
  return maskedFrame(TEXT, encoder.encode(`[2,"${id}","${action}",${payload}]`));
}

/** Reads and drops until the socket ends. */
async function drop(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65536);
  while (await conn.read(buffer) !== null);
}

/** Does one thing on a new socket, again and again; an end of the socket is expected. */
async function forever(
  clientId: string,
  act: (conn: Deno.TcpConn) => Promise<void>,
): Promise<void> {
  while (true) {
    let conn: Deno.TcpConn | undefined;
    try {
      conn = await open(clientId);
      await act(conn);
    } catch {
      // Cut by the gateway, which is what this is about.
    }
    try {
      conn?.close();
    } catch {
      // Closed already.
    }
    await pause(100);
  }
}

async function flood(conn: Deno.TcpConn): Promise<void> {
  void drop(conn).catch(() => {});
  for (let id = 1;; id++) await writeAll(conn, call(id, "Act"));
}

async function neverRead(conn: Deno.TcpConn): Promise<void> {
  for (let id = 1;; id++) {
    await writeAll(conn, call(id, "Big"));
    await pause(20);
  }
}

async function sendLarge(conn: Deno.TcpConn): Promise<void> {
  void drop(conn).catch(() => {});
  const payload = JSON.stringify({ text: "x".repeat(MIB - 1000) });
  for (let id = 1;; id++) {
    await writeAll(conn, call(id, "Act", payload));
    await pause(200);
  }
}

async function hang(conn: Deno.TcpConn): Promise<void> {
  await writeAll(conn, call(1, "Hang"));
  await drop(conn);
}

async function openAndClose(): Promise<void> {
  for (let n = 0;; n++) {
    void open(`gone${n % 1000}`).then((conn) => conn.close()).catch(() => {});
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
  for (let n = 0; n < clients; n++) void forever(`${name}${n}`, act);
}
if (chosen.has("openclose")) void openAndClose();
writeOut("hostile\n");
for await (const _chunk of Deno.stdin.readable);
Deno.exit(0);
