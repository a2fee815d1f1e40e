/**
 * NATS without a network: a server, and connections to it as the library gives them.
 *
 * Faults: messages are slow, each connection by itself, so that those of two senders overtake each
 * other; a connection breaks with what is under way on it; it is held up without a word, and after three
 * seconds the library gives it up, while the server believes in it for a while longer; the server is
 * away. As with NATS: no message comes twice, those of one sender to one receiver keep their order,
 * a sender never hears itself, and of a question that nobody is subscribed to the sender is told so.
 *
 * @module
 */

import { errors, type Msg, type NatsConnection, type Status } from "@nats-io/transport-node";
import type { Clock } from "../../lib/clock.ts";
import type { Chance } from "./chance.ts";
import type { Life } from "./life.ts";
import type { Timeline } from "./timeline.ts";
import { Pipe, type Weather } from "./weather.ts";

/** The library takes a server that does not answer its pings for lost: two of them, a second apart. */
const GIVEN_UP_MS = 3000;
/** And the server a silent client. */
const ZOMBIE_MS = 9000;
/** What the library waits before it connects again, beside the jitter. */
const RECONNECT_MS = 500;
/** As `maxPayload` of a server is. */
const MAX_PAYLOAD = 1024 ** 2;

interface Message {
  readonly subject: string;
  readonly data: string;
  readonly reply: string | undefined;
}

/** One connection as the server knows it. */
interface Session {
  readonly connection: SimulatedConnection;
  readonly up: Pipe;
  readonly down: Pipe;
  readonly subjects: Set<string>;
  isOpen: boolean;
}

export interface NatsDeps {
  readonly timeline: Timeline;
  readonly weather: Weather;
  readonly chance: Chance;
  readonly note: (event: string) => void;
}

/** Owns who is subscribed to what. */
export class SimulatedNats {
  readonly deps: NatsDeps;
  readonly #sessions = new Set<Session>();
  readonly #bySubject = new Map<string, Set<Session>>();
  #inboxes = 0;
  isAway = false;

  constructor(deps: NatsDeps) {
    this.deps = deps;
  }

  /** Connections that the server holds, and what they are subscribed to. */
  get held(): string[] {
    return [...this.#sessions].map(({ connection, subjects }) =>
      `${connection.life.name}: ${[...subjects].join(" ")}`
    );
  }

  /** A process died a while ago: nothing is left of it. */
  died(life: Life): void {
    for (const session of [...this.#sessions]) {
      if (session.connection.life === life) this.drop(session);
    }
  }

  /** One try to connect. */
  connect(life: Life, clock: Clock): Promise<NatsConnection> {
    const { timeline, weather } = this.deps;
    return new Promise((resolve, reject) => {
      if (!life.acts("a connect to NATS")) return;
      timeline.after(weather.delayMs(), () =>
        life.deliver(() => {
          if (this.isAway) return reject(new errors.ConnectionError("refused"));
          const connection = new SimulatedConnection(
            this,
            `_INBOX.${this.#inboxes++}`,
            life,
            clock,
          );
          connection.begin();
          resolve(connection as unknown as NatsConnection);
        }));
    });
  }

  open(connection: SimulatedConnection): Session {
    const { timeline, weather } = this.deps;
    const session: Session = {
      connection,
      up: new Pipe(timeline, weather),
      down: new Pipe(timeline, weather),
      subjects: new Set(),
      isOpen: true,
    };
    this.#sessions.add(session);
    return session;
  }

  /** The server lets go of a connection. */
  drop(session: Session): void {
    if (!session.isOpen) return;
    session.isOpen = false;
    this.#sessions.delete(session);
    for (const subject of session.subjects) this.#bySubject.get(subject)?.delete(session);
    session.up.cut();
    session.down.cut();
  }

  subscribe(session: Session, subject: string): void {
    if (!session.isOpen) return;
    session.subjects.add(subject);
    const sessions = this.#bySubject.get(subject) ?? new Set();
    this.#bySubject.set(subject, sessions.add(session));
  }

  unsubscribe(session: Session, subject: string): void {
    session.subjects.delete(subject);
    this.#bySubject.get(subject)?.delete(session);
  }

  route(from: Session, message: Message): void {
    const { subject, reply } = message;
    if (subject.startsWith("_INBOX.")) {
      const inbox = subject.slice(0, subject.lastIndexOf("."));
      for (const session of this.#sessions) {
        if (session.connection.inbox === inbox) this.#send(session, message);
      }
      return;
    }
    let isTaken = false;
    for (const session of this.#bySubject.get(subject) ?? []) {
      if (session.connection === from.connection) continue;
      isTaken = true;
      this.#send(session, message);
    }
    if (isTaken || reply === undefined) return;
    from.down.push(() => from.connection.nobodyAnswers(reply, subject));
  }

  #send(session: Session, message: Message): void {
    session.down.push(() => session.connection.deliver(session, message));
  }

