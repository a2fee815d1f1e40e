/**
 * Many instances as one gateway, tied together by NATS.
 *
 * @module
 */

import { errors, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { type Clock, pause, type Timer, within } from "../../clock.ts";
import type { Errand } from "../../client/outgoing.ts";
import type { Log } from "../../log/log.ts";
import { type Announced, Announcer } from "./announcer.ts";
import {
  type Bus,
  type Client,
  type ClientPage,
  type ClientReply,
  type ClientRequest,
  identityOf,
  type Peer,
  type Refusal,
} from "../bus.ts";
import { Ledger } from "./ledger.ts";
import type { AllNote, ClientNote, Holder, PeerNote, Pong } from "./note.ts";
import { allSubject, clientIdOf, clientSubject, peerSubject } from "./subject.ts";

export interface NatsBusOptions {
  /** Begins each subject: instances with another one are another gateway. */
  readonly prefix: string;
  /** This instance, for as long as it lives; a subject token. */
  readonly peerId: string;
  readonly local: Peer;
  /** Makes one try to connect; rejects when it fails. */
  readonly connect: () => Promise<NatsConnection>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Until another instance has to answer; one that waits for a client has the client's time besides. */
const ANSWER_MS = 5000;
/** Until the holder has to say that it is it: a question may be lost with a server of NATS. */
const FIND_MS = 1500;
/** The interest of a client that has just connected may not have come round yet: asked once more. */
const FIND_AGAIN_MS = 40;
const CONNECT_AGAIN_MS = 1000;
/** How often an instance says that it is there, and after what silence it is not counted any more. */
const ALIVE_MS = 3000;
const FORGET_MS = 10_000;
/** How often those who owe an outcome are asked whether they are there. */
const WATCH_MS = 1000;
/** For so long after an answer of NATS another instance's silence is its own. */
const PROVEN_MS = 3000;
/** So many debts are gone through in one go. */
const DEBTS_AT_ONCE = 5000;
/**
 * Without an answer of NATS for so long, an instance gives up the CALLs that it took from others …
 */
const GIVE_UP_MS = 4000;
/** … and after so long without an answer they report these CALLs. The gap keeps both from doing it. */
const LOST_MS = 7000;
/** How long all others have for their part of a list. */
const PAGES_MS = 1000;

const UNREADABLE = "nats message not understood";

interface Attached {
  readonly connectionId: string;
  subscription: Subscription | null;
}

/**
 * Each instance subscribes to a subject for each of its clients, so that a NATS request finds the
 * holder, and "no responders" says that there is none. What is then asked goes to the holder's own
 * subject: exactly one instance gets it, also while two hold the same client for a moment.
 *
 * **Newest wins**: a new connection is announced on its client's subject. Whoever has an older one
 * closes it; whoever has a newer one answers with that. Which is newer the `connectionId` says, a
 * UUIDv7, so both sides decide alike.
 *
 * **Exactly one outcome** of a CALL accepted with 202 on A for a client of B: B posts it and tells
 * A, which also asks each second, so that no word of it is lost in a cut. When B goes, A posts.
 * When B hears nothing of NATS, it gives up such CALLs after 4 s, and A reports them after 7 s, or as
 * soon as B is back and says so. What remains: B killed, or cut off for longer than that, between its
 * post and its word of it to A is reported twice; the same URL tells the backend.
 */
export class NatsBus implements Bus {
  readonly #options: NatsBusOptions;
  readonly #attached = new Map<string, Attached>();
  readonly #ledger = new Ledger();
  /** CALLs taken from others and not reported yet: by instance, the epoch of each by its number. */
  readonly #errands = new Map<string, Map<number, number>>();
  /** When each other instance was last heard of. */
  readonly #peers = new Map<string, number>();
  readonly #announcer: Announcer;
  #connection: NatsConnection | null = null;
  #isConnected = false;
  #isClosed = false;
  #connectedAt = 0;
  /** When NATS was asked something that it answered. */
  #provenAt = 0;
  #gaveUpAt = 0;
  /** Counts how often this instance gave up what it had taken from others. */
  #epoch = 0;
  #connectTimer: Timer | undefined;
  #watchTimer: Timer | undefined;
  #aliveTimer: Timer | undefined;

  /** Connects in the background, for ever. */
  constructor(options: NatsBusOptions) {
    this.#options = options;
    this.#announcer = new Announcer(options.clock, (announced) => this.#announce(announced));
    void this.#connect();
  }

  get isAvailable(): boolean {
    return this.#isConnected;
  }

  attach({ clientId, connectionId }: Client): void {
    const before = this.#attached.get(clientId);
    const subscription = before?.subscription ?? this.#subscribe(clientId);
    this.#attached.set(clientId, { connectionId, subscription });
    this.#announcer.add({ clientId, connectionId });
  }

  detach({ clientId, connectionId }: Client): void {
    const attached = this.#attached.get(clientId);
    if (attached?.connectionId !== connectionId) return;
    this.#attached.delete(clientId);
    // Who asks in this very moment gets its answer: that nobody is here.
    attached.subscription?.drain().catch(() => {});
  }

  async ask(request: ClientRequest): Promise<ClientReply> {
    const found = await this.#find(request.clientId);
    return typeof found === "string" ? refused(found) : await this.#askHolder(found, request);
  }

  async pages(
    after: string | null,
    limit: number,
    search?: string,
  ): Promise<readonly ClientPage[]> {
    const connection = this.#connection;
    if (connection === null || !this.#isConnected || this.#peers.size === 0) return [];
    const pages: ClientPage[] = [];
    try {
      const answers = await connection.requestMany(
        allSubject(this.#options.prefix),
        JSON.stringify({ kind: "page", after, limit, search } satisfies AllNote),
        { strategy: "count", maxMessages: this.#peers.size, maxWait: PAGES_MS },
      );
      for await (const message of answers) pages.push(message.json());
    } catch (error) {
      if (!isNoResponders(error)) this.#warn("nats request failed", error);
    }
    if (pages.length < this.#peers.size) {
      this.#options.log.warn("instances without an answer", {
        expected: this.#peers.size,
        answers: pages.length,
      });
    }
    return pages;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#announcer.close();
    const { clock } = this.#options;
    for (
      const timer of [this.#connectTimer, this.#watchTimer, this.#aliveTimer]
    ) {
      if (timer !== undefined) clock.clearTimeout(timer);
    }
    const connection = this.#connection;
    if (connection === null) return;
    this.#tellAll("bye");
    if (this.#isConnected) {
      // What is on its way to here is still answered.
      await within(clock, connection.drain().catch(() => {}), CONNECT_AGAIN_MS);
    }
    await within(clock, connection.close().catch(() => {}), CONNECT_AGAIN_MS);
  }

  async #connect(): Promise<void> {
    const { connect, clock, log } = this.#options;
    let isTold = false;
    while (!this.#isClosed) {
      try {
        const connection = await connect();
        if (this.#isClosed) return await connection.close();
        this.#connection = connection;
        this.#connected(connection);
        void this.#follow(connection);
        return;
      } catch (error) {
        if (this.#isClosed) return;
        if (!isTold) log.error("nats cannot be reached, still trying", { reason: textOf(error) });
        isTold = true;
        // Cleared by a close, and then nothing goes on from here.
        await new Promise<void>((resolve) => {
          this.#connectTimer = clock.setTimeout(resolve, CONNECT_AGAIN_MS);
        });
      }
    }
  }

  /** The first time: later the library subscribes again by itself. */
  #connected(connection: NatsConnection): void {
    const { prefix, peerId } = this.#options;
    connection.subscribe(peerSubject(prefix, peerId), {
      callback: (error, message) => {
        if (error === null) this.#takePeerNote(message).catch((bad) => this.#warn(UNREADABLE, bad));
      },
    });
    connection.subscribe(allSubject(prefix), {
      callback: (error, message) => {
        if (error === null) this.#safely(() => this.#takeAllNote(message));
      },
    });
    for (const [clientId, attached] of this.#attached) {
      attached.subscription = this.#subscribe(clientId);
    }
    this.#available(connection);
  }

  /** Connected, for the first time or again. */
  #available(connection: NatsConnection): void {
    const { clock, log } = this.#options;
    this.#isConnected = true;
    this.#connectedAt = clock.now();
    log.info("nats connected", { server: connection.getServer() });
    this.#tellAll("hello");
    this.#announceAll();
    for (const peerId of this.#ledger.debtors) void this.#askDebtor(peerId);
    this.#stayAlive();
  }

  async #follow(connection: NatsConnection): Promise<void> {
    const { log } = this.#options;
    for await (const status of connection.status()) {
      if (this.#isClosed) return;
      switch (status.type) {
        case "disconnect":
          if (!this.#isConnected) break;
          this.#isConnected = false;
          log.warn("nats disconnected, clients of other instances cannot be reached");
          break;
        case "reconnect":
          this.#available(connection);
          break;
        case "error":
          this.#warn("nats error", status.error);
          break;
      }
    }
    if (this.#isClosed) return;
    // The library gave up, for instance because it was refused too often.
    this.#isConnected = false;
    this.#connection = null;
    for (const attached of this.#attached.values()) attached.subscription = null;
    await this.#connect();
  }

  #subscribe(clientId: string): Subscription | null {
    return this.#connection?.subscribe(clientSubject(this.#options.prefix, clientId), {
      callback: this.#takeClientMessage,
    }) ?? null;
  }

  /** One function for all: what a subscription keeps is kept for each client. */
  readonly #takeClientMessage = (error: Error | null, message: Msg): void => {
    if (error === null) this.#safely(() => this.#takeClientNote(message));
  };

  #takeClientNote(message: Msg): void {
    const { local, prefix, peerId } = this.#options;
    const clientId = clientIdOf(prefix, message.subject);
    if (clientId === undefined) return;
    const note: ClientNote = message.json();
    const client = local.find(clientId);
    if (note.kind === "find") {
      const holder: Holder | null = client === undefined
        ? null
        : { peerId, client: identityOf(client) };
      message.respond(JSON.stringify(holder));
    } else if (client !== undefined) {
      const { connectionId } = client;
      if (connectionId > note.connectionId) {
        this.#tell(note.peerId, { kind: "attached", clientId, connectionId });
      } else local.replaced(clientId, note.connectionId);
    }
  }

  async #takePeerNote(message: Msg): Promise<void> {
    const note: PeerNote = message.json();
    const { local, clock } = this.#options;
    switch (note.kind) {
      case "ask": {
        const { from, number, request } = note;
        const errand = number === null ? undefined : this.#takeErrand(from, number);
        const epoch = this.#epoch;
        const reply = await local.serve(request, errand);
        if (number !== null && reply.kind !== "accepted") this.#dropErrand(from, number);
        this.#answer(message, { epoch, reply });
        break;
      }
      case "ended":
        this.#ledger.ended(note.number);
        break;
      case "attached":
        local.replaced(note.clientId, note.connectionId);
        break;
      case "alive":
        this.#peers.set(note.peerId, clock.now());
        break;
      case "ping": {
        const { peerId, numbers } = note;
        this.#giveUpIfCut();
        const open = this.#errands.get(peerId);
        const ended = numbers.filter((number) => open?.has(number) !== true);
        message.respond(JSON.stringify({ epoch: this.#epoch, ended } satisfies Pong));
        if (numbers.length < DEBTS_AT_ONCE) this.#forgetGivenUp(peerId, numbers);
        break;
      }
    }
  }

  #takeErrand(from: string, number: number): Errand {
    if (this.#errands.size === 0) this.#provenAt = this.#options.clock.now();
    else this.#giveUpIfCut();
    const epoch = this.#epoch;
    const open = this.#errands.get(from) ?? new Map<number, number>();
    this.#errands.set(from, open.set(number, epoch));
    this.#watch();
    return {
      isOurs: () => {
        // Who accepted it has left: nobody else will report it.
        if (this.#errands.get(from)?.has(number) !== true) return true;
        this.#giveUpIfCut();
        return this.#epoch === epoch;
      },
      ended: () => {
        this.#dropErrand(from, number);
        this.#tell(from, { kind: "ended", number });
      },
    };
  }

  #dropErrand(from: string, number: number): void {
    const open = this.#errands.get(from);
    open?.delete(number);
    if (open?.size === 0) this.#errands.delete(from);
  }

  /** What is not owed to the other instance any more, it has reported itself. */
  #forgetGivenUp(peerId: string, owed: readonly number[]): void {
    const isOwed = new Set(owed);
    for (const [number, epoch] of this.#errands.get(peerId) ?? []) {
      if (epoch !== this.#epoch && !isOwed.has(number)) this.#dropErrand(peerId, number);
    }
  }

  /** Others may have reported what they are owed when they have not heard of this instance for long. */
  #giveUpIfCut(): void {
    const now = this.#options.clock.now();
    if (now - Math.max(this.#provenAt, this.#gaveUpAt) < GIVE_UP_MS) return;
    this.#epoch++;
    this.#gaveUpAt = now;
  }

  #answer(message: Msg, answer: { readonly epoch: number; readonly reply: ClientReply }): void {
    const text = JSON.stringify(answer);
    if (this.#fits(text)) {
      message.respond(text);
      return;
    }
    // The client did answer; only its answer has no way back.
    const reason = "the client's answer is larger than NATS takes";
    const reply: ClientReply = {
      kind: "outcome",
      outcome: { kind: "gone", wasSent: true, reason },
    };
    message.respond(JSON.stringify({ epoch: answer.epoch, reply }));
  }

  #takeAllNote(message: Msg): void {
    const note: AllNote = message.json();
    const { local, clock, peerId } = this.#options;
    switch (note.kind) {
      case "hello":
        this.#tell(note.peerId, { kind: "alive", peerId });
        this.#peers.set(note.peerId, clock.now());
        // Its word of what it reported while it was cut off was lost.
        if (this.#ledger.debtors.includes(note.peerId)) void this.#askDebtor(note.peerId);
        break;
      case "alive": {
        const heardAt = this.#peers.get(note.peerId) ?? -Infinity;
        this.#peers.set(note.peerId, clock.now());
        // Servers of NATS that did not see each other let nobody know of it.
        if (clock.now() - heardAt > 2 * ALIVE_MS) this.#announceAll();
        break;
      }
      case "bye":
        this.#peers.delete(note.peerId);
        this.#errands.delete(note.peerId);
        break;
      case "page":
        message.respond(this.#pageText(local.page(note.after, note.limit, note.search)));
        break;
    }
  }

  /** As much of a page as NATS takes. */
  #pageText({ total, clients, hasMore }: ClientPage): string {
    let part = clients.map(identityOf);
    for (;;) {
      const isWhole = part.length === clients.length;
      const page: ClientPage = { total, clients: part, hasMore: hasMore || !isWhole };
      const text = JSON.stringify(page);
      if (part.length <= 1 || this.#fits(text)) return text;
      part = part.slice(0, Math.ceil(part.length / 2));
    }
  }

  async #find(clientId: string): Promise<Holder | "gone" | "unavailable"> {
    const { clock, prefix } = this.#options;
    const note = JSON.stringify({ kind: "find" } satisfies ClientNote);
    let isNobody = false;
    for (let attempt = 0; attempt < 2; attempt++) {
      if (this.#connection === null || !this.#isConnected) return "unavailable";
      if (attempt > 0) await pause(clock, FIND_AGAIN_MS);
      try {
        const answer = await this.#connection.request(clientSubject(prefix, clientId), note, {
          timeout: FIND_MS,
        });
        const holder: Holder | null = answer.json();
        if (holder !== null) return holder;
        isNobody = true;
      } catch (error) {
        isNobody = isNoResponders(error);
      }
    }
    return isNobody && this.#isComplete ? "gone" : "unavailable";
  }

  /** Whether those who were there before a cut have been heard of since. */
  get #isComplete(): boolean {
    return [...this.#peers.values()].every((heardAt) => heardAt >= this.#connectedAt);
  }

  async #askHolder({ peerId, client }: Holder, request: ClientRequest): Promise<ClientReply> {
    const connection = this.#connection;
    if (connection === null) return refused("unavailable");
    const waitSeconds = request.kind === "call" ? request.waitSeconds : null;
    const number = request.kind === "call" && waitSeconds === null
      ? this.#ledger.enter(peerId, client, {
        action: request.action,
        messageId: request.messageId,
        trace: request.trace,
      })
      : null;
    const note: PeerNote = { kind: "ask", from: this.#options.peerId, number, request };
    const text = JSON.stringify(note);
    let reply: ClientReply;
    if (!this.#fits(text)) {
      reply = refused("too_large");
    } else {
      try {
        const answer = await connection.request(peerSubject(this.#options.prefix, peerId), text, {
          timeout: ANSWER_MS + 1000 * (waitSeconds ?? 0),
        });
        const { epoch, reply: given }: { epoch: number; reply?: ClientReply } = answer.json();
        // An older version does not know all requests.
        reply = given ?? refused("unavailable");
        this.#peers.set(peerId, this.#options.clock.now());
        if (number !== null && reply.kind === "accepted") {
          this.#ledger.accepted(number, epoch);
          this.#watch();
          return reply;
        }
      } catch (error) {
        // Without anybody there the client has gone with its instance.
        reply = refused(isNoResponders(error) ? "gone" : "lost");
      }
    }
    if (number !== null) this.#ledger.ended(number);
    return reply;
  }

  #fits(text: string): boolean {
    const max = this.#connection?.info?.max_payload ?? Infinity;
    return text.length * 3 <= max || new TextEncoder().encode(text).length <= max;
  }

  #tell(peerId: string, note: PeerNote): void {
    this.#publish(peerSubject(this.#options.prefix, peerId), note);
  }

  #tellAll(kind: "hello" | "alive" | "bye"): void {
    const { prefix, peerId } = this.#options;
    this.#publish(allSubject(prefix), { kind, peerId });
  }

  /** What cannot be sent now is made up for at the next connect. */
  #publish(subject: string, note: PeerNote | AllNote | ClientNote): void {
    if (!this.#isConnected) return;
    try {
      this.#connection?.publish(subject, JSON.stringify(note));
    } catch (error) {
      this.#warn("nats publish failed", error);
    }
  }

  #announce({ clientId, connectionId }: Announced): void {
    if (this.#attached.get(clientId)?.connectionId !== connectionId) return;
    const { prefix, peerId } = this.#options;
    this.#publish(clientSubject(prefix, clientId), { kind: "attached", peerId, connectionId });
  }

  /** All clients: meanwhile they may have connected elsewhere. */
  #announceAll(): void {
    this.#announcer.addAll(
      Array.from(this.#attached, ([clientId, { connectionId }]) => ({ clientId, connectionId })),
    );
  }

  #stayAlive(): void {
    const { clock } = this.#options;
    if (this.#aliveTimer !== undefined) clock.clearTimeout(this.#aliveTimer);
    this.#aliveTimer = clock.setTimeout(() => {
      this.#tellAll("alive");
      const oldest = clock.now() - FORGET_MS;
      const isLongEnough = this.#isConnected && this.#connectedAt < oldest;
      for (const [peerId, heardAt] of this.#peers) {
        if (heardAt < oldest && isLongEnough) this.#peers.delete(peerId);
      }
      this.#stayAlive();
    }, ALIVE_MS);
  }

  /** While outcomes are owed, to others or by them, NATS and they are asked each second. */
  #watch(): void {
    if (this.#isClosed) return;
    this.#watchTimer ??= this.#options.clock.setTimeout(() => void this.#askAround(), WATCH_MS);
  }

  async #askAround(): Promise<void> {
    const { debtors } = this.#ledger;
    await Promise.all([this.#prove(), ...debtors.map((peerId) => this.#askDebtor(peerId))]);
    this.#watchTimer = undefined;
    if (this.#ledger.size > 0 || this.#errands.size > 0) this.#watch();
  }

  /** Asks NATS itself: a connection that is cut without a word looks like one that is silent. */
  async #prove(): Promise<void> {
    const { clock } = this.#options;
    const askedAt = clock.now();
    if (this.#connection === null || !this.#isConnected) return;
    let isProven = false;
    const answered = this.#connection.flush().then(() => isProven = true, () => {});
    await within(clock, answered, WATCH_MS);
    if (isProven) this.#provenAt = askedAt;
  }

  async #askDebtor(peerId: string): Promise<void> {
    const { prefix, clock, local, log, peerId: ownId } = this.#options;
    if (this.#connection === null || !this.#isConnected) return;
    const numbers = this.#ledger.owedBy(peerId, DEBTS_AT_ONCE);
    let epoch: number | null = null;
    try {
      const answer = await this.#connection.request(
        peerSubject(prefix, peerId),
        JSON.stringify({ kind: "ping", peerId: ownId, numbers } satisfies PeerNote),
        { timeout: WATCH_MS },
      );
      const pong: Pong = answer.json();
      epoch = pong.epoch;
      this.#peers.set(peerId, clock.now());
      for (const number of pong.ended) this.#ledger.ended(number);
    } catch (error) {
      // Perhaps this instance is the one that is cut off.
      const isProven = clock.now() - this.#provenAt < PROVEN_MS;
      if (!isProven && !isNoResponders(error)) return;
      // Silence counts from when it could have been heard.
      const heardAt = Math.max(this.#peers.get(peerId) ?? 0, this.#connectedAt);
      if (!this.#isConnected || clock.now() - heardAt < LOST_MS) return;
    }
    const lost = this.#ledger.takeLost(peerId, epoch);
    if (lost.length > 0) log.error("an instance went with CALLs", { peerId, count: lost.length });
    for (const { client, call } of lost) local.lost(client, call);
  }

  /** What others send is theirs; it must not end this instance. */
  #safely(take: () => void): void {
    try {
      take();
    } catch (error) {
      this.#warn(UNREADABLE, error);
    }
  }

  #warn(message: string, error: unknown): void {
    this.#options.log.warn(message, { reason: textOf(error) });
  }
}

function refused(reason: Refusal): ClientReply {
  return { kind: "refused", reason };
}

function isNoResponders(error: unknown): boolean {
  return error instanceof errors.NoRespondersError ||
    (error instanceof errors.RequestError && error.isNoResponders());
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : "unknown";
}
