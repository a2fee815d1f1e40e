/**
 * The outbox's file: all of its SQL, and the folder that it is in.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Entry } from "../entry.ts";
import type { Change } from "../unwritten.ts";
import { UnusableFile } from "./fault.ts";
import { MAIN } from "../thread/message.ts";
import {
  APPLICATION_ID,
  COLUMNS,
  entryOf,
  keptId,
  type Row,
  SCHEMA,
  SCHEMA_VERSION,
  type Value,
  valuesOf,
} from "./row.ts";

/** Owners of rows: from the first to the last number. */
export interface Owners {
  readonly from: number;
  readonly to: number;
}

/** Pages of 4 KiB in the log of changes; then they are put into the file. */
const MAX_LOG_PAGES = 1000;
/** A log that grew beyond it is cut when it is begun anew. */
const MAX_LOG_BYTES = 16 * 1024 ** 2;
/** Free pages, from which the file is made smaller at the start if they are more than half of it. */
const MANY_FREE_PAGES = 4096;

const PLACES = COLUMNS.map(() => "?").join(", ");
/** What an outcome sets of the row that its CALL has; the rest of it stays. */
const SET_BY_END = COLUMNS.filter((name) =>
  !["id", "accepted", "key", "fingerprint"].includes(name)
)
  .map((name) => `${name} = excluded.${name}`).join(", ");

/**
 * Owns the file. All of it is synchronous and throws what SQLite throws; nothing is half written then.
 *
 * Always true: between two calls no transaction is open; what `write` was given is synced when it returns.
 */
export class Database {
  /** The greatest owner in the file when it was opened: who left what was found. */
  readonly lastOwner: number;
  readonly #db: DatabaseSync;
  readonly #accept: StatementSync;
  readonly #end: StatementSync;
  readonly #park: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteOwn: StatementSync;
  readonly #get: StatementSync;
  readonly #has: StatementSync;
  readonly #probe: StatementSync;
  readonly #logSize: StatementSync;
  #lastOrd: number;

  private constructor(db: DatabaseSync) {
    this.#db = db;
    const all = COLUMNS.join(", ");
    this.#accept = db.prepare(`INSERT OR REPLACE INTO entry (${all}) VALUES (${PLACES})`);
    this.#end = db.prepare(
      `INSERT INTO entry (${all}) VALUES (${PLACES}) ON CONFLICT (id) DO UPDATE SET ${SET_BY_END}`,
    );
    this.#park = db.prepare("UPDATE entry SET parked = ?, failure = ?, tries = ? WHERE id = ?");
    this.#delete = db.prepare("DELETE FROM entry WHERE id = ?");
    this.#deleteOwn = db.prepare("DELETE FROM entry WHERE id = ? AND owner = ?");
    this.#get = db.prepare(`SELECT ${all} FROM entry WHERE id = ?`);
    this.#has = db.prepare("SELECT 1 FROM entry WHERE id = ?");
    this.#probe = db.prepare("UPDATE probe SET n = n + 1");
    this.#logSize = db.prepare("PRAGMA wal_checkpoint(NOOP)");
    const last = db.prepare("SELECT max(ord) AS ord, max(owner) AS owner FROM entry").get();
    this.#lastOrd = Number(last?.ord ?? 0);
    this.lastOwner = Number(last?.owner ?? 0);
    this.probe();
  }

  /**
   * Opens the file in a folder, and makes both where they are missing, for this user alone.
   *
   * @throws What SQLite and the file system throw, and `UnusableFile`: see `reasonOf`.
   */
  static open(folder: string): Database {
    const file = fileOf(folder);
    createPrivate(folder, file);
    const db = new DatabaseSync(file, { allowExtension: false });
    try {
      prepare(db);
      return new Database(db);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** Writes changes and syncs them, all or none. @param base Is added to their owners. */
  write(changes: Iterable<Change>, base: number): void {
    this.#transact(() => {
      for (const change of changes) this.#apply(change, base);
    });
  }

  /** Writes to see whether that can be done. */
  probe(): void {
    this.#transact(() => this.#probe.run());
  }

  /** Puts what is in the log into the file, if that is much, so that the log stays small. */
  checkpoint(): void {
    if (Number(this.#logSize.get()?.log ?? 0) > MAX_LOG_PAGES) {
      this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    }
  }

  /** Puts all that is in the log into the file. */
  checkpointAll(): void {
    this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)");
  }

  /** How many CALLs without an outcome there are, and how many reports. */
  count(): { calls: number; reports: number } {
    const all = "SELECT count(*) FILTER (WHERE kind = 0) AS calls, count(*) AS n FROM entry";
    const { calls, n } = this.#db.prepare(all).get()!;
    return { calls: Number(calls), reports: Number(n) - Number(calls) };
  }

  has(id: string): boolean {
    return this.#has.get(keptId(id)) !== undefined;
  }

  /** All that some owners have, in the order in which it came to be what it is. */
  *read({ from, to }: Owners): Generator<Entry> {
    // Not the whole rows: they would all be in memory to be sorted.
    const ids = this.#db.prepare("SELECT id FROM entry WHERE owner BETWEEN ? AND ? ORDER BY ord")
      .all(from, to);
    for (const { id } of ids) {
      const row = this.#get.get(id as Value) as Row | undefined;
      const entry = row === undefined ? undefined : entryOf(row);
      if (entry !== undefined) yield entry;
    }
  }

  /** Leaves one file. */
  close(): void {
    try {
      this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      this.#db.close();
    }
  }

  #apply(change: Change, base: number): void {
    const { id, accept, end, park, isDelivered } = change;
    const owner = base + change.owner;
    if (isDelivered) {
      // A CALL that its client took along to another thread is that one's by now.
      if (change.owner === MAIN) this.#delete.run(keptId(id));
      else this.#deleteOwn.run(keptId(id), owner);
      return;
    }
    if (end !== undefined) {
      if (accept !== undefined) this.#accept.run(...valuesOf(++this.#lastOrd, owner, accept, end));
      else this.#end.run(...valuesOf(++this.#lastOrd, owner, undefined, end));
    } else if (accept !== undefined) {
      this.#accept.run(...valuesOf(++this.#lastOrd, owner, accept, undefined));
    }
    if (park !== undefined) {
      const { at, failure, tries } = park ?? { at: null, failure: null, tries: null };
      this.#park.run(at, failure, tries, keptId(id));
    }
  }

  #transact(work: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#db.exec("COMMIT");
    } catch (error) {
      // A full disk ends the transaction by itself.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }
}

