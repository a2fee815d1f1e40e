import { Buffer } from "node:buffer";
import { Inbox, until } from "./deadline.ts";

/** A request that the backend got. */
export interface Recorded {
  readonly method: string;
  /** As in the request line. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

type Answer = (request: Recorded) => Response | Promise<Response>;

/** An HTTP backend that records each request and answers as it is told. */
export class RecordingBackend implements AsyncDisposable {
  /** Answers what comes from now on. */
  answer: Answer = () => json("{}");
  /** All requests, in the order of their arrival. */
  readonly requests: Recorded[] = [];
  readonly #inbox = new Inbox<Recorded>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #stop = new AbortController();

  constructor(port = 0) {
    const options = { hostname: "127.0.0.1", port, onListen: () => {}, signal: this.#stop.signal };
    this.#server = Deno.serve(options, async (raw) => {
      const request = {
        method: raw.method,
        path: raw.url.slice(raw.url.indexOf("/", 8)),
        headers: raw.headers,
        body: await raw.text(),
      };
      this.requests.push(request);
      this.#inbox.put(request);
      return this.answer(request);
    });
  }

  /**
   * A backend that comes back on the port of an earlier one, whose end the system may notice late.
   *
   * @throws When somebody else has the port for good.
   */
  static async again(port: number): Promise<RecordingBackend> {
    let backend: RecordingBackend | undefined;
    await until(`port ${port} to be free again`, () => {
      try {
        backend = new RecordingBackend(port);
      } catch (error) {
        if (!isPortTaken(error)) throw error;
      }
      return backend !== undefined;
    });
    return backend!;
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Takes the next request whose path begins so. */
  next(pathPrefix = "/"): Promise<Recorded> {
    return this.#inbox.take(
      `a request to ${pathPrefix}`,
      ({ path }) => path.startsWith(pathPrefix),
    );
  }

  /** Paths of the requests so far that begin so. */
  paths(pathPrefix = "/"): string[] {
    return this.requests.map(({ path }) => path).filter((path) => path.startsWith(pathPrefix));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Cuts what a failed test left hanging.
    this.#stop.abort();
    await this.#server.finished;
  }
}

/** A JSON response with exactly this text. */
export function json(text: string, status = 200): Response {
  return new Response(text, { status, headers: { "content-type": "application/json" } });
}

type OnRequest<C extends Deno.Conn> = (conn: C, request: string) => Promise<void> | void;

/** A backend that answers bytes, for what no HTTP library would send. */
export class RawBackend<C extends Deno.Conn = Deno.TcpConn> implements AsyncDisposable {
  readonly #listener: Deno.Listener<C>;
  readonly #connections = new Set<C>();
  readonly #running: Promise<void>;
  /** Whole requests that came, heads and bodies. */
  readonly requests: string[] = [];
  /** Connections that came. */
  connections = 0;
  /** Connections that came and have ended, by their number from 1, in the order of their ends. */
  readonly ends = new Inbox<number>();

  /**
   * @param onRequest Told each whole request; what it writes is the answer.
   * @param listener Where it listens; closed with the backend.
   */
  constructor(onRequest: OnRequest<C>, listener?: Deno.Listener<C>) {
    const onLoopback = { hostname: "127.0.0.1", port: 0 };
    this.#listener = listener ?? Deno.listen(onLoopback) as unknown as Deno.Listener<C>;
    this.#running = this.#accept(onRequest);
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  async #accept(onRequest: OnRequest<C>): Promise<void> {
    const all: Promise<void>[] = [];
    try {
      for await (const conn of this.#listener) {
        this.connections++;
        this.#connections.add(conn);
        all.push(this.#serve(conn, this.connections, onRequest));
      }
    } catch {
      // The listener was closed.
    }
    await Promise.all(all);
  }

  async #serve(conn: C, number: number, onRequest: OnRequest<C>): Promise<void> {
    const buffer = Buffer.alloc(65536);
    let text = "";
    try {
      for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
        // Not TextDecoder: its latin1 is windows-1252.
        text += buffer.toString("latin1", 0, n);
        const head = text.indexOf("\r\n\r\n");
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
        if (head === -1 || text.length < head + 4 + length) continue;
        this.requests.push(text);
        const request = text;
        text = "";
        await onRequest(conn, request);
      }
    } catch {
      // The test or the gateway cut the connection.
    } finally {
      this.#connections.delete(conn);
      try {
        conn.close();
      } catch {
        // Closed by the test.
      }
      this.ends.put(number);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#connections) {
      try {
        conn.close();
      } catch {
        // Closed already.
      }
    }
    await this.#running;
  }
}

/** Writes text to a connection, byte for character. */
export async function write(conn: Deno.Conn, text: string): Promise<void> {
  let bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
  while (bytes.length > 0) bytes = bytes.subarray(await conn.write(bytes));
}

/**
 * Ports below those that the system gives to who asks for any: no listener on port 0 and no outgoing
 * connection gets one of them by chance. Above the ones that `fetch` refuses.
 */
const [FIRST_PORT, LAST_PORT] = [12_000, 31_999] as const;

/** A port that nothing listens on, and that nobody gets by chance. */
export function closedPort(): number {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT + 1 - FIRST_PORT));
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/**
 * Starts something on a port that must be known before; on another one when somebody takes it first.
 *
 * @param start Leaves nothing behind when it fails; its error then says "address already in use".
 */
export async function onClosedPort<T>(start: (port: number) => T | Promise<T>): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await start(closedPort());
    } catch (error) {
      if (tries === 5 || !isPortTaken(error)) throw error;
    }
  }
}

/** Whether this is why something did not start. */
export function isPortTaken(error: unknown): boolean {
  return /address already in use/i.test(String(error));
}
