import { write } from "./backend.ts";
import { inTime } from "./deadline.ts";
import type { Certificate } from "./program.ts";

/** The head of an answer; status 0 when there was none. */
export interface TlsAnswer {
  readonly status: number;
  readonly head: string;
}

/**
 * Sends raw text over TLS to a port of 127.0.0.1 and reads the head of the answer.
 *
 * @param trusted The server's certificate, PEM.
 * @param certificate What the client shows.
 */
export async function tlsRequest(
  port: number,
  trusted: string,
  text: string,
  certificate?: Certificate,
): Promise<TlsAnswer> {
  const options = { hostname: "127.0.0.1", port, caCerts: [trusted] };
  using conn = await Deno.connectTls({ ...options, ...certificate });
  let head = "";
  try {
    await write(conn, text);
    const buffer = new Uint8Array(4096);
    while (!head.includes("\r\n\r\n")) {
      const n = await inTime(conn.read(buffer), "the head of a response");
      if (n === null) break;
      head += new TextDecoder("latin1").decode(buffer.subarray(0, n));
    }
  } catch (error) {
    // A server that refuses the client's certificate says so after the client's part of the handshake.
    const isRefusal = error instanceof Deno.errors.InvalidData ||
      error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
      error instanceof Deno.errors.UnexpectedEof;
    if (!isRefusal) throw error;
  }
  return { status: Number(/^HTTP\/1.1 (\d+)/.exec(head)?.[1] ?? 0), head };
}
