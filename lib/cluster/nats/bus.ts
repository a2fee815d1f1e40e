/**
 * Many instances as one gateway, tied together by NATS.
 *
 * @module
 */

import type { Msg } from "@nats-io/transport-node";
import {
  type Bus,
  type Client,
  type ClientReply,
  type ClientRequest,
  identityOf,
  refused,
} from "../bus.ts";
import type { Answers, Question, QuestionKind, QuestionOf, Survey } from "../survey.ts";
import { type AskDeps, askHolder } from "./ask.ts";
import { claim } from "./claim.ts";
import { Debts } from "./debts.ts";
import { Errands } from "./errands.ts";
import { findHolder } from "./find.ts";
import { Forgetting } from "./forgetting.ts";
import { HeldClients } from "./held.ts";
import { Ledger } from "./ledger.ts";
import { Link } from "../../nats/link.ts";
import type { BusLink } from "./bus_link.ts";
import type { Claimed, Holder, Note, PeerNote } from "./note.ts";
import type { NatsBusOptions } from "./options.ts";
import { Peers } from "./peers.ts";
import { Newest } from "./newest.ts";
import { Presence } from "./presence.ts";
import { Proof } from "./proof.ts";
import { serveAsked, type ServeDeps } from "./serve.ts";
import { readAllNote, readClientNote, readPeerNote } from "./read_note.ts";
import { answerText, askAll } from "./survey.ts";
import { allSubject, clientIdOf, clientSubject, peerSubject } from "./subject.ts";

export type { NatsBusOptions };

/**
 * Each instance subscribes to a subject for each of its clients, so that a NATS request finds the
 * holder, and "no responders" says that there is none. What is then asked goes to the holder's own
 * subject: exactly one instance gets it, also while two hold the same client for a moment.
 *
 * **Newest wins**: a new connection is announced on its client's subject. Whoever has an older one
 * closes it; whoever has a newer one answers with that. Which is newer the `connectionId` says, a
 * UUIDv7, so both sides decide alike, whatever comes twice, late or crosswise. The ids of all instances
 * are made of one time (`SharedTime`, told by `Presence`): a connection that is made later than another
 * by more than a message takes has the greater id, also when an instance's clock is ahead.
 *
 * **Nobody is nowhere while somebody is missing**: a client that is found nowhere is `gone` only when all
 * instances that are known said that they are there (`Peers`).
 *
 * **Exactly one outcome** of a CALL accepted with 202 on A for a client of B, where B keeps nothing that
 * outlives it: B posts it and tells
 * A, which also asks each second, so that no word of it is lost in a cut. When B goes, A posts.
 * When B hears nothing of NATS, it gives up such CALLs after 4 s, and A reports them after 7 s, or as
 * soon as B is back and says so. When A has not asked B for 2.5 s, B asks A before it reports
 * (`claim`): A may have heard nothing of B for longer than B knows, when B comes and goes. What remains:
 * B killed, or cut off for 7 s, between its post and its word of it to A, or cut off from A before it
 * could ask, is reported twice: once as `/result` and once as `/error`.
 *
 * **Where B's store is lasting** (`Store.isLasting`, of B alone: instances may differ) B has kept the CALL
 * before A answers 202, tells A at once that A owes nothing, and alone reports it: from a folder after its
 * next start, from the ledger in JetStream also by an instance that inherits it. Then none of the above
 * happens, and A forgets the CALL.
 *
 * This class leads what others say to whoever owns the matter: the connection (`Link`), the clients held
 * here (`HeldClients`), who is there (`Peers`), what is owed to others (`Errands`) and by them (`Ledger`,
 * `Debts`). It owns nothing itself.
 */
export class NatsBus implements Bus {
  readonly #options: NatsBusOptions;
  readonly #link: BusLink;
  readonly #held: HeldClients;
  readonly #peers: Peers;
  readonly #presence: Presence;
  readonly #newest: Newest;
  readonly #errands: Errands;
  readonly #ledger = new Ledger();
  readonly #debts: Debts;
  readonly #askDeps: AskDeps;
  readonly #serveDeps: ServeDeps;
  readonly #forgetting: Forgetting;

