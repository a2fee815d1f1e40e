/**
 * Clients that are recorded, whether somebody looks or not.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import type { Log } from "../log/log.ts";
import type { FollowedRow, TailRefusal, Told } from "./followed.ts";
import type { Following } from "./following.ts";
import { Lines, type RecordingInfo, type RecordingPart } from "./recording.ts";

export interface RecordingsDeps {
  readonly clock: Clock;
  readonly log: Pick<Log, "error">;
  readonly ids: { next(): string };
  /** Follows a client, with payloads. */
  readonly follow: (clientId: string) => Pick<Following, "next">;
}

/** How long a client is recorded, and how long that is kept after its end. */
export const RECORDING_MS = 3_600_000;
export const KEPT_MS = 3_600_000;
/** Recordings in one thread, those that are kept included; and what each may hold. */
export const MAX_RECORDINGS = 4;
export const MAX_RECORDING_BYTES = 8 * 1024 ** 2;
/** A tap keeps what passes in that time, and tells of a gap when it is more. */
const PAUSE_MS = 500;

interface Recording {
  readonly id: string;
  readonly clientId: string;
  readonly startedAt: number;
  /** By the clock that does not jump. */
  readonly since: number;
  readonly lines: Lines;
  readonly following: Pick<Following, "next">;
  endedAt: number | null;
  timer: Timer | undefined;
  /** What was told last of where the client is. */
  state: string;
}

/**
 * Owns the recordings that were begun in this thread.
 *
 * Always true: there are no more than `MAX_RECORDINGS`; each has one timer, or is being written; each ends, and is
 * forgotten after its time.
 */
export class Recordings {
  readonly #deps: RecordingsDeps;
  readonly #recordings = new Map<string, Recording>();

  constructor(deps: RecordingsDeps) {
    this.#deps = deps;
  }

  /** Begins one. @returns Why not, when it could not. */
  async start(clientId: string): Promise<RecordingInfo | "full" | "recorded" | TailRefusal> {
    const { clock, ids, follow } = this.#deps;
    // Others may have asked for the same in this moment.
    if (this.list().some((each) => each.clientId === clientId && each.endedAt === null)) {
      return "recorded";
    }
    if (this.#recordings.size >= MAX_RECORDINGS) return "full";
    const recording: Recording = {
      id: ids.next(),
      clientId,
      startedAt: clock.wallNow(),
      since: clock.now(),
      lines: new Lines(MAX_RECORDING_BYTES),
      following: follow(clientId),
      endedAt: null,
      timer: undefined,
      state: "",
    };
    // It has its place while it is found out whether it can be.
    this.#recordings.set(recording.id, recording);
    try {
      const told = await recording.following.next();
      if ("refusal" in told) {
        this.remove(recording.id);
        return told.refusal;
      }
      write(recording, told, clock.wallNow());
    } catch (error) {
      this.remove(recording.id);
      throw error;
    }
    this.#wait(recording);
    return infoOf(recording);
  }

  /** The oldest first. */
  list(): RecordingInfo[] {
    return [...this.#recordings.values()].map(infoOf);
  }

  /** @param after The number of a line, exclusive; 0 for the first. */
  read(id: string, after: number): RecordingPart | null {
    const recording = this.#recordings.get(id);
    return recording === undefined
      ? null
      : { info: infoOf(recording), ...recording.lines.after(after) };
  }

  /** Records no more; what there is is kept. @returns False when none of this name goes on. */
  end(id: string): boolean {
    const recording = this.#recordings.get(id);
    if (recording === undefined || recording.endedAt !== null) return false;
    const { clock } = this.#deps;
    const { timer } = recording;
    if (timer !== undefined) clock.clearTimeout(timer);
    recording.endedAt = clock.wallNow();
    recording.timer = clock.setTimeout(() => void this.#recordings.delete(id), KEPT_MS);
    // What passed until now belongs to it; without a timer somebody asks for it already.
    if (timer !== undefined) void this.#take(recording);
    return true;
  }

  /** Forgets one, whether it goes on or not. @returns False when there is none. */
  remove(id: string): boolean {
    const recording = this.#recordings.get(id);
    if (recording?.timer !== undefined) this.#deps.clock.clearTimeout(recording.timer);
    return this.#recordings.delete(id);
  }

  /** Forgets all. */
  close(): void {
    for (const id of [...this.#recordings.keys()]) this.remove(id);
  }

  /** Whether it is there and goes on. */
  #goesOn({ id, endedAt }: Recording): boolean {
    return endedAt === null && this.#recordings.has(id);
  }

  #wait(recording: Recording): void {
    if (!this.#goesOn(recording)) return;
    const { clock } = this.#deps;
    if (clock.now() - recording.since >= RECORDING_MS) return void this.end(recording.id);
    recording.timer = clock.setTimeout(() => {
      recording.timer = undefined;
      void this.#take(recording);
    }, PAUSE_MS);
  }

  /** Never rejects. */
  async #take(recording: Recording): Promise<void> {
    const { clock, log } = this.#deps;
    try {
      const told = await recording.following.next();
      if (this.#recordings.has(recording.id)) {
        if ("refusal" in told) writeState(recording, null, told.refusal, clock.wallNow());
        else write(recording, told, clock.wallNow());
      }
    } catch (error) {
      log.error("a recording failed", { clientId: recording.clientId, error: String(error) });
    }
    this.#wait(recording);
  }
}

function write(recording: Recording, { rows, connectionId, missing }: Told, now: number): void {
  writeState(recording, connectionId, missing, rows[0]?.at ?? now);
  for (const row of rows) recording.lines.add(lineOf(row));
}

/** Where the client is, at the beginning, and whether something is missing, whenever that changes. */
function writeState(
  recording: Recording,
  connectionId: string | null,
  missing: Told["missing"],
  at: number,
): void {
  const isFirst = recording.state === "";
  const state = `missing ${missing}`;
  if (recording.state === state) return;
  recording.state = state;
  recording.lines.add(lineOf({ kind: "state", ...(isFirst && { connectionId }), at, missing }));
}

interface StateRow extends Pick<Told, "missing"> {
  readonly kind: "state";
  readonly connectionId?: string | null;
  readonly at: number;
}

/** A row as a line, with its time as people read it. */
function lineOf(row: FollowedRow | StateRow): string {
  return JSON.stringify({ ...row, at: new Date(row.at).toISOString() });
}

function infoOf(
  { id, clientId, startedAt, endedAt, lines }: Recording,
): RecordingInfo {
  const { count, bytes, dropped } = lines;
  const endsAt = startedAt + RECORDING_MS;
  return { id, clientId, startedAt, endsAt, endedAt, lines: count, bytes, dropped };
}
