/**
 * One client's socket: what passes on it, in both directions.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { type Frame, type FrameFault, type ReadFrame, readFrame } from "../codec/frame.ts";
import { frameKind } from "../codec/frame_text.ts";
import { parseJson } from "../codec/json.ts";
import { type Dialect, dialectOf } from "../codec/subprotocol.ts";
import { type Identity, namesOf } from "../identity.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { OVERSIZED, type Socket } from "../socket/socket.ts";
import type { Sockets } from "../socket/sockets.ts";
import { Unsent } from "../socket/unsent.ts";
import { Budgets } from "./budgets.ts";
import { BINARY, type Ending, IDLE_FRAMES, NOT_READING, PARSE_TIME, TOO_LARGE } from "./ending.ts";
import type { Receiver } from "./incoming.ts";
import type { Tap, Tapped } from "./tap.ts";

export interface ClientSocketDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "frames">;
  readonly sockets: Pick<Sockets, "cut">;
  readonly limits: {
    readonly maxMessageBytes: number;
    /** Bytes that may wait for a client that does not read. */
    readonly maxBufferedBytes: number;
  };
}

/**
 * UTF-16 code units from which on it is measured how long a text takes to read. Of shorter ones no client
 * can send enough: they are answered one by one, or lead nowhere.
 */
const MEASURED_UNITS = 16 * 1024;
/**
 * What a text counts for at least and at most, in milliseconds for each UTF-16 code unit. Receiving it
 * costs so much even when its first character is wrong; and no text takes longer to read: what is more is
 * a pause of the process, which is not the client's fault.
 */
const MS_PER_UNIT = { least: 5e-6, most: 1e-4 } as const;

/** The same for a payload that is built: objects of thousands of shapes take that long. */
const MAX_PARSE_MS_PER_UNIT = 3e-4;

/**
 * Owns one socket, what waits to be sent on it, and the count of what passed.
 *
 * - Frames go out in the order in which they are written, whether they had to wait or not.
 * - Each valid frame and each text that is none counts once, before anything comes of it.
 * - After `shut` nothing is sent.
 *
 * The base of `Connection` rather than a part of it: an idle client is one object and its socket.
 */
export abstract class ClientSocket<D extends ClientSocketDeps> implements Receiver, Tapped {
  readonly clientId: string;
  readonly connectionId: string;
  readonly protocol: string | null;
  readonly remoteAddress: string;
  readonly connectedAt: number;
  framesIn = 0;
  framesOut = 0;
  /** Errors that passed, either way, and texts that were no frame. */
  errors = 0;
  tap: Tap | null = null;
  /** Seconds after `connectedAt`: a small number needs no memory of its own. */
  #activeAfterSeconds = 0;
  readonly #socket: Socket;
  readonly #deps: D;
  #unsent: Unsent | null = null;
  #isClosed = false;
  /** The same, of the last valid frame that came; -1 before the first. */
  #heardAfterSeconds = -1;
  /** Null while the client uses up nothing that is bounded. */
  #budgets: Budgets | null = null;

  /** Takes over a socket that is open. */
  constructor(socket: Socket, identity: Identity, deps: D) {
    this.clientId = identity.clientId;
    this.connectionId = identity.connectionId;
    this.protocol = identity.protocol;
    this.remoteAddress = identity.remoteAddress;
    this.connectedAt = identity.connectedAt;
    this.#socket = socket;
    this.#deps = deps;
  }

  /** Closes the socket, now, and ends all that depends on it. */
  protected abstract close(ending: Ending): void;

  /** A text came that is no valid frame. */
  protected abstract refuse(fault: FrameFault): void;

  /** Nothing waits to be sent any more. */
  protected abstract allSent(): void;

  protected get socket(): Socket {
    return this.#socket;
  }

  protected get deps(): D {
    return this.#deps;
  }

  /** Whether it can be left unread: not every implementation of WebSockets can. */
  get canBeHeld(): boolean {
    return this.#socket.hold !== undefined;
  }

  /** The version whose rules count. */
  get dialect(): Dialect {
    return dialectOf(this.protocol);
  }

  /** When its last valid frame came, to the second; milliseconds since 1970, null before the first. */
  get heardAt(): number | null {
    return this.#heardAfterSeconds < 0 ? null : this.connectedAt + 1000 * this.#heardAfterSeconds;
  }

  /** When the last frame came or went, to the second; milliseconds since 1970. */
  get lastActivityAt(): number {
    return this.connectedAt + 1000 * this.#activeAfterSeconds;
  }

  /** Whether its end has come. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether frames wait until the client reads. */
  protected get hasUnsent(): boolean {
    return this.#unsent !== null;
  }

  /** The end is here: what waits to be sent is forgotten, and nothing more is. */
  protected shut(): void {
    this.#isClosed = true;
    this.#unsent?.drop();
    this.#unsent = null;
    this.#budgets?.close();
  }

