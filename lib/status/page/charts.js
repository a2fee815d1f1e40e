/**
 * The last five minutes, drawn.
 *
 * @module
 */

import { bytesText, compactText, durationText, el, numberText, setText, timeText } from "./dom.js";

/** @import uPlot from "uplot" */
/** @import { Point } from "./rates.js" */

/**
 * @typedef {object} Series
 * @property {string} label
 * @property {keyof Point} key
 * @property {string} color One of the style's series colours: `s1` to `s5`.
 *
 * @typedef {object} ChartOptions
 * @property {string} title
 * @property {Series[]} series
 * @property {(value: number) => string} text Writes a value.
 * @property {(value: number) => string} axisText Writes one at the axis.
 * @property {number} least The smallest upper end of the scale.
 */

/** One for each second. */
const MAX_POINTS = 300;
/** The shortest time that a chart shows. */
const MIN_SECONDS = 60;
const HEIGHT_PX = 132;

/** @type {ChartOptions[]} */
const CHARTS = [
  chart("Connections", 4, [["connected", "connections", "s1"]]),
  chart("Messages / s", 4, [["from clients", "inRate", "s1"], ["to clients", "outRate", "s2"]]),
  chart(
    "CALL latency",
    10,
    [["p50", "p50", "s3"], ["p95", "p95", "s2"], ["p99", "p99", "s4"]],
    durationText,
    (value) => value < 1000 ? `${compactText(value)} ms` : `${compactText(value / 1000)} s`,
  ),
  chart("Errors / s", 1, [["faults", "faultRate", "s2"], [
    "backend failures",
    "failureRate",
    "s4",
  ]]),
  chart("Queue", 4, [["for the backend", "waiting", "s1"], ["for clients", "outstanding", "s5"]]),
  chart("Memory", 64 * 1024 ** 2, [["resident", "memory", "s5"]], bytesText, bytesText),
];

/**
 * @param {string} title
 * @param {number} least
 * @param {[label: string, key: keyof Point, color: string][]} lines
 * @param {(value: number) => string} text
 * @param {(value: number) => string} axisText
 * @returns {ChartOptions}
 */
function chart(title, least, lines, text = numberText, axisText = compactText) {
  const series = lines.map(([label, key, color]) => ({ label, key, color }));
  return { title, series, text, axisText, least };
}

/** All charts, with one cursor. */
export class Charts {
  /** @type {Point[]} */
  #points = [];
  /** @type {Chart[]} */
  #charts = [];

  /** @param {HTMLElement} place */
  constructor(place) {
    for (const options of CHARTS) this.#charts.push(new Chart(options, place));
  }

  /** @param {Point} point */
  add(point) {
    this.#points.push(point);
    if (this.#points.length > MAX_POINTS) this.#points.shift();
    this.draw();
  }

  /** What was before belongs to another run of the gateway. */
  clear() {
    this.#points = [];
  }

  /** Nothing is drawn for nobody. */
  draw() {
    if (document.hidden) return;
    for (const chart of this.#charts) chart.draw(this.#points);
  }

  /** The colours are others now. */
  restyle() {
    for (const chart of this.#charts) chart.restyle();
    this.draw();
  }
}

class Chart {
  #options;
  /** @type {HTMLElement[]} */
  #values = [];
  /** @type {HTMLElement[]} */
  #swatches = [];
  #place = el("div", { class: "plot", "aria-hidden": "true" });
  /** @type {uPlot | null} */
  #plot = null;
  /** @type {readonly Point[]} */
  #points = [];

  /**
   * @param {ChartOptions} options
   * @param {HTMLElement} parent
   */
  constructor(options, parent) {
    this.#options = options;
    const legend = el("ul", { class: "legend" });
    for (const { label, color } of options.series) {
      const value = el("b", {}, "–");
      const swatch = el("span", { class: `swatch ${color}` });
      legend.append(el("li", {}, swatch, `${label} `, value));
      this.#values.push(value);
      this.#swatches.push(swatch);
    }
    const caption = el("figcaption", {}, el("h3", {}, options.title), legend);
    parent.append(el("figure", { class: "card chart" }, caption, this.#place));
    new ResizeObserver(() => {
      this.#plot?.setSize({ width: this.#place.clientWidth, height: HEIGHT_PX });
    }).observe(this.#place);
  }

  /** @param {readonly Point[]} points */
  draw(points) {
    this.#points = points;
    this.#plot ??= this.#create();
    this.#plot.setData(
      /** @type {uPlot.AlignedData} */ ([
        points.map(({ at }) => at / 1000),
        ...this.#options.series.map(({ key }) => points.map((point) => point[key])),
      ]),
    );
    if (this.#plot.cursor.idx === null || this.#plot.cursor.idx === undefined) this.#tell(null);
  }

  restyle() {
    this.#plot?.destroy();
    this.#plot = null;
  }

  /** @param {number | null} index Null for the newest. */
  #tell(index) {
    const point = this.#points[index ?? this.#points.length - 1];
    for (const [i, { key }] of this.#options.series.entries()) {
      const value = point?.[key] ?? null;
      const element = this.#values[i];
      if (element !== undefined) setText(element, value === null ? "–" : this.#options.text(value));
    }
  }

  /** @returns {uPlot} */
  #create() {
    const { series, text, axisText, least } = this.#options;
    const style = getComputedStyle(this.#place);
    const [ink, grid] = [style.color, style.borderTopColor];
    const axis = {
      stroke: ink,
      font: `11px ${style.fontFamily}`,
      grid: { stroke: grid, width: 1 },
      ticks: { show: false },
    };
    /** @type {uPlot.Options} */
    const options = {
      width: this.#place.clientWidth,
      height: HEIGHT_PX,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: "all" }, points: { size: 6 } },
      scales: {
        x: { range: () => this.#window() },
        y: { range: (_plot, _min, max) => [0, Math.max(least, 1.1 * (max ?? 0))] },
      },
      axes: [
        { ...axis, size: 22, gap: 4, space: 70, values: (_plot, ticks) => clockTexts(ticks) },
        { ...axis, size: 52, gap: 4, space: 28, values: (_plot, ticks) => ticks.map(axisText) },
      ],
      series: [
        {},
        ...series.map(({ label }, i) => ({
          label,
          stroke: getComputedStyle(this.#swatches[i] ?? this.#place).color,
          width: 1.5,
          points: { show: false },
          value: (/** @type {uPlot} */ _plot, /** @type {number} */ value) => text(value),
        })),
      ],
      hooks: { setCursor: [(plot) => this.#tell(plot.cursor.idx ?? null)] },
    };
    const { uPlot: Plot } = /** @type {{ uPlot: typeof import("uplot") }} */ (
      /** @type {unknown} */ (globalThis)
    );
    return new Plot(options, undefined, this.#place);
  }

  /** @returns {[number, number]} Seconds since 1970. */
  #window() {
    const last = (this.#points.at(-1)?.at ?? Date.now()) / 1000;
    const first = (this.#points[0]?.at ?? Date.now()) / 1000;
    return [Math.max(last - MAX_POINTS, Math.min(first, last - MIN_SECONDS)), last];
  }
}

/**
 * With seconds where there is more than one in a minute.
 *
 * @param {number[]} ticks Seconds since 1970.
 */
function clockTexts(ticks) {
  const isFine = (ticks[1] ?? Infinity) - (ticks[0] ?? 0) < 60;
  return ticks.map((seconds) => timeText(1000 * seconds).slice(0, isFine ? 8 : 5));
}
