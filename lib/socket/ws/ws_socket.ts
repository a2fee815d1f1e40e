/**
 * A WebSocket on a connection that `node:http` or `node:tls` has accepted.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Socket as Connection } from "node:net";
import type { Clock, Timer } from "../../clock.ts";
import { OVERSIZED, type Socket, type SocketEnd, type SocketEventType } from "../socket.ts";
import { Deflate, type DeflateOwner, type DeflateQueue } from "./deflate.ts";
import {
  type Agreed,
  createReceiver,
  createSender,
  type Extensions,
  extensionsWith,
  type FrameReceiver,
  type FrameSender,
} from "./library.ts";
import type { Pinged, Pings } from "./pings.ts";

/** What all sockets have in common. */
export interface WsShared {
  readonly maxMessageBytes: number;
  readonly clock: Clock;
  readonly queue: DeflateQueue;
}

/** So much is looked at before it is asked again whether the client is held: what is beyond waits unread. */
const PIECE_BYTES = 4096;
/** Fragments and pieces cost memory beyond their bytes: a message may be in pieces of so many, not less. */
const MIN_PART_BYTES = 64;
/** Messages of a few bytes are never in too many parts. */
const MIN_PARTS = 1024;
/** What a client that asks for pongs, and does not read them, may let wait. */
const MAX_UNREAD_BYTES = 16 * 1024;
/** How long a client may take to end a connection on which all is said. */
const LINGER_MS = 5000;

const NO_EXTENSIONS: Extensions = {};
const NO_STATUS = 1005;
const PROTOCOL_ERROR = 1002;
const INVALID_PAYLOAD = 1007;
const POLICY = 1008;
const PLAIN = { fin: true, binary: false, mask: false, compress: false } as const;
const COMPRESSED = { ...PLAIN, compress: true } as const;

/** By what the library calls them; 1002 for all others. */
const FAULT_CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: INVALID_PAYLOAD,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: POLICY,
  Z_DATA_ERROR: INVALID_PAYLOAD,
};

/** Messages that are refused for their size. */
const OVERSIZE_CODES: readonly string[] = [
  "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
  "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
  "ERR_BUFFER_TOO_LARGE",
];

/** Without a close frame of the client. */
const BROKEN: SocketEnd = { wasClean: false, code: 1006, reason: "" };

/** From `closing` on a close frame has been sent, and nothing else will be. */
type State = "opening" | "open" | "closing" | "closed";

/** Whose connection it is: a property in place of closures, since an idle client has each 100,000 times. */
const OWNER = Symbol("owner");

interface Owned {
  [OWNER]: WsSocket;
}

/**
 * Owns a connection from its 101 to its end.
 *
 * - Messages come in their order, and none while it is held.
 * - A message over the bound is refused when its length is known, before it is buffered: in its place
 *   comes `OVERSIZED`, and nothing after it.
 * - After a close frame of either side, or a fault of the client's, what comes is read and dropped, so that
 *   the client can read the close frame; it has 5 s then to end the connection.
 */
export class WsSocket implements Socket, Pinged, DeflateOwner {
  silence = 0;
  readonly #connection: Connection;
  readonly #shared: WsShared;
  readonly #pings: Pings | null;
  readonly #pingGroup: number;
  readonly #sender: FrameSender;
  readonly #isCompressing: boolean;
  /** Null when nothing more is looked at. */
  #receiver: FrameReceiver | null;
  #state: State = "opening";
  #end = BROKEN;
  #onMessage: EventListenerObject | null = null;
  #onClose: EventListenerObject | null = null;
  #onOpen: EventListenerObject | null = null;
  #onError: EventListenerObject | null = null;
  #isHeld = false;
  #isInflating = false;
  #isFeeding = false;
  /** The client has sent all that it will. */
  #hasEnded = false;
  /** Bytes that have come, and were not given to the receiver. */
  #unfed: Buffer | null = null;
  /** Messages, or one that is about to be inflated, that wait for the end of a hold. */
  #held: (string | Buffer | typeof OVERSIZED | (() => void))[] | null = null;
  /** Bytes that are being compressed, and those behind them. */
  #compressing = 0;
  #lingering: Timer | null = null;