  /** What came leads nowhere: too much of that closes the connection. */
  protected ledNowhere(): void {
    if (this.#isClosed || this.#budgetsNow().takeFrame()) return;
    this.#deps.log.warn("too many frames that lead nowhere", namesOf(this));
    this.close(IDLE_FRAMES);
  }

  /**
   * Parses a payload of this client's, whose time it is: too much of it closes the connection.
   *
   * @returns The value; undefined when the text is no JSON.
   */
  parse(text: string): unknown {
    const { clock } = this.#deps;
    const since = clock.now();
    const value = parseJson(text);
    this.spent(Math.min(clock.now() - since, MAX_PARSE_MS_PER_UNIT * text.length));
    return value;
  }

  /** So long was worked for the client, and led nowhere or may have been chosen to take so long. */
  protected spent(ms: number): void {
    if (this.#isClosed || this.#budgetsNow().takeParsing(ms)) return;
    this.#deps.log.warn("too much to parse", namesOf(this));
    this.close(PARSE_TIME);
  }

  #budgetsNow(): Budgets {
    return this.#budgets ??= new Budgets(this.#deps.clock, () => {
      this.#budgets = null;
    });
  }

  /**
   * Reads what came.
   *
   * @param data As the message event has it.
   * @returns Null for what is no frame: it has been answered, or has closed the connection. Null also
   *   after the end.
   */
  protected read(data: unknown): Frame | null {
    if (this.#isClosed) return this.#readClosed();
    const { limits, metrics, log } = this.#deps;
    if (typeof data !== "string") {
      this.close(data === OVERSIZED ? TOO_LARGE : BINARY);
      return null;
    }
    if (isLongerThan(data, limits.maxMessageBytes)) {
      this.close(TOO_LARGE);
      return null;
    }
    if (data === "") {
      this.ledNowhere();
      return null;
    }
    this.framesIn++;
    this.#passed("in", data);
    if (log.isDebug) log.debug("frame in", { ...namesOf(this), frame: data.slice(0, 1000) });
    const read = data.length < MEASURED_UNITS
      ? readFrame(data, this.dialect)
      : this.#readLong(data);
    if (this.#isClosed) return null;
    if (!read.ok) {
      const { errors } = this;
      this.refuse(read.fault);
      // Unless it was answered with an error, which counts.
      if (this.errors === errors) this.errors++;
      return null;
    }
    // The wall clock may have been set back.
    this.#heardAfterSeconds = Math.max(0, this.#activeAfterSeconds);
    const { frame } = read;
    metrics.frames.in[frame.kind].add(1);
    if (isError(frame.kind)) this.errors++;
    return frame;
  }

  #readLong(text: string): ReadFrame {
    const { clock } = this.#deps;
    const since = clock.now();
    const read = readFrame(text, this.dialect);
    const { least, most } = MS_PER_UNIT;
    this.spent(
      text.length * Math.max(least, Math.min(most, (clock.now() - since) / text.length)),
    );
    return read;
  }

  /** A client that goes on sending after it was closed costs work for nothing: it is cut. */
  #readClosed(): null {
    if (!this.#budgetsNow().takeAfterClose()) this.#deps.sockets.cut(this.#socket);
    return null;
  }

  /** Sends a frame; one for a connection that is closed is dropped. */
  write(text: string): void {
    const { log, limits, clock, metrics } = this.#deps;
    if (this.#isClosed) return;
    const kind = frameKind(text);
    metrics.frames.out[kind].add(1);
    if (isError(kind)) this.errors++;
    this.framesOut++;
    this.#passed("out", text);
    if (log.isDebug) log.debug("frame out", { ...namesOf(this), frame: text.slice(0, 1000) });
    try {
      if (this.#unsent === null) {
        if (!Unsent.isNeeded(this.#socket)) return this.#socket.send(text);
        this.#unsent = new Unsent(this.#socket, clock, () => {
          this.#unsent = null;
          this.allSent();
        });
      }
    } catch {
      // The socket broke and its close event is on the way; the frame has nowhere to go.
      return;
    }
    if (this.#unsent.waiting <= limits.maxBufferedBytes) return this.#unsent.push(text);
    log.warn("client does not read", namesOf(this));
    this.close(NOT_READING);
  }

  #passed(direction: "in" | "out", text: string): void {
    const at = this.#deps.clock.wallNow();
    this.#activeAfterSeconds = Math.trunc((at - this.connectedAt) / 1000);
    this.tap?.note(this, { number: this.framesIn + this.framesOut, direction, at }, text);
  }
}

function isError(kind: Frame["kind"]): boolean {
  return kind === "error" || kind === "resulterror";
}

const encoder = new TextEncoder();

/** Compares UTF-8 bytes, and counts them only when the number of code units leaves a doubt. */
function isLongerThan(text: string, maxBytes: number): boolean {
  if (text.length * 3 <= maxBytes) return false;
  return text.length > maxBytes || encoder.encode(text).length > maxBytes;
}
