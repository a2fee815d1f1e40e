/**
 * A client's connection to an instance: a WebSocket without a network, with both of its ends.
 *
 * Its gateway's end can be held in half of the worlds. What the client sends waits then, a close frame too;
 * a connection that breaks is noticed all the same.
 *
 * Faults: it is slow, it breaks with a word to both ends or without one, the client reads nothing more,
 * the client goes while its upgrade is on the way, and does not answer a close. Order is kept, as TCP
 * keeps it; nothing is lost but by a break.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { HttpRequest, UpgradeSocket } from "../../lib/request.ts";
import type { Socket, SocketMaker } from "../../lib/socket/socket.ts";
import type { Life } from "./life.ts";
import type { Timeline } from "./timeline.ts";
import { Pipe, type Weather } from "./weather.ts";

/** What a client hears of its connection. */
export interface ClientEnd {
  opened(): void;
  /** The upgrade was refused; 0 when nobody answered. */
  refused(status: number): void;
  received(text: string): void;
  /** The gateway closes, or the connection broke (1006). The client answers no close by itself. */
  ended(code: number, reason: string): void;
}

type Listener = EventListenerOrEventListenerObject;

/** The gateway's end. It becomes a socket when the upgrade is accepted. */
export class LineSocket implements Socket {
  readonly #line: Line;
  readonly #listeners = new Map<
    string,
    { readonly listener: Listener; readonly once: boolean }[]
  >();
  state: "opening" | "open" | "closing" | "closed" = "opening";
  readonly idleMs: number;
  /** Undefined where it cannot be held. */
  readonly hold?: () => void;
  readonly release?: () => void;
  #isHeld = false;
  #isReading = false;
  /** What has come while it was held, in order. */
  #unread: (() => void)[] = [];

