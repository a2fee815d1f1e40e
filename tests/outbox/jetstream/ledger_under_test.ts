/**
 * Ledgers over real NATS servers.
 *
 * @module
 */

import { ok } from "node:assert/strict";
import { systemClock } from "../../../lib/clock.ts";
import { natsUrls } from "../../../lib/config/value.ts";
import { connectNats } from "../../../lib/nats/connect.ts";
import {
  type LedgerOptions,
  type OpenedLedger,
  openLedger,
} from "../../../lib/outbox/jetstream/jetstream_ledger.ts";
import type { Ledger, LedgerFollower, Put } from "../../../lib/outbox/jetstream/ledger.ts";
import { inTime, until } from "../../support/deadline.ts";
import { KeptLog } from "../../support/nats.ts";

/** What begins the subjects. */
export const PREFIX = "eu.ws2api";

/** Opens one. @param urls As `--nats` takes them. */
export function open(urls: string, options: Partial<LedgerOptions> = {}): Promise<OpenedLedger> {
  const address = natsUrls(urls);
  ok(address.ok, urls);
  const prefix = options.prefix ?? PREFIX;
  return inTime(
    openLedger({
      connect: () => connectNats(address.value, {}, prefix),
      clock: systemClock,
      log: new KeptLog(),
      maxBytes: 64 * 1024 ** 2,
      maxAgeMs: 3_600_000,
      ...options,
      prefix,
    }),
    "the ledger's opening",
  );
}

/** A ledger that is up, left when it is disposed of. */
export class LedgerUnderTest implements AsyncDisposable, LedgerFollower {
  readonly log: KeptLog;
  readonly ledger: Ledger;
  /** How often it was told that the stream is another one. */
  anews = 0;
  /** How often it came up. */
  ups = 0;
  readonly said: [subject: string, text: string][] = [];

  private constructor(ledger: Ledger, log: KeptLog) {
    this.ledger = ledger;
    this.log = log;
    ledger.follow(this);
  }

  static async start(
    urls: string,
    options: Partial<LedgerOptions> = {},
  ): Promise<LedgerUnderTest> {
    const log = new KeptLog();
    const opened = await open(urls, { log, ...options });
    ok(opened.ok, JSON.stringify(opened));
    return new LedgerUnderTest(opened.ledger, log);
  }

  /** Opens one and waits until it can be used. */
  static async ready(
    urls: string,
    options: Partial<LedgerOptions> = {},
  ): Promise<LedgerUnderTest> {
    const ledger = await LedgerUnderTest.start(urls, options);
    try {
      await ledger.whenUp();
      return ledger;
    } catch (error) {
      await ledger[Symbol.asyncDispose]();
      throw error;
    }
  }

  up(): void {
    ok(this.ledger.isUp);
    this.ups++;
  }

  anew(): void {
    this.anews++;
  }

  ownerSaid(subject: string, text: string): void {
    this.said.push([subject, text]);
  }

  async whenUp(isUp = true): Promise<void> {
    await until(isUp ? "a ledger" : "no ledger", () => this.ledger.isUp === isUp, 30_000);
  }

  /** As its user does: a write without an answer is repeated as it is. */
  async putForSure(subject: string, text: string, last: number): Promise<Put> {
    let put = { kind: "unknown" } as Put;
    await until("an answer to a write", async () => {
      put = await this.ledger.entries.put(subject, text, last);
      return put.kind !== "unknown";
    }, 30_000);
    if (put.kind !== "conflict") return put;
    const there = put.last;
    const { entries } = this.ledger;
    let found = await entries.last(subject);
    await until("an answer to a look", async () => {
      found = await entries.last(subject);
      return found !== undefined && (found?.seq ?? 0) >= there;
    }, 30_000);
    // Its own, whose answer was lost.
    return found && found.text === text ? { kind: "stored", seq: found.seq } : put;
  }

  /** All that matches, part by part. */
  async read(filter: string): Promise<{ isWhole: boolean; parts: string[][] }> {
    const parts: string[][] = [];
    const isWhole = await inTime(
      this.ledger.entries.read(filter, (messages) => {
        parts.push(messages.map(({ seq, subject, text }) => `${seq} ${subject} ${text}`));
        return Promise.resolve();
      }),
      `reading ${filter}`,
      60_000,
    );
    return { isWhole, parts };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await inTime(this.ledger.close(1000), "the ledger's close");
  }
}
