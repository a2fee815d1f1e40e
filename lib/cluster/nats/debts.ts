/**
 * What others owe this instance, watched.
 *
 * @module
 */

import type { Clock, Timer } from "../../clock.ts";
import type { Log } from "../../log/log.ts";
import type { Peer } from "../bus.ts";
import { LOST_MS, PROVEN_MS, SILENT_MS, WATCH_MS } from "../times.ts";
import type { Errands } from "./errands.ts";
import type { Ledger } from "./ledger.ts";
import { isNoResponders } from "../../nats/fault.ts";
import type { BusLink } from "./bus_link.ts";
import { MAX_NUMBERS, type PeerNote } from "./note.ts";
import type { Peers } from "./peers.ts";
import type { Proof } from "./proof.ts";
import { readPong } from "./read_answer.ts";

export interface DebtsOptions {
  /** This instance. */
  readonly peerId: string;
  /** The subject of another one. */
  readonly subjectOf: (peerId: string) => string;
  readonly link: BusLink;
  readonly peers: Peers;
  readonly proof: Proof;
  readonly ledger: Ledger;
  readonly errands: Pick<Errands, "isEmpty" | "takeOver">;
  readonly local: Pick<Peer, "lost">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Most of them never come back: they are asked for so long, and of so many it is remembered. */
const UNAWARE_MS = 30_000;
const MAX_UNAWARE = 1000;

/**
 * Asks those who owe an outcome each second whether they are there, and reports what they owe when
 * they are not. NATS is asked as well: by its answers an instance that owes something itself knows
 * that it is not cut off.
 *
 * Always true: while an outcome is owed, by others or to them, or others that are there may
 * believe so, a timer waits or a round is under way.
 */
export class Debts {
  readonly #options: DebtsOptions;
  /**
   * Instances that may believe that they owe what is over here: they keep it until they are asked for the
   * rest. With each the time until which it is asked in every round.
   */
  readonly #unaware = new Map<string, { readonly until: number }>();
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: DebtsOptions) {
    this.#options = options;
  }

  /** An outcome is owed, by others or to them. */
  watch(): void {
    if (this.#isClosed) return;
    this.#timer ??= this.#options.clock.setTimeout(() => void this.#askAround(), WATCH_MS);
  }

  /** Asks all debtors, now: there may be a word of theirs that was lost. */
  askAll(): void {
    for (const peerId of this.#options.ledger.debtors) void this.#askSafely(peerId);
  }

  /** Asks one of them, if it owes something or may believe that it does. */
  askIfDebtor(peerId: string): void {
    if (this.#unaware.has(peerId)) this.remind(peerId);
    if (this.#options.ledger.debtors.includes(peerId)) void this.#askSafely(peerId);
  }

  /** An instance may believe that it owes what is over here: it is asked for the rest. */
  remind(peerId: string): void {
    this.#unaware.set(peerId, { until: this.#options.clock.now() + UNAWARE_MS });
    const [oldest] = this.#unaware.keys();
    if (this.#unaware.size > MAX_UNAWARE && oldest !== undefined) this.#unaware.delete(oldest);
    this.watch();
  }

  /** Asks no longer. What those may report of whom nothing can be known now is reported here. */
  close(): void {
    this.#isClosed = true;
    const { errands, link } = this.#options;
    errands.takeOver((peerId) => !link.isUp || this.#isSilent(peerId));
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
  }

  /** Never rejects: `proof.ask` does not. */
  async #askAround(): Promise<void> {
    const { ledger, errands, proof } = this.#options;
    const others = new Set([...ledger.debtors, ...this.#unawarePeers()]);
    await Promise.all([proof.ask(), ...Array.from(others, (peerId) => this.#askSafely(peerId))]);
    this.#timer = undefined;
    errands.takeOver((peerId) => this.#isSilent(peerId));
    if (ledger.size > 0 || !errands.isEmpty || this.#unawarePeers().length > 0) this.watch();
  }

  /** Whether an instance that accepted CALLs has been silent for so long that it is not waited for any more. */
  #isSilent(peerId: string): boolean {
    const { peers, link, clock } = this.#options;
    const since = Math.max(peers.lastHeard(peerId) ?? -Infinity, link.upSince);
    return link.isUp && clock.now() - since >= SILENT_MS;
  }

  /** Those that are asked in this round; of the others it is waited for a word. */
  #unawarePeers(): string[] {
    const now = this.#options.clock.now();
    return Array.from(this.#unaware).filter(([, { until }]) => now < until).map(([peerId]) =>
      peerId
    );
  }

  /** A fault of ours with one instance ends neither the round nor the process. */
  async #askSafely(peerId: string): Promise<void> {
    try {
      await this.#ask(peerId);
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#options.log.error("an instance's debts failed", { error: String(error) });
  }

  async #ask(peerId: string): Promise<void> {
    const { link, subjectOf, peers, ledger, local, log, peerId: ownId } = this.#options;
    if (link.connection === null || !link.isUp) return;
    const numbers = ledger.owedBy(peerId, MAX_NUMBERS);
    // What is over here is not among these numbers, and that is how the other one hears of it.
    const told = this.#unaware.get(peerId);
    let epoch: number | null = null;
    try {
      const note: PeerNote = { kind: "ping", peerId: ownId, numbers };
      const answer = await link.connection.request(subjectOf(peerId), JSON.stringify(note), {
        timeout: WATCH_MS,
      });
      const pong = readPong(answer.string());
      if (pong === undefined) return link.notUnderstood("answer about what is owed");
      epoch = pong.epoch;
      peers.heard(peerId);
      for (const number of pong.ended) ledger.endedThere(number);
    } catch (error) {
      link.requestFailed(error);
      if (!this.#isGone(peerId, error)) return;
    }
    // Not when more is over since it was asked: of that it has not heard.
    if (told !== undefined && epoch !== null && this.#unaware.get(peerId) === told) {
      this.#unaware.delete(peerId);
    }
    const lost = ledger.takeLost(peerId, epoch);
    if (lost.length > 0) this.remind(peerId);
    if (lost.length > 0) log.error("an instance went with CALLs", { peerId, count: lost.length });
    for (const { client, call } of lost) {
      try {
        local.lost(client, call);
      } catch (error) {
        // It costs the others nothing.
        this.#failed(error);
      }
    }
  }

  /** Whether an instance that did not answer is given up. */
  #isGone(peerId: string, error: unknown): boolean {
    const { clock, link, peers, proof } = this.#options;
    // Perhaps this instance is the one that is cut off.
    const isProven = clock.now() - proof.at < PROVEN_MS;
    if (!isProven && !isNoResponders(error)) return false;
    // Silence counts from when it could have been heard.
    const heardAt = Math.max(peers.lastHeard(peerId) ?? 0, link.upSince);
    return link.isUp && clock.now() - heardAt >= LOST_MS;
  }
}
