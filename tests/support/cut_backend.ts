import { Buffer } from "node:buffer";
import { write } from "./backend.ts";
import { Inbox } from "./deadline.ts";

/** Where a connection is cut, and how. */
export interface Cut {
  /** Requests that are answered before the one that is cut. */
  readonly after: number;
  /** Inside the request, or inside its answer, when so many bytes of that have passed. */
  readonly inside: "request" | "answer";
  readonly bytes: number;
  /** `fin`: nothing more is sent. `reset`: the kernel says that bytes were left unread. */
  readonly how: "fin" | "reset";
  /** How long the request is: needed for a reset inside the answer. */
  readonly requestBytes?: number;
}

/** A backend that cuts one connection at a certain byte, once, and counts what arrives. */
export class CutBackend implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>;
  readonly #cut: Cut;
  readonly #answer: string;
  #isCut = false;
  /** How long the request that came last is. */
  requestBytes = 0;
  /** Requests of which a byte was read, whole or not. */
  begun = 0;
  /** Paths of the requests that were read to their end. */
  readonly arrived: string[] = [];
  /** The same, to wait for. */
  readonly arrivals = new Inbox<string>();

  constructor(cut: Cut, answer: string) {
    this.#cut = cut;
    this.#answer = answer;
    this.#running = this.#accept();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}/`;
  }

  async #accept(): Promise<void> {
    const all: Promise<void>[] = [];
    try {
      for await (const conn of this.#listener) {
        this.#connections.add(conn);
        all.push(this.#serve(conn));
      }
    } catch {
      // The listener was closed.
    }
    await Promise.all(all);
  }

  async #serve(conn: Deno.TcpConn): Promise<void> {
    try {
      while (await this.#exchange(conn)) { /* The next one. */ }
    } catch {
      // The other end cut it.
    } finally {
      this.#connections.delete(conn);
      close(conn);
    }
  }

  /** @returns Whether the connection can carry another one. */
  async #exchange(conn: Deno.TcpConn): Promise<boolean> {
    const { after, inside, bytes, how, requestBytes } = this.#cut;
    const isVictim = !this.#isCut && this.arrived.length === after;
    let most = Infinity;
    if (isVictim) {
      this.#isCut = true;
      if (inside === "request") most = bytes;
      // A byte left unread makes the close a reset; the request has arrived all the same.
      else if (how === "reset") most = requestBytes! - 1;
    }
    const text = await this.#read(conn, most);
    if (text === undefined) return false;
    if (isVictim && inside === "request") {
      if (how === "fin" && bytes > 0) await drain(conn);
      return false;
    }
    const path = /^POST (\S+)/.exec(text)![1]!;
    this.arrived.push(path);
    this.arrivals.put(path);
    this.requestBytes = text.length;
    await write(conn, isVictim ? this.#answer.slice(0, bytes) : this.#answer);
    return !isVictim;
  }

  /** @returns A whole request, or its first `most` bytes; undefined when it ends before that. */
  async #read(conn: Deno.Conn, most: number): Promise<string | undefined> {
    const buffer = Buffer.alloc(4096);
    let text = "";
    let length = Infinity;
    while (text.length < Math.min(length, most)) {
      const n = await conn.read(buffer.subarray(0, Math.min(buffer.length, most - text.length)));
      if (n === null) return undefined;
      if (text === "") this.begun++;
      text += buffer.toString("latin1", 0, n);
      const head = text.indexOf("\r\n\r\n");
      if (head !== -1) length = head + 4 + Number(/content-length: (\d+)/i.exec(text)![1]);
    }
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#connections) close(conn);
    await this.#running;
  }
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // Closed already.
  }
}

/** Ends its own side, and leaves the other side to the other end. */
async function drain(conn: Deno.TcpConn): Promise<void> {
  await conn.closeWrite();
  const buffer = new Uint8Array(4096);
  while (await conn.read(buffer) !== null) { /* The backend does not look at it. */ }
}
