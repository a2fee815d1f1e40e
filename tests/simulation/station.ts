/**
 * A client with a script of its own.
 *
 * It connects to any instance, takes its own connection over, goes over to another instance, hangs up,
 * breaks off or vanishes without a word, reads nothing for a while, answers CALLs late, twice, with
 * errors, with nonsense or not at all, and sends CALLs of its own, some of them twice. When the weather
 * is calm it does none of that: it stays connected and answers everything.
 *
 * @module
 */

import type { Books } from "./books.ts";
import type { Chance } from "./chance.ts";
import type { ClientCall } from "./entries.ts";
import type { Instance } from "./instance.ts";
import type { Life } from "./life.ts";
import { type ClientEnd, Line } from "./line.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";
import type { Weather } from "./weather.ts";

export interface StationDeps {
  readonly timeline: Timeline;
  readonly weather: Weather;
  readonly chance: Chance;
  readonly trace: Trace;
  readonly books: Books;
  readonly protocol: string | null;
  /** How often it does something, and how it answers. */
  readonly temper: Temper;
  /** Instances that take connections. */
  readonly doors: () => readonly Instance[];
  /** The number of the next line. */
  readonly nextLine: () => number;
}

/** Shares from 0 to 1. */
export interface Temper {
  /** Milliseconds between two deeds. */
  readonly pauseMs: number;
  /** Deeds that end a connection. */
  readonly restless: number;
  /** CALLs that it does not answer, or answers badly. */
  readonly rude: number;
}

const MESSAGE_IDS = ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"];

/** One of its connections. */
class Session implements ClientEnd {
  readonly line: Line;
  readonly #station: Station;
  isOpen = false;
  isOver = false;
  /** Its CALLs that were not answered, by MessageId. */
  readonly asked = new Map<string, ClientCall>();
  /** MessageIds of CALLs that were sent more than once: so often an answer may come again. */
  readonly repeated = new Map<string, number>();
  calls = 0;

  constructor(station: Station, instance: Instance, deps: StationDeps) {
    this.#station = station;
    const { timeline, weather, books } = deps;
    this.line = new Line(deps.nextLine(), instance.life, this, {
      timeline,
      weather,
      onFault: (fault) => books.fault(fault),
      onHold: books.canHold ? () => void books.counts.holds++ : undefined,
      onFrame: (line, text) => station.frameLeft(line, text),
      onUnread: () => books.calls.doesNotRead(station.clientId),
      onClose: (line, code, reason) => station.closeLeft(line, code, reason),
      onAccept: (line) => books.newest.accepted(line.number),
    });
  }

  opened(): void {
    if (this.isOver) return;
    this.isOpen = true;
    this.#station.opened(this);
  }

  refused(): void {
    this.isOver = true;
    this.#station.over(this);
  }

  received(text: string): void {
    if (!this.isOver) this.#station.received(this, text);
  }

  ended(code: number): void {
    if (!this.isOver) this.#station.ended(this, code);
  }
}

/** Owns what it asked and what it was asked. */
export class Station {
  readonly clientId: string;
  readonly #deps: StationDeps;
  readonly #sessions = new Set<Session>();
  /** The one that counts for it. */
  #session: Session | undefined;
  #serial = 0;
  #answers = 0;
  /** It comes back by itself. */
  #staysAway = false;

  constructor(clientId: string, deps: StationDeps) {
    this.clientId = clientId;
    this.#deps = deps;
    this.#later();
  }

  get isConnected(): boolean {
    return this.#session?.isOpen === true;
  }

  /** CALLs on its connection that were not answered. */
  get unanswered(): number {
    return this.#session?.asked.size ?? 0;
  }

