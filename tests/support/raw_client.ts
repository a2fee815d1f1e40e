import { rawRequest, upgradeHead } from "./client.ts";
import { inTime } from "./deadline.ts";
import type { TestGateway } from "./gateway.ts";

/** The status and head of the gateway's answer to raw text; the connection is closed. */
export async function rawAnswer(
  gatewayUrl: string,
  text: string,
): Promise<{ status: number; head: string }> {
  const { status, head, conn } = await rawRequest(gatewayUrl, text);
  conn.close();
  return { status, head };
}

/** Only the status. */
export async function rawStatus(gatewayUrl: string, text: string): Promise<number> {
  return (await rawAnswer(gatewayUrl, text)).status;
}

/** What a head says in this header, undefined without it. */
export function headerOf(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.*?)\r$`, "im").exec(head)?.[1];
}

/** One WebSocket frame as it came. */
export interface RawFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** A WebSocket client that answers nothing by itself, neither pings nor closes. */
export class RawClient implements Disposable {
  readonly #conn: Deno.TcpConn;
  #bytes = new Uint8Array();
  /** The head of the gateway's answer to the upgrade. */
  head = "";

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  /** Sends an upgrade and reads the head of the answer. */
  static async connect(
    gateway: TestGateway,
    path: string,
    headers: Record<string, string | undefined> = {},
  ): Promise<RawClient> {
    const port = Number(new URL(gateway.url).port);
    const client = new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
    await client.#conn.write(new TextEncoder().encode(upgradeHead(path, headers)));
    for (;;) {
      // Heads are ASCII; what follows may be anything.
      const text = new TextDecoder().decode(client.#bytes);
      const end = text.indexOf("\r\n\r\n");
      if (end !== -1) {
        client.head = text.slice(0, end + 4);
        client.#bytes = client.#bytes.slice(end + 4);
        return client;
      }
      if (!await client.#read()) throw new Error(`no whole head: ${text}`);
    }
  }

  /** Reads more. @returns False when the gateway has cut the connection. */
  async #read(): Promise<boolean> {
    const buffer = new Uint8Array(4096);
    const n = await inTime(this.#conn.read(buffer), "bytes from the gateway");
    if (n === null) return false;
    this.#bytes = new Uint8Array([...this.#bytes, ...buffer.subarray(0, n)]);
    return true;
  }

  /** Takes the next frame; undefined when the gateway has cut the connection. */
  async frame(): Promise<RawFrame | undefined> {
    for (;;) {
      const [first = 0, second = 0, high = 0, low = 0] = this.#bytes;
      const isLong = second === 126;
      const start = isLong ? 4 : 2;
      const length = isLong ? high * 256 + low : second;
      if (this.#bytes.length >= start && this.#bytes.length >= start + length) {
        const payload = this.#bytes.slice(start, start + length);
        this.#bytes = this.#bytes.slice(start + length);
        return { opcode: first & 15, payload };
      }
      if (!await this.#read()) return undefined;
    }
  }

  /** Takes the next text, past pings. */
  async text(): Promise<string> {
    for (;;) {
      const frame = await this.frame();
      if (frame === undefined) throw new Error("the gateway cut the connection");
      if (frame.opcode === 1) return new TextDecoder().decode(frame.payload);
    }
  }

  /** Reads until the close frame: its code and reason. */
  async closeFrame(): Promise<{ code: number; reason: string }> {
    for (;;) {
      const frame = await this.frame();
      if (frame === undefined) throw new Error("cut without a close frame");
      const [high = 0, low = 0, ...reason] = frame.payload;
      if (frame.opcode === 8) {
        return {
          code: high * 256 + low,
          reason: new TextDecoder().decode(Uint8Array.from(reason)),
        };
      }
    }
  }

  /** Sends a short text. */
  async send(text: string): Promise<void> {
    const payload = new TextEncoder().encode(text);
    // Masked with zeros, which is a mask too.
    await this.#conn.write(
      Uint8Array.of(0x81, 0x80 | payload.length, 0, 0, 0, 0, ...payload),
    );
  }

  /** Resolves when the gateway has cut the connection. */
  async whenCut(): Promise<void> {
    try {
      while (await this.frame() !== undefined);
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    }
  }

  /** Cuts the connection without a close frame. */
  [Symbol.dispose](): void {
    try {
      this.#conn.close();
    } catch {
      // Cut already.
    }
  }
}
