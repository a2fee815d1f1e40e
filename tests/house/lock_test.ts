import { deepStrictEqual, ok } from "node:assert/strict";
import program from "../../deno.json" with { type: "json" };
import tests from "../deno.json" with { type: "json" };

interface Lock {
  readonly npm: Readonly<Record<string, { readonly integrity: string }>>;
}

async function lockAt(path: string): Promise<Lock> {
  return JSON.parse(await Deno.readTextFile(new URL(path, import.meta.url)));
}

Deno.test("tests run with the packages that the program runs with, and the program gets no others", async () => {
  const [ours, theirs] = [await lockAt("../../deno.lock"), await lockAt("../deno.lock")];
  for (const [name, { integrity }] of Object.entries(ours.npm)) {
    deepStrictEqual([name, theirs.npm[name]?.integrity], [name, integrity]);
  }
  for (const [name, version] of Object.entries(program.imports)) {
    deepStrictEqual([name, (tests.imports as Record<string, string>)[name]], [name, version]);
  }
  ok(Object.keys(theirs.npm).length > Object.keys(ours.npm).length);
});