  /** Connects in the background, for ever. */
  constructor(options: NatsBusOptions) {
    const { prefix, peerId, local, connect, clock, log, metrics, time, port } = options;
    this.#options = options;
    const link = new Link<Note>({
      connect,
      clock,
      log,
      metrics,
      onNew: () => this.#subscribe(),
      onUp: () => this.#greet(),
      onGone: () => this.#held.dropSubscriptions(),
    });
    const proof = new Proof(clock, link, metrics.natsRoundTrip);
    const takeClientMessage = link.guarded((message) => this.#takeClientNote(message));
    const peers = new Peers({
      ...{ clock, log, metrics, link },
      sayAlive: () => {
        this.#presence.say("alive");
        void proof.ask();
      },
      onBack: (from) => this.#makeUp(from),
      callRoll: () => this.#presence.say("hello", true),
    });
    this.#presence = new Presence({
      ...{ prefix, peerId, port, time, clock, log, link, peers },
      tell: (to, note) => this.#tell(to, note),
      onNew: (from) => this.#makeUp(from),
      // Its word of what it reported while it was cut off was lost.
      onHello: (from) => this.#debts.askIfDebtor(from),
      onBye: (from) => this.#errands.dropAll(from),
    });
    this.#newest = new Newest({
      ...{ local, presence: this.#presence },
      tell: (to, note) => this.#tell(to, note),
    });
    this.#link = link;
    this.#forgetting = new Forgetting(prefix, link, local);
    this.#peers = peers;
    this.#held = new HeldClients({
      clock,
      subscribe: (clientId) => link.subscribe(clientSubject(prefix, clientId), takeClientMessage),
      announce: ({ clientId, connectionId }) =>
        link.publish(clientSubject(prefix, clientId), { kind: "attached", peerId, connectionId }),
    });
    const subjectOf = (to: string): string => peerSubject(prefix, to);
    this.#errands = new Errands({
      clock,
      proof,
      claim: (from, number) => claim(from, number, { peerId, subjectOf, link, clock }),
      tellEnded: (to, number) => this.#tell(to, { kind: "ended", number }),
    });
    const ledger = this.#ledger;
    this.#debts = new Debts({
      ...{ peerId, subjectOf, link, peers, proof, ledger, local, clock, log },
      errands: this.#errands,
    });
    this.#serveDeps = { local, errands: this.#errands, debts: this.#debts, link, log };
    this.#askDeps = { peerId, subjectOf, link, peers, ledger, debts: this.#debts };
    void link.connect();
  }

  get isAvailable(): boolean {
    return this.#link.isUp;
  }

  get hasJoined(): boolean {
    return this.#link.wasUp;
  }

  attach(client: Client): void {
    this.#newest.attached(client.connectionId);
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
    this.#presence.say("bye");
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
    // Whether it may say anything shows by that.
    this.#presence.say("alive");
  }

  /** Connected, for the first time or again. */
  #greet(): void {
    // Before it: who hears it asks what is owed.
    this.#errands.connected();
    this.#presence.say("hello");
    this.#forgetting.connected();
    this.#held.announceAll();
    this.#debts.askAll();
    this.#peers.stayAlive();
  }

  /** Servers of NATS that did not see each other let nobody know of it. */
  #makeUp(from: string): void {
    this.#held.announceAll();
    this.#forgetting.missed();
    this.#debts.askIfDebtor(from);
  }

  #takeClientNote(message: Msg): void {
    const { local, prefix, peerId } = this.#options;
    const clientId = clientIdOf(prefix, message.subject);
    if (clientId === undefined) return;
    const note = readClientNote(message.string());
    if (note === undefined) return this.#link.notUnderstood("note to a client's holder");
    if (note.kind === "attached") return this.#newest.announced(clientId, note);
    const client = local.find(clientId);
    const holder: Holder | null = client === undefined
      ? null
      : { peerId, client: identityOf(client) };
    message.respond(JSON.stringify(holder));
  }

  async #takePeerNote(message: Msg): Promise<void> {
    const note = readPeerNote(message.string(), this.#options.maxMessageBytes);
    if (note === undefined) return this.#link.notUnderstood("note to this instance");
    switch (note.kind) {
      case "ask":
        return await serveAsked(message, note, this.#serveDeps);
      case "ended":
        return this.#ledger.ended(note.number);
      case "attached":
        return this.#newest.answered(note);
      case "alive":
        return this.#presence.takeAlive(note);
      case "claim": {
        this.#peers.heard(note.peerId);
        const isOwed = this.#ledger.isOwedBy(note.peerId, note.number);
        message.respond(JSON.stringify({ isOwed } satisfies Claimed));
        return;
      }
      case "ping": {
        const pong = this.#errands.pong(note.peerId, note.numbers);
        message.respond(JSON.stringify(pong));
        return;
      }
    }
  }

  #takeAllNote(message: Msg): void | Promise<void> {
    const note = readAllNote(message.string());
    if (note === undefined) return this.#link.notUnderstood("note to all");
    const { local } = this.#options;
    switch (note.kind) {
      case "hello":
      case "alive":
      case "bye":
        return this.#presence.take(note);
      case "forget":
        return local.forget(note.clientId);
      case "page":
        return this.#answer(message, note);
      case "question":
        return this.#answer(message, note.question);
    }
  }

  async #answer(message: Msg, question: Question): Promise<void> {
    const { local, peerId } = this.#options;
    const fits = (text: string): boolean => this.#link.fits(text);
    const given = local.answerTo(question);
    // What is known at once is said in its turn.
    const answer = given instanceof Promise ? await given : given;
    message.respond(answerText(peerId, question, answer, fits));
  }

  #tell(peerId: string, note: PeerNote): void {
    this.#link.publish(peerSubject(this.#options.prefix, peerId), note);
  }
}
