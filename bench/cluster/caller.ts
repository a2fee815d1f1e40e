/**
 * The backend's side of the HTTP API: one kept connection, one CALL after the other.
 *
 * @module
 */

const BUFFER_BYTES = 16 * 1024;
const WAIT_SECONDS = 10;

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** Sends CALLs and waits for each response. */
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
   * Sends a CALL with `Prefer: wait` and waits for the client's answer. One at a time.
   *
   * @returns Milliseconds from the request to the whole response.
   * @throws When the answer is not a client's CALLRESULT.
   */
  async call(clientId: string): Promise<number> {
    const { status, ms } = await this.#send(clientId, `Prefer: wait=${WAIT_SECONDS}\r\n`);
    if (status !== 200) throw new Error(`a CALL was answered ${status}`);
    return ms;
  }

  /**
   * Sends a CALL that is to be accepted. One at a time.
   *
   * @returns Milliseconds from the request to the whole 202; undefined when there is no room for it.
   * @throws When there is another response.
   */
  async command(clientId: string): Promise<number | undefined> {
    const { status, ms } = await this.#send(clientId, "");
    if (status !== 202 && status !== 429) throw new Error(`a CALL was answered ${status}`);
    return status === 202 ? ms : undefined;
  }

  async #send(clientId: string, headers: string): Promise<{ status: number; ms: number }> {
    const request = encoder.encode(
      `POST /call/Ping/${clientId}/${this.#name}-${++this.#lastId} HTTP/1.1\r\n` +
        `Host: ${this.#host}\r\n${headers}Content-Length: 2\r\n\r\n{}`,
    );
    const startAt = performance.now();
    for (let sent = 0; sent < request.length;) {
      sent += await this.#conn.write(request.subarray(sent));
    }
    let end = 0;
    while (true) {
      const count = await this.#conn.read(this.#buffer.subarray(end));
      if (count === null) throw new Error("the gateway cut the API's connection");
      end += count;
      const status = statusOf(decoder.decode(this.#buffer.subarray(0, end)));
      if (status !== undefined) return { status, ms: performance.now() - startAt };
    }
  }

  close(): void {
    this.#conn.close();
  }
}

/** @returns Undefined while the response is not whole. @throws When that cannot be told. */
function statusOf(text: string): number | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const length = Number(/^content-length: *(\d+)\r$/im.exec(text)?.[1]);
  if (!Number.isInteger(length)) throw new Error("a response without a length");
  return text.length >= headEnd + 4 + length ? Number(text.slice(9, 12)) : undefined;
}
