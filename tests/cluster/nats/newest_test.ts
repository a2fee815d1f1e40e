import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { Client } from "../../../lib/cluster/bus.ts";
import { Newest } from "../../../lib/cluster/nats/newest.ts";
import type {
  AllNote,
  ClientNote,
  PeerNote,
  PresenceNote,
} from "../../../lib/cluster/nats/note.ts";
import { Peers } from "../../../lib/cluster/nats/peers.ts";
import { Presence } from "../../../lib/cluster/nats/presence.ts";
import { ALIVE_MS } from "../../../lib/cluster/times.ts";
import type { Clock } from "../../../lib/clock.ts";
import { SharedTime, TimeOrderedIds } from "../../../lib/ids.ts";
import { silentLog } from "../../../lib/log/log.ts";
import { MetricSet } from "../../../lib/metrics/metrics.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { Random } from "../../support/random.ts";
import { runs } from "../../support/runs.ts";

/** The longest that a message takes. */
const MAX_MS = 40;
const CLIENT = "CP1";

/** Instances with wall clocks of their own, and a network that takes its time and says things twice. */
class World {
  readonly clock = new FakeClock();
  readonly random: Random;
  readonly instances: Instance[];
  /** All connections that were made: who came when, and whether it was closed. */
  readonly made: { readonly at: number; readonly id: string; isOpen: boolean }[] = [];

  constructor(skews: readonly number[], seed: number) {
    this.random = new Random(seed);
    this.instances = skews.map((skew, k) => new Instance(`i${k}`, skew, this));
    for (const { presence } of this.instances) presence.say("hello");
    this.clock.tick(2 * MAX_MS);
  }

  /** Messages from one to another keep their order; those of different senders do not. */
  send(from: Instance, to: Instance, take: () => void): void {
    const now = this.clock.now();
    const at = Math.max(from.lastTo.get(to) ?? 0, now + 1 + this.random.below(MAX_MS - 1));
    from.lastTo.set(to, at);
    this.clock.setTimeout(take, at - now);
    if (this.random.chance(0.2)) {
      this.clock.setTimeout(take, at - now + this.random.below(3000));
    }
  }

  close(): void {
    for (const { peers } of this.instances) peers.close();
  }
}

class Instance {
  readonly lastTo = new Map<Instance, number>();
  readonly peers: Peers;
  readonly presence: Presence;
  readonly newest: Newest;
  readonly #peerId: string;
  readonly #world: World;
  readonly #ids: TimeOrderedIds;
  #client: Client | undefined;

  constructor(peerId: string, skewMs: number, world: World) {
    const { clock } = world;
    const wall: Pick<Clock, "now" | "wallNow"> = {
      now: () => clock.now(),
      wallNow: () => clock.wallNow() + skewMs,
    };
    const time = new SharedTime(wall);
    this.#peerId = peerId;
    this.#world = world;
    this.#ids = new TimeOrderedIds(time, world.random);
    const link = { isUp: true, upSince: 0, clientIp: undefined };
    const tell = (to: string, note: PeerNote): void => {
      const other = world.instances.find((each) => each.#peerId === to)!;
      world.send(this, other, () => other.#takePeer(note));
    };
    this.peers = new Peers({
      ...{ clock, log: silentLog, link, metrics: new MetricSet([]).metrics },
      sayAlive: () => this.presence.say("alive"),
      onBack: () => {},
      callRoll: () => {},
    });
    this.presence = new Presence({
      ...{ prefix: "p", peerId, port: undefined, time, clock, log: silentLog, tell },
      link: { ...link, publish: (_, note) => this.#toAll(note as AllNote) },
      peers: this.peers,
      onNew: () => {},
      onHello: () => {},
      onBye: () => {},
    });
    this.newest = new Newest({
      ...{ presence: this.presence, tell },
      local: {
        find: () => this.#client,
        replaced: (_, id) => {
          if (this.#client !== undefined && this.#client.connectionId < id) this.#close();
        },
      },
    });
    this.peers.stayAlive();
  }

  #others(): Instance[] {
    return this.#world.instances.filter((each) => each !== this);
  }

  #toAll(note: AllNote): void {
    for (const other of this.#others()) {
      this.#world.send(this, other, () => other.presence.take(note as PresenceNote));
    }
  }

  #takePeer(note: PeerNote): void {
    if (note.kind === "alive") this.presence.takeAlive(note);
    else if (note.kind === "attached") this.newest.answered(note);
  }

  #close(): void {
    const { connectionId } = this.#client!;
    this.#client = undefined;
    this.#world.made.find(({ id }) => id === connectionId)!.isOpen = false;
  }

  /** The client connects here; it is announced twice. */
  connect(): void {
    const { clock, made } = this.#world;
    const connectionId = this.#ids.next();
    made.push({ at: clock.now(), id: connectionId, isOpen: true });
    if (this.#client !== undefined) this.#close();
    this.#client = {
      ...{ clientId: CLIENT, connectionId, protocol: null },
      ...{ remoteAddress: "127.0.0.1", connectedAt: 0 },
    };
    this.newest.attached(connectionId);
    const note: ClientNote & { kind: "attached" } = {
      ...{ kind: "attached", peerId: this.#peerId, connectionId },
    };
    const announce = (): void => {
      if (this.#client?.connectionId !== connectionId) return;
      for (const other of this.#others()) {
        this.#world.send(this, other, () => {
          // Who holds no connection of the client does not subscribe to its subject.
          if (other.#client !== undefined) other.newest.announced(CLIENT, note);
        });
      }
    };
    announce();
    clock.setTimeout(announce, 2000);
  }
}

const skews = fc.array(
  fc.oneof(fc.constant(0), fc.integer({ min: -3_600_000, max: 3_600_000 }), fc.nat(100)),
  { minLength: 2, maxLength: 4 },
);
const connects = fc.array(
  fc.record({
    on: fc.nat(3),
    // At once, in the time of a message, and long after.
    afterMs: fc.oneof(fc.constant(0), fc.nat(3 * MAX_MS), fc.nat(20_000)),
  }),
  { minLength: 1, maxLength: 12 },
);

Deno.test("however clocks differ and messages cross, one connection stays, and it is the latest", () => {
  fc.assert(
    fc.property(skews, connects, fc.nat(), (ahead, steps, seed) => {
      const world = new World(ahead, seed);
      const { clock, made, instances } = world;
      for (const { on, afterMs } of steps) {
        clock.tick(afterMs);
        instances[on % instances.length]!.connect();
      }
      clock.tick(2 * ALIVE_MS + 4000);
      world.close();
      const open = made.filter(({ isOpen }) => isOpen);
      strictEqual(open.length, 1);
      const greatest = made.map(({ id }) => id).sort().at(-1);
      strictEqual(open[0]!.id, greatest);
      // Of two that are made within the time of a message either may stay, but no earlier one.
      const last = made.at(-1)!.at;
      ok(last - open[0]!.at <= MAX_MS, `${last - open[0]!.at} ms before the last`);
    }),
    { numRuns: runs(300) },
  );
});

Deno.test("a clock that leaps while the program runs is told before the first id of its new time", () => {
  const world = new World([0, 0], 1);
  const [a, b] = world.instances as [Instance, Instance];
  const { clock, made } = world;
  // Only from now on is it ahead.
  const wallNow = clock.wallNow.bind(clock);
  let leap = 30_000;
  clock.wallNow = () => wallNow() + leap;
  a.connect();
  leap = 0;
  clock.tick(MAX_MS + 10);
  b.connect();
  clock.tick(5000);
  world.close();
  deepStrictEqual(made.map(({ isOpen }) => isOpen), [false, true]);
});
