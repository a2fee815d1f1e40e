/**
 * The last five minutes, drawn.
 *
 * @module
 */

import { Chart } from "./chart.js";
import { bytesText, compactText, estimateText, numberText, shareText } from "./dom.js";

/** @import { ChartOptions, Line } from "./chart.js" */
/** @import { Timeline } from "./timeline.js" */

const MIB = 1024 ** 2;

/** @param {number} value Milliseconds. */
const durationTick = (value) =>
  value < 1000 ? `${compactText(value)} ms` : `${compactText(value / 1000)} s`;
/** @param {number} value */
const shareTick = (value) => `${compactText(100 * value)} %`;

/** @type {ChartOptions[]} */
const CHARTS = [
  chart("Connections", 4, [["connected", "connections", "s1"]]),
  // They are often the same: through the gaps of one the other is seen.
  chart("Messages / s", 4, [["from clients", "inRate", "s1"], [
    "to clients",
    "outRate",
    "s2",
    true,
  ]]),
  {
    ...chart("CALL latency", 10, [["p50", "callP50", "s3"], ["p95", "callP95", "s2"], [
      "p99",
      "callP99",
      "s4",
    ]]),
    ...{ text: estimateText, axisText: durationTick },
  },
  {
    ...chart("Failed CALLs", 0.01, [["of those that ended", "failedShare", "s4"]]),
    ...{ text: shareText, axisText: shareTick },
  },
  chart("Errors / s", 1, [["failed CALLs", "failedRate", "s4"], [
    "invalid frames",
    "invalidRate",
    "s2",
    true,
  ]]),
  {
    ...chart("Backend latency", 10, [["p50", "backendP50", "s3"], ["p95", "backendP95", "s2"]]),
    ...{ text: estimateText, axisText: durationTick },
  },
  chart("Queue", 4, [["for the backend", "waiting", "s1"], [
    "for clients",
    "outstanding",
    "s5",
    true,
  ]]),
  chart("Connects / s", 1, [["connected", "connectsRate", "s3"], [
    "closed",
    "closesRate",
    "s4",
    true,
  ], ["refused", "refusedRate", "s2"]]),
  {
    ...chart("Memory", 64 * MIB, [["resident", "residentBytes", "s5"]]),
    ...{ text: bytesText, axisText: bytesText },
    // 64 MiB and its doubles: others would be no round numbers.
    steps: Array.from({ length: 30 }, (_, i) => 2 ** (20 + i)),
  },
];

/**
 * @param {string} title
 * @param {number} least
 * @param {[label: string, key: Line["key"], color: string, isDashed?: boolean][]} lines
 * @returns {ChartOptions}
 */
function chart(title, least, lines) {
  const series = lines.map(([label, key, color, isDashed = false]) => ({
    ...{ label, key, color, isDashed },
  }));
  return { title, series, text: numberText, axisText: compactText, least, steps: null };
}

/** All charts, with one cursor. */
export class Charts {
  #timeline;
  /** @type {Chart[]} */
  #charts = [];

  /**
   * @param {HTMLElement} place
   * @param {Timeline} timeline
   */
  constructor(place, timeline) {
    this.#timeline = timeline;
    for (const options of CHARTS) this.#charts.push(new Chart(options, place));
  }

  /** Nothing is drawn for nobody. */
  draw() {
    if (document.hidden) return;
    const [points, starts] = [this.#timeline.withGaps(), this.#timeline.starts];
    for (const chart of this.#charts) chart.draw(points, starts);
  }

  /** The colours are others now. */
  restyle() {
    for (const chart of this.#charts) chart.restyle();
    this.draw();
  }
}
