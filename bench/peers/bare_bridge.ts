/**
 * A process: the least that a CALL's way to the backend and back costs in this runtime.
 *
 *     deno run --allow-net=127.0.0.1 bench/peers/bare_bridge.ts http://127.0.0.1:5000
 *
 * No limits, no order, no faults, no metrics: a message that is no CALL, or an answer that is not 200
 * with a length, ends the process. For a backend that takes all of it, such as the benches' stub.
 *
 * Whoever starts it gives it no V8 flags: the runtime's own are its best (a young generation of 32 MB
 * made no difference beyond noise), and what the gateway's flags, chosen for memory too, win or lose
 * is a part of the gateway's distance from it.
 *
 * Prints its port as the first line of standard output, and ends when its standard input is closed.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { writeOut } from "../process/text.ts";

const { host, hostname, port } = new URL(Deno.args[0]!);
const address = { hostname, port: Number(port || 80) };
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A keep-alive connection and its memory for answers, which bounds them. */
class Connection {
  readonly #conn: Deno.Conn;
  readonly #buffer = new Uint8Array(16 * 1024);

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** One request, of which no other may be under way. @returns The answer's body. */
  async exchange(request: Uint8Array): Promise<string> {
    for (let rest = request; rest.length > 0;) {
      rest = rest.subarray(await this.#conn.write(rest));
    }
    for (let filled = 0;;) {
      const count = await this.#conn.read(this.#buffer.subarray(filled));
      if (count === null || count === 0) throw new Error("cut, or longer than the buffer");
      filled += count;
      const text = decoder.decode(this.#buffer.subarray(0, filled));
      // A head is ASCII: what is an index in the text is one in the bytes.
      const bodyAt = text.indexOf("\r\n\r\n") + 4;
      if (bodyAt < 4) continue;
      const head = /^HTTP\/1\.1 200 [^]*?\r\ncontent-length: *(\d+)\r\n/i.exec(text);
      if (head === null) throw new Error(`not 200 with a length: ${text.slice(0, bodyAt)}`);
      if (filled === bodyAt + Number(head[1])) return text.slice(bodyAt);
    }
  }
}

/** The idle ones; the last one used is the next one. */
const idle: Connection[] = [];

async function call(socket: WebSocket, clientId: string, text: string): Promise<void> {
  const [, id, action, payload] = JSON.parse(text);
  const body = JSON.stringify(payload);
  const path = `/call/${encodeURIComponent(action)}/${clientId}/${encodeURIComponent(id)}`;
  // One text and one encoding of it: three arrays of bytes took a tenth to a quarter more CPU.
  const request = encoder.encode(
    `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  const connection = idle.pop() ?? new Connection(await Deno.connect(address));
  const answer = await connection.exchange(request);
  idle.push(connection);
  if (socket.readyState === WebSocket.OPEN) socket.send(`[3,${JSON.stringify(id)},${answer}]`);
}

const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
const server = Deno.serve(options, (request) => {
  const clientId = request.url.slice(request.url.lastIndexOf("/") + 1);
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = ({ data }) => void call(socket, clientId, data);
  return response;
});
writeOut(`${server.addr.port}\n`);
// Nothing comes here; the end does, also when whoever started this was killed.
for await (const _chunk of Deno.stdin.readable);
Deno.exit(0);
