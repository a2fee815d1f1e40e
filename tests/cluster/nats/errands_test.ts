import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Errands } from "../../../lib/cluster/nats/errands.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** Longer than NATS may be silent before what was taken from others is given up. */
const CUT_MS = 5000;

/** An instance that takes CALLs from others, and what becomes of their outcomes. */
function errandsWith() {
  const clock = new FakeClock();
  const proof = { at: clock.now(), assume: () => void (proof.at = clock.now()) };
  const told: string[] = [];
  const errands = new Errands({
    clock,
    proof,
    tellEnded: (peerId, number) => told.push(`${peerId} ${number}`),
  });
  const outcomes: string[] = [];
  /** A CALL is taken. @returns What is called when it ends. */
  function take(from: string, number: number): () => void {
    const errand = errands.take(from, number);
    return () =>
      errand.claim(
        () => {
          outcomes.push(`reported ${from} ${number}`);
          errand.ended();
        },
        () => outcomes.push(`dropped ${from} ${number}`),
      );
  }
  return { clock, errands, take, outcomes, told };
}

Deno.test("an outcome is reported at once while nobody else can report it", () => {
  const { take, outcomes, told, errands } = errandsWith();
  take("a", 1)();
  deepStrictEqual(outcomes, ["reported a 1"]);
  deepStrictEqual(told, ["a 1"]);
  strictEqual(errands.isEmpty, true);
});

Deno.test("an outcome that another instance may report is kept until that one says that it did", () => {
  const { clock, take, outcomes, errands } = errandsWith();
  const [first, second] = [take("a", 1), take("a", 2)];
  clock.tick(CUT_MS);
  first();
  deepStrictEqual(outcomes, []);
  // It asks for both, and learns that they were given up; then for what is not over.
  deepStrictEqual(errands.pong("a", [1, 2]), { epoch: 1, ended: [] });
  deepStrictEqual(outcomes, []);
  errands.pong("a", []);
  deepStrictEqual(outcomes, ["dropped a 1"]);
  // The other one ends later: it has been reported as well.
  second();
  deepStrictEqual(outcomes, ["dropped a 1", "dropped a 2"]);
  strictEqual(errands.isEmpty, true);
});

Deno.test("an outcome that was kept is reported when whoever accepted its CALL leaves or has gone", () => {
  const { clock, take, outcomes, errands } = errandsWith();
  const all = [take("left", 1), take("gone", 2), take("there", 3)];
  const late = take("gone", 4);
  clock.tick(CUT_MS);
  for (const end of all) end();
  const held = take("gone", 5);
  errands.dropAll("left");
  deepStrictEqual(outcomes, ["reported left 1"]);
  errands.takeOver((peerId) => peerId === "gone");
  deepStrictEqual(outcomes, ["reported left 1", "reported gone 2"]);
  late();
  held();
  deepStrictEqual(outcomes.slice(2), ["reported gone 4", "reported gone 5"]);
  // Nobody waits for those who are no more.
  errands.takeOver(() => true);
  strictEqual(errands.isEmpty, true);
  strictEqual(outcomes.at(-1), "reported there 3");
});
