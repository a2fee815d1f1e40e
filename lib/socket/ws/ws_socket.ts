/**
 * A WebSocket on a connection that `node:http` or `node:tls` has accepted.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { Socket as Connection } from "node:net";
import type { Clock, Timer } from "../../clock.ts";
import { OVERSIZED, type Socket, type SocketEnd, type SocketEventType } from "../socket.ts";
import { Deflate, type DeflateQueue } from "./deflate.ts";
import { Inflow, type InflowOwner, type Message } from "./inflow.ts";
import {
  type Agreed,
  createSender,
  type Extensions,
  extensionsWith,
  type FrameSender,
} from "./library.ts";
import type { Pinged, Pings } from "./pings.ts";
import type { Turns } from "./turns.ts";

/** What all sockets have in common. */
export interface WsShared {
  readonly maxMessageBytes: number;
  readonly clock: Clock;
  readonly queue: DeflateQueue;
  readonly turns: Turns;
}

/** From `closing` on a close frame has been sent, and nothing else will be. */
type State = "opening" | "open" | "closing" | "closed";

/** What a client that asks for pongs, and does not read them, may let wait. */
const MAX_UNREAD_BYTES = 16 * 1024;
/** How long a client may take to end a connection on which all is said. */
const LINGER_MS = 5000;

const TOO_BIG = 1009;
const NO_STATUS = 1005;
/** Without a close frame of the client. */
const BROKEN: SocketEnd = { wasClean: false, code: 1006, reason: "" };

const NO_EXTENSIONS: Extensions = {};
const PLAIN = { fin: true, binary: false, mask: false, compress: false } as const;
const COMPRESSED = { ...PLAIN, compress: true } as const;

/** Whose a connection is. */
const OWNER = Symbol("owner");

/**
 * Owns a connection from its 101 to its end.
 *
 * A message over the bound is refused when its length is known, before it is buffered: in its place comes
 * `OVERSIZED`, and nothing after it. After a close frame of either side, or a fault of the client's, what
 * comes is read, so that the client can read the close frame; it has 5 s then to end the connection.
 */