/** The file in a folder. */
export function fileOf(folder: string): string {
  return `${folder}/outbox.sqlite`;
}

/** Only this user may read what is in there: payloads of all clients. */
function createPrivate(folder: string, file: string): void {
  Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    // Opened only when it is new: to close a file takes SQLite's locks on it away.
    Deno.openSync(file, { write: true, createNew: true, mode: 0o600 }).close();
    // Its name must outlive a power cut too.
    using parent = Deno.openSync(folder);
    parent.syncSync();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    // SQLite gives its log the same mode.
    if ((Deno.statSync(file).mode ?? 0) & 0o077) Deno.chmodSync(file, 0o600);
  }
}

/** The settings of a connection, and the tables. */
function prepare(db: DatabaseSync): void {
  // First: then there is no file of memory that is shared, and whoever comes second finds it locked.
  db.exec("PRAGMA locking_mode = EXCLUSIVE");
  db.exec("PRAGMA journal_mode = WAL");
  db.exec("PRAGMA synchronous = FULL");
  db.exec("PRAGMA wal_autocheckpoint = 0");
  db.exec(`PRAGMA journal_size_limit = ${MAX_LOG_BYTES}`);
  db.exec("PRAGMA temp_store = MEMORY");
  db.exec("PRAGMA trusted_schema = OFF");
  db.exec("PRAGMA cell_size_check = ON");
  const version = pragma(db, "user_version");
  const application = pragma(db, "application_id");
  const tables = Number(db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n);
  if (tables > 0 && application !== APPLICATION_ID) {
    throw new UnusableFile("outbox.sqlite is the database of another program");
  }
  if (version > SCHEMA_VERSION) {
    throw new UnusableFile(
      `outbox.sqlite was written by a newer version of ws2api (its format is ${version}, ` +
        `this version knows ${SCHEMA_VERSION})`,
    );
  }
  if (tables === 0) {
    db.exec(
      `BEGIN IMMEDIATE; ${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; ` +
        `PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`,
    );
    return;
  }
  const found = db.prepare("PRAGMA quick_check(1)").get()?.quick_check;
  if (found !== "ok") {
    const words = String(found).replaceAll(/\s+/g, " ").slice(0, 200);
    throw new UnusableFile(`outbox.sqlite is damaged (${words})`);
  }
  if (pragma(db, "freelist_count") > Math.max(MANY_FREE_PAGES, pragma(db, "page_count") / 2)) {
    db.exec("VACUUM");
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}
