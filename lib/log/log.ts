/**
 * Logging to standard error, as text for people or as JSON lines for machines.
 *
 * @module
 */

import { configureSync, getLogger, type Logger, type LogRecord } from "@logtape/logtape";
import type { Clock, Timer } from "../clock.ts";
import { type Culprit, type LimitedLevel, LineWindow, WINDOW_MS } from "./line_limit.ts";

/** Named values of a log line. Never a payload above `debug`, never a token. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** The log as the rest of the code sees it. `event` is a fixed text, never built from input. */
export interface Log {
  /** Whether `debug` lines are written at all: spares the work of making them. */
  readonly isDebug: boolean;
  debug(event: string, fields?: LogFields): void;
  /** Limited for each event and client, as `warn` is, but far above what is usual. */
  info(event: string, fields?: LogFields): void;
  /** At `info`, without a limit: only for what a few do who are known, and answer for it. */
  audit(event: string, fields?: LogFields): void;
  /**
   * Limited for each event and client: what a client can cause 10,000 times a second must not fill a
   * disk, nor hide what is said of others.
   */
  warn(event: string, fields?: LogFields): void;
  /** Limited too, for clients can cause some of them; more of them than of warnings are written. */
  error(event: string, fields?: LogFields): void;
}

/** A log that leaves lines out, and has to be asked at the end which. */
export interface LimitedLog extends Log {
  /** Tells now what was left out: nothing is written after it. */
  flush(): void;
}

/** Longest value of a field: names come from outside. */
const MAX_VALUE_CHARS = 300;

/** How much is written. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** The thread's log, set up. */
export interface LogOutput {
  /** From now on what is below this level is left out. */
  setLevel(level: LogLevel): void;
}

/**
 * Sets the process's log up: level, format, standard error.
 *
 * @param write Writes one line's bytes.
 */
export function configureLog(
  level: LogLevel,
  format: "text" | "json",
  write: (bytes: Uint8Array) => void,
): LogOutput {
  const formatter = format === "json" ? jsonLine : textLine;
  const encoder = new TextEncoder();
  const output: LogOutput = {
    setLevel(next) {
      // In one go: no line can come in between and be lost.
      configureSync({
        reset: true,
        sinks: { stderr: (record) => write(encoder.encode(`${visible(formatter(record))}\n`)) },
        loggers: [
          {
            category: ["ws2api"],
            lowestLevel: next === "warn" ? "warning" : next,
            sinks: ["stderr"],
          },
          { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["stderr"] },
        ],
      });
    },
  };
  output.setLevel(level);
  return output;
}

/** DEL, C1, line and paragraph separators, and what turns the direction of text or has no width. */
const UNSEEN =
  /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** A line in which each character can be seen: what JSON leaves as it is a terminal may obey. */
function visible(line: string): string {
  return line.replace(
    UNSEEN,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The library's name for `warn` is not that of the flag. */
function levelOf({ level }: LogRecord): string {
  return level === "warning" ? "warn" : level;
}

function eventOf({ message }: LogRecord): string {
  return message.join("");
}

function jsonLine(record: LogRecord): string {
  return JSON.stringify({
    "@timestamp": new Date(record.timestamp).toISOString(),
    level: levelOf(record),
    message: eventOf(record),
    logger: record.category.join("."),
    ...record.properties,
  });
}

function textLine(record: LogRecord): string {
  const fields = Object.entries(record.properties)
    .map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
    .join("");
  const time = new Date(record.timestamp).toISOString();
  return `${time} ${levelOf(record)} ${eventOf(record)}${fields}`;
}

/**
 * The log of one gateway, over what `configureLog` set up.
 *
 * @param fields Stand in each of its lines.
 * @param faults Remembers the warnings and errors that are written.
 * @param count Told of each line that is left out.
 */
export function createLog(
  clock: Clock,
  fields: LogFields = {},
  faults?: { watch(log: Log): Log },
  count?: (level: LimitedLevel) => void,
): LimitedLog {
  const log = fromLogger(getLogger(["ws2api"]).with(fields));
  return limitLines(faults?.watch(log) ?? log, clock, count);
}

function fromLogger(logger: Logger): Log {
  return {
    // The level may change. It takes 20 ns.
    get isDebug() {
      return logger.isEnabledFor("debug");
    },
    debug: (event, fields) => logger.debug(event, bounded(fields)),
    info: (event, fields) => logger.info(event, bounded(fields)),
    audit: (event, fields) => logger.info(event, bounded(fields)),
    warn: (event, fields) => logger.warn(event, bounded(fields)),
    error: (event, fields) => logger.error(event, bounded(fields)),
  };
}

function bounded(fields: LogFields = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" && name !== "frame" && value.length > MAX_VALUE_CHARS
        ? `${value.slice(0, MAX_VALUE_CHARS)}…`
        : value,
    ]),
  );
}

/**
 * A log that writes only so many lines of one event and of one client in 10 seconds, as `LineWindow`
 * says. At the end of these it tells how many it left out, and who wrote most of them. A timer exists
 * only while there is something to tell.
 *
 * @param count Told of each line that is left out.
 */
export function limitLines(
  log: Log,
  clock: Clock,
  count: (level: LimitedLevel) => void = () => {},
): LimitedLog {
  // Bounded by the number of events in the code: their texts are fixed.
  const windows = new Map<string, LineWindow>();
  const timers = new Map<LineWindow, Timer>();

  function end(window: LineWindow): void {
    const timer = timers.get(window);
    if (timer === undefined) return;
    clock.clearTimeout(timer);
    timers.delete(window);
    if (windows.get(window.event) === window) windows.delete(window.event);
    tellLeftOut(log, window);
  }

  function limited(level: LimitedLevel): Log["warn"] {
    return (event, fields = {}) => {
      const now = clock.now();
      let window = windows.get(event);
      if (window === undefined || now - window.since >= WINDOW_MS) {
        // Its timer may be late.
        if (window !== undefined) end(window);
        window = new LineWindow(level, event, now);
        windows.set(event, window);
      }
      if (window.takes(culpritOf(fields))) return log[level](event, fields);
      count(level);
      if (timers.has(window)) return;
      const ended = window;
      timers.set(window, clock.setTimeout(() => end(ended), window.since + WINDOW_MS - now));
    };
  }

  return {
    get isDebug() {
      return log.isDebug;
    },
    debug: log.debug,
    audit: log.audit,
    info: limited("info"),
    warn: limited("warn"),
    error: limited("error"),
    flush() {
      for (const window of [...timers.keys()]) end(window);
    },
  };
}

function culpritOf({ clientId, remoteAddress }: LogFields): Culprit {
  return {
    ...(typeof clientId === "string" && { clientId }),
    ...(typeof remoteAddress === "string" && { remoteAddress }),
  };
}

/** At the level of the lines that were left out. */
function tellLeftOut(log: Log, window: LineWindow): void {
  const left = window.leftOut;
  if (left === undefined) return;
  const fields = { event: left.event, suppressed: left.suppressed, ...left.most };
  switch (left.level) {
    case "info":
      return log.info("lines left out", fields);
    case "warn":
      return log.warn("lines left out", fields);
    case "error":
      return log.error("lines left out", fields);
  }
}

/** A log that writes nothing. */
export const silentLog: Log = {
  isDebug: false,
  debug: () => {},
  info: () => {},
  audit: () => {},
  warn: () => {},
  error: () => {},
};
