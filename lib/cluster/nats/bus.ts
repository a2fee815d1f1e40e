/**
 * Many instances as one gateway, tied together by NATS.
 *
 * @module
 */

import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../log/log.ts";
import {
  type Bus,
  type Client,
  type ClientReply,
  type ClientRequest,
  identityOf,
  type Peer,
  refused,
} from "../bus.ts";
import type { Answers, Question, QuestionKind, QuestionOf, Survey } from "../survey.ts";
import { ALIVE_MS } from "../times.ts";
import { type AskDeps, askHolder } from "./ask.ts";
import { Debts } from "./debts.ts";
import { Errands } from "./errands.ts";
import { findHolder } from "./find.ts";
import { Forgetting } from "./forgetting.ts";
import { HeldClients } from "./held.ts";
import { Ledger } from "./ledger.ts";
import { Link } from "./link.ts";
import type { Answer, Holder, PeerNote } from "./note.ts";
import { Peers } from "./peers.ts";
import { Proof } from "./proof.ts";
import { readAllNote, readClientNote, readPeerNote } from "./read_note.ts";
import { answerText, askAll } from "./survey.ts";
import { allSubject, clientIdOf, clientSubject, peerSubject } from "./subject.ts";

export interface NatsBusOptions {
  /** Begins each subject: instances with another one are another gateway. */
  readonly prefix: string;
  /** This instance, for as long as it lives; a subject token. */
  readonly peerId: string;
  readonly local: Peer;
  /** The longest payload taken from others, as of the API, in bytes. */
  readonly maxMessageBytes: number;
  /** Makes one try to connect; rejects when it fails. */
  readonly connect: () => Promise<NatsConnection>;
  readonly clock: Clock;
  readonly log: Log;
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
 *
 * This class takes what others say and leads it to whoever owns the matter: the connection (`Link`),
 * the clients held here (`HeldClients`), who is there (`Peers`), what is owed to others (`Errands`) and
 * by them (`Ledger`, `Debts`). It owns nothing itself.
 */
export class NatsBus implements Bus {
  readonly #options: NatsBusOptions;
  readonly #link: Link;
  readonly #held: HeldClients;
  readonly #peers: Peers;
  readonly #errands: Errands;
  readonly #ledger = new Ledger();
  readonly #debts: Debts;
  readonly #askDeps: AskDeps;
  readonly #forgetting: Forgetting;

