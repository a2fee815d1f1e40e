/**
 * The results for people, as Markdown.
 *
 * @module
 */

import { type Contender, CONTENDERS } from "./contender.ts";
import type { Settings } from "./flags.ts";
import type { Results } from "./results.ts";
import type { Metric, Scenario } from "./scenario.ts";

/** Versions of what was measured, by name. */
export type Versions = Readonly<Record<string, string>>;

type Column = readonly [heading: string, cell: (contender: Contender) => string];

const PEERS = CONTENDERS.filter(({ role }) => role === "peer");
const FLOOR = CONTENDERS.find(({ role }) => role === "floor")!;

/** The section for RESULTS.md. `deno fmt` gives it its final form. */
export function sectionOf(results: Results, settings: Settings, versions: Versions): string {
  const { rounds, seconds, scenarios } = settings;
  const versionList = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
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
    ...scenarios.flatMap((scenario) => [
      `### ${scenario.title}`,
      tableOf(results, settings, scenario),
    ]),
    "CPU is the server's user and system time for 10,000 messages. “Cores busy” is server + backend + " +
    "load: a server below 1 in the closed loop was not the only one to set the pace. “A client” is " +
    "resident memory with all of them connected and idle, less that before the first, for each.",
    ...troublesOf(results),
  ].join("\n\n") + "\n";
}

function tableOf(results: Results, settings: Settings, scenario: Scenario): string {
  const isMeasured = (contender: Contender) =>
    settings.contenders.includes(contender) &&
    (scenario.kind === "idle" || contender.role !== "floor");
  const ratios: Column[] = PEERS.filter(isMeasured).map((peer) => [
    `× ${peer.name}`,
    (contender) => digits(results.ratio(scenario, contender, peer), 2),
  ]);
  const own = scenario.kind === "idle"
    ? idleColumns(results, scenario, isMeasured(FLOOR))
    : loadColumns(results, scenario);
  const columns: Column[] = [["", ({ label }) => label], ...own, ...ratios];
  const rows = CONTENDERS.filter(isMeasured).map((contender) =>
    columns.map(([, cell]) => cell(contender))
  );
  return [columns.map(([heading]) => heading), columns.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function loadColumns(results: Results, scenario: Scenario): Column[] {
  function median(metric: Metric, contender: Contender): number {
    return results.median(scenario, contender, metric);
  }
  return [
    ["answers/s", (contender) => digits(median("answersPerSecond", contender), 0)],
    ["p50", (contender) => `${digits(median("p50Ms", contender), 2)} ms`],
    ["p99", (contender) => `${digits(median("p99Ms", contender), 2)} ms`],
    ["CPU", (contender) => `${digits(median("cpuSeconds", contender), 2)} s`],
    [
      "cores busy",
      (contender) =>
        (["serverCores", "backendCores", "loadCores"] as const)
          .map((metric) => digits(median(metric, contender), 2)).join(" + "),
    ],
  ];
}

function idleColumns(results: Results, scenario: Scenario, hasFloor: boolean): Column[] {
  const columns: Column[] = [
    ["empty", (each) => `${digits(results.median(scenario, each, "emptyMib"), 1)} MiB`],
    ["a client", (each) => `${digits(results.median(scenario, each, "clientKib"), 2)} KiB`],
  ];
  if (!hasFloor) return columns;
  return [...columns, [
    "more than the echo",
    (each) => `${digits(results.difference(scenario, each, FLOOR), 2)} KiB`,
  ]];
}

function troublesOf({ troubles }: Results): string[] {
  if (troubles.length === 0) return ["Nothing failed, was lost, or stayed unanswered."];
  return [`Trouble:`, troubles.map((trouble) => `- ${trouble}`).join("\n")];
}

/** @returns A dash for a number that was not measured. */
export function digits(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

const BEGIN = "<!-- bench:peers begin: written by `deno task bench:peers` -->";
const END = "<!-- bench:peers end -->";

/**
 * Puts a section into a document, in the place of the one that it has, or else at its end.
 *
 * Nothing else of the document changes.
 */
export function withSection(document: string, section: string): string {
  const part = `${BEGIN}\n\n${section}\n${END}\n`;
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END, begin);
  if (begin === -1 || end === -1) return `${document.trimEnd()}\n\n${part}`;
  return document.slice(0, begin) + part + document.slice(end + END.length).replace(/^\n/, "");
}
