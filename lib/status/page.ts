/**
 * The status page as one document.
 *
 * @module
 */

import { createHash } from "node:crypto";
import plot from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import plotStyle from "uplot/dist/uPlot.min.css" with { type: "text" };
import access from "./page/access.js" with { type: "text" };
import app from "./page/app.js" with { type: "text" };
import chart from "./page/chart.js" with { type: "text" };
import callForm from "./page/call_form.js" with { type: "text" };
import charts from "./page/charts.js" with { type: "text" };
import client from "./page/client.js" with { type: "text" };
import clients from "./page/clients.js" with { type: "text" };
import clientsHtml from "./page/clients.html" with { type: "text" };
import clientsQuery from "./page/clients_query.js" with { type: "text" };
import clientsTable from "./page/clients_table.js" with { type: "text" };
import copy from "./page/copy.js" with { type: "text" };
import exchanges from "./page/exchanges.js" with { type: "text" };
import files from "./page/files.js" with { type: "text" };
import departures from "./page/departures.js" with { type: "text" };
import dom from "./page/dom.js" with { type: "text" };
import faultGroups from "./page/fault_groups.js" with { type: "text" };
import faults from "./page/faults.js" with { type: "text" };
import health from "./page/health.js" with { type: "text" };
import heart from "./page/heart.js" with { type: "text" };
import instances from "./page/instances.js" with { type: "text" };
import lately from "./page/lately.html" with { type: "text" };
import now from "./page/now.html" with { type: "text" };
import jsonText from "./page/json_text.js" with { type: "text" };
import ocpp from "./page/ocpp.js" with { type: "text" };
import outbox from "./page/outbox.js" with { type: "text" };
import place from "./page/place.js" with { type: "text" };
import html from "./page/index.html" with { type: "text" };
import recordings from "./page/recordings.js" with { type: "text" };
import rates from "./page/rates.js" with { type: "text" };
import reportRow from "./page/report_row.js" with { type: "text" };
import reports from "./page/reports.js" with { type: "text" };
import sentCalls from "./page/sent_calls.js" with { type: "text" };
import session from "./page/session.js" with { type: "text" };
import stream from "./page/stream.js" with { type: "text" };
import pageStyle from "./page/style/page.css" with { type: "text" };
import figuresStyle from "./page/style/figures.css" with { type: "text" };
import controlsStyle from "./page/style/controls.css" with { type: "text" };
import clientStyle from "./page/style/client.css" with { type: "text" };
import clientsStyle from "./page/style/clients.css" with { type: "text" };
import dialogStyle from "./page/style/dialog.css" with { type: "text" };
import reportsStyle from "./page/style/reports.css" with { type: "text" };
import tailStyle from "./page/style/tail.css" with { type: "text" };
import tailRow from "./page/tail_row.js" with { type: "text" };
import overviewStyle from "./page/style/overview.css" with { type: "text" };
import tiles from "./page/tiles.js" with { type: "text" };
import timeline from "./page/timeline.js" with { type: "text" };
import printStyle from "./page/style/print.css" with { type: "text" };
import callStyle from "./page/style/call.css" with { type: "text" };
import screenStyle from "./page/style/screen.css" with { type: "text" };
import tail from "./page/tail.js" with { type: "text" };
import theme from "./page/theme.js" with { type: "text" };
import tokenDialog from "./page/token_dialog.js" with { type: "text" };
import twoClicks from "./page/two_clicks.js" with { type: "text" };

export interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** In this order: of two rules the later one counts. */
const STYLES = [
  plotStyle,
  pageStyle,
  figuresStyle,
  overviewStyle,
  controlsStyle,
  clientsStyle,
  clientStyle,
  tailStyle,
  callStyle,
  reportsStyle,
  dialogStyle,
  screenStyle,
  printStyle,
];

/** Each before those that import it. */
const MODULES = [
  ...[dom, place, rates, health, timeline, outbox, session, stream, access, twoClicks],
  ...[heart, tiles, instances, chart, charts, faultGroups, faults, departures],
  ...[copy, clientsQuery, clientsTable, clients],
  ...[jsonText, ocpp, sentCalls, callForm, theme, tokenDialog],
  ...[exchanges, files, tailRow, recordings, tail],
  ...[client, reportRow, reports, app],
];

/** Parts of the document, each in place of the comment that names it. */
const PARTS = { now, lately, clients: clientsHtml };

/**
 * Joins the page's files. It loads nothing from elsewhere: the policy names the hash of each script
 * and style in it, and allows requests to the gateway itself only.
 *
 * @param needsToken Whether it asks for the token at once.
 */
export function createPage(needsToken: boolean): Page {
  const script = joined(MODULES);
  const whole = Object.entries(PARTS).reduce(
    (text, [name, part]) => text.replace(`<!-- ${name} -->`, () => part.trim()),
    html,
  );
  const styles = STYLES.join("\n");
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(plot)}' '${hashOf(script)}'`,
    `style-src '${hashOf(styles)}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    html: whole
      .replace("<body>", needsToken ? "<body data-needs-token>" : "<body>")
      .replace("<!-- style -->", () => `<style>${styles}</style>`)
      .replace(
        "<!-- script -->",
        () => `<script>${plot}</script>\n<script type="module">${script}</script>`,
      ),
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy.join("; "),
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cache-control": "no-cache",
      "vary": "Accept",
    },
  };
}

/** Modules as one: what they import from each other is in it already. */
function joined(modules: readonly string[]): string {
  return modules.join("\n").replace(/^import [^;]*;$/gm, "").replace(/^export /gm, "");
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