  /** Connects in the background, for ever. */
  constructor(options: NatsBusOptions) {
    const { prefix, peerId, local, connect, clock, log } = options;
    this.#options = options;
    const link = new Link({
      connect,
      clock,
      log,
      onNew: () => this.#subscribe(),
      onUp: () => this.#greet(),
      onGone: () => this.#held.dropSubscriptions(),
    });
    const takeClientMessage = link.guarded((message) => this.#takeClientNote(message));
    const peers = new Peers({ clock, link, sayAlive: () => this.#tellAll("alive") });
    const proof = new Proof(clock, link);
    this.#link = link;
    this.#forgetting = new Forgetting(prefix, link, local);
    this.#peers = peers;
    this.#held = new HeldClients({
      clock,
      subscribe: (clientId) => link.subscribe(clientSubject(prefix, clientId), takeClientMessage),
      announce: ({ clientId, connectionId }) =>
        link.publish(clientSubject(prefix, clientId), { kind: "attached", peerId, connectionId }),
    });
    this.#errands = new Errands({
      clock,
      proof,
      tellEnded: (to, number) => this.#tell(to, { kind: "ended", number }),
    });
    const ledger = this.#ledger;
    const subjectOf = (to: string): string => peerSubject(prefix, to);
    this.#debts = new Debts({
      ...{ peerId, subjectOf, link, peers, proof, ledger, local, clock, log },
      errands: this.#errands,
    });
    this.#askDeps = { peerId, subjectOf, link, peers, ledger, debts: this.#debts };
    void link.connect();
  }

  get isAvailable(): boolean {
    return this.#link.isUp;
  }

  attach(client: Client): void {
    this.#held.attach(client);
  }

  detach(client: Client): void {
    this.#held.detach(client);
  }

  async ask(request: ClientRequest): Promise<ClientReply> {
    const { clientId } = request;
    const found = await findHolder(clientId, clientSubject(this.#options.prefix, clientId), {
      link: this.#link,
      peers: this.#peers,
      clock: this.#options.clock,
    });
    return typeof found === "string"
      ? refused(found)
      : await askHolder(found, request, this.#askDeps);
  }

  survey<K extends QuestionKind>(question: QuestionOf<K>): Promise<Survey<Answers[K]>> {
    const { prefix, clock, log } = this.#options;
    const subject = allSubject(prefix);
    return askAll<K>(question, { link: this.#link, subject, peers: this.#peers, clock, log });
  }

  forget(clientId: string): void {
    this.#forgetting.tell(clientId);
  }

  async close(timeoutMs: number): Promise<void> {
    this.#held.close();
    this.#peers.close();
    this.#debts.close();
    this.#tellAll("bye");
    await this.#link.close(timeoutMs);
  }

  /** The first time: later the library subscribes again by itself. */
  #subscribe(): void {
    const { prefix, peerId } = this.#options;
    const link = this.#link;
    link.subscribe(
      peerSubject(prefix, peerId),
      link.guarded((message) => this.#takePeerNote(message)),
    );
    link.subscribe(allSubject(prefix), link.guarded((message) => this.#takeAllNote(message)));
    this.#held.subscribeAll();
  }

  /** Connected, for the first time or again. */
  #greet(): void {
    this.#tellAll("hello");
    this.#forgetting.connected();
    this.#held.announceAll();
    this.#debts.askAll();
    this.#peers.stayAlive();
  }

  #takeClientNote(message: Msg): void {
    const { local, prefix, peerId } = this.#options;
    const clientId = clientIdOf(prefix, message.subject);
    if (clientId === undefined) return;
    const note = readClientNote(message.string());
    if (note === undefined) return this.#link.notUnderstood("note to a client's holder");
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
    const note = readPeerNote(message.string(), this.#options.maxMessageBytes);
    if (note === undefined) return this.#link.notUnderstood("note to this instance");
    switch (note.kind) {
      case "ask":
        return await this.#serve(message, note);
      case "ended":
        return this.#ledger.ended(note.number);
      case "attached":
        return this.#options.local.replaced(note.clientId, note.connectionId);
      case "alive":
        return this.#peers.heard(note.peerId);
      case "ping": {
        const pong = this.#errands.pong(note.peerId, note.numbers);
        message.respond(JSON.stringify(pong));
        return;
      }
    }
  }

  /** Serves what another instance asks for a client of this one. */
  async #serve(
    message: Msg,
    { from, number, request }: PeerNote & { kind: "ask" },
  ): Promise<void> {
    const errand = number === null ? undefined : this.#errands.take(from, number);
    if (errand !== undefined) this.#debts.watch();
    const { epoch } = this.#errands;
    let reply: ClientReply;
    try {
      reply = await this.#options.local.serve(request, errand);
    } catch (error) {
      // A fault of ours: the other instance need not wait for nothing.
      this.#options.log.error("a request of another instance failed", { error: String(error) });
      reply = refused("lost");
    }
    if (number !== null && reply.kind !== "accepted") this.#errands.drop(from, number);
    const text = JSON.stringify({ epoch, reply } satisfies Answer);
    message.respond(this.#link.fits(text) ? text : JSON.stringify({ epoch, reply: NO_WAY_BACK }));
  }

  #takeAllNote(message: Msg): void {
    const note = readAllNote(message.string());
    if (note === undefined) return this.#link.notUnderstood("note to all");
    const { local, clock, peerId } = this.#options;
    switch (note.kind) {
      case "hello":
        this.#tell(note.peerId, { kind: "alive", peerId });
        this.#peers.heard(note.peerId);
        // Its word of what it reported while it was cut off was lost.
        this.#debts.askIfDebtor(note.peerId);
        break;
      case "alive": {
        const heardAt = this.#peers.lastHeard(note.peerId) ?? -Infinity;
        this.#peers.heard(note.peerId);
        // Servers of NATS that did not see each other let nobody know of it.
        if (clock.now() - heardAt <= 2 * ALIVE_MS) break;
        this.#held.announceAll();
        this.#forgetting.missed();
        break;
      }
      case "forget":
        return local.forget(note.clientId);
      case "bye":
        this.#peers.forget(note.peerId);
        this.#errands.dropAll(note.peerId);
        break;
      case "page":
        return this.#answer(message, note);
      case "question":
        return this.#answer(message, note.question);
    }
  }

  #answer(message: Msg, question: Question): void {
    const { local, peerId } = this.#options;
    const fits = (text: string): boolean => this.#link.fits(text);
    message.respond(answerText(peerId, question, local.answerTo(question), fits));
  }

  #tell(peerId: string, note: PeerNote): void {
    this.#link.publish(peerSubject(this.#options.prefix, peerId), note);
  }

  #tellAll(kind: "hello" | "alive" | "bye"): void {
    this.#link.publish(allSubject(this.#options.prefix), { kind, peerId: this.#options.peerId });
  }
}

/** The client did answer; only its answer has no way back. */
const NO_WAY_BACK: ClientReply = {
  kind: "outcome",
  outcome: {
    kind: "gone",
    wasSent: true,
    reason: "the client's answer is larger than NATS takes",
  },
};
