import { strictEqual } from "node:assert/strict";
import { MemoryOutbox, MemoryStore } from "../../lib/outbox/memory.ts";
import { call } from "./entries.ts";
import { testStore } from "./store_contract.ts";

testStore("memory", () => ({
  isDurable: false,
  open: () => Promise.resolve(new MemoryOutbox()),
  kill: () => Promise.resolve(),
  worker: () => new MemoryStore(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}));

Deno.test("memory: a CALL is accepted before accept returns", () => {
  let isKept: boolean | undefined;
  new MemoryStore().accept(call("1"), (kept) => isKept = kept);
  strictEqual(isKept, true);
});
