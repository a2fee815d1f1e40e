/**
 * A process: a backend whose answers are part of an attack. Its argument is `BackendOrders` as JSON.
 *
 * Prints its port as the first line of standard output, and ends when its standard input is closed.
 * HTTP by hand: what it says no HTTP server would let out.
 *
 * @module
 */

import { closeQuietly, pause, writeAll } from "../load/raw_socket.ts";
import { writeOut } from "../process/text.ts";

export type BackendOrders =
  /** Every answer takes so long. */
  | { readonly kind: "slow"; readonly ms: number }
  /** `/connect/evil…` is refused, with a control character in WWW-Authenticate. */
  | { readonly kind: "challenge" }
  /** Over TLS; `/call/Drip/…` is answered in chunks of one byte each. */
  | {
    readonly kind: "drip";
    readonly bytes: number;
    readonly cert: string;
    readonly key: string;
  };

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

const PLAIN = answer("200 OK", "{}");
const CHALLENGE = answer("401 Unauthorized", "{}", 'WWW-Authenticate: Basic realm="\x01"\r\n');

function answer(status: string, body: string, headers = ""): Uint8Array {
  return encoder.encode(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\n${headers}` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
}

function dripping(bytes: number): Uint8Array {
  const body = `{"text":"${"x".repeat(bytes)}"}`;
  return encoder.encode(
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
      `${body.replaceAll(/./g, "1\r\n$&\r\n")}0\r\n\r\n`,
  );
}

/** @returns What answers a request, by its path. */
function answersOf(orders: BackendOrders): (path: string) => Promise<Uint8Array> | Uint8Array {
  switch (orders.kind) {
    case "slow":
      return async () => (await pause(orders.ms), PLAIN);
    case "challenge":
      return (path) => path.startsWith("/connect/evil") ? CHALLENGE : PLAIN;
    case "drip": {
      const drip = dripping(orders.bytes);
      return (path) => path.startsWith("/call/Drip/") ? drip : PLAIN;
    }
  }
}

async function serve(
  conn: Deno.Conn,
  answerTo: (path: string) => Promise<Uint8Array> | Uint8Array,
): Promise<void> {
  const buffer = new Uint8Array(65_536);
  let text = "";
  for (let count; (count = await conn.read(buffer)) !== null;) {
    text += decoder.decode(buffer.subarray(0, count));
    for (let headEnd; (headEnd = text.indexOf("\r\n\r\n")) !== -1;) {
      const head = text.slice(0, headEnd);
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      const end = headEnd + 4 + length;
      if (text.length < end) break;
      text = text.slice(end);
      await writeAll(conn, await answerTo(head.split(" ")[1] ?? ""));
    }
  }
}

async function acceptAll(listener: Deno.Listener, orders: BackendOrders): Promise<void> {
  const answerTo = answersOf(orders);
  for await (const conn of listener) {
    void serve(conn, answerTo).catch(() => {}).finally(() => closeQuietly(conn));
  }
}

const orders: BackendOrders = JSON.parse(Deno.args[0]!);
const address = { hostname: "127.0.0.1", port: 0 };
const listener = orders.kind === "drip"
  ? Deno.listenTls({ ...address, cert: orders.cert, key: orders.key })
  : Deno.listen(address);
void acceptAll(listener, orders);
writeOut(`${listener.addr.port}\n`);
for await (const _chunk of Deno.stdin.readable);
Deno.exit(0);
