import { type Log, type LogFields, silentLog } from "../../lib/log/log.ts";

/** A line of the log. */
export interface LogLine {
  readonly event: string;
  readonly fields: LogFields;
}

/** Keeps the warnings and errors that are logged; none is left out, as the log itself would. */
export class RecordedLog {
  readonly lines: LogLine[] = [];
  readonly log: Log = {
    ...silentLog,
    warn: (event, fields = {}) => void this.lines.push({ event, fields }),
    error: (event, fields = {}) => void this.lines.push({ event, fields }),
  };

  /** The fields of an event's lines, and those are taken out. */
  take(event: string): LogFields[] {
    const found = this.lines.filter((line) => line.event === event);
    for (const line of found) this.lines.splice(this.lines.indexOf(line), 1);
    return found.map(({ fields }) => fields);
  }
}
