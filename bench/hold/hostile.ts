/**
 * A process: hostile clients, each doing one bad thing over and over until the process is ended.
 *
 * Arguments: the gateway's port, and which things (all without): flood, deaf, large, hang, openclose.
 * Prints a line when it begins.
 *
 * @module
 */

import { maskedFrame, TEXT } from "../load/frame.ts";
import { writeOut } from "../load/text.ts";

/** How many clients do each thing; together they are well inside one process's open files. */
const FLOODERS = 20;
const NON_READERS = 30;
const LARGE_SENDERS = 10;
const HANGERS = 60;
const OPEN_CLOSE_PER_SECOND = 500;
const MIB = 1024 ** 2;

const port = Number(Deno.args[0]);
const chosen = Deno.args.slice(1);
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
  await writeAll(
    conn,
    encoder.encode(
      `GET /${clientId} HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ),
  );
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

const kinds: [name: string, count: number, act: (conn: Deno.TcpConn) => Promise<void>][] = [
  ["flood", FLOODERS, flood],
  ["deaf", NON_READERS, neverRead],
  ["large", LARGE_SENDERS, sendLarge],
  ["hang", HANGERS, hang],
];
function isChosen(name: string): boolean {
  return chosen.length === 0 || chosen.includes(name);
}

for (const [name, count, act] of kinds) {
  if (!isChosen(name)) continue;
  for (let n = 0; n < count; n++) void forever(`${name}${n}`, act);
}
if (isChosen("openclose")) void openAndClose();
writeOut("hostile\n");
for await (const _chunk of Deno.stdin.readable);
Deno.exit(0);
