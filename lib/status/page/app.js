/**
 * The status page: what comes from the gateway, and where it is shown.
 *
 * @module
 */

import { Charts } from "./charts.js";
import { ClientView } from "./client.js";
import { ClientsView } from "./clients.js";
import { byId, bytesText, durationText, numberText, setText, spanText } from "./dom.js";
import { Faults } from "./faults.js";
import { reportsState } from "./outbox.js";
import { Place } from "./place.js";
import { backendState, isSameRun, pointOf, sumOf } from "./rates.js";
import { ReportsView } from "./reports.js";
import { follow, Session } from "./session.js";
import { followTheme } from "./theme.js";
import { TokenDialog } from "./token_dialog.js";

/** @import { Snapshot } from "../snapshot.ts" */

/** Percentiles and the backend's state are those of so many seconds. */
const WINDOW = 10;
/** A page that nobody sees lets go of the gateway: a browser has six connections for all its tabs. */
const HIDDEN_MS = 5000;

const session = new Session();
const place = new Place(window);
const charts = new Charts(byId("charts"));
const client = new ClientView(session, place, (clientId) => clients.select(clientId));
const clients = new ClientsView(session, place, (clientId) => {
  openClient(clientId);
});
const reports = new ReportsView(session, (clientId) => openClient(clientId));
const faults = new Faults((clientId) => openClient(clientId));
const dialog = new TokenDialog((token) => {
  session.setToken(token);
  start();
});

/** The last ones, the newest at the end. @type {Snapshot[]} */
let snapshots = [];
/** @type {AbortController | null} */
let following = null;

/** @param {string} clientId */
function openClient(clientId) {
  client.open(clientId);
}

/** @param {Snapshot} snapshot */
function takeSnapshot(snapshot) {
  const before = snapshots.at(-1);
  if (before !== undefined && !isSameRun(before, snapshot)) {
    snapshots = [];
    charts.clear();
  }
  snapshots.push(snapshot);
  if (snapshots.length > WINDOW + 1) snapshots.shift();
  showGateway(snapshot);
  const [older] = snapshots;
  const last = snapshots.at(-2);
  if (older === undefined || last === undefined) return;
  const point = pointOf(older, last, snapshot);
  charts.add(point);
  tell("in", numberText(point.inRate), `${numberText(sumOf(snapshot.framesIn))} in all`);
  tell("out", numberText(point.outRate), `${numberText(sumOf(snapshot.framesOut))} in all`);
  tell("latency", durationText(point.p50), `p99 ${durationText(point.p99)}`);
  tell("errors", numberText(point.faultRate), `${numberText(snapshot.faults)} in all`);
  const { text, detail, level } = backendState(older, snapshot);
  tell("backend", text, detail);
  byId("tile-backend").dataset.level = level;
}

/** @param {Snapshot} snapshot */
function showGateway(snapshot) {
  const { version, instance, startedAt, at, workers } = snapshot;
  const name = instance === null ? "" : ` · instance ${instance}`;
  const threads = workers === 1 ? "" : ` · ${workers} workers`;
  setText(byId("about"), `${version} · up ${spanText(at - startedAt)}${threads}${name}`);
  const { opened, waiting, outstanding, residentBytes, eventLoopLagMs } = snapshot;
  const connections = sumOf(snapshot.connections);
  tell("connections", numberText(connections), `${numberText(opened)} opened in all`);
  tell("waiting", numberText(waiting), `${numberText(outstanding)} unanswered`);
  tell("memory", bytesText(residentBytes), `loop lag ${durationText(eventLoopLagMs)}`);
  byId("tile-memory").dataset.level = residentBytes > 0.9 * snapshot.maxMemoryBytes ? "bad" : "";
  byId("tile-waiting").dataset.level = waiting > 0.5 * snapshot.maxWaiting ? "bad" : "";
  const { text, detail, outage, level } = reportsState(snapshot);
  tell("reports", text, detail);
  byId("tile-reports").dataset.level = level;
  setText(byId("reports-outage"), outage);
  byId("reports-outage").hidden = outage === "";
}

/**
 * @param {string} tile
 * @param {string} value
 * @param {string} detail
 */
function tell(tile, value, detail) {
  const element = byId(`tile-${tile}`);
  const [dd, small] = [element.querySelector("dd"), element.querySelector("small")];
  if (dd?.firstChild) dd.firstChild.nodeValue = value;
  if (small) setText(small, detail);
}

/**
 * @param {"connected" | "reconnecting" | "connecting" | "asleep"} state
 * @param {string} [reason]
 */
function showState(state, reason = "") {
  const element = byId("state");
  setText(element, reason === "" ? STATES[state] : `${STATES[state]}: ${reason}`);
  element.dataset.state = state;
}

const STATES = {
  connecting: "Connecting",
  connected: "Live",
  reconnecting: "Reconnecting",
  asleep: "Paused",
};

function start() {
  following?.abort();
  following = new AbortController();
  void follow(session, "status/stream", {
    signal: following.signal,
    onState: (state, reason) => {
      showState(state, reason);
      clients.isLive = state === "connected";
      if (state !== "connected") return;
      dialog.done();
      // They are all told again.
      faults.clear();
      void clients.refresh();
      client.wake();
      void reports.wake();
    },
    onEvent: (event, data) => {
      if (event === "snapshot") takeSnapshot(data);
      if (event === "faults") faults.add(data);
    },
    onRefused: (detail) => setText(byId("state"), `Refused: ${detail}`),
  });
}

function askForToken() {
  const note = session.hasToken ? "The gateway refused this token." : "";
  session.setToken(null);
  clients.isLive = false;
  following?.abort();
  client.sleep();
  reports.sleep();
  showState("connecting");
  dialog.ask(note);
}

session.onUnauthorized = askForToken;
followTheme(byId("theme", HTMLSelectElement), () => charts.restyle());

/** @type {ReturnType<typeof setTimeout> | undefined} */
let hiddenTimer;
function heedVisibility() {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenTimer = setTimeout(() => {
      following?.abort();
      client.sleep();
      reports.sleep();
      showState("asleep");
    }, HIDDEN_MS);
    return;
  }
  charts.draw();
  if (following?.signal.aborted && !dialog.isOpen) start();
}
document.addEventListener("visibilitychange", heedVisibility);

showState("connecting");
client.follow();
if (document.body.dataset.needsToken === undefined) start();
else askForToken();
// It may have been opened behind another one.
heedVisibility();
