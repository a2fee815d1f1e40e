/**
 * The results as a picture: an SVG with a panel of bars for each scenario.
 *
 * @module
 */

import { type Contender, CONTENDERS } from "./contender.ts";
import { digits } from "./report.ts";
import type { Results } from "./results.ts";
import type { Metric, Scenario } from "./scenario.ts";

const WIDTH = 760;
const MARGIN = 20;
const LABEL_WIDTH = 190;
/** Right of the longest bar, for its number. */
const NUMBER_WIDTH = 90;
const BAR_WIDTH = WIDTH - 2 * MARGIN - LABEL_WIDTH - NUMBER_WIDTH;
const BAR_HEIGHT = 16;
const ROW = 22;
const HEADING = 34;
const GAP = 14;

const UNITS: Partial<Record<Metric, readonly [unit: string, decimals: number, better: string]>> = {
  answersPerSecond: ["answers/s", 0, "more is better"],
  cpuSeconds: ["CPU-seconds for 10,000 messages", 2, "less is better"],
  clientKib: ["KiB a client", 1, "less is better"],
};

/** Readable on either ground: the text follows the reader's scheme, the bars suit both. */
const STYLE = `text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.heading { font-weight: 600; }
.note { fill: #59636e; }
.axis { stroke: #818b98; }
.gateway { fill: #2f81f7; }
.peer { fill: #8b949e; }
.floor { fill: #c69026; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .note { fill: #9198a1; }
}`;

/** The whole picture; its ground is the page's. */
export function chartOf(
  results: Results,
  scenarios: readonly Scenario[],
  contenders: readonly Contender[],
): string {
  const panels: string[] = [];
  let y = MARGIN;
  for (const scenario of scenarios) {
    const shown = CONTENDERS.filter((contender) =>
      contenders.includes(contender) && (scenario.kind === "idle" || contender.role !== "floor")
    );
    panels.push(panel(results, scenario, shown, y));
    y += HEADING + shown.length * ROW + GAP;
  }
  const height = y + MARGIN - GAP;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">
<title id="title">The gateway against bridges for Node</title>
<style>
${STYLE}
</style>
${panels.join("\n")}
</svg>
`;
}

function panel(
  results: Results,
  scenario: Scenario,
  contenders: readonly Contender[],
  top: number,
): string {
  const { compared, title } = scenario;
  const [unit, decimals, better] = UNITS[compared] ?? [compared, 2, ""];
  const values = contenders.map((each) => results.median(scenario, each, compared));
  const longest = Math.max(...values.filter(Number.isFinite), Number.MIN_VALUE);
  const left = MARGIN + LABEL_WIDTH;
  const lines = [
    `<text x="${MARGIN}" y="${top + 14}"><tspan class="heading">${title}</tspan>` +
    `<tspan class="note" dx="10">${unit}, ${better}</tspan></text>`,
  ];
  contenders.forEach(({ label, role }, i) => {
    const y = top + HEADING - 8 + i * ROW;
    const value = values[i]!;
    const length = Number.isFinite(value) ? Math.max(0, (value / longest) * BAR_WIDTH) : 0;
    const baseline = y + BAR_HEIGHT - 4;
    lines.push(
      `<text x="${left - 10}" y="${baseline}" text-anchor="end">${label}</text>`,
      `<rect class="${role}" x="${left}" y="${y}" width="${
        length.toFixed(1)
      }" height="${BAR_HEIGHT}"/>`,
      `<text x="${(left + length + 8).toFixed(1)}" y="${baseline}">${
        digits(value, decimals)
      }</text>`,
    );
  });
  const bottom = top + HEADING - 8 + contenders.length * ROW;
  lines.push(
    `<line class="axis" x1="${left}" x2="${left}" y1="${top + HEADING - 12}" y2="${bottom}"/>`,
  );
  return lines.join("\n");
}
