/**
 * A TCP way to a port that can be cut, also without a word and in one direction.
 *
 * @module
 */

/** `there`: from whoever connected to the port; `back`: the other way. */
export type Way = "there" | "back";

/** Passes on what comes. While it holds, nothing is lost, as on a network that sends it again later. */
export class Cable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #port: number;
  readonly #ends = new Set<Deno.TcpConn>();
  readonly #held = new Set<Way>();
  #isCut = false;
  #mended = Promise.withResolvers<void>();
  #connections = 0;
  readonly #accepting: Promise<void>;
  readonly #running = new Set<Promise<void>>();

  /** @param port Of 127.0.0.1, where it leads. */
  constructor(port: number) {
    this.#port = port;
    // Ends when the listener is closed.
    this.#accepting = this.#accept().catch(() => {});
  }

  /** Where to connect. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** How many connections go over it. */
  get connections(): number {
    return this.#connections;
  }

  /** Closes what is connected, and lets nobody connect. */
  cut(): void {
    this.#isCut = true;
    for (const end of [...this.#ends]) this.#close(end);
  }

  /** Nothing comes through that way, and nothing is closed. New connections are taken and hear nothing. */
  hold(way: Way): void {
    this.#held.add(way);
  }

  /** What was held goes on; who was cut may connect. */
  mend(): void {
    this.#isCut = false;
    this.#held.clear();
    this.#mended.resolve();
    this.#mended = Promise.withResolvers();
  }

  /** Resolves when all its connections are closed. */
  async close(): Promise<void> {
    this.#listener.close();
    this.cut();
    this.mend();
    // A connection that is just being made is closed as soon as it is.
    this.#isCut = true;
    await this.#accepting;
    await Promise.all(this.#running);
  }

  async #accept(): Promise<void> {
    for await (const near of this.#listener) {
      if (this.#isCut) near.close();
      else {
        const running = this.#connect(near).finally(() => this.#running.delete(running));
        this.#running.add(running);
      }
    }
  }

  async #connect(near: Deno.TcpConn): Promise<void> {
    this.#ends.add(near);
    let far: Deno.TcpConn;
    try {
      far = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    } catch {
      return this.#close(near);
    }
    this.#ends.add(far);
    // It was cut meanwhile.
    if (!this.#ends.has(near)) return this.#close(far);
    near.setNoDelay(true);
    far.setNoDelay(true);
    this.#connections++;
    await Promise.all([this.#pipe(near, far, "there"), this.#pipe(far, near, "back")]);
    this.#connections--;
  }

  /** Never rejects. */
  async #pipe(from: Deno.TcpConn, to: Deno.TcpConn, way: Way): Promise<void> {
    const buffer = new Uint8Array(65536);
    try {
      while (true) {
        const count = await from.read(buffer);
        // The end of a connection is held as well.
        while (this.#held.has(way) && this.#ends.has(from)) await this.#mended.promise;
        if (count === null) break;
        let bytes = buffer.subarray(0, count);
        while (bytes.length > 0) bytes = bytes.subarray(await to.write(bytes));
      }
    } catch {
      // Cut.
    }
    this.#close(from);
    this.#close(to);
  }

  #close(end: Deno.TcpConn): void {
    if (this.#ends.delete(end)) end.close();
  }
}
