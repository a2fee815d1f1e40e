/**
 * Logging to standard error, as text for people or as JSON lines for machines.
 *
 * @module
 */

import { configureSync, getLogger, type Logger, type LogRecord } from "@logtape/logtape";
import type { Clock } from "../clock.ts";

/** Named values of a log line. Never a payload above `debug`, never a token. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** The log as the rest of the code sees it. `event` is a fixed text, never built from input. */
export interface Log {
  /** Whether `debug` lines are written at all: spares the work of making them. */
  readonly isDebug: boolean;
  debug(event: string, fields?: LogFields): void;
  /**
   * Limited for each event, as `warn` is, but far above what is usual: 100,000 clients that come back
   * at once are no news line by line.
   */
  info(event: string, fields?: LogFields): void;
  /** At `info`, without a limit: only for what a few do who are known, and answer for it. */
  audit(event: string, fields?: LogFields): void;
  /** Limited for each event: what a client can cause 10,000 times a second must not fill a disk. */
  warn(event: string, fields?: LogFields): void;
  /** Limited too, for clients can cause some of them; ten times as many as of warnings are written. */
  error(event: string, fields?: LogFields): void;
}

/** Lines of one event that are written within one window; further ones are only counted. */
const PER_WINDOW = { info: 1000, warn: 10, error: 100 } as const;
const WINDOW_MS = 10_000;
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
 */
export function createLog(
  clock: Clock,
  fields: LogFields = {},
  faults?: { watch(log: Log): Log },
): Log {
  const log = fromLogger(getLogger(["ws2api"]).with(fields));
  return limitLines(faults?.watch(log) ?? log, clock);
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
 * A log that writes at most 10 warnings, 100 errors and 1,000 lines at `info` of one event in 10
 * seconds. The first one after that says in `suppressed` how many were left out.
 */
export function limitLines(log: Log, clock: Clock): Log {
  // Bounded by the number of events in the code: their texts are fixed.
  const windows = new Map<string, { since: number; written: number; suppressed: number }>();

  function limited(level: keyof typeof PER_WINDOW): Log["warn"] {
    return (event, fields = {}) => {
      const now = clock.now();
      let window = windows.get(event);
      if (window === undefined || now - window.since >= WINDOW_MS) {
        const suppressed = window?.suppressed ?? 0;
        window = { since: now, written: 0, suppressed: 0 };
        windows.set(event, window);
        if (suppressed > 0) fields = { ...fields, suppressed };
      }
      if (window.written >= PER_WINDOW[level]) {
        window.suppressed++;
        return;
      }
      window.written++;
      log[level](event, fields);
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
  };
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
