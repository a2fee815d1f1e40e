/**
 * Charts as SVG: panels of bars or of lines, one above the other.
 *
 * @module
 */

import { digits } from "./markdown.ts";

/** A bar for each of several, in one unit. */
export interface BarPanel {
  readonly kind: "bars";
  readonly heading: string;
  /** The unit, and which way is better. */
  readonly note: string;
  readonly decimals: number;
  readonly bars: readonly { readonly label: string; readonly value: number; readonly hue: Hue }[];
}

/** Two lines over time, each with an axis of its own. */
export interface LinePanel {
  readonly kind: "lines";
  readonly heading: string;
  readonly left: Line;
  readonly right: Line;
}

export interface Line {
  readonly name: string;
  readonly hue: Hue;
  readonly points: readonly { readonly second: number; readonly value: number }[];
  /** The axis goes to this at least. */
  readonly most: number;
}

export type Hue = "blue" | "gray" | "amber";

const WIDTH = 760;
const MARGIN = 20;

/** Readable on either ground: the text follows the reader's scheme, bars and lines suit both. */
const STYLE = `text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.heading { font-weight: 600; }
.note { fill: #59636e; }
.axis { stroke: #818b98; }
.grid { stroke: #818b98; stroke-opacity: 0.25; }
.blue { fill: #2f81f7; }
.gray { fill: #8b949e; }
.amber { fill: #c69026; }
polyline { stroke-width: 2; }
polyline.blue { fill: none; stroke: #2f81f7; }
polyline.gray { fill: none; stroke: #8b949e; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  text.blue { fill: #2f81f7; }
  text.gray { fill: #8b949e; }
  .note { fill: #9198a1; }
}`;

/** The whole picture; its ground is the page's. */
export function chartOf(title: string, panels: readonly (BarPanel | LinePanel)[]): string {
  const drawn: string[] = [];
  let top = MARGIN;
  for (const panel of panels) {
    drawn.push(...panel.kind === "bars" ? drawBars(panel, top) : drawLines(panel, top));
    top += panel.kind === "bars" ? barsHeight(panel) : LINES_HEIGHT;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" ` +
    `width="${WIDTH}" height="${top}" role="img" aria-labelledby="title">
<title id="title">${title}</title>
<style>
${STYLE}
</style>
${drawn.join("\n")}
</svg>
`;
}

function text(x: number, y: number, hue: string, words: string, anchor = "start"): string {
  const at = `x="${x.toFixed(1)}" y="${y}"`;
  return `<text class="${hue}" ${at} text-anchor="${anchor}">${words}</text>`;
}

function line(hue: string, x1: number, x2: number, y1: number, y2: number): string {
  return `<line class="${hue}" x1="${x1}" x2="${x2}" y1="${y1}" y2="${y2}"/>`;
}

const LABEL_WIDTH = 190;
/** Right of the longest bar, for its number. */
const NUMBER_WIDTH = 90;
const BAR_LEFT = MARGIN + LABEL_WIDTH;
const BAR_WIDTH = WIDTH - MARGIN - BAR_LEFT - NUMBER_WIDTH;
const BAR_HEIGHT = 16;
const ROW = 22;
const BARS_HEADING = 34;
const GAP = 14;

function barsHeight({ bars }: BarPanel): number {
  return BARS_HEADING + bars.length * ROW + GAP;
}

function drawBars({ heading, note, decimals, bars }: BarPanel, top: number): string[] {
  const values = bars.map(({ value }) => value).filter(Number.isFinite);
  const longest = Math.max(...values, Number.MIN_VALUE);
  const first = top + BARS_HEADING - 8;
  return [
    `<text x="${MARGIN}" y="${top + 14}"><tspan class="heading">${heading}</tspan>` +
    `<tspan class="note" dx="10">${note}</tspan></text>`,
    ...bars.flatMap(({ label, value, hue }, i) => {
      const y = first + i * ROW;
      const length = Number.isFinite(value) ? Math.max(0, (value / longest) * BAR_WIDTH) : 0;
      const baseline = y + BAR_HEIGHT - 4;
      return [
        text(BAR_LEFT - 10, baseline, "label", label, "end"),
        `<rect class="${hue}" x="${BAR_LEFT}" y="${y}" width="${length.toFixed(1)}" ` +
        `height="${BAR_HEIGHT}"/>`,
        text(BAR_LEFT + length + 8, baseline, "label", digits(value, decimals)),
      ];
    }),
    line("axis", BAR_LEFT, BAR_LEFT, first - 4, first + bars.length * ROW),
  ];
}

const AXIS_WIDTH = 70;
const PLOT_LEFT = MARGIN + AXIS_WIDTH;
const PLOT_WIDTH = WIDTH - 2 * PLOT_LEFT;
const PLOT_HEIGHT = 180;
const LINES_HEADING = 44;
const LINES_HEIGHT = LINES_HEADING + PLOT_HEIGHT + 40;

function drawLines({ heading, left, right }: LinePanel, top: number): string[] {
  const bottom = top + LINES_HEADING + PLOT_HEIGHT;
  const plotRight = PLOT_LEFT + PLOT_WIDTH;
  const seconds = Math.max(1, ...left.points.map(({ second }) => second));
  const drawn = [
    text(MARGIN, top + 14, "heading", heading),
    text(MARGIN, top + 34, left.hue, left.name),
    text(WIDTH - MARGIN, top + 34, right.hue, right.name, "end"),
  ];
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const y = bottom - part * PLOT_HEIGHT;
    drawn.push(
      line(part === 0 ? "axis" : "grid", PLOT_LEFT, plotRight, y, y),
      text(PLOT_LEFT - 8, y + 4, left.hue, digits(part * mostOf(left)), "end"),
      text(plotRight + 8, y + 4, right.hue, digits(part * mostOf(right))),
    );
  }
  const step = seconds > 60 ? 20 : seconds > 20 ? 10 : 5;
  for (let at = 0; at <= seconds; at += step) {
    const x = PLOT_LEFT + (at / seconds) * PLOT_WIDTH;
    drawn.push(text(x, bottom + 18, "note", `${at} s`, "middle"));
  }
  for (const each of [left, right]) {
    const points = each.points.map(({ second, value }) => {
      const x = PLOT_LEFT + (second / seconds) * PLOT_WIDTH;
      return `${x.toFixed(1)},${(bottom - (value / mostOf(each)) * PLOT_HEIGHT).toFixed(1)}`;
    });
    drawn.push(`<polyline class="${each.hue}" points="${points.join(" ")}"/>`);
  }
  return drawn;
}

function mostOf({ most, points }: Line): number {
  return roundUp(Math.max(most, ...points.map(({ value }) => value)));
}

/** The next one of 1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8 times a power of ten: quarters of it are round. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  const steps = [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10];
  return power * (steps.find((step) => step * power >= value) ?? 10);
}
