/**
 * The results for people, as Markdown and as a chart.
 *
 * @module
 */

import type { Results } from "../compare/results.ts";
import { cellsOf, keyOf } from "../compare/round.ts";
import { type BarPanel, chartOf, type Hue } from "../report/chart.ts";
import { digits, markdownTable } from "../report/markdown.ts";
import type { Peer } from "./contender.ts";
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
  /** In one line. */
  readonly machine: string;
  /** By name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What a memory turn's numbers are of, in `Results`. */
export const IDLE = { name: "idle" };

const HUES: Readonly<Record<Peer["role"], Hue>> = {
  gateway: "blue",
  floor: "amber",
  peer: "gray",
  original: "gray",
  echo: "amber",
};

/** Whether a contender has a way to the backend, and so a part in the loads. */
export function isLoaded({ role }: Peer): boolean {
  return role !== "echo";
}

/** The section for RESULTS.md. `deno fmt` gives it its final form. */
export function sectionOf(comparison: Comparison): string {
  const { results, rounds, seconds, loads, idleClients, machine, versions } = comparison;
  const versionList = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const { troubles } = results;
  return [
    "## Against Node: `deno task bench:peers`",
    `On ${machine}. Medians of ${rounds} ${
      rounds === 1 ? "round" : "rounds"
    }, ${seconds} s a turn, ` +
    `${
      versionList.join(", ")
    }. The gateway as \`deno task start\` runs it, with either forwarder; ` +
    "the bridges for Node (`bench/peers/node/`) do a CALL's way and nothing else; the bare bridge on " +
    "Deno (`bench/peers/bare_bridge.ts`) does it without limits, order or metrics: what the platform " +
    "itself costs. All answer from one process and one thread" +
    `${
      comparison.peers.some(({ role }) => role === "original") ? ", but for Go's threads" : ""
    }. ` +
    "Turn by turn within a scenario, fresh processes and another first one in each round, the first " +
    "seconds of each turn left out. The columns with × are how many times the other's number a row " +
    "has, of what they name: the medians of the rounds' own ratios. Less CPU and more answers/s are " +
    "better.",
    "![](peers/peers.svg)",
    ...loads.flatMap((load) => [`### ${load.title}`, loadTable(comparison, load)]),
    ...idleClients === null ? [] : [`### ${idleTitle(idleClients)}`, idleTable(comparison)],
    "CPU is the server's user and system time for one answer. “Cores busy” is server + backend + " +
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

/** A column of ratios: its heading, whose number is divided by, and of what. */
interface Ratio {
  readonly heading: string;
  readonly other: Peer;
  readonly metric: string;
}

/**
 * The ratios of a load: first to what the platform costs, then to each peer. In the open loop all have
 * the same answers/s.
 */
function ratiosOf(peers: readonly Peer[], { periodMs }: LoadScenario): Ratio[] {
  const cpu = (other: Peer): Ratio => ({
    heading: `× ${other.name}, CPU`,
    other,
    metric: "cpuMicros",
  });
  const rate = (other: Peer): Ratio => ({
    heading: `× ${other.name}, answers/s`,
    other,
    metric: "answersPerSecond",
  });
  return [
    ...peers.filter(({ role }) => role === "floor")
      .map((floor) => ({ ...cpu(floor), heading: "× bare bridge, CPU" })),
    ...peers.filter(({ role }) => role === "peer")
      .flatMap((peer) => periodMs === null ? [cpu(peer), rate(peer)] : [cpu(peer)]),
  ];
}

/** A scenario's table, for those who were loaded with it. */
function loadTable({ results, peers }: Comparison, load: LoadScenario): string {
  const shown = peers.filter(isLoaded);
  const ratios = ratiosOf(shown, load);
  const rows = shown.map((peer) => {
    const key = keyOf(load, peer);
    return [
      peer.label,
      ...cellsOf(results, key, (micros) => `${digits(micros, 1)} µs`),
      ...ratios.map(({ other, metric }) =>
        digits(results.ratio(key, keyOf(load, other), metric), 2)
      ),
    ];
  });
  return markdownTable([
    ["", "answers/s", "p50", "p99", "CPU", "cores busy", ...ratios.map(({ heading }) => heading)],
    ...rows,
  ]);
}

function idleTable({ results, peers }: Comparison): string {
  const others = [
    ...peers.filter(({ role }) => role === "floor"),
    ...peers.filter(({ role }) => role === "peer"),
  ];
  const echo = peers.find(({ role }) => role === "echo");
  const rows = peers.map((peer) => {
    const key = keyOf(IDLE, peer);
    const more = echo === undefined ? NaN : results.difference(key, keyOf(IDLE, echo), "clientKib");
    return [
      peer.label,
      `${digits(results.median(key, "emptyMib"), 1)} MiB`,
      `${digits(results.median(key, "clientKib"), 2)} KiB`,
      `${digits(more, 2)} KiB`,
      ...others.map((other) => digits(results.ratio(key, keyOf(IDLE, other), "clientKib"), 2)),
    ];
  });
  const ratios = others.map(({ name, role }) => `× ${role === "floor" ? "bare bridge" : name}`);
  return markdownTable([["", "empty", "a client", "more than the echo", ...ratios], ...rows]);
}

/** The whole as a picture. */
export function pictureOf({ results, loads, idleClients, peers }: Comparison): string {
  function panel(
    heading: string,
    scenario: { name: string },
    [metric, note, decimals]: readonly [string, string, number],
    shown: readonly Peer[],
  ): BarPanel {
    const bars = shown.map((peer) => ({
      label: peer.label,
      value: results.median(keyOf(scenario, peer), metric),
      hue: HUES[peer.role],
    }));
    return { kind: "bars", heading, note, decimals, bars };
  }
  const loaded = peers.filter(isLoaded);
  const panels = loads.map((load) => {
    const what = load.periodMs === null
      ? ["answersPerSecond", "answers/s, more is better", 0] as const
      : ["cpuMicros", "µs of CPU for one answer, less is better", 1] as const;
    return panel(load.title, load, what, loaded);
  });
  if (idleClients !== null) {
    const what = ["clientKib", "KiB a client, less is better", 1] as const;
    panels.push(panel(idleTitle(idleClients), IDLE, what, peers));
  }
  return chartOf("The gateway against bridges for Node", panels);
}
