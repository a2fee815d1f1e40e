/**
 * Attacks by HTTP: connections that never get anywhere, requests that are hard to read or to refuse.
 *
 * @module
 */

import { upgradeRequest } from "../load/upgrade.ts";
import { closeQuietly, drop, openTcp, pause, writeAll } from "../load/raw_socket.ts";
import { digits } from "../report/markdown.ts";
import type { Attack } from "./attack.ts";

const encoder = new TextEncoder();

/** Bytes of the head, or the body, that does not end. A head may have 64 KiB. */
const UNFINISHED_BYTES = 64_000;
/** Connects under way at once. */
const AT_ONCE = 250;
/** When it is looked who is still there. */
const LOOK_MS = 15_000;

const HOST = "Host: 127.0.0.1\r\n";
const BEGINNINGS = {
  head: `GET /unfinished HTTP/1.1\r\n${HOST}X-Long: `.padEnd(UNFINISHED_BYTES, "x"),
  body: (`POST /call/Reset/nobody/1 HTTP/1.1\r\n${HOST}` +
    `Content-Type: application/json\r\nContent-Length: ${2 * UNFINISHED_BYTES}\r\n\r\n{"a":"`)
    .padEnd(UNFINISHED_BYTES, "x"),
  idle: `GET /healthz HTTP/1.1\r\n${HOST}\r\n`,
};

/** Connections that send the beginning of something, and then nothing. */
export function heldConnections(
  port: number,
  what: keyof typeof BEGINNINGS,
  connections: number,
): Attack {
  const bytes = encoder.encode(BEGINNINGS[what]);
  let opened = 0;
  let there = 0;
  let left: number | undefined;

  async function hold(): Promise<void> {
    const conn = await openTcp(port);
    opened++;
    there++;
    void drop(conn).then(() => there--);
    await writeAll(conn, bytes);
  }

  async function holdMany(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await hold().catch(() => {});
  }

  return {
    begin() {
      for (let i = 0; i < AT_ONCE; i++) void holdMany(Math.ceil((connections - i) / AT_ONCE));
      setTimeout(() => left = there, LOOK_MS);
    },
    notes: () => [`${digits(left ?? there)} of ${digits(opened)} attackers there after 15 s`],
  };
}

/** Upgrades under a name that the backend refuses in a way of its own. */
export function refusedUpgrades(port: number, everyMs: number): Attack {
  let tried = 0;
  let answered = 0;

  async function knock(): Promise<void> {
    const conn = await openTcp(port);
    try {
      const target = { hostname: "127.0.0.1", port, path: "/" };
      await writeAll(conn, upgradeRequest(target, `evil${tried}`));
      if (await conn.read(new Uint8Array(4096)) !== null) answered++;
    } finally {
      closeQuietly(conn);
    }
  }

  return {
    begin() {
      setInterval(() => (tried++, void knock().catch(() => {})), everyMs);
    },
    notes: () => [`${answered} of ${tried} upgrades of the attacker answered`],
  };
}

/** Requests whose Prefer header is one long quoted string that does not end, one after the other. */
export function preferRequests(port: number, bytes: number): Attack {
  const request = encoder.encode(
    `POST /call/Reset/nobody/1 HTTP/1.1\r\n${HOST}Connection: close\r\n` +
      `Prefer: ${'"\\'.repeat(bytes / 2)}\r\nContent-Length: 2\r\n\r\n{}`,
  );
  let asked = 0;
  let longestMs = 0;
  let startedAt = 0;

  /** Also of one that still waits. */
  function look(): void {
    longestMs = Math.max(longestMs, performance.now() - startedAt);
  }

  async function ask(): Promise<void> {
    startedAt = performance.now();
    const conn = await openTcp(port);
    try {
      await writeAll(conn, request);
      if (await conn.read(new Uint8Array(4096)) !== null) asked++;
    } finally {
      look();
      closeQuietly(conn);
    }
  }

  async function askOn(): Promise<never> {
    while (true) {
      await ask().catch(() => {});
      await pause(100);
    }
  }

  return {
    begin: () => void askOn(),
    notes() {
      look();
      return [`${asked} such requests answered, the longest took ${digits(longestMs)} ms`];
    },
  };
}
