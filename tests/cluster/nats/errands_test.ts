import { deepStrictEqual } from "node:assert/strict";
import type { ClaimedOutcome, Errand } from "../../../lib/client/outgoing.ts";
import { Errands } from "../../../lib/cluster/nats/errands.ts";
import { DOUBT_MS, GIVE_UP_MS, LOST_MS } from "../../../lib/cluster/times.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** What became of an outcome, in order. */
class Fate implements ClaimedOutcome {
  readonly words: string[] = [];
  report = (): void => void this.words.push("report");
  drop = (): void => void this.words.push("drop");
  hold = (): void => void this.words.push("hold");
  setAside = (): void => void this.words.push("aside");

  static of(errand: Errand): Fate {
    const fate = new Fate();
    errand.claim(fate);
    return fate;
  }
}

/** CALLs of `a`, on an instance that NATS answers as long as it is told so. */
class Case {
  readonly clock = new FakeClock();
  readonly proof = { at: 0, assume: () => this.prove() };
  readonly claims: number[] = [];
  readonly told: number[] = [];
  /** What `a` says to a claim. */
  isOwed: boolean | undefined;
  readonly errands = new Errands({
    clock: this.clock,
    proof: this.proof,
    claim: (_, number) => {
      this.claims.push(number);
      return Promise.resolve(this.isOwed);
    },
    tellEnded: (_, number) => void this.told.push(number),
  });

  prove(): void {
    this.proof.at = this.clock.now();
  }

  /** Time in which NATS answers, and `a` asks nothing. */
  passProven(ms: number): void {
    this.clock.tick(ms);
    this.prove();
  }
}

/** Lets a promise that is settled be taken. */
async function settled(): Promise<void> {
  for (let n = 0; n < 5; n++) await Promise.resolve();
}

Deno.test("what was given up, and reported by the other, is not reported when its client answers late", () => {
  const it = new Case();
  const errand = it.errands.take("a", 1);
  it.clock.tick(GIVE_UP_MS);
  // It hears that, and reports it; later it does not ask for it any more.
  deepStrictEqual(it.errands.pong("a", [1]), { epoch: 1, ended: [] });
  it.errands.pong("a", []);
  it.prove();
  deepStrictEqual(Fate.of(errand).words, ["drop"]);
});

Deno.test("what was given up and ends is kept until the other has reported it, or has gone", () => {
  for (
    const [end, expected] of [
      [(it: Case) => it.errands.pong("a", []), "drop"],
      [(it: Case) => it.errands.dropAll("a"), "report"],
      [(it: Case) => it.errands.takeOver((from) => from === "a"), "report"],
    ] as const
  ) {
    const it = new Case();
    const errand = it.errands.take("a", 1);
    it.clock.tick(GIVE_UP_MS);
    const fate = Fate.of(errand);
    it.errands.pong("a", [1]);
    it.errands.takeOver((from) => from !== "a");
    deepStrictEqual(fate.words, []);
    end(it);
    end(it);
    deepStrictEqual([fate.words, it.errands.isEmpty], [[expected], true]);
  }
});

Deno.test("an outcome is reported at once while the other asked lately, and also when it has left", () => {
  const it = new Case();
  const [asked, left] = [it.errands.take("a", 1), it.errands.take("b", 2)];
  it.passProven(DOUBT_MS - 1);
  it.errands.pong("a", [1]);
  it.errands.dropAll("b");
  it.passProven(DOUBT_MS - 1);
  const words = [asked, left].map((errand) => Fate.of(errand).words);
  deepStrictEqual([words, it.claims], [[["report"], ["report"]], []]);
});

Deno.test("when the other has not asked for a while, it is asked whose the outcome is", async () => {
  for (
    const [isOwed, expected] of [[true, "report"], [false, "drop"], [undefined, "report"]] as const
  ) {
    const it = new Case();
    const errand = it.errands.take("a", 7);
    it.passProven(DOUBT_MS);
    it.isOwed = isOwed;
    const fate = Fate.of(errand);
    deepStrictEqual(fate.words, ["hold"]);
    await settled();
    deepStrictEqual([fate.words, it.claims], [["hold", expected], [7]]);
  }
});

Deno.test("what the other says or does meanwhile counts, and its answer then changes nothing", async () => {
  for (
    const [meanwhile, expected] of [
      [(it: Case) => it.errands.dropAll("a"), "report"],
      [(it: Case) => it.errands.takeOver(() => true), "report"],
      [(_: Case, errand: Errand) => errand.ended(), "drop"],
      [(it: Case) => {
        it.clock.tick(GIVE_UP_MS);
        it.errands.pong("a", []);
      }, "drop"],
    ] as const
  ) {
    for (const isOwed of [true, false, undefined]) {
      const it = new Case();
      const errand = it.errands.take("a", 7);
      it.passProven(DOUBT_MS);
      it.isOwed = isOwed;
      const fate = Fate.of(errand);
      meanwhile(it, errand);
      await settled();
      deepStrictEqual(fate.words, ["hold", expected]);
    }
  }
});

Deno.test("an instance that was cut off itself leaves the outcome to the other, and holds nothing back", async () => {
  // Also when the other says that it is owed: it may have been told since that this was given up.
  for (const isOwed of [true, undefined]) {
    const it = new Case();
    const errand = it.errands.take("a", 1);
    it.passProven(DOUBT_MS);
    it.isOwed = isOwed;
    const fate = Fate.of(errand);
    it.clock.tick(GIVE_UP_MS);
    it.errands.pong("a", [1]);
    await settled();
    deepStrictEqual(fate.words, ["hold", "aside"]);
    it.errands.pong("a", []);
    deepStrictEqual(fate.words, ["hold", "aside", "drop"]);
  }
});

Deno.test("the end of a CALL is told again after a cut, for as long as the other may still wait for it", () => {
  const it = new Case();
  const [early, late] = [it.errands.take("a", 1), it.errands.take("a", 2)];
  early.ended();
  it.passProven(LOST_MS - 1000);
  late.ended();
  it.passProven(2000);
  it.told.length = 0;
  it.errands.connected();
  deepStrictEqual(it.told, [2]);
});

Deno.test("what was given up, is still outstanding, and was accepted by one that has gone, is reported when it ends", () => {
  const it = new Case();
  const given = it.errands.take("gone", 1);
  it.clock.tick(GIVE_UP_MS);
  const held = it.errands.take("gone", 2);
  it.errands.takeOver((from) => from === "gone");
  deepStrictEqual([given, held].map((errand) => Fate.of(errand).words), [["report"], ["report"]]);
});
