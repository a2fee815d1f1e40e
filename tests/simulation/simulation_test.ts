import { deepStrictEqual, fail, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { runs } from "../support/runs.ts";
import { LEDGER_SABOTAGES } from "./ledger_sabotage.ts";
import { SABOTAGES } from "./sabotage.ts";
import { SEEDS } from "./seeds.ts";
import { type Outcome, simulate } from "./simulation.ts";

/** What is shown of a run that failed. */
function report({ seed, faults, lastEvents }: Outcome): string {
  const again = `deno task simulate --seed ${seed} --trace`;
  return [`seed ${seed}, shown in full by: ${again}`, ...faults, "", ...lastEvents].join("\n");
}

async function simulateAll(seeds: Iterable<number>): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const seed of seeds) {
    const outcome = await simulate(seed);
    deepStrictEqual(outcome.faults, [], report(outcome));
    outcomes.push(outcome);
  }
  return outcomes;
}

Deno.test("the gateway keeps its word in every simulated world", async () => {
  const count = runs(250);
  const outcomes = await simulateAll(Array.from({ length: count }, (_, i) => 1 + i));
  // A checker that sees nothing finds nothing.
  const sum = (name: string): number =>
    outcomes.reduce((all, { counts }) => all + counts[name]!, 0);
  for (
    const name of ["accepted", "clientCalls", "taken", "repeated", "crashes", "lines", "known"]
  ) {
    ok(sum(name) >= count / 4, `only ${sum(name)} ${name} in ${count} runs`);
  }
  for (
    const name of [
      "parked",
      "retried",
      "recovered",
      "replayed",
      "noRoom",
      "heldCalls",
      "awayCloses",
      "holds",
      "claims",
      "inherited",
    ]
  ) {
    ok(sum(name) >= count / 20, `only ${sum(name)} ${name} in ${count} runs`);
  }
});

Deno.test("the gateway keeps its word in worlds that nobody has seen before", async () => {
  const first = Math.floor(Math.random() * 2 ** 32);
  await simulateAll(Array.from({ length: runs(100) }, (_, i) => (first + i) % 2 ** 32));
});

Deno.test("seeds that once failed pass", async () => {
  await simulateAll(SEEDS.map(([seed]) => seed));
});

Deno.test("the same seed gives the same run, event by event", async () => {
  const hashes = new Set<string>();
  for (let seed = 500; seed < 500 + runs(40); seed++) {
    const [one, two] = [await simulate(seed), await simulate(seed)];
    strictEqual(one.events, two.events, `seed ${seed}`);
    strictEqual(one.hash, two.hash, `seed ${seed}`);
    hashes.add(one.hash);
  }
  notStrictEqual(hashes.size, 1);
});

const sabotages = { ...SABOTAGES, ...LEDGER_SABOTAGES };
for (const [name, [sabotage, fault, likely = 1]] of Object.entries(sabotages)) {
  Deno.test(`a gateway that ${name} is found out`, async () => {
    for (const seed of [likely, ...Array.from({ length: 100 }, (_, i) => 1 + i)]) {
      const { faults } = await simulate(seed, { sabotage });
      if (faults.some((text) => fault.test(text))) return;
    }
    fail("nobody noticed in 100 runs");
  });
}
