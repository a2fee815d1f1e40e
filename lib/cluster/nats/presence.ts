/**
 * That instances are there: what they say of themselves, and what follows from it.
 *
 * @module
 */

import type { SharedTime } from "../../ids.ts";
import type { Log } from "../../log/log.ts";
import { TIME_SLACK_MS } from "../times.ts";
import type { Clock } from "../../clock.ts";
import type { BusLink } from "./bus_link.ts";
import type { PeerNote, PresenceNote } from "./note.ts";
import type { Peers } from "./peers.ts";
import { allSubject } from "./subject.ts";

export interface PresenceOptions {
  readonly prefix: string;
  /** This instance. */
  readonly peerId: string;
  /** Where its process listens, beside its address: nobody else there may listen on the same. */
  readonly port: string | undefined;
  /** What ids are made of here. */
  readonly time: SharedTime;
  readonly clock: Clock;
  readonly log: Log;
  readonly link: Pick<BusLink, "publish" | "clientIp">;
  readonly peers: Peers;
  readonly tell: (peerId: string, note: PeerNote) => void;
  /** One is there that nobody had heard of: both may have missed what the other said. */
  readonly onNew: (peerId: string) => void;
  /** One has connected, perhaps again. */
  readonly onHello: (peerId: string) => void;
  /** One has left. */
  readonly onBye: (peerId: string) => void;
}

/**
 * Tells others that this instance is there, and takes what they say of themselves. Each note tells the
 * time that its sender makes ids of, so that all make them of the same (`SharedTime`).
 *
 * Owns the lead of this instance's time that the others know of.
 */
export class Presence {
  readonly #options: PresenceOptions;
  #toldLead = -Infinity;
  #hasLeft = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Tells all; nothing any more after a farewell. */
  say(kind: PresenceNote["kind"], isRoll = false): void {
    if (this.#hasLeft) return;
    this.#hasLeft = kind === "bye";
    const { prefix, link } = this.#options;
    const note = { kind, ...this.#self() };
    link.publish(allSubject(prefix), isRoll ? { ...note, isRoll } : note);
  }

  /** An id was just made of this time: before others hear of it they know the time, should it have leapt. */
  madeId(time: number): void {
    const lead = time - this.#options.clock.now();
    if (lead > this.#toldLead + TIME_SLACK_MS) this.say("alive");
  }

  /** The time of others, or of an id of theirs. */
  heardTime(peerId: string | null, time: number): void {
    const { time: own, log } = this.#options;
    const aheadMs = time - own.wallNow();
    if (own.hear(time)) return;
    log.error("the clock of an instance is days ahead", { peerId, aheadMs });
  }

  /** What another one says to all. */
  take(note: PresenceNote): void {
    const { peers, tell, onNew, onHello, onBye } = this.#options;
    const { kind, peerId } = note;
    if (kind === "bye") {
      peers.leaves(peerId);
      return onBye(peerId);
    }
    const isNew = peers.lastHeard(peerId) === undefined;
    const greets = kind === "hello" && note.isRoll !== true;
    this.#heard(note, greets);
    // Whoever begins after this one's farewell must not wait for it.
    if (kind === "hello" && !this.#hasLeft) tell(peerId, { kind: "alive", ...this.#self() });
    if (greets) onHello(peerId);
    else if (isNew) onNew(peerId);
  }

  /** What another one says to this one. */
  takeAlive(note: PeerNote & { readonly kind: "alive" }): void {
    this.#heard(note);
  }

  #heard({ peerId, time, place }: Omit<PresenceNote, "kind">, greets = false): void {
    const { peers } = this.#options;
    peers.heard(peerId, greets);
    if (place !== undefined) peers.isAt(peerId, place);
    if (time !== undefined) this.heardTime(peerId, time);
  }

  #self(): Omit<PresenceNote, "kind"> {
    const { peerId, port, time, clock, link } = this.#options;
    const now = time.wallNow();
    this.#toldLead = now - clock.now();
    const { clientIp } = link;
    const place = port === undefined || clientIp === undefined ? undefined : `${clientIp} ${port}`;
    return { peerId, time: now, place };
  }
}
