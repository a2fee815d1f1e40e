/**
 * The results for people, as Markdown and as a chart.
 *
 * @module
 */

import type { Results } from "../compare/results.ts";
import { cellsOf, keyOf } from "../compare/round.ts";
import { type BarPanel, chartOf, type Hue } from "../report/chart.ts";
import { digits, markdownTable } from "../report/markdown.ts";
import { type Peer, PEERS } from "./contender.ts";
import type { LoadScenario } from "./scenario.ts";

/** What was measured. */
export interface Comparison {
  readonly results: Results;
  readonly rounds: number;
  readonly seconds: number;
  readonly loads: readonly LoadScenario[];
  /** Null when memory was not asked for. */
  readonly idleClients: number | null;
  readonly peers: readonly Peer[];
  /** By name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What a memory turn's numbers are of, in `Results`. */
export const IDLE = { name: "idle" };

const HUES: Readonly<Record<Peer["role"], Hue>> = { gateway: "blue", peer: "gray", floor: "amber" };

/** The section for RESULTS.md. `deno fmt` gives it its final form. */
export function sectionOf(comparison: Comparison): string {
  const { results, rounds, seconds, loads, idleClients, versions } = comparison;
  const versionList = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const { troubles } = results;
  return [
    "## Against Node: `deno task bench:peers`",
    `Medians of ${rounds} ${rounds === 1 ? "round" : "rounds"}, ${seconds} s a turn, ` +
    `${
      versionList.join(", ")
    }. The gateway as \`deno task start\` runs it, with either forwarder; ` +
    "the bridges for Node (`bench/peers/node/`) do a CALL's way and nothing else. All answer from " +
    "one process and one thread. Turn by turn within a scenario, fresh processes and another first " +
    "one in each round, the first seconds of each turn left out. The columns with × are how many " +
    "times the peer's number a row has, of answers/s in the closed loop, CPU in the open one, and " +
    "KiB a client: the medians of the rounds' own ratios.",
    "![](peers/peers.svg)",
    ...loads.flatMap((load) => [`### ${load.title}`, loadTable(comparison, load)]),
    ...idleClients === null ? [] : [`### ${idleTitle(idleClients)}`, idleTable(comparison)],
    "CPU is the server's user and system time for 10,000 messages. “Cores busy” is server + backend + " +
    "load: a server below 1 in the closed loop was not the only one to set the pace. “A client” is " +
    "resident memory with all of them connected and idle, less that before the first, for each.",
    troubles.length === 0
      ? "Nothing failed, was lost, or stayed unanswered."
      : ["Trouble:\n", ...troubles.map((trouble) => `- ${trouble}`)].join("\n"),
  ].join("\n\n") + "\n";
}

function idleTitle(clients: number): string {
  return `Memory, ${digits(clients)} idle clients`;
}

function loadTable({ results, peers }: Comparison, load: LoadScenario): string {
  const shown = peers.filter(({ role }) => role !== "floor");
  const others = shown.filter(({ role }) => role === "peer");
  const rows = shown.map((peer) => {
    const key = keyOf(load, peer);
    return [
      peer.label,
      ...cellsOf(results, key, (micros) => `${digits(micros / 100, 2)} s`),
      ...others.map((other) => digits(results.ratio(key, keyOf(load, other), load.compared), 2)),
    ];
  });
  const ratios = others.map(({ name }) => `× ${name}`);
  return markdownTable([
    ["", "answers/s", "p50", "p99", "CPU", "cores busy", ...ratios],
    ...rows,
  ]);
}

function idleTable({ results, peers }: Comparison): string {
  const others = peers.filter(({ role }) => role === "peer");
  const floor = PEERS.find(({ role }) => role === "floor")!;
  const rows = peers.map((peer) => {
    const key = keyOf(IDLE, peer);
    return [
      peer.label,
      `${digits(results.median(key, "emptyMib"), 1)} MiB`,
      `${digits(results.median(key, "clientKib"), 2)} KiB`,
      `${digits(results.difference(key, keyOf(IDLE, floor), "clientKib"), 2)} KiB`,
      ...others.map((other) => digits(results.ratio(key, keyOf(IDLE, other), "clientKib"), 2)),
    ];
  });
  const ratios = others.map(({ name }) => `× ${name}`);
  return markdownTable([["", "empty", "a client", "more than the echo", ...ratios], ...rows]);
}

/** The whole as a picture. */
export function pictureOf({ results, loads, idleClients, peers }: Comparison): string {
  function panel(
    heading: string,
    scenario: { name: string },
    [metric, factor, note, decimals]: readonly [string, number, string, number],
    shown: readonly Peer[],
  ): BarPanel {
    const bars = shown.map((peer) => ({
      label: peer.label,
      value: results.median(keyOf(scenario, peer), metric) * factor,
      hue: HUES[peer.role],
    }));
    return { kind: "bars", heading, note, decimals, bars };
  }
  const loaded = peers.filter(({ role }) => role !== "floor");
  const panels = loads.map((load) => {
    const what = load.compared === "cpuMicros"
      ? ["cpuMicros", 0.01, "CPU-seconds for 10,000 messages, less is better", 2] as const
      : ["answersPerSecond", 1, "answers/s, more is better", 0] as const;
    return panel(load.title, load, what, loaded);
  });
  if (idleClients !== null) {
    const what = ["clientKib", 1, "KiB a client, less is better", 1] as const;
    panels.push(panel(idleTitle(idleClients), IDLE, what, peers));
  }
  return chartOf("The gateway against bridges for Node", panels);
}