  /** Connections that it believes in. */
  get open(): number {
    return [...this.#sessions].filter(({ isOpen }) => isOpen).length;
  }

  /** It goes, and does not come back. */
  retire(): void {
    this.#staysAway = true;
    for (const session of [...this.#sessions]) this.#hangUp(session);
  }

  /** The process at the other end is no more. */
  gatewayDied(life: Life, isKnown: boolean): void {
    for (const { line } of this.#sessions) if (line.life === life) line.gatewayDied(isKnown);
  }

  /** What it does not do when it is calm. */
  calm(): void {
    for (const session of [...this.#sessions]) {
      session.line.goOn();
      // One of which nothing was heard, or that was taken over, is given up.
      if (session !== this.#session || session.line.isGone) this.#breakOff(session);
    }
  }

  #later(): void {
    const { timeline, chance, temper, weather } = this.#deps;
    const ms = chance.between(0.2, 2) * (weather.isCalm ? 1000 : temper.pauseMs);
    timeline.after(ms, () => {
      if (this.#staysAway) return;
      if (this.#session === undefined) this.#connect();
      else if (!weather.isCalm && this.#session.isOpen) this.#act(this.#session);
      this.#later();
    });
  }

  #connect(): void {
    const { doors, chance, timeline, weather, trace, protocol } = this.#deps;
    const instances = doors();
    if (instances.length === 0) return;
    const instance = chance.pick(instances);
    const session = new Session(this, instance, this.#deps);
    this.#sessions.add(session);
    this.#session = session;
    const { line } = session;
    trace.note(`${this.clientId} connects to ${instance.name} by line ${line.number}`);
    timeline.after(weather.delayMs(), () => {
      if (!instance.life.isAlive) return session.refused();
      this.#deps.books.newest.arrives(line.number, this.clientId, instance.name);
      instance.connects(line, this.clientId, protocol);
    });
    // A process that stands still or dies answers nothing.
    timeline.after(12_000, () => {
      if (!session.isOpen && !session.isOver) this.#breakOff(session);
    });
  }

  opened(session: Session): void {
    this.#deps.trace.note(`${this.clientId} is connected by line ${session.line.number}`);
    if (session !== this.#session) return;
  }

  over(session: Session): void {
    session.isOpen = false;
    session.isOver = true;
    this.#sessions.delete(session);
    if (this.#session === session) this.#session = undefined;
  }

  ended(session: Session, code: number): void {
    const { trace, chance, weather } = this.#deps;
    trace.note(`${this.clientId} hears the end of line ${session.line.number}: ${code}`);
    // One that does not answer a close is cut.
    const answers = weather.isCalm || chance.happens(0.9);
    if (code !== 1006 && answers) session.line.close(code, "");
    this.over(session);
  }

  #hangUp(session: Session): void {
    this.#deps.trace.note(`${this.clientId} hangs up line ${session.line.number}`);
    session.line.close(1000, "bye");
    this.over(session);
  }

  #breakOff(session: Session): void {
    this.#deps.trace.note(`${this.clientId} breaks off line ${session.line.number}`);
    session.line.break();
    this.over(session);
  }

  #act(session: Session): void {
    const { chance, temper, timeline, trace } = this.#deps;
    const { line } = session;
    if (chance.happens(temper.restless)) {
      switch (chance.below(6)) {
        case 0:
          return this.#hangUp(session);
        case 1:
          return this.#breakOff(session);
        case 2:
          trace.note(`${this.clientId} vanishes from line ${line.number}`);
          line.vanish();
          return this.over(session);
        case 3:
          trace.note(`${this.clientId} reads nothing more from line ${line.number}`);
          line.stall();
          timeline.after(chance.between(100, 3000), () => line.goOn());
          return;
        default:
          // It connects anew, and leaves the older connection to the gateway.
          return this.#connect();
      }
    }
    if (chance.happens(0.06)) return line.send(chance.pick(NONSENSE));
    const count = chance.happens(0.1) ? 6 : 1;
    for (let i = 0; i < count; i++) this.#call(session);
  }

  #call(session: Session): void {
    const { chance, books, trace, protocol } = this.#deps;
    const messageId = chance.pick(MESSAGE_IDS);
    const before = session.asked.get(messageId);
    const repeats = session.repeated.get(messageId) ?? 0;
    if (before !== undefined) {
      // The very same CALL again: the one answer serves both, unless it is on its way already.
      if (chance.happens(0.5)) return;
      before.sent++;
      session.repeated.set(messageId, repeats + 1);
      session.line.send(frameOf(before), () => before.arrivals.push(this.#deps.timeline.now));
      return;
    }
    if (repeats > 0) return;
    const token = `${this.clientId}.${this.#serial++}`;
    const kind = protocol === "ocpp2.1" && chance.happens(0.2) ? "send" : "call";
    const { line } = session;
    const call: ClientCall = {
      token,
      kind,
      clientId: this.clientId,
      messageId: kind === "send" ? `s${this.#serial}` : messageId,
      line: line.number,
      instance: line.life.name,
      arrivals: [],
      isDropped: false,
      index: session.calls++,
      sent: 1,
      forwarded: 0,
      attempts: [],
    };
    books.clientCalls.set(token, call);
    if (kind === "call") session.asked.set(messageId, call);
    trace.note(
      `${this.clientId} sends ${kind} ${token} as ${call.messageId} by line ${line.number}`,
    );
    line.send(frameOf(call), () => call.arrivals.push(this.#deps.timeline.now));
  }

  /** A frame leaves the gateway for it. */
  frameLeft(line: Line, text: string): void {
    const { books, trace } = this.#deps;
    trace.note(`${line.life.name} to ${this.clientId} by line ${line.number}: ${text}`);
    if (text.startsWith("[4,")) return this.#errorLeft(line, JSON.parse(text));
    if (!text.startsWith("[2,")) return;
    const [, messageId, action] = JSON.parse(text);
    books.calls.frameLeaves(line.number, this.clientId, action, messageId);
  }

  #errorLeft(line: Line, [, messageId, , description]: [4, string, string, string]): void {
    const session = [...this.#sessions].find((each) => each.line === line);
    const call = session?.asked.get(messageId);
    if (call !== undefined) this.#deps.books.refuses(call, description);
  }

  /** The gateway closes one of its connections. */
  closeLeft(line: Line, code: number, reason: string): void {
    const { books, trace } = this.#deps;
    trace.note(`${line.life.name} closes line ${line.number} of ${this.clientId}: ${code}`);
    if (reason === "replaced") books.newest.replaced(line.number);
    if (code === 1013) books.closesAway(line.life.name, this.clientId, line.number);
  }

  received(session: Session, text: string): void {
    const { books, timeline, chance, weather, protocol } = this.#deps;
    const [type, messageId, ...rest] = JSON.parse(text);
    if (type === 2) return this.#asked(session, messageId, rest[0], rest[1]);
    if (type === 6) return;
    const asked = session.asked.get(messageId);
    if (type === 5) {
      if (protocol !== "ocpp2.1") books.fault(`${this.clientId} gets ${text}`);
      return;
    }
    if (type === 4 && (messageId === "-1" || messageId === "odd")) return;
    if (asked === undefined) {
      const repeats = session.repeated.get(messageId) ?? 0;
      session.repeated.set(messageId, repeats - 1);
      if (repeats > 0) return;
      const { number } = session.line;
      return books.fault(`${this.clientId} gets an answer to nothing by line ${number}: ${text}`);
    }
    session.asked.delete(messageId);
    if (type === 3 && rest[0].to?.c !== asked.token && Object.keys(rest[0]).length > 0) {
      books.fault(`${this.clientId} gets another's answer to ${asked.token}: ${text}`);
    }
    if (protocol !== "ocpp2.1" || type !== 3 || weather.isCalm || !chance.happens(0.1)) return;
    // It cannot use the answer.
    timeline.after(chance.between(1, 50), () => {
      session.line.send(`[5,"${messageId}","FormatViolation","what?",{}]`);
    });
  }

  #asked(
    session: Session,
    messageId: string,
    action: string,
    payload: { for?: string },
  ): void {
    const { books, chance, temper, weather, timeline } = this.#deps;
    if (payload.for !== action) {
      books.fault(`${this.clientId} gets ${action} with another's payload`);
    }
    const isRude = !weather.isCalm && chance.happens(temper.rude);
    if (isRude && chance.happens(0.3)) return;
    const ms = isRude ? chance.between(500, 8000) : chance.between(1, 100);
    timeline.after(ms, () => {
      if (session.isOver || session.line.isGone) return;
      const times = isRude && chance.happens(0.2) ? 2 : 1;
      for (let i = 0; i < times; i++) this.#answer(session, messageId, action, isRude);
    });
  }

  #answer(session: Session, messageId: string, action: string, isRude: boolean): void {
    const { books, chance, trace } = this.#deps;
    const number = this.#answers++;
    const payload = `{"of":"${action}","n":${number}}`;
    trace.note(`${this.clientId} answers ${action} as ${messageId}, ${number}`);
    const how = isRude ? chance.below(4) : 0;
    if (how === 1) return session.line.send(`[4,"${messageId}","Busy","no",${payload}]`);
    if (how === 2) return session.line.send(`[3,"${messageId}"]`);
    books.calls.answered(action, payload, number);
    session.line.send(`[3,"${messageId}",${payload}]`);
  }
}

/** What is no frame, or leads nowhere. */
const NONSENSE = [
  "",
  "[",
  "{}",
  '[2,"odd"]',
  '[2,"odd","C",[]]',
  '[3,"nobody",{}]',
  '[4,"nobody","Code","",{}]',
  '[9,"odd"]',
];

function frameOf({ kind, messageId, token }: ClientCall): string {
  return `[${kind === "call" ? 2 : 6},"${messageId}","C",{"c":"${token}"}]`;
}
