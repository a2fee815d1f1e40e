import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Verdicts } from "../../lib/door/verdicts.ts";
import { systemRandom } from "../../lib/random.ts";
import { FakeClock } from "../support/fake_clock.ts";

const BASIC = "Basic Q1AxOnNlY3JldA==";

function verdictsOf(max?: number): { clock: FakeClock; verdicts: Verdicts } {
  const clock = new FakeClock();
  return { clock, verdicts: new Verdicts(clock, systemRandom, max) };
}

Deno.test("a verdict holds for the very same client and proofs, and no other", async (t) => {
  const { verdicts } = verdictsOf();
  verdicts.add("CP1", [BASIC, null], 60, verdicts.epoch);
  const rows: [name: string, clientId: string, proofs: (string | null)[], isKnown: boolean][] = [
    ["the same", "CP1", [BASIC, null], true],
    ["another client", "CP2", [BASIC, null], false],
    ["upper and lower case", "cp1", [BASIC, null], false],
    ["another password", "CP1", ["Basic Q1AxOm90aGVy", null], false],
    ["a part of it", "CP1", [BASIC.slice(0, -1), null], false],
    ["none", "CP1", [null, null], false],
    ["an empty one", "CP1", ["", null], false],
    ["the word null", "CP1", [BASIC, "null"], false],
    ["a certificate besides", "CP1", [BASIC, "AB:CD"], false],
    ["in another place", "CP1", [null, BASIC], false],
    ["one less", "CP1", [BASIC], false],
    ["one more", "CP1", [BASIC, null, null], false],
    ["the names run together", `CP1","${BASIC}`, [null], false],
  ];
  for (const [name, clientId, proofs, isKnown] of rows) {
    await t.step(name, () => strictEqual(verdicts.has(clientId, proofs), isKnown));
  }
});

Deno.test("a verdict is over when its time is, and leaves nothing behind", () => {
  const { clock, verdicts } = verdictsOf();
  verdicts.add("CP1", [null], 60, verdicts.epoch);
  clock.tick(59_999);
  strictEqual(verdicts.has("CP1", [null]), true);
  clock.tick(1);
  strictEqual(verdicts.has("CP1", [null]), false);
  strictEqual(verdicts.size, 0);
});

Deno.test("a later verdict of the same client takes the place of the one before", () => {
  const { verdicts } = verdictsOf();
  verdicts.add("CP1", ["a"], 60, verdicts.epoch);
  verdicts.add("CP1", ["b"], 60, verdicts.epoch);
  deepStrictEqual([verdicts.has("CP1", ["a"]), verdicts.has("CP1", ["b"])], [false, true]);
  verdicts.add("CP1", ["c"], 0, verdicts.epoch);
  deepStrictEqual([verdicts.has("CP1", ["b"]), verdicts.size], [false, 0]);
});

Deno.test("a refusal, with whatever proofs, forgets the client", () => {
  const { verdicts } = verdictsOf();
  for (const id of ["CP1", "CP2"]) verdicts.add(id, [null], 60, verdicts.epoch);
  verdicts.refused("CP1");
  deepStrictEqual(["CP1", "CP2"].map((id) => verdicts.has(id, [null])), [false, true]);
});

Deno.test("forgetting takes one client or all, and what is being asked at that time", () => {
  const { verdicts } = verdictsOf();
  for (const id of ["CP1", "CP2", "CP3"]) verdicts.add(id, [null], 60, verdicts.epoch);
  const askedBefore = verdicts.epoch;
  verdicts.forget("CP1");
  deepStrictEqual(["CP1", "CP2"].map((id) => verdicts.has(id, [null])), [false, true]);
  verdicts.add("CP1", [null], 60, askedBefore);
  strictEqual(verdicts.has("CP1", [null]), false);
  verdicts.add("CP1", [null], 60, verdicts.epoch);
  strictEqual(verdicts.has("CP1", [null]), true);
  verdicts.forget(null);
  strictEqual(verdicts.size, 0);
});

Deno.test("beyond the bound the one that was remembered longest ago is forgotten", () => {
  const { verdicts } = verdictsOf(3);
  for (const id of ["CP1", "CP2", "CP3"]) verdicts.add(id, [null], 60, verdicts.epoch);
  verdicts.add("CP1", [null], 60, verdicts.epoch);
  verdicts.add("CP4", [null], 60, verdicts.epoch);
  deepStrictEqual(
    ["CP1", "CP2", "CP3", "CP4"].map((id) => verdicts.has(id, [null])),
    [true, false, true, true],
  );
  strictEqual(verdicts.size, 3);
});
