/**
 * One chart.
 *
 * @module
 */

import { el, setText, timeText } from "./dom.js";
import { WINDOW_MS } from "./timeline.js";

/** @import uPlot from "uplot" */
/** @import { Point } from "./rates.js" */

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {keyof Point} key
 * @property {string} color One of the style's series colours: `s1` to `s5`.
 * @property {boolean} isDashed
 *
 * @typedef {object} ChartOptions
 * @property {string} title
 * @property {Line[]} series
 * @property {(value: number) => string} text Writes a value.
 * @property {(value: number) => string} axisText Writes one at the axis.
 * @property {number} least The smallest upper end of the scale.
 * @property {number[] | null} steps Between ticks of the scale, ascending; null for the usual ones.
 *
 * @typedef {Partial<Point> & { at: number }} DrawnPoint One that has no more than its time ends all lines.
 */

/** The shortest time that a chart shows. */
const MIN_SECONDS = 60;
const HEIGHT_PX = 132;
/** Half of the widest label of the time stands beyond its tick. */
const LABEL_HALF_PX = 30;

/** Draws some of the values of points. */
export class Chart {
  #options;
  /** @type {HTMLElement[]} */
  #values = [];
  /** @type {HTMLElement[]} */
  #swatches = [];
  #time = el("time", { class: "at" });
  #place = el("div", { class: "plot", "aria-hidden": "true" });
  /** @type {uPlot | null} */
  #plot = null;
  /** @type {readonly DrawnPoint[]} */
  #points = [];
  /** Milliseconds since 1970. @type {readonly number[]} */
  #starts = [];

  /**
   * @param {ChartOptions} options
   * @param {HTMLElement} parent
   */
  constructor(options, parent) {
    this.#options = options;
    const legend = el("ul", { class: "legend" });
    for (const { label, color, isDashed } of options.series) {
      const value = el("b", {}, "–");
      const swatch = el("span", { class: `swatch ${color}${isDashed ? " dashed" : ""}` });
      legend.append(el("li", {}, swatch, `${label} `, value));
      this.#values.push(value);
      this.#swatches.push(swatch);
    }
    const title = el("h3", {}, options.title, " ", this.#time);
    const caption = el("figcaption", {}, title, legend);
    parent.append(el("figure", { class: "card chart" }, caption, this.#place));
    new ResizeObserver(() => {
      this.#plot?.setSize({ width: this.#place.clientWidth, height: HEIGHT_PX });
    }).observe(this.#place);
  }

  /**
   * @param {readonly DrawnPoint[]} points
   * @param {readonly number[]} starts Of the gateway, each a mark; milliseconds since 1970.
   */
  draw(points, starts) {
    this.#points = points;
    this.#starts = starts;
    this.#plot ??= this.#create();
    this.#plot.setData(
      /** @type {uPlot.AlignedData} */ ([
        points.map(({ at }) => at / 1000),
        ...this.#options.series.map(({ key }) => points.map((point) => point[key] ?? null)),
      ]),
    );
    this.#tell(this.#plot.cursor.idx ?? null);
  }

  restyle() {
    this.#plot?.destroy();
    this.#plot = null;
  }

  /** @param {number | null} index Null for the newest. */
  #tell(index) {
    const point = this.#points[index ?? this.#points.length - 1];
    setText(this.#time, index === null || point === undefined ? "" : timeText(point.at));
    for (const [i, { key }] of this.#options.series.entries()) {
      const value = point?.[key] ?? null;
      const element = this.#values[i];
      if (element !== undefined) setText(element, value === null ? "–" : this.#options.text(value));
    }
  }

  /** @returns {uPlot} */
  #create() {
    const { series, text, axisText, least, steps } = this.#options;
    const style = getComputedStyle(this.#place);
    const [ink, grid] = [style.color, style.borderTopColor];
    const axis = {
      stroke: ink,
      font: `11px ${style.fontFamily}`,
      grid: { stroke: grid, width: 1 },
      ticks: { show: false },
    };
    const incrs = steps === null ? {} : { incrs: steps };
    /** @type {uPlot.Options} */
    const options = {
      width: this.#place.clientWidth,
      height: HEIGHT_PX,
      padding: [8, LABEL_HALF_PX, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: "all" }, points: { size: 6 } },
      scales: {
        x: { range: () => this.#window() },
        y: { range: (_plot, _min, max) => [0, Math.max(least, 1.1 * (max ?? 0))] },
      },
      axes: [
        { ...axis, size: 22, gap: 4, space: 56, values: (_plot, ticks) => clockTexts(ticks) },
        {
          ...{ ...axis, ...incrs, size: 58, gap: 4, space: 28 },
          values: (_plot, ticks) => ticks.map(axisText),
        },
      ],
      series: [
        {},
        ...series.map(({ label, isDashed }, i) => ({
          label,
          stroke: getComputedStyle(this.#swatches[i] ?? this.#place).color,
          width: isDashed ? 2 : 1.5,
          ...(isDashed && { dash: [5, 5] }),
          points: { show: true, size: 4, filter: lonely },
          value: (/** @type {uPlot} */ _plot, /** @type {number} */ value) => text(value),
        })),
      ],
      hooks: {
        setCursor: [(plot) => this.#tell(plot.cursor.idx ?? null)],
        drawAxes: [(plot) => this.#markStarts(plot, ink)],
      },
    };
    const { uPlot: Plot } = /** @type {{ uPlot: typeof import("uplot") }} */ (
      /** @type {unknown} */ (globalThis)
    );
    return new Plot(options, undefined, this.#place);
  }

  /**
   * @param {uPlot} plot
   * @param {string} ink
   */
  #markStarts({ ctx, bbox, valToPos }, ink) {
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = ink;
    ctx.setLineDash([2 * devicePixelRatio, 2 * devicePixelRatio]);
    ctx.lineWidth = devicePixelRatio;
    for (const at of this.#starts) {
      // In the middle of a pixel: between two of them it would be pale.
      const x = Math.floor(valToPos(at / 1000, "x", true)) + 0.5;
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  /** @returns {[number, number]} Seconds since 1970. */
  #window() {
    const last = (this.#points.at(-1)?.at ?? Date.now()) / 1000;
    // A start may be shortly before the first point.
    const first = Math.min(this.#points[0]?.at ?? Date.now(), ...this.#starts) / 1000;
    return [Math.max(last - WINDOW_MS / 1000, Math.min(first, last - MIN_SECONDS)), last];
  }
}

/**
 * Points without a neighbour, which no line would show.
 *
 * @param {uPlot} plot
 * @param {number} series
 */
function lonely({ data }, series) {
  const values = Array.from(data[series] ?? []);
  /** @param {number} i */
  const isKnown = (i) => typeof values[i] === "number";
  return values.flatMap((_, i) => isKnown(i) && !isKnown(i - 1) && !isKnown(i + 1) ? [i] : []);
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
