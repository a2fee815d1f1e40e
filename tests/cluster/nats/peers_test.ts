import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Peers } from "../../../lib/cluster/nats/peers.ts";
import { REMEMBER_MS, ROLL_MS, SILENT_MS } from "../../../lib/cluster/times.ts";
import { MetricSet } from "../../../lib/metrics/metrics.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { KeptLog } from "../../support/nats.ts";
import { quiesce } from "../../simulation/model/core.ts";

/** What is known of others, on a link that is up from the beginning. */
class Case implements Disposable {
  readonly clock = new FakeClock();
  readonly log = new KeptLog();
  readonly metrics = new MetricSet([]).metrics;
  readonly link = { isUp: true, upSince: 0 };
  /** Answers a question to all, if they are to. */
  readonly there = new Set<string>();
  rolls = 0;
  /** With whom all is to be made up for that was missed. */
  readonly back: string[] = [];
  readonly peers: Peers = new Peers({
    clock: this.clock,
    log: this.log,
    metrics: this.metrics,
    link: this.link,
    sayAlive: () => this.#answer(),
    onBack: (peerId) => void this.back.push(peerId),
    callRoll: () => {
      this.rolls++;
      this.#answer();
    },
  });

  constructor(...there: string[]) {
    for (const peerId of there) {
      this.there.add(peerId);
      this.peers.heard(peerId);
    }
    this.peers.stayAlive();
  }

  #answer(): void {
    for (const peerId of this.there) this.peers.heard(peerId);
  }

  /** Time goes on, with all that happens meanwhile. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      this.clock.tick(Math.min(left, 500));
      await quiesce();
    }
  }

  /** What is said of a client that nobody says he holds. */
  async areThere(): Promise<boolean> {
    const asked = this.peers.areThere();
    await this.pass(ROLL_MS + 500);
    return await asked;
  }

  [Symbol.dispose](): void {
    this.peers.close();
  }
}

Deno.test("whoever does not answer is missed from the first question on, and until it is heard again", async () => {
  using it = new Case("a", "b");
  strictEqual(await it.areThere(), true);
  it.there.delete("b");
  strictEqual(await it.areThere(), false);
  strictEqual(await it.areThere(), false);
  await it.pass(SILENT_MS);
  strictEqual(await it.areThere(), false);
  strictEqual(it.log.count("warn an instance is silent"), 1);
  it.there.add("b");
  await it.areThere();
  strictEqual(await it.areThere(), true);
  strictEqual(it.log.count("info an instance is heard of again"), 1);
});

Deno.test("an instance that says farewell is not missed", async () => {
  using it = new Case("a", "b");
  it.there.delete("b");
  it.peers.forget("b");
  strictEqual(await it.areThere(), true);
});

Deno.test("an instance that was killed for good is missed for a while, and not for ever", async () => {
  using it = new Case("a", "b");
  it.there.delete("b");
  await it.pass(REMEMBER_MS - 10_000);
  strictEqual(await it.areThere(), false);
  await it.pass(20_000);
  await it.areThere();
  strictEqual(await it.areThere(), true);
  strictEqual(it.log.count("warn an instance is silent for long, and forgotten"), 1);
});

Deno.test("while this instance is cut off itself, it forgets nobody", async () => {
  using it = new Case("a", "b");
  it.there.clear();
  it.link.isUp = false;
  await it.pass(REMEMBER_MS + 60_000);
  it.link.isUp = true;
  it.link.upSince = it.clock.now();
  await it.pass(1000);
  strictEqual(await it.areThere(), false);
});

Deno.test("one that begins where another's process listened takes its place", async () => {
  using it = new Case("a");
  it.there.add("b");
  it.peers.heard("b");
  it.peers.isAt("a", "10.0.0.1 :4000 0");
  it.peers.isAt("b", "10.0.0.2 :4000 0");
  it.there.delete("b");
  strictEqual(await it.areThere(), false);
  it.there.add("c");
  it.peers.heard("c");
  it.peers.isAt("c", "10.0.0.2 :4000 0");
  await it.areThere();
  strictEqual(await it.areThere(), true);
  strictEqual(it.peers.count, 2);
});

Deno.test("a worker that is started again takes its own place, and no other's", async () => {
  using it = new Case("a1-1-f0", "a1-2-f0", "b1-1-f0");
  it.there.delete("a1-1-f0");
  strictEqual(await it.areThere(), false);
  it.there.add("a1-1-f1");
  it.peers.heard("a1-1-f1");
  await it.areThere();
  strictEqual(await it.areThere(), true);
  deepStrictEqual(it.peers.known.sort(), ["a1-1-f1", "a1-2-f0", "b1-1-f0"]);
});

Deno.test("with one that was away all is made up for, whatever it says first, once, but not when it greets", async () => {
  using it = new Case("a", "b", "c");
  it.there.delete("b");
  it.there.delete("c");
  await it.pass(8000);
  it.peers.heard("b");
  it.peers.heard("b");
  it.peers.heard("c", true);
  await it.pass(3000);
  // After a cut of its own this instance makes up for all itself.
  it.there.clear();
  await it.pass(20_000);
  it.link.upSince = it.clock.now();
  it.peers.heard("a");
  deepStrictEqual(it.back, ["b"]);
});

Deno.test("many who ask at about the same time ask all others once", async () => {
  using it = new Case("a", "b");
  const asked = Array.from({ length: 100 }, () => it.peers.areThere());
  await it.pass(1000);
  deepStrictEqual(new Set(await Promise.all(asked)), new Set([true]));
  ok(it.rolls <= 2, String(it.rolls));
});

Deno.test("those that are there and those that are silent are counted apart", async () => {
  using it = new Case("a", "b", "c");
  const { natsPeers, natsPeersSilent } = it.metrics;
  deepStrictEqual([natsPeers.own, natsPeersSilent.own], [3, 0]);
  it.there.delete("c");
  await it.pass(SILENT_MS + 4000);
  deepStrictEqual([natsPeers.own, natsPeersSilent.own], [2, 1]);
  it.peers.forget("c");
  deepStrictEqual([natsPeers.own, natsPeersSilent.own], [2, 0]);
});

Deno.test("whoever has said farewell is missed by nobody, also when an answer of it comes behind that", async () => {
  using it = new Case("a", "b");
  it.there.delete("b");
  it.peers.leaves("b");
  it.peers.heard("b");
  deepStrictEqual([it.peers.known, it.peers.areBack], [["a"], true]);
  strictEqual(await it.areThere(), true);
});