  /** All connections break, and for a while none can be made. */
  goAway(ms: number): void {
    if (this.isAway) return;
    this.isAway = true;
    for (const { connection } of [...this.#sessions]) connection.breaks(ms);
    this.deps.timeline.after(ms, () => this.isAway = false);
  }

  /** Ends every fault that goes on. */
  calm(): void {
    this.isAway = false;
  }
}

/** A question of this connection's. */
interface Question {
  readonly subject: string;
  answered(message: Msg): void;
  nobody(): void;
}

/** The part of `NatsConnection` that the gateway uses. */
export class SimulatedConnection {
  readonly inbox: string;
  readonly life: Life;
  readonly info = { max_payload: MAX_PAYLOAD, client_ip: "127.0.0.1" };
  readonly #nats: SimulatedNats;
  readonly #clock: Clock;
  #session: Session | null = null;
  #isClosed = false;
  readonly #callbacks = new Map<string, (error: Error | null, message: Msg) => void>();
  readonly #questions = new Map<string, Question>();
  #asked = 0;
  readonly #flushing = new Set<(error: Error | null) => void>();
  readonly #statuses: Status[] = [];
  #onStatus: (() => void) | undefined;

  constructor(nats: SimulatedNats, inbox: string, life: Life, clock: Clock) {
    this.#nats = nats;
    this.inbox = inbox;
    this.life = life;
    this.#clock = clock;
  }

  begin(): void {
    this.#session = this.#nats.open(this);
  }

  get isConnected(): boolean {
    return this.#session !== null;
  }

  getServer(): string {
    return "simulated";
  }

  // What the program does.

  publish(subject: string, data = "", options: { reply?: string } = {}): void {
    if (this.#isClosed) throw new errors.ClosedConnectionError();
    if (!this.life.acts("a message over NATS")) return;
    const session = this.#session;
    // Buffered while it is not connected, and dropped when it connects.
    if (session === null) return;
    const message = { subject, data, reply: options.reply };
    session.up.push(() => this.#nats.route(session, message));
  }

  subscribe(
    subject: string,
    { callback }: { callback: (error: Error | null, message: Msg) => void },
  ): { drain(): Promise<void>; unsubscribe(): void } {
    if (this.#isClosed) throw new errors.ClosedConnectionError();
    this.#callbacks.set(subject, callback);
    const session = this.#session;
    if (session !== null && this.life.acts("a subscription")) {
      session.up.push(() => this.#nats.subscribe(session, subject));
    }
    const end = (): void => {
      const now = this.#session;
      if (now !== null && this.life.acts("an end of a subscription")) {
        now.up.push(() => this.#nats.unsubscribe(now, subject));
      }
    };
    return {
      unsubscribe: end,
      // What is on its way still comes.
      drain: async () => {
        end();
        await this.flush();
        if (this.#callbacks.get(subject) === callback) this.#callbacks.delete(subject);
      },
    };
  }

  request(subject: string, data: string, { timeout }: { timeout: number }): Promise<Msg> {
    if (this.#isClosed) return Promise.reject(new errors.ClosedConnectionError());
    return new Promise((resolve, reject) => {
      const reply = `${this.inbox}.${this.#asked++}`;
      const timer = this.#clock.setTimeout(() => {
        this.#questions.delete(reply);
        reject(new errors.TimeoutError());
      }, timeout);
      const done = (): void => {
        this.#questions.delete(reply);
        this.#clock.clearTimeout(timer);
      };
      this.#questions.set(reply, {
        subject,
        answered: (message) => {
          done();
          resolve(message);
        },
        nobody: () => {
          done();
          reject(new errors.NoRespondersError(subject));
        },
      });
      this.publish(subject, data, { reply });
    });
  }

  requestMany(
    subject: string,
    data: string,
    { maxMessages, maxWait }: { maxMessages: number; maxWait: number },
  ): Promise<AsyncIterable<Msg>> {
    if (this.#isClosed) return Promise.reject(new errors.ClosedConnectionError());
    const reply = `${this.inbox}.${this.#asked++}`;
    const messages: (Msg | Error | null)[] = [];
    let wake = (): void => {};
    const give = (message: Msg | Error | null): void => {
      messages.push(message);
      wake();
    };
    const end = (): void => {
      this.#questions.delete(reply);
      this.#clock.clearTimeout(timer);
      give(null);
    };
    const timer = this.#clock.setTimeout(end, maxWait);
    let count = 0;
    this.#questions.set(reply, {
      subject,
      answered(message) {
        give(message);
        if (++count === maxMessages) end();
      },
      nobody() {
        give(new errors.NoRespondersError(subject));
        end();
      },
    });
    this.publish(subject, data, { reply });
    return Promise.resolve((async function* () {
      for (;;) {
        while (messages.length === 0) await new Promise<void>((resolve) => wake = resolve);
        const next = messages.shift()!;
        if (next === null) return;
        if (next instanceof Error) throw next;
        yield next;
      }
    })());
  }

  flush(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new errors.ClosedConnectionError());
    return new Promise((resolve, reject) => {
      const done = (error: Error | null): void => {
        this.#flushing.delete(done);
        if (error === null) resolve();
        else reject(error);
      };
      this.#flushing.add(done);
      const session = this.#session;
      if (session === null || !this.life.acts("a ping over NATS")) return;
      session.up.push(() => session.down.push(() => this.life.deliver(() => done(null))));
    });
  }

  async *status(): AsyncGenerator<Status> {
    for (;;) {
      while (this.#statuses.length === 0) {
        if (this.#isClosed) return;
        await new Promise<void>((resolve) => this.#onStatus = resolve);
      }
      yield this.#statuses.shift()!;
    }
  }

  async drain(): Promise<void> {
    const session = this.#session;
    if (session !== null) {
      for (const subject of [...this.#callbacks.keys()]) {
        session.up.push(() => this.#nats.unsubscribe(session, subject));
      }
    }
    await this.flush();
    await this.close();
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    const session = this.#session;
    this.#session = null;
    if (session !== null && this.life.acts("a farewell to NATS")) {
      session.up.push(() => this.#nats.drop(session));
    }
    this.#fail();
    this.#onStatus?.();
    return Promise.resolve();
  }

  // What happens to it.

  deliver(session: Session, message: Message): void {
    this.life.deliver(() => {
      if (session !== this.#session) return;
      const { subject, data, reply } = message;
      const msg = {
        subject,
        string: () => data,
        respond: (text = "") => {
          if (reply === undefined) return false;
          this.publish(reply, text);
          return true;
        },
      } as unknown as Msg;
      const question = this.#questions.get(subject);
      if (question !== undefined) question.answered(msg);
      else this.#callbacks.get(subject)?.(null, msg);
    });
  }

  nobodyAnswers(reply: string, _subject: string): void {
    this.life.deliver(() => this.#questions.get(reply)?.nobody());
  }

  /** It breaks, and both ends know. Connects again after so long, if the server is there. */
  breaks(ms: number): void {
    const session = this.#session;
    if (session === null) return;
    this.#nats.drop(session);
    this.#lost(ms);
  }

  /** Nothing gets through for so long, and nobody hears of it. */
  hangs(ms: number): void {
    const session = this.#session;
    if (session === null) return;
    const { timeline } = this.#nats.deps;
    session.up.hold();
    session.down.hold();
    if (ms < GIVEN_UP_MS) {
      timeline.after(ms, () => {
        session.up.release();
        session.down.release();
      });
      return;
    }
    timeline.after(ZOMBIE_MS, () => this.#nats.drop(session));
    timeline.after(GIVEN_UP_MS, () => {
      if (this.#session === session) this.#lost(ms - GIVEN_UP_MS);
    });
  }

  /** The process is no more. @param isKnown Whether its machine tells the server. */
  died(isKnown: boolean): void {
    this.#isClosed = true;
    const session = this.#session;
    this.#session = null;
    if (session === null) return;
    if (isKnown) session.up.push(() => this.#nats.drop(session));
    else {
      session.up.hold();
      this.#nats.deps.timeline.after(ZOMBIE_MS, () => this.#nats.drop(session));
    }
  }

  #lost(ms: number): void {
    this.#session = null;
    this.life.deliver(() => {
      this.#fail();
      this.#tell({ type: "disconnect", server: "simulated" });
      this.#reconnect(ms);
    });
  }

  #reconnect(ms: number): void {
    const { timeline, weather, chance, note } = this.#nats.deps;
    const jitter = weather.isCalm ? 0 : chance.between(0, RECONNECT_MS);
    timeline.after(ms + RECONNECT_MS + jitter, () =>
      this.life.deliver(() => {
        if (this.#isClosed || this.#session !== null) return;
        if (this.#nats.isAway) return this.#reconnect(0);
        const session = this.#nats.open(this);
        this.#session = session;
        for (const subject of this.#callbacks.keys()) {
          session.up.push(() => this.#nats.subscribe(session, subject));
        }
        note(`${this.life.name} is connected to NATS again`);
        this.#tell({ type: "reconnect", server: "simulated" });
      }));
  }

  #fail(): void {
    for (const done of [...this.#flushing]) done(new errors.RequestError("disconnected"));
  }

  #tell(status: Status): void {
    this.#statuses.push(status);
    this.#onStatus?.();
  }
}
