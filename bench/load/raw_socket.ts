/**
 * Plain TCP sockets to a gateway on this machine, for clients that do not behave: each write and each
 * read is the caller's.
 *
 * @module
 */

import { maskedFrame, TEXT } from "./frame.ts";
import { readUpgrade, upgradeRequest } from "./upgrade.ts";

/** A client that was cut or refused comes again after this time. */
const AGAIN_MS = 100;

const encoder = new TextEncoder();

/** Resolves after that time. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A connection that has said nothing yet. */
export function openTcp(port: number): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port });
}

/** Writes all of it, as fast as the other end takes it. @throws When the socket is cut. */
export async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Closes a socket that may be closed already. */
export function closeQuietly(conn: Deno.Conn | undefined): void {
  try {
    conn?.close();
  } catch {
    // Closed already.
  }
}

/**
 * A socket behind its upgrade. Frames that came with the upgrade's answer are dropped.
 *
 * @throws When it is refused or cut; it is closed then.
 */
export async function openWebSocket(port: number, clientId: string): Promise<Deno.TcpConn> {
  const conn = await openTcp(port);
  try {
    await writeAll(conn, upgradeRequest({ hostname: "127.0.0.1", port, path: "/" }, clientId));
    const head = new Uint8Array(4096);
    for (let end = 0; readUpgrade(head.subarray(0, end)) === 0;) {
      const count = await conn.read(head.subarray(end));
      if (count === null || count === 0) throw new Error("cut before the upgrade's answer");
      end += count;
    }
    return conn;
  } catch (error) {
    closeQuietly(conn);
    throw error;
  }
}

/** A text as one frame. */
export function textFrame(text: string): Uint8Array<ArrayBuffer> {
  return maskedFrame(TEXT, encoder.encode(text));
}

/** A CALL as one frame. */
export function callFrame(id: number, action: string, payload = "{}"): Uint8Array<ArrayBuffer> {
  return textFrame(`[2,"${id}","${action}",${payload}]`);
}

/** Reads and drops until the socket ends, in whichever way. */
export async function drop(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  try {
    while (await conn.read(buffer) !== null);
  } catch {
    // Cut.
  }
}

/**
 * Does one thing on a new WebSocket, again and again for ever; an end of the socket is expected.
 *
 * @param onEnd Called at each end, before the next try.
 */
export async function againAndAgain(
  port: number,
  clientId: string,
  act: (conn: Deno.TcpConn) => Promise<void>,
  onEnd: () => void = () => {},
): Promise<never> {
  while (true) {
    let conn: Deno.TcpConn | undefined;
    try {
      conn = await openWebSocket(port, clientId);
      await act(conn);
    } catch {
      // Refused or cut by the gateway, which is what this is about.
    }
    closeQuietly(conn);
    onEnd();
    await pause(AGAIN_MS);
  }
}
