import { match, ok, strictEqual } from "node:assert/strict";
import { memorySense } from "../../lib/program/memory.ts";

const MIB = 1024 ** 2;

function senseOf(maxMiB: number, workers = 1, machineMiB = 1000): ReturnType<typeof memorySense> {
  const [residentBytes, machineBytes] = [70 * MIB, machineMiB * MIB];
  return memorySense({ maxMemoryBytes: maxMiB * MIB, workers, residentBytes, machineBytes });
}

Deno.test("--max-memory below what the gateway takes is refused, also for what its workers take", () => {
  const refused = senseOf(76);
  ok(refused.kind === "refuse");
  match(refused.message, /^--max-memory: 76MiB is not allowed: .* 77MiB .*; allowed is more$/);
  strictEqual(senseOf(78).kind, "odd");
  strictEqual(senseOf(78, 2).kind, "refuse");
});

Deno.test("--max-memory above the machine's, or with little room, is odd", () => {
  strictEqual(senseOf(155).kind, "good");
  strictEqual(senseOf(1000).kind, "good");
  const above = senseOf(1001);
  ok(above.kind === "odd");
  match(above.reason, /more than this machine has \(1000MiB\)/);
  strictEqual(senseOf(1001, 1, Infinity).kind, "good");
  const little = senseOf(150);
  ok(little.kind === "odd");
  match(little.reason, /about 77MiB of it without a client/);
});
