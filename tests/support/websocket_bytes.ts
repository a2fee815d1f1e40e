/**
 * Hand-made WebSocket frames (RFC 6455 §5.2), right and wrong, a socket that sends
 * them, and cases that say what has to come of them.
 *
 * @module
 */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "./backend.ts";
import { upgradeHead } from "./client.ts";
import { inTime } from "./deadline.ts";
import { TestGateway } from "./gateway.ts";
import { currentWebSocket, type WebSocketName } from "./websockets.ts";

/** Opcodes (RFC 6455 §11.8). */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A frame's header, each part free to be wrong. */
export interface FrameShape {
  readonly opcode?: number;
  readonly fin?: boolean;
  /** The three reserved bits, RSV1 as 4. */
  readonly rsv?: number;
  /** Four bytes; null leaves the frame unmasked. */
  readonly mask?: readonly [number, number, number, number] | null;
  /** Bits of the length field; the shortest that fits when absent. */
  readonly lengthBits?: 7 | 16 | 64;
  /** The length that the header tells; the payload's when absent. */
  readonly length?: number;
}

/** One frame: a masked, final text frame when nothing else is said. */
export function frameBytes(payload: Uint8Array | string, shape: FrameShape = {}): Uint8Array {
  const { opcode = OPCODE.text, fin = true, rsv = 0, mask = [7, 91, 203, 158] } = shape;
  const data = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const length = shape.length ?? data.length;
  const bits = shape.lengthBits ?? (length < 126 ? 7 : length < 65536 ? 16 : 64);
  const lengthStart = 2;
  const maskStart = lengthStart + (bits === 7 ? 0 : bits / 8);
  const dataStart = maskStart + (mask === null ? 0 : 4);
  const bytes = new Uint8Array(dataStart + data.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  bytes[1] = (mask === null ? 0 : 0x80) | (bits === 7 ? length : bits === 16 ? 126 : 127);
  if (bits === 16) view.setUint16(lengthStart, length);
  if (bits === 64) view.setBigUint64(lengthStart, BigInt(length));
  if (mask !== null) bytes.set(mask, maskStart);
  for (let i = 0; i < data.length; i++) {
    bytes[dataStart + i] = mask === null ? data[i]! : data[i]! ^ mask[i % 4]!;
  }
  return bytes;
}

/** A close frame with this code and reason. */
export function closeBytes(code: number, reason: Uint8Array | string = ""): Uint8Array {
  const text = typeof reason === "string" ? new TextEncoder().encode(reason) : reason;
  return frameBytes(Uint8Array.of(code >> 8, code & 255, ...text), { opcode: OPCODE.close });
}

/** A message in as many fragments as parts; `between` goes between them. */
export function fragments(
  parts: readonly (Uint8Array | string)[],
  { opcode = OPCODE.text, between = new Uint8Array() }: { opcode?: number; between?: Uint8Array } =
    {},
): Uint8Array {
  return joined(parts.flatMap((part, i) => {
    const fin = i === parts.length - 1;
    const frame = frameBytes(part, { opcode: i === 0 ? opcode : OPCODE.continuation, fin });
    return fin ? [frame] : [frame, between];
  }));
}

/** All bytes in one array. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A frame that came from the gateway. */
export interface Received {
  readonly opcode: number;
  readonly payload: Uint8Array;
  readonly isCompressed?: true;
}

/** What ended a socket: the close frame's code (1005 without one in it), or `cut` without a frame. */
export type End = number | "cut";

/** A client's end of a TCP connection that writes any bytes and answers nothing by itself. */
export class ByteSocket implements Disposable {
  readonly #conn: Deno.TcpConn;
  readonly #buffer = new Uint8Array(65536);
  #unread = new Uint8Array();

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  /** Connects, and sends nothing. */
  static async connect(gatewayUrl: string): Promise<ByteSocket> {
    const port = Number(new URL(gatewayUrl).port);
    const conn = await inTime(Deno.connect({ hostname: "127.0.0.1", port }), "a TCP connection");
    conn.setNoDelay(true);
    return new ByteSocket(conn);
  }

  /** Connects and upgrades. */
  static async upgrade(
    gatewayUrl: string,
    path = "/raw",
    protocol: string | undefined = "ocpp1.6",
  ): Promise<ByteSocket> {
    const socket = await ByteSocket.connect(gatewayUrl);
    await socket.write(upgradeHead(path, { "Sec-WebSocket-Protocol": protocol }));
    const head = await socket.head();
    if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`no upgrade: ${head}`);
    return socket;
  }

  /** Writes all bytes; a connection that the gateway has ended takes them and says false. */
  async write(bytes: Uint8Array | string): Promise<boolean> {
    let rest = typeof bytes === "string" ? Uint8Array.from(bytes, (c) => c.charCodeAt(0)) : bytes;
    try {
      while (rest.length > 0) {
        rest = rest.subarray(await inTime(this.#conn.write(rest), "a write"));
      }
      return true;
    } catch (error) {
      if (isEnded(error)) return false;
      throw error;
    }
  }

  /** Tells the gateway that nothing more comes. */
  async endWriting(): Promise<void> {
    try {
      await this.#conn.closeWrite();
    } catch {
      // Ended already.
    }
  }

  /** Reads more. @returns False at the end of the connection. */
  async #more(): Promise<boolean> {
    try {
      const n = await inTime(this.#conn.read(this.#buffer), "bytes from the gateway");
      if (n === null) return false;
      this.#unread = joined([this.#unread, this.#buffer.subarray(0, n)]) as Uint8Array<ArrayBuffer>;
      return true;
    } catch (error) {
      if (isEnded(error)) return false;
      throw error;
    }
  }

  /** Takes an HTTP head; what there is of it when the connection ends first. */
  async head(): Promise<string> {
    for (;;) {
      const text = new TextDecoder("latin1").decode(this.#unread);
      const end = text.indexOf("\r\n\r\n");
      if (end !== -1) {
        this.#unread = this.#unread.slice(end + 4);
        return text.slice(0, end + 4);
      }
      if (!await this.#more()) return text;
    }
  }

  /** Everything until the connection ends, as Latin-1. */
  async rest(): Promise<string> {
    while (await this.#more());
    return new TextDecoder("latin1").decode(this.#unread);
  }

  /** Takes the next frame; undefined at the end of the connection. */
  async frame(): Promise<Received | undefined> {
    for (;;) {
      const frame = this.#takeFrame();
      if (frame !== undefined) return frame;
      if (!await this.#more()) return undefined;
    }
  }

  #takeFrame(): Received | undefined {
    const bytes = this.#unread;
    if (bytes.length < 2) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const short = bytes[1]! & 127;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < start) return undefined;
    const length = short === 126
      ? view.getUint16(2)
      : short === 127
      ? Number(view.getBigUint64(2))
      : short;
    if (bytes.length < start + length) return undefined;
    this.#unread = bytes.subarray(start + length) as Uint8Array<ArrayBuffer>;
    return {
      opcode: bytes[0]! & 15,
      payload: bytes.slice(start, start + length),
      ...((bytes[0]! & 0x40) !== 0 && { isCompressed: true }),
    };
  }

  /** Takes the next text, past pings and pongs; undefined when the connection ends. */
  async text(): Promise<string | undefined> {
    for (;;) {
      const frame = await this.frame();
      if (frame === undefined || frame.opcode === OPCODE.close) return undefined;
      if (frame.opcode === OPCODE.text) return new TextDecoder().decode(frame.payload);
    }
  }

  /** Reads to the end, and answers a close frame: the frames that came, and how it ended. */
  async untilEnd(): Promise<{ frames: Received[]; end: End }> {
    const frames: Received[] = [];
    let end: End = "cut";
    for (let frame = await this.frame(); frame !== undefined; frame = await this.frame()) {
      if (frame.opcode !== OPCODE.close || end !== "cut") {
        frames.push(frame);
        continue;
      }
      const { payload } = frame;
      end = payload.length < 2 ? 1005 : payload[0]! * 256 + payload[1]!;
      await this.write(frameBytes(payload, { opcode: OPCODE.close }));
    }
    return { frames, end };
  }

  [Symbol.dispose](): void {
    try {
      this.#conn.close();
    } catch {
      // Closed already.
    }
  }
}

function isEnded(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.NotConnected;
}

/** What has to come of bytes to the gateway. */
interface Outcome {
  /** Texts that come back, in their order. */
  readonly texts?: readonly string[];
  /** Pongs that come back, in their order. */
  readonly pongs?: readonly Uint8Array[];
  /** How the connection ends; absent when it serves on. */
  readonly end?: End;
}

/** Bytes to the gateway, and what has to come of them. */
export interface WebSocketCase extends Outcome {
  readonly name: string;
  /** What the client sends, in as many writes as parts. */
  readonly bytes: Uint8Array | readonly Uint8Array[];
  /** What `ws` does otherwise than the runtime. */
  readonly ws?: Outcome;
  /** The one that is tested; both unless given. */
  readonly just?: WebSocketName;
}

/** The connection serves on and nothing came back. */
export const SERVES = {} as const;
// The runtime's own: it cuts where RFC 6455 §7.1.7 advises to say why, as `ws` does.
/** No WebSocket's bytes. */
export const FAULT = { end: "cut", ws: { end: 1002 } } as const;
/** A text that is no UTF-8, or a close whose reason is none. */
export const NOT_UTF8 = { end: "cut", ws: { end: 1007 } } as const;
/** A length that the runtime would not buffer. */
export const TOO_LARGE = { end: "cut", ws: { end: 1009 } } as const;
/** For what the runtime takes though it is against the protocol: `ws` does not. */
export const REFUSED_BY_WS = { ws: { texts: [], pongs: [], end: 1002 } } as const;

/** The connection ends with this code. */
export function closeCode(code: number): { readonly end: number } {
  return { end: code };
}

/** The answer of the echoing backend to a CALL of `callOfLength`. */
function echo(filling: string): string {
  return `[3,"1",{"a":"${filling}"}]`;
}

/** A CALL of so many bytes, 27 or more, and its answer. */
export function callOfLength(length: number): { frame: string; answer: string } {
  const frame = (filling: string): string => `[2,"1","Echo",{"a":"${filling}"}]`;
  const filling = "x".repeat(length - frame("").length);
  return { frame: frame(filling), answer: echo(filling) };
}

const MARKER = '[2,"marker","Echo",{"marker":true}]';
const MARKER_ANSWER = '[3,"marker",{"marker":true}]';

/**
 * Runs each case on a socket of its own, as a step, against one gateway. After each a fresh client
 * under the same ClientId has to be served.
 */
export async function runCases(
  t: Deno.TestContext,
  cases: readonly WebSocketCase[],
): Promise<void> {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  backend.answer = ({ body }) => json(body);
  const websocket = currentWebSocket();
  for (const each of cases) {
    if (each.just !== undefined && each.just !== websocket) continue;
    await t.step(each.name, async () => {
      await runCase(gateway, websocket === "ws" ? { ...each, ...each.ws } : each);
      const fresh = await gateway.connect("raw");
      strictEqual(await fresh.ask(MARKER), MARKER_ANSWER);
      await fresh.close();
    });
  }
}

async function runCase(gateway: TestGateway, each: WebSocketCase): Promise<void> {
  using socket = await ByteSocket.upgrade(gateway.url);
  for (const part of each.bytes instanceof Uint8Array ? [each.bytes] : each.bytes) {
    await socket.write(part);
  }
  const { frames, end } = each.end === undefined
    ? await untilMarker(socket)
    : await socket.untilEnd();
  deepStrictEqual(end, each.end);
  deepStrictEqual(textsOf(frames), each.texts ?? []);
  const pongs = frames.filter(({ opcode }) => opcode === OPCODE.pong).map(({ payload }) => payload);
  deepStrictEqual(pongs, each.pongs ?? []);
  strictEqual(frames.length, (each.texts?.length ?? 0) + pongs.length, "no other frames");
}

function textsOf(frames: readonly Received[]): string[] {
  return frames.filter(({ opcode }) => opcode === OPCODE.text)
    .map(({ payload }) => new TextDecoder("utf-8", { fatal: true }).decode(payload));
}

/** All frames until a CALL is answered that is sent behind the case; the answer is left out. */
async function untilMarker(
  socket: ByteSocket,
): Promise<{ frames: Received[]; end: End | undefined }> {
  await socket.write(frameBytes(MARKER));
  const frames: Received[] = [];
  for (;;) {
    const frame = await socket.frame();
    if (frame === undefined || frame.opcode === OPCODE.close) return { frames, end: "cut" };
    if (textsOf([frame])[0] === MARKER_ANSWER) return { frames, end: undefined };
    frames.push(frame);
  }
}
