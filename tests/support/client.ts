import { Inbox, inTime } from "./deadline.ts";

export interface ClientOptions {
  readonly protocols?: string[];
  readonly headers?: Record<string, string>;
  /** For certificates that only a test trusts. */
  readonly client?: Deno.HttpClient;
}

/** A real WebSocket client. */
export class TestClient {
  readonly socket: WebSocket;
  readonly opened: Promise<void>;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #inbox = new Inbox<string>();

  /** @param url `ws://…/<ClientId>` */
  constructor(url: string, options: ClientOptions = {}) {
    this.socket = new WebSocket(url, { protocols: ["ocpp1.6"], headers: {}, ...options });
    this.socket.binaryType = "arraybuffer";
    this.opened = new Promise((resolve, reject) => {
      this.socket.addEventListener("open", () => resolve());
      this.socket.addEventListener(
        "error",
        (event) => reject(new Error((event as ErrorEvent).message)),
      );
    });
    this.opened.catch(() => {});
    this.closed = new Promise((resolve) => {
      this.socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
    });
    this.socket.addEventListener("message", ({ data }) => this.#inbox.put(String(data)));
  }

  send(text: string): void {
    this.socket.send(text);
  }

  /** Takes the next frame that begins so. */
  next(prefix = ""): Promise<string> {
    return this.#inbox.take(`a frame ${prefix}`, (text) => text.startsWith(prefix));
  }

  /** Frames that came and were not taken. */
  get left(): readonly string[] {
    return this.#inbox.left;
  }

  /** Sends a text and takes the frame that comes next. */
  ask(text: string): Promise<string> {
    const answer = this.next();
    this.send(text);
    return answer;
  }

  whenClosed(): Promise<{ code: number; reason: string }> {
    return inTime(this.closed, "the close of the client's socket");
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.whenClosed();
  }
}

/** A response to bytes that no WebSocket library would send. */
export interface RawResponse {
  readonly status: number;
  readonly head: string;
  readonly conn: Deno.TcpConn;
}

/** The head of an upgrade request; `undefined` leaves a header out. */
export function upgradeHead(
  path: string,
  headers: Record<string, string | undefined> = {},
): string {
  const all: Record<string, string | undefined> = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `GET ${path} HTTP/1.1\r\n${lines}\r\n`;
}

/** Sends raw text to the gateway and reads the head of its answer. */
export async function rawRequest(gatewayUrl: string, text: string): Promise<RawResponse> {
  const conn = await Deno.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(gatewayUrl).port),
  });
  await conn.write(new TextEncoder().encode(text));
  let head = "";
  const buffer = new Uint8Array(4096);
  while (!head.includes("\r\n\r\n")) {
    const n = await inTime(conn.read(buffer), "the head of a response");
    if (n === null) break;
    head += new TextDecoder("latin1").decode(buffer.subarray(0, n));
  }
  return { status: Number(/^HTTP\/1.1 (\d+)/.exec(head)?.[1] ?? 0), head, conn };
}