  /**
   * Takes over a connection whose 101 has been written; `open` must follow.
   *
   * @param agreed What compression was agreed on; undefined for none.
   * @param pings Undefined when a silent client is not given up.
   */
  constructor(
    connection: Connection,
    agreed: Agreed | undefined,
    pings: Pings | undefined,
    shared: WsShared,
  ) {
    const { maxMessageBytes, queue } = shared;
    const extensions = agreed === undefined
      ? NO_EXTENSIONS
      : extensionsWith(new Deflate(agreed, this, queue, maxMessageBytes));
    const maxParts = Math.max(MIN_PARTS, Math.ceil(maxMessageBytes / MIN_PART_BYTES));
    this.#connection = connection;
    this.#shared = shared;
    this.#pings = pings ?? null;
    this.#pingGroup = pings?.enter(this) ?? 0;
    this.#isCompressing = agreed !== undefined;
    this.#sender = createSender(connection, extensions);
    this.#receiver = createReceiver({
      isServer: true,
      extensions,
      maxPayload: maxMessageBytes,
      maxFragments: maxParts,
      maxBufferedChunks: maxParts,
    });
    own(this.#receiver, this)
      .on("message", onMessage)
      .on("ping", onPing)
      .on("conclude", onConclude)
      .on("error", onFault);
    own(connection, this).on("error", nothing).on("close", onClosed);
  }

  /** It is open. @param head What came behind the upgrade already. */
  open(head: Buffer): void {
    if (this.#state === "closed") return;
    if (this.#state === "opening") this.#state = "open";
    this.#onOpen?.handleEvent({ type: "open" } as Event);
    this.#connection.on("data", onData).on("end", onEnd);
    if (head.length > 0) this.come(head);
    else this.#connection.resume();
  }

  addEventListener(type: SocketEventType, listener: EventListenerObject): void {
    this.#listen(type, listener);
  }

  removeEventListener(type: SocketEventType, listener: EventListenerObject): void {
    const listeners = {
      open: this.#onOpen,
      message: this.#onMessage,
      error: this.#onError,
      close: this.#onClose,
    };
    if (listeners[type] === listener) this.#listen(type, null);
  }

  #listen(type: SocketEventType, listener: EventListenerObject | null): void {
    if (type === "message") this.#onMessage = listener;
    else if (type === "close") this.#onClose = listener;
    else if (type === "open") this.#onOpen = listener;
    else this.#onError = listener;
  }

  get bufferedAmount(): number {
    return this.#connection.writableLength + this.#compressing;
  }

  send(text: string): void {
    if (this.#state !== "open") return;
    if (!this.#isCompressing) return this.#sender.send(text, PLAIN);
    this.#compressing += text.length;
    this.#sender.send(text, COMPRESSED, () => this.#compressing -= text.length);
  }

  close(code: number, reason: string): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#state = "closing";
    this.#sender.close(code, reason, false);
    // Its own close frame is behind what it sent.
    if (this.#receiver !== null) return this.release();
    this.#finish();
  }

  /** Ends the connection at once. */
  cut(): void {
    this.#connection.destroy();
  }

  hold(): void {
    if (this.#state !== "open" || this.#isHeld) return;
    this.#isHeld = true;
    this.#connection.pause();
  }

  release(): void {
    this.#isHeld = false;
    while (this.#held !== null && !this.#isHeld) {
      const next = this.#held.shift();
      if (this.#held.length === 0) this.#held = null;
      if (typeof next === "function") next();
      else if (next !== undefined) this.#tell(next);
    }
    this.#feed();
  }

  ping(): void {
    // A client that is held, or that has not taken what was sent, does not see it.
    if (this.#state === "open" && this.bufferedAmount === 0) this.#sender.ping("", false);
  }

  giveUp(): void {
    if (this.#isHeld) this.silence = 0;
    else this.cut();
  }

  inflating(go: () => void): void {
    if (this.#receiver === null) return;
    this.#isInflating = true;
    if (this.#isHeld) (this.#held ??= []).push(go);
    else go();
  }

  inflated(): void {
    this.#isInflating = false;
    // Behind the message that comes of it.
    queueMicrotask(() => this.#feed());
  }

  /** Bytes have come. */
  come(bytes: Buffer): void {
    this.silence = 0;
    if (this.#receiver === null) return;
    this.#unfed = this.#unfed === null ? bytes : Buffer.concat([this.#unfed, bytes]);
    this.#feed();
  }

  #feed(): void {
    if (this.#isFeeding) return;
    this.#isFeeding = true;
    while (this.#unfed !== null && !this.#isStopped) {
      const bytes: Buffer = this.#unfed;
      this.#unfed = bytes.length > PIECE_BYTES ? bytes.subarray(PIECE_BYTES) : null;
      this.#receiver?.write(bytes.subarray(0, PIECE_BYTES));
    }
    this.#isFeeding = false;
    if (this.#isStopped) this.#connection.pause();
    else if (this.#hasEnded) this.#over();
    else this.#connection.resume();
  }

  /** Whether the receiver gets nothing for now. */
  get #isStopped(): boolean {
    return this.#receiver !== null && (this.#isHeld || this.#isInflating);
  }

  /** A whole message has come, or one that is too large has begun. */
  message(data: string | Buffer | typeof OVERSIZED): void {
    if (this.#isHeld || this.#held !== null) (this.#held ??= []).push(data);
    else this.#tell(data);
  }

  #tell(data: string | Buffer | typeof OVERSIZED): void {
    this.#onMessage?.handleEvent({ type: "message", data } as MessageEvent);
  }

  pinged(data: Buffer): void {
    if (this.#state !== "open" || this.bufferedAmount > MAX_UNREAD_BYTES) return;
    this.#sender.pong(data, false);
  }

  /** The client's close frame has come. */
  conclude(code: number, reason: string): void {
    this.#end = { wasClean: true, code, reason };
    this.#receiver = null;
    if (this.#state === "open") {
      this.#state = "closing";
      this.#sender.close(code === NO_STATUS ? undefined : code, "", false);
    }
    this.#finish();
  }

  /** What came is no frame, or too large. */
  fault({ code = "" }: Error & { code?: string }): void {
    if (this.#receiver === null) return;
    this.#receiver = null;
    this.#unfed = null;
    if (OVERSIZE_CODES.includes(code)) {
      this.#connection.resume();
      return this.message(OVERSIZED);
    }
    this.close(FAULT_CODES[code] ?? PROTOCOL_ERROR, "");
    this.#finish();
  }

  /** All is said: what the client still sends is read, so that it can read what was sent. */
  #finish(): void {
    this.#connection.end();
    this.#connection.resume();
    this.#lingering ??= this.#shared.clock.setTimeout(() => this.cut(), LINGER_MS);
  }

  /** The client sends nothing more. */
  ended(): void {
    this.#hasEnded = true;
    if (!this.#isStopped) this.#over();
  }

  /** Nothing more can come. */
  #over(): void {
    // What was sent behind a close frame of its own is still on the way to it.
    if (this.#lingering === null || this.#connection.writableFinished) this.cut();
  }

  closed(): void {
    const wasOpening = this.#state === "opening";
    this.#state = "closed";
    this.#receiver = null;
    this.#pings?.leave(this, this.#pingGroup);
    if (this.#lingering !== null) this.#shared.clock.clearTimeout(this.#lingering);
    // They came before the end.
    for (const each of this.#held ?? []) if (typeof each !== "function") this.#tell(each);
    this.#held = null;
    if (wasOpening) return this.#onError?.handleEvent({ type: "error" } as Event);
    this.#onClose?.handleEvent({ type: "close", ...this.#end } as CloseEvent);
  }
}

function own<T extends object>(emitter: T, owner: WsSocket): T {
  (emitter as T & Owned)[OWNER] = owner;
  return emitter;
}

function onMessage(this: unknown, data: Buffer, isBinary: boolean): void {
  ownerOf(this).message(isBinary ? data : data.toString());
}

function onPing(this: unknown, data: Buffer): void {
  ownerOf(this).pinged(data);
}

function onConclude(this: unknown, code: number, reason: Buffer): void {
  ownerOf(this).conclude(code, reason.toString());
}

function onFault(this: unknown, error: Error): void {
  ownerOf(this).fault(error);
}

function onData(this: unknown, bytes: Buffer): void {
  ownerOf(this).come(bytes);
}

function onEnd(this: unknown): void {
  ownerOf(this).ended();
}

function onClosed(this: unknown): void {
  ownerOf(this).closed();
}

/** The close event follows. */
function nothing(): void {}

function ownerOf(emitter: unknown): WsSocket {
  return (emitter as Owned)[OWNER];
}
