/**
 * The outbox in JetStream of one simulated process: the real store and the real desk, each as in a thread
 * of its own, over a simulated ledger.
 *
 * @module
 */

import { within } from "../../lib/clock.ts";
import type { Log } from "../../lib/log/log.ts";
import { tokenOf } from "../../lib/nats/subject.ts";
import type { AcceptedCall, KeptReport } from "../../lib/outbox/entry.ts";
import { LedgerDesk } from "../../lib/outbox/jetstream/desk.ts";
import { ownerOf } from "../../lib/outbox/jetstream/subject.ts";
import type { Store } from "../../lib/outbox/store.ts";
import { type FromStore, MAIN, type Told, type ToStore } from "../../lib/outbox/thread/message.ts";
import { PortStore } from "../../lib/outbox/thread/port_store.ts";
import { randomUuid } from "../../lib/random.ts";
import type { Books } from "./books.ts";
import type { Chance } from "./chance.ts";
import type { SimulatedJetStream } from "./jetstream.ts";
import { SimulatedLedger } from "./ledger.ts";
import type { Life, LifeClock } from "./life.ts";
import { SimulatedPort } from "./port.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Timeline } from "./timeline.ts";

export interface LedgerOutboxDeps {
  readonly life: Life;
  readonly timeline: Timeline;
  readonly jetStream: SimulatedJetStream;
  readonly books: Books;
  readonly sabotage: Sabotage;
  readonly chance: Chance;
  readonly log: Log;
  /** The gateway's. */
  readonly clock: LifeClock;
  /** The desk's: of the same machine. */
  readonly deskClock: LifeClock;
  readonly port: string | undefined;
}

/** As `lib/outbox/thread/outbox.ts` has it. */
const CLOSE_MS = 500;

/** How far one id has got, as the process knows it. */
type Stage = "accepted" | "ended" | "parked" | "over";

/** Owns the way from a gateway to its ledger. */
export class LedgerOutbox {
  readonly store: Store;
  readonly ledger: SimulatedLedger;
  readonly #deps: LedgerOutboxDeps;
  readonly #inner: PortStore;
  readonly #desk: LedgerDesk;
  /** What was said of each id, by the token that stands for it in subjects. */
  readonly #said = new Map<string, Stage>();
  /** How much was inherited. */
  inherited = 0;

  constructor(deps: LedgerOutboxDeps) {
    this.#deps = deps;
    const { life, timeline, jetStream, sabotage, chance, log, clock, deskClock, port } = deps;
    this.ledger = new SimulatedLedger(jetStream, life, deskClock);
    this.#desk = new LedgerDesk({
      ledger: sabotage.ledger?.(this.ledger) ?? this.ledger,
      prefix: jetStream.deps.prefix,
      newName: () => randomUuid(chance),
      place: port,
      clock: deskClock,
      tell: (told) => life.deliver(() => this.#hear(told)),
    });
    const [here, there] = SimulatedPort.pair<ToStore, FromStore>(life, timeline);
    this.#inner = new PortStore(here, { clock, log });
    this.#watch(here);
    this.#desk.attach(MAIN, there);
    this.store = this.#listened(this.#inner);
  }

  /** The end of the process's outbox. */
  async close(): Promise<void> {
    const { clock, deskClock } = this.#deps;
    const since = clock.now();
    await this.#inner.close();
    const leftMs = Math.max(CLOSE_MS / 5, CLOSE_MS - (clock.now() - since));
    await within(deskClock, this.#desk.close(), leftMs);
  }

  /** Whether all that was said is in the ledger, as far as it is there at all. */
  get isWritten(): boolean {
    const { books, life, jetStream: { entries, deps: { prefix } } } = this.#deps;
    return entries.messages.every(({ subject, text }) => {
      const stage = this.#said.get(subject.split(".").at(-1)!);
      const isOwn = books.ledger.isOf(life, ownerOf(prefix, subject) ?? "");
      return stage === undefined || !isOwn || stage === stageOf(text);
    });
  }

  #hear(told: Told): void {
    const { log, books, life } = this.#deps;
    if (told.kind === "line") return log[told.level](told.event, told.fields);
    if (told.kind === "failing") log.error("the outbox cannot be written", { error: told.error });
    if (told.kind === "unreadable" || told.kind === "full" || told.kind === "died") {
      books.fault(`${life.name}'s outbox says ${JSON.stringify(told)}`);
    }
  }

  /** Takes note of what comes to the store, before anything is done to it. */
  #watch(port: SimulatedPort<ToStore, FromStore>): void {
    const { books, life, sabotage } = this.#deps;
    const take = port.onmessage!;
    port.onmessage = (event) => {
      const { data } = event;
      if (data.kind === "found" || data.kind === "inherited") {
        this.inherited += data.calls.length + data.reports.length;
        books.estates.inherited(life.name, data);
      } else if (data.kind === "lost") books.estates.lost(life.name, data.ids);
      const given = sabotage.toStore === undefined ? data : sabotage.toStore(data);
      if (given !== undefined) take({ data: given } as MessageEvent<ToStore>);
    };
  }

  #listened(store: PortStore): Store {
    const said = this.#said;
    const note = (id: string, stage: Stage): void => void said.set(tokenOf(id), stage);
    return {
      isLasting: true,
      accept(call: AcceptedCall, done) {
        note(call.id, "accepted");
        store.accept(call, (isKept) => {
          if (!isKept) note(call.id, "over");
          done(isKept);
        });
      },
      end(report: KeptReport) {
        note(report.id, report.parked === undefined ? "ended" : "parked");
        store.end(report);
      },
      park(id, parked) {
        note(id, parked === undefined ? "ended" : "parked");
        store.park(id, parked);
      },
      delivered(id) {
        note(id, "over");
        store.delivered(id);
      },
      recover: () => store.recover(),
      follow: (follower) => store.follow(follower),
      close: () => store.close(),
    };
  }
}

/** How far an entry has got by what stands in the ledger. */
function stageOf(text: string): Stage {
  const { kind, parked } = JSON.parse(text.slice(0, text.indexOf("\n"))) as {
    readonly kind: string;
    readonly parked?: unknown;
  };
  if (kind === "accepted") return "accepted";
  return parked === undefined ? "ended" : "parked";
}