export class WsSocket implements Socket, Pinged, InflowOwner {
  silence = 0;
  readonly #connection: Connection;
  readonly #shared: WsShared;
  readonly #pings: Pings | null;
  readonly #pingGroup: number;
  readonly #inflow: Inflow;
  readonly #sender: FrameSender;
  readonly #extensions: Extensions;
  #state: State = "opening";
  #end = BROKEN;
  #onMessage: EventListenerObject | null = null;
  #onClose: EventListenerObject | null = null;
  /** Of `open`, … */
  #onOpen: EventListenerObject | null = null;
  /** … and of `error`. */
  #onError: EventListenerObject | null = null;
  /** Characters that are being compressed, and those behind them. */
  #compressing = 0;
  #lingering: Timer | null = null;
  /** Ends what is sent, when all that is being compressed has been. */
  #onSent: (() => void) | null = null;

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
    this.#connection = connection;
    this.#shared = shared;
    this.#pings = pings ?? null;
    this.#pingGroup = pings?.enter(this) ?? 0;
    this.#inflow = new Inflow(connection, this, shared.turns);
    const { queue, maxMessageBytes } = shared;
    this.#extensions = agreed === undefined
      ? NO_EXTENSIONS
      : extensionsWith(new Deflate(agreed, this.#inflow, queue, maxMessageBytes));
    this.#sender = createSender(connection, this.#extensions);
    Reflect.set(connection, OWNER, this);
    connection.on("error", nothing).on("close", onClose);
  }

  /** @param head What came behind the upgrade already. */
  open(head: Buffer): void {
    if (this.#state === "closed") return;
    if (this.#state === "opening") this.#state = "open";
    this.#onOpen?.handleEvent({ type: "open" } as Event);
    this.#inflow.start(head, this.#extensions, this.#shared.maxMessageBytes);
  }

  addEventListener(type: SocketEventType, listener: EventListenerObject): void {
    this.#listen(type, listener);
  }

  removeEventListener(type: SocketEventType, listener: EventListenerObject): void {
    if (this.#listenerOf(type) === listener) this.#listen(type, null);
  }

  #listen(type: SocketEventType, listener: EventListenerObject | null): void {
    if (type === "message") this.#onMessage = listener;
    else if (type === "close") this.#onClose = listener;
    else if (type === "open") this.#onOpen = listener;
    else this.#onError = listener;
  }

  #listenerOf(type: SocketEventType): EventListenerObject | null {
    if (type === "message") return this.#onMessage;
    if (type === "close") return this.#onClose;
    return type === "open" ? this.#onOpen : this.#onError;
  }

  get bufferedAmount(): number {
    return this.#connection.writableLength + this.#compressing;
  }

  send(text: string): void {
    if (this.#state !== "open") return;
    if (this.#extensions === NO_EXTENSIONS) return this.#sender.send(text, PLAIN);
    this.#compressing += text.length;
    this.#sender.send(text, COMPRESSED, () => this.#sent(text.length));
  }

  #sent(chars: number): void {
    this.#compressing -= chars;
    if (this.#compressing > 0) return;
    const onSent = this.#onSent;
    this.#onSent = null;
    onSent?.();
  }

  /** The close frame waits behind what is being compressed. */
  #whenSent(act: () => void): void {
    if (this.#compressing === 0) act();
    else this.#onSent = act;
  }

  close(code: number, reason: string): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#close(code, reason);
    // Its own close frame is behind what it sent.
    this.#inflow.release();
  }

  #close(code: number | undefined, reason: string): void {
    this.#state = "closing";
    this.#sender.close(code, reason, false);
  }

  /** Ends the connection at once. */
  cut(): void {
    this.#connection.destroy();
  }

  hold(): void {
    if (this.#state === "open") this.#inflow.hold();
  }

  release(): void {
    if (this.#inflow.isHeld) this.#inflow.release();
  }

  heard(): void {
    this.silence = 0;
  }

  ping(): void {
    // One that has not taken what was sent does not see it.
    if (this.#state === "open" && this.bufferedAmount === 0) this.#sender.ping("", false);
  }

  giveUp(): void {
    // Who is not read cannot answer.
    if (this.#inflow.isHeld) this.silence = 0;
    else this.cut();
  }

  message(data: Message): void {
    this.#onMessage?.handleEvent({ type: "message", data } as MessageEvent);
    if (data !== OVERSIZED) return;
    if (this.#state === "open") this.#close(TOO_BIG, "");
    this.#finish();
  }

  pinged(data: Buffer): void {
    if (this.#state !== "open" || this.bufferedAmount > MAX_UNREAD_BYTES) return;
    this.#sender.pong(data, false);
  }

  concluded(code: number, reason: string): void {
    this.#end = { wasClean: true, code, reason };
    if (this.#state === "open") this.#close(code === NO_STATUS ? undefined : code, "");
    // Nothing follows of the client's, so that nothing is lost by ending the connection first
    // (RFC 6455 §7.1.1).
    this.#linger();
    this.#whenSent(() => this.#connection.destroySoon());
  }

  faulted(code: number): void {
    if (this.#state === "open") this.#close(code, "");
    this.#finish();
  }

  /** All is said: the client can read it, and has to end the connection. */
  #finish(): void {
    this.#linger();
    this.#whenSent(() => this.#connection.end());
  }

  #linger(): void {
    this.#lingering ??= this.#shared.clock.setTimeout(() => this.cut(), LINGER_MS);
  }

  ended(): void {
    // What was sent behind a close frame may be on the way to a client that has closed its own side.
    if (this.#lingering === null || this.#connection.writableFinished) this.cut();
  }

  closed(): void {
    const wasOpening = this.#state === "opening";
    this.#state = "closed";
    this.#pings?.leave(this, this.#pingGroup);
    this.#inflow.close();
    if (this.#lingering !== null) this.#shared.clock.clearTimeout(this.#lingering);
    if (wasOpening) this.#onError?.handleEvent({ type: "error" } as Event);
    else this.#onClose?.handleEvent({ type: "close", ...this.#end } as CloseEvent);
  }
}

function onClose(this: object): void {
  (Reflect.get(this, OWNER) as WsSocket).closed();
}

/** The close event follows. */
function nothing(): void {}
