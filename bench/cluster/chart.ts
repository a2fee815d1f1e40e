/**
 * The headline as a picture: clients and answers/s over time, a panel for each scenario.
 *
 * @module
 */

import type { Moment, Outcome } from "./run.ts";
import { titleOf } from "./scenario.ts";
import { digits } from "./section.ts";

const WIDTH = 760;
const MARGIN = 20;
const AXIS_WIDTH = 70;
const HEADING = 44;
const HEIGHT = 180;
const FOOT = 40;
const LEFT = MARGIN + AXIS_WIDTH;
const PLOT = WIDTH - 2 * LEFT;

/** Readable on either ground: the text follows the reader's scheme, the lines suit both. */
const STYLE = `text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.heading { font-weight: 600; }
.note { fill: #59636e; }
.axis { stroke: #818b98; }
.grid { stroke: #818b98; stroke-opacity: 0.25; }
.clients { stroke: #8b949e; }
.answers { stroke: #2f81f7; }
polyline { fill: none; stroke-width: 2; }
text.clients { fill: #8b949e; stroke: none; }
text.answers { fill: #2f81f7; stroke: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .note { fill: #9198a1; }
}`;

/** The whole picture; its ground is the page's. */
export function chartOf(outcomes: readonly Outcome[]): string {
  const panelHeight = HEADING + HEIGHT + FOOT;
  const height = MARGIN + outcomes.length * panelHeight;
  const panels = outcomes.map((outcome, i) => panel(outcome, MARGIN + i * panelHeight));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">
<title id="title">Open clients and answers a second over time</title>
<style>
${STYLE}
</style>
${panels.join("\n")}
</svg>
`;
}

function panel({ scenario, clients, moments }: Outcome, top: number): string {
  const wanted = clients / scenario.periodSeconds;
  const mostClients = roundUp(clients);
  const mostAnswers = roundUp(Math.max(wanted, ...moments.map((each) => each.answersPerSecond)));
  const seconds = Math.max(1, ...moments.map(({ second }) => second));
  const plotTop = top + HEADING;
  const bottom = plotTop + HEIGHT;
  function line(kind: "clients" | "answers", value: (moment: Moment) => number, most: number) {
    const points = moments.map((moment) => {
      const x = LEFT + (moment.second / seconds) * PLOT;
      const y = bottom - (value(moment) / most) * HEIGHT;
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    });
    return `<polyline class="${kind}" points="${points.join(" ")}"/>`;
  }
  const lines = [
    `<text class="heading" x="${MARGIN}" y="${top + 14}">${digits(clients)} clients, ${
      titleOf(scenario)
    }</text>`,
    `<text class="clients" x="${MARGIN}" y="${top + 34}">clients</text>`,
    `<text class="answers" x="${WIDTH - MARGIN}" y="${top + 34}" text-anchor="end">` +
    "answers/s</text>",
  ];
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const y = bottom - part * HEIGHT;
    lines.push(
      `<line class="${part === 0 ? "axis" : "grid"}" x1="${LEFT}" x2="${
        LEFT + PLOT
      }" y1="${y}" y2="${y}"/>`,
      `<text class="clients" x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${
        digits(part * mostClients)
      }</text>`,
      `<text class="answers" x="${LEFT + PLOT + 8}" y="${y + 4}">${
        digits(part * mostAnswers)
      }</text>`,
    );
  }
  const step = seconds > 60 ? 20 : seconds > 20 ? 10 : 5;
  for (let at = 0; at <= seconds; at += step) {
    const x = (LEFT + (at / seconds) * PLOT).toFixed(1);
    lines.push(
      `<text class="note" x="${x}" y="${bottom + 18}" text-anchor="middle">${at} s</text>`,
    );
  }
  lines.push(
    line("clients", ({ open }) => open, mostClients),
    line("answers", (moment) => moment.answersPerSecond, mostAnswers),
  );
  return lines.join("\n");
}

/** The next one of 1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8 times a power of ten: quarters of it are round. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  const steps = [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10];
  return power * (steps.find((step) => step * power >= value) ?? 10);
}
