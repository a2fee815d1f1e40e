import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Results } from "../../bench/compare/results.ts";
import { keyOf } from "../../bench/compare/round.ts";
import { PEERS } from "../../bench/peers/contender.ts";
import { type Comparison, IDLE, sectionOf } from "../../bench/peers/report.ts";
import { LOADS } from "../../bench/peers/scenario.ts";
import { Processes } from "../../bench/process/processes.ts";

/** CPU for an answer, answers/s, and KiB of a client, in each scenario. */
const FIGURES: Readonly<Record<string, readonly [number, number, number]>> = {
  tcp: [30, 30_000, 16],
  bare: [20, 40_000, 20],
  ws: [40, 20_000, 5],
  echo: [NaN, NaN, 15],
};

function comparison(): Comparison {
  const results = new Results(new Processes());
  const peers = PEERS.filter(({ name }) => FIGURES[name] !== undefined);
  for (const peer of peers) {
    const [cpuMicros, answersPerSecond, clientKib] = FIGURES[peer.name]!;
    for (const load of LOADS) results.add(0, keyOf(load, peer), { cpuMicros, answersPerSecond });
    results.add(0, keyOf(IDLE, peer), { clientKib });
  }
  const machine = "Abacus, 2 cores, 1 GiB";
  const loads = LOADS.filter(({ name }) => ["closed-64", "open"].includes(name));
  return { results, rounds: 1, seconds: 1, loads, idleClients: 10, peers, machine, versions: {} };
}

/** The cells of a section's tables, row by row; the lines below the headings left out. */
function tablesOf(section: string): string[][][] {
  return section.split("\n\n").filter((part) => part.startsWith("|")).map((table) =>
    table.split("\n").filter((line) => !line.startsWith("| ---"))
      .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
  );
}

Deno.test("a load's first ratio is that of the CPU to the bare bridge's; the echo has no row", () => {
  const [closed = [], open = []] = tablesOf(sectionOf(comparison()));
  deepStrictEqual(closed.map(([name, , , , cpu, , ...ratios]) => [name, cpu, ...ratios]), [
    ["", "CPU", "× bare bridge, CPU", "× ws, CPU", "× ws, answers/s"],
    ["gateway, tcp", "30.0 µs", "1.50", "0.75", "1.50"],
    ["bare bridge on Deno", "20.0 µs", "1.00", "0.50", "2.00"],
    ["Node, ws + undici", "40.0 µs", "2.00", "1.00", "1.00"],
  ]);
  deepStrictEqual(open[0]?.slice(6), ["× bare bridge, CPU", "× ws, CPU"]);
  deepStrictEqual(open[1]?.slice(6), ["1.50", "0.75"]);
});

Deno.test("an idle client's memory is told of all, the echo too", () => {
  const [, , idle = []] = tablesOf(sectionOf(comparison()));
  deepStrictEqual(idle[0], [
    "",
    "empty",
    "a client",
    "more than the echo",
    "× bare bridge",
    "× ws",
  ]);
  deepStrictEqual(idle[1]?.slice(2), ["16.00 KiB", "1.00 KiB", "0.80", "3.20"]);
  strictEqual(idle.length, 5);
});

Deno.test("the report names the machine", () => {
  ok(sectionOf(comparison()).includes("On Abacus, 2 cores, 1 GiB. "));
});