  constructor(line: Line, idleMs: number, onHold: (() => void) | undefined) {
    this.#line = line;
    this.idleMs = idleMs;
    if (onHold === undefined) return;
    this.hold = () => {
      if (this.#isHeld || this.state === "closed") return;
      this.#isHeld = true;
      onHold();
    };
    this.release = () => this.#read();
  }

  /** Something comes of the client: now, or when the socket is not held any more. */
  comes(run: () => void): void {
    this.#unread.push(run);
    if (!this.#isHeld) this.#read();
  }

  #read(): void {
    this.#isHeld = false;
    if (this.#isReading) return;
    this.#isReading = true;
    // Each of them may have it held again.
    while (!this.#isHeld && this.#unread.length > 0) this.#unread.shift()!();
    this.#isReading = false;
  }

  addEventListener(
    type: string,
    listener: Listener | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    if (listener === null) return;
    const listeners = this.#listeners.get(type) ?? [];
    this.#listeners.set(type, listeners);
    if (listeners.some((other) => other.listener === listener)) return;
    listeners.push({ listener, once: typeof options === "object" && options.once === true });
  }

  removeEventListener(type: string, listener: Listener | null): void {
    const listeners = this.#listeners.get(type) ?? [];
    const at = listeners.findIndex((other) => other.listener === listener);
    if (at !== -1) listeners.splice(at, 1);
  }

  dispatchEvent(event: Event): boolean {
    const listeners = this.#listeners.get(event.type) ?? [];
    for (const { listener, once } of [...listeners]) {
      if (once) this.removeEventListener(event.type, listener);
      if (typeof listener === "function") listener.call(this as unknown as EventTarget, event);
      else listener.handleEvent(event);
    }
    return true;
  }

  /** Only what a listener reads: building real events would cost more than the rest of the world. */
  tell(type: string, members: object = {}): void {
    this.dispatchEvent({ type, ...members } as unknown as Event);
  }

  get bufferedAmount(): number {
    return this.#line.unread;
  }

  send(text: string): void {
    this.#line.fromGateway(this, text);
  }

  close(code: number, reason: string): void {
    this.#line.closedByGateway(this, code, reason);
    // The client's own close frame is behind what it sent.
    this.#read();
  }

  /** Of the maker, not of the socket. */
  cut(): void {
    this.#line.cut();
  }
}

export interface LineDeps {
  readonly timeline: Timeline;
  readonly weather: Weather;
  readonly onFault: (fault: string) => void;
  /** A frame is on its way to the client. */
  readonly onFrame: (line: Line, text: string) => void;
  /** And a close. */
  readonly onClose: (line: Line, code: number, reason: string) => void;
  /** The gateway lets it in. */
  readonly onAccept: (line: Line) => void;
  /** The client does not read, or has gone, and the gateway does not know. */
  readonly onUnread: () => void;
  /** The gateway's end is held; undefined where it cannot be. */
  readonly onHold: (() => void) | undefined;
}

/** A close event without a close frame of the client. */
const BROKEN = { wasClean: false, code: 1006, reason: "" };

/** How an upgrade's socket names its line. */
interface LineHandle {
  readonly line: Line;
  readonly destroyed: boolean;
}

/** Owns what is under way between both ends, and whether either has gone. */
export class Line {
  readonly number: number;
  /** The process at the gateway's end. */
  readonly life: Life;
  readonly #end: ClientEnd;
  readonly #deps: LineDeps;
  readonly #toClient: Pipe;
  readonly #toGateway: Pipe;
  #socket: LineSocket | undefined;
  /** The client has gone; whether the gateway can know is another matter. */
  isGone = false;
  #isSilent = false;
  #isStalled = false;
  #unread = 0;
  #waitsForReader: { code: number; reason: string; wasClean: boolean } | undefined;

  constructor(number: number, life: Life, end: ClientEnd, deps: LineDeps) {
    this.number = number;
    this.life = life;
    this.#end = end;
    this.#deps = deps;
    this.#toClient = new Pipe(deps.timeline, deps.weather);
    this.#toGateway = new Pipe(deps.timeline, deps.weather);
  }

  /** Whether the gateway has accepted it, and has not ended it. */
  get isHeld(): boolean {
    return this.#socket !== undefined && this.#socket.state !== "closed";
  }

  /** Characters that the client has not read. */
  get unread(): number {
    return this.#unread;
  }

  /** What stands for the HTTP connection in the request for an upgrade. */
  get handle(): UpgradeSocket {
    const isGone = (): boolean => this.isGone && !this.#isSilent;
    const handle: LineHandle = {
      line: this,
      get destroyed() {
        return isGone();
      },
    };
    return { socket: handle as unknown as UpgradeSocket["socket"], head: Buffer.alloc(0) };
  }

  /** The gateway accepts: its end is a socket from now on. */
  accept(idleSeconds: number): LineSocket {
    this.#deps.onAccept(this);
    return this.#socket = new LineSocket(this, idleSeconds * 1000, this.#deps.onHold);
  }

  /** The answer to the upgrade is on its way, which opens the socket if it was accepted. */
  answered(status: number): void {
    const socket = this.#socket;
    if (socket === undefined) {
      this.#toClient.push(() => this.#end.refused(status));
      return;
    }
    if (this.isGone && !this.#isSilent) return this.#neverOpens(socket);
    this.#deps.timeline.after(0.05, () =>
      this.life.deliver(() => {
        if (socket.state !== "opening") return;
        if (this.isGone && !this.#isSilent) return this.#neverOpens(socket);
        socket.state = "open";
        socket.tell("open");
        this.#toClient.push(() => this.#end.opened());
      }));
  }

  /** Of a client that goes in the very moment the runtime tells neither open nor close, or an error. */
  #neverOpens(socket: LineSocket): void {
    if (socket.state !== "opening") return;
    socket.state = "closed";
    if (this.number % 2 === 0) return;
    this.#deps.timeline.after(0.1, () => this.life.deliver(() => socket.tell("error")));
  }

  /** The client sends. @param onArrive The gateway gets it. */
  send(text: string, onArrive = (): void => {}): void {
    if (this.isGone) return;
    this.#toGateway.push(() => this.#deliver(text, onArrive));
  }

  #deliver(data: string, onArrive: () => void): void {
    this.life.deliver(() => {
      const socket = this.#socket;
      if (socket === undefined) return;
      socket.comes(() => {
        if (socket.state === "closed" || !this.life.isAlive) return;
        onArrive();
        socket.tell("message", { data });
      });
    });
  }

  /** The client closes, or answers the gateway's close. */
  close(code: number, reason: string): void {
    if (this.isGone) return;
    this.isGone = true;
    this.#readAll();
    this.#toGateway.push(() => this.#closeComes({ wasClean: true, code, reason }));
  }

  /** A close frame is behind what was sent before it, also while that is not read. */
  #closeComes(end: { wasClean: boolean; code: number; reason: string }): void {
    this.life.deliver(() => this.#socket?.comes(() => this.#socketEnds(end)));
  }

  /** The client's end is cut, and the gateway's hears of it; what is under way is lost. */
  break(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.#toClient.cut();
    this.#toGateway.cut();
    this.#unread = 0;
    this.#deps.timeline.after(this.#deps.weather.delayMs(), () => this.#socketEnds(BROKEN));
  }

  /** Nothing passes any more, and nobody hears of it: the gateway finds out by its pings. */
  vanish(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.#isSilent = true;
    this.#toClient.hold();
    this.#toGateway.hold();
    const idleMs = this.#socket?.idleMs ?? 0;
    if (idleMs > 0) this.#deps.timeline.after(idleMs, () => this.#socketEnds(BROKEN));
  }

  /** The client reads nothing from now on, or goes on reading. */
  stall(): void {
    if (this.isGone || this.#isStalled) return;
    this.#isStalled = true;
    this.#deps.onUnread();
    this.#toClient.hold();
  }

  goOn(): void {
    if (this.isGone || !this.#isStalled) return;
    this.#readAll();
  }

  #readAll(): void {
    if (!this.#isStalled) return;
    this.#isStalled = false;
    this.#unread = 0;
    this.#toClient.release();
    const end = this.#waitsForReader;
    if (end !== undefined) this.#socketEnds(end);
  }

  /** The process at the gateway's end is dead. @param isKnown Whether its machine says so. */
  gatewayDied(isKnown: boolean): void {
    if (this.isGone) return;
    this.#toGateway.cut();
    const tell = (): void => {
      if (this.isGone) return;
      this.isGone = true;
      this.#end.ended(1006, "");
    };
    if (isKnown) this.#toClient.push(tell);
    else this.#deps.timeline.after(8000, tell);
  }

  fromGateway(socket: LineSocket, text: string): void {
    if (!this.life.acts("a frame to a client")) return;
    if (socket.state !== "open") {
      this.#deps.onFault(`a frame after the close of line ${this.number}: ${text}`);
      throw new DOMException("", "InvalidStateError");
    }
    // The other end has gone, and its word is on the way.
    if (this.isGone && !this.#isSilent && this.number % 3 === 0) {
      this.#deps.onUnread();
      throw new DOMException("", "InvalidStateError");
    }
    this.#deps.onFrame(this, text);
    if (this.#isStalled) this.#unread += text.length;
    this.#toClient.push(() => {
      if (!this.isGone) this.#end.received(text);
    });
  }

  closedByGateway(socket: LineSocket, code: number, reason: string): void {
    if (!this.life.acts("a close") || socket.state === "closed") return;
    socket.state = "closing";
    this.#deps.onClose(this, code, reason);
    this.#toClient.push(() => {
      if (!this.isGone) this.#end.ended(code, reason);
    });
  }

  /** The gateway gives the connection up. */
  cut(): void {
    const socket = this.#socket;
    if (socket === undefined || !this.life.acts("a cut")) return;
    // While a write is blocked the runtime keeps the connection until the client goes.
    if (this.#unread > 0) {
      this.#waitsForReader = BROKEN;
      return;
    }
    if (!this.isGone) {
      this.isGone = true;
      this.#toClient.push(() => this.#end.ended(1006, ""));
    }
    this.#toGateway.cut();
    this.#deps.timeline.after(0.1, () => this.#socketEnds(BROKEN));
  }

  #socketEnds(end: { wasClean: boolean; code: number; reason: string }): void {
    this.life.deliver(() => {
      const socket = this.#socket;
      if (socket === undefined) return;
      if (socket.state === "opening") return this.#neverOpens(socket);
      if (socket.state === "closed") return;
      socket.state = "closed";
      socket.tell("close", end);
    });
  }
}

/** Makes sockets of the lines whose upgrades are accepted. */
export const lineSockets: SocketMaker = {
  upgrade(request: HttpRequest, _protocol, idleSeconds) {
    const { line } = request.upgrade!.socket as unknown as LineHandle;
    const socket = line.accept(idleSeconds);
    return { response: UPGRADED, socket };
  },
  cut: (socket) => (socket as LineSocket).cut(),
  opened() {},
  closed() {},
};

/** The runtime's own has a status that no `Response` can be made with. */
export const UPGRADED = new Response(null, { status: 200 });
