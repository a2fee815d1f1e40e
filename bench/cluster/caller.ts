/**
 * The backend's side of the HTTP API: one kept connection, one CALL after the other.
 *
 * @module
 */

const BUFFER_BYTES = 16 * 1024;
const WAIT_SECONDS = 10;

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** Sends CALLs with `Prefer: wait` and waits for each answer. */
export class Caller {
  readonly #conn: Deno.TcpConn;
  readonly #host: string;
  readonly #name: string;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #lastId = 0;

  private constructor(conn: Deno.TcpConn, host: string, name: string) {
    this.#conn = conn;
    this.#host = host;
    this.#name = name;
  }

  /** @param name Begins its MessageIds; differs between callers. */
  static async connect(port: number, name: string): Promise<Caller> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    return new Caller(conn, `127.0.0.1:${port}`, name);
  }

  /**
   * Sends a CALL and waits for the client's answer. One at a time.
   *
   * @returns Milliseconds from the request to the whole response.
   * @throws When the answer is not a client's CALLRESULT.
   */
  async call(clientId: string): Promise<number> {
    const request = encoder.encode(
      `POST /call/Ping/${clientId}/${this.#name}-${++this.#lastId} HTTP/1.1\r\n` +
        `Host: ${this.#host}\r\nPrefer: wait=${WAIT_SECONDS}\r\nContent-Length: 2\r\n\r\n{}`,
    );
    const startAt = performance.now();
    for (let sent = 0; sent < request.length;) {
      sent += await this.#conn.write(request.subarray(sent));
    }
    let end = 0;
    while (!isWhole(decoder.decode(this.#buffer.subarray(0, end)))) {
      const count = await this.#conn.read(this.#buffer.subarray(end));
      if (count === null) throw new Error("the gateway cut the API's connection");
      end += count;
    }
    return performance.now() - startAt;
  }

  close(): void {
    this.#conn.close();
  }
}

/** @throws When it is any other response than the one wanted. */
function isWhole(text: string): boolean {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd === -1) return false;
  const length = Number(/^content-length: *(\d+)\r$/im.exec(text)?.[1]);
  if (!text.startsWith("HTTP/1.1 200 ") || !Number.isInteger(length)) {
    throw new Error(`a CALL was answered ${text.slice(0, 60).split("\r")[0]}`);
  }
  return text.length >= headEnd + 4 + length;
}
