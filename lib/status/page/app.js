/**
 * The status page: what comes from the gateway, and where it is shown.
 *
 * @module
 */

import { Charts } from "./charts.js";
import { ClientView } from "./client.js";
import { ClientsView } from "./clients.js";
import { Departures } from "./departures.js";
import { byId, setText, shown, spanText, timeText } from "./dom.js";
import { Faults } from "./faults.js";
import { Heart } from "./heart.js";
import { Instances } from "./instances.js";
import { Place } from "./place.js";
import { isSameRun, pointOf } from "./rates.js";
import { ReportsView } from "./reports.js";
import { Session } from "./session.js";
import { Stream } from "./stream.js";
import { followTheme } from "./theme.js";
import { Tiles } from "./tiles.js";
import { Timeline } from "./timeline.js";
import { TokenDialog } from "./token_dialog.js";

/** @import { Snapshot } from "../snapshot.ts" */

/** Percentiles and the backend's state are those of so many seconds. */
const WINDOW = 10;
/**
 * A stream that is opened anew tells at once: over a shorter time than this nearly no message or a burst of
 * them passes, and no rate is one.
 */
const APART_MS = 500;
/** A page that nobody sees lets go of the gateway: a browser has six connections for all its tabs. */
const HIDDEN_MS = 5000;

const session = new Session();
const place = new Place(window);
const timeline = new Timeline();
const charts = new Charts(byId("charts"), timeline);
const tiles = new Tiles();
const instances = new Instances();
const client = new ClientView(session, place, (clientId) => clients.select(clientId));
const clients = new ClientsView(session, place, (clientId) => {
  openClient(clientId);
});
const reports = new ReportsView(session, (clientId) => openClient(clientId));
const faults = new Faults((clientId) => openClient(clientId));
const departures = new Departures((clientId) => openClient(clientId));
const heart = new Heart((isStale) => {
  clients.isLive = !isStale;
  if (!isStale) void clients.refresh();
  // Who acts on what is old may do it to another one.
  for (const part of document.querySelectorAll("fieldset[data-acts]")) {
    part.toggleAttribute("disabled", isStale);
  }
});

const dialog = new TokenDialog((token) => {
  session.setToken(token);
  isAsleep = false;
  stream.start();
});

/** The last ones, the newest at the end. @type {Snapshot[]} */
let snapshots = [];

/** @param {string} clientId */
function openClient(clientId) {
  client.open(clientId);
}

/** @param {Snapshot} snapshot */
function takeSnapshot(snapshot) {
  const before = snapshots.at(-1);
  if (before !== undefined && !isSameRun(before, snapshot)) snapshots = [];
  else if (before !== undefined && Math.abs(snapshot.at - before.at) < APART_MS) {
    return heart.beat(snapshot.instance, tiles.level);
  }
  if (before !== undefined && before.instance !== snapshot.instance) {
    timeline.isOther(snapshot.startedAt);
  }
  timeline.began(snapshot.startedAt);
  snapshots.push(snapshot);
  if (snapshots.length > WINDOW + 1) snapshots.shift();
  showAbout(snapshot);
  tiles.show(snapshot);
  const [older] = snapshots;
  const last = snapshots.at(-2);
  if (older !== undefined && last !== undefined) {
    timeline.add(pointOf(older, last, snapshot));
    tiles.showRates(older, snapshot, timeline.points);
    departures.count(snapshot, older);
    drawCharts();
  }
  heart.beat(snapshot.instance, tiles.level);
}

function drawCharts() {
  const marks = timeline.starts.map((at) => timeText(at));
  setText(byId("charts-marks"), marks.length === 0 ? "" : `Dashed: start at ${marks.join(", ")}.`);
  charts.draw();
}

/** @param {Snapshot} snapshot */
function showAbout({ version, instance, startedAt, at, workers }) {
  const place = instances.place || (instance === null ? "" : `instance ${shown(instance)}`);
  const threads = workers === 1 ? "" : `${workers} workers`;
  const parts = [version, `up ${spanText(at - startedAt)}`, threads, place];
  setText(byId("about"), parts.filter((part) => part !== "").join(" · "));
}

/**
 * @param {string} event
 * @param {any} data
 */
function takeEvent(event, data) {
  switch (event) {
    case "history":
      timeline.load(data.points, data.startedAt);
      return drawCharts();
    case "snapshot":
      return takeSnapshot(data);
    case "faults":
      return faults.add(data);
    case "departures":
      return departures.add(data);
    case "instances":
      return instances.show(data);
    default:
      if (event.startsWith("tail-")) client.tail.take(event, data);
  }
}

const stream = new Stream(session, {
  onState: (state, reason) => {
    heart.is(state, reason);
    client.tail.streamIs(state);
    clients.isLive = state === "connected";
    if (state !== "connected") return;
    dialog.done();
    // They are all told again.
    faults.clear();
    departures.clear();
    void clients.refresh();
    client.wake();
    void reports.wake();
  },
  onEvent: takeEvent,
  onRefused: (detail) => heart.is("refused", detail),
  onStale: (sinceMs) => heart.falter(sinceMs),
  // The snapshot that came says it.
  onFresh: () => {},
});

client.tail.use(stream);

function askForToken() {
  const note = session.hasToken ? "The gateway refused this token." : "";
  session.setToken(null);
  clients.isLive = false;
  stream.stop();
  client.sleep();
  reports.sleep();
  heart.is("connecting");
  dialog.ask(note);
}

session.onUnauthorized = askForToken;
followTheme(byId("theme", HTMLSelectElement), () => charts.restyle());

/** @type {ReturnType<typeof setTimeout> | undefined} */
let hiddenTimer;
let isAsleep = false;
function heedVisibility() {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenTimer = setTimeout(() => {
      stream.stop();
      isAsleep = true;
      client.sleep();
      reports.sleep();
      heart.is("asleep");
    }, HIDDEN_MS);
    return;
  }
  charts.draw();
  if (!isAsleep || dialog.isOpen) return;
  isAsleep = false;
  stream.start();
}
document.addEventListener("visibilitychange", heedVisibility);

heart.is("connecting");
client.follow();
if (document.body.dataset.needsToken === undefined) stream.start();
else askForToken();
// It may have been opened behind another one.
heedVisibility();
