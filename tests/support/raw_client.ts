import { rawRequest, upgradeHead } from "./client.ts";
import type { TestGateway } from "./gateway.ts";
import { ByteSocket, frameBytes, OPCODE, type Received } from "./websocket_bytes.ts";

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

/** A WebSocket client that answers nothing by itself, neither pings nor closes. */
export class RawClient implements Disposable {
  readonly #socket: ByteSocket;
  /** The head of the gateway's answer to the upgrade. */
  readonly head: string;

  private constructor(socket: ByteSocket, head: string) {
    this.#socket = socket;
    this.head = head;
  }

  /** Sends an upgrade and reads the head of the answer. */
  static async connect(
    gateway: TestGateway,
    path: string,
    headers: Record<string, string | undefined> = {},
  ): Promise<RawClient> {
    const socket = await ByteSocket.connect(gateway.url);
    await socket.write(upgradeHead(path, headers));
    const head = await socket.head();
    if (!head.endsWith("\r\n\r\n")) throw new Error(`no whole head: ${head}`);
    return new RawClient(socket, head);
  }

  /** Takes the next frame; undefined when the gateway has cut the connection. */
  frame(): Promise<Received | undefined> {
    return this.#socket.frame();
  }

  /** Takes the next text, past pings. */
  async text(): Promise<string> {
    const text = await this.#socket.text();
    if (text === undefined) throw new Error("the gateway ended the connection");
    return text;
  }

  /** Reads until the close frame: its code and reason. */
  async closeFrame(): Promise<{ code: number; reason: string }> {
    for (;;) {
      const frame = await this.frame();
      if (frame === undefined) throw new Error("cut without a close frame");
      const [high = 0, low = 0, ...reason] = frame.payload;
      if (frame.opcode === OPCODE.close) {
        return {
          code: high * 256 + low,
          reason: new TextDecoder().decode(Uint8Array.from(reason)),
        };
      }
    }
  }

  /** Sends a text. */
  async send(text: string): Promise<void> {
    if (!await this.#socket.write(frameBytes(text))) throw new Error("the gateway has gone");
  }

  /** Resolves when the gateway has cut the connection. */
  async whenCut(): Promise<void> {
    while (await this.frame() !== undefined);
  }

  /** Cuts the connection without a close frame. */
  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}
