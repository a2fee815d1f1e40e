/**
 * Gateways that break the word of an outbox in JetStream in one way each.
 *
 * @module
 */

import type { Ledger, LedgerStream } from "../../lib/outbox/jetstream/ledger.ts";
import type { KeptReport } from "../../lib/outbox/entry.ts";
import type { ToStore } from "../../lib/outbox/thread/message.ts";
import { deaf } from "./deaf.ts";
import type { Sabotage } from "./sabotage.ts";

/** A ledger one of whose streams does something else. */
function changed(ledger: Ledger, changes: Partial<Pick<Ledger, "entries" | "owners">>): Ledger {
  return {
    entries: ledger.entries,
    owners: ledger.owners,
    get isUp() {
      return ledger.isUp;
    },
    get clientIp() {
      return ledger.clientIp;
    },
    follow: (follower) => ledger.follow(follower),
    close: (timeoutMs) => ledger.close(timeoutMs),
    ...changes,
  };
}

function stream(inner: LedgerStream, changes: Partial<LedgerStream>): LedgerStream {
  return {
    put: (subject, text, last) => inner.put(subject, text, last),
    remove: (seq) => inner.remove(seq),
    last: (subject) => inner.last(subject),
    read: (filter, take) => inner.read(filter, take),
    ...changes,
  };
}

/** Whatever is there is written over. */
function heedless(inner: LedgerStream): LedgerStream {
  return stream(inner, {
    async put(subject, text, last) {
      const put = await inner.put(subject, text, last);
      return put.kind === "conflict" ? await inner.put(subject, text, put.last) : put;
    },
  });
}

/** Each of its first reads of what an owner has breaks off. */
function slow(inner: LedgerStream, times: number): LedgerStream {
  let left = times;
  return stream(inner, {
    read: (filter, take) => left-- > 0 ? Promise.resolve(false) : inner.read(filter, take),
  });
}

/** Changes what is inherited. */
function inheriting(change: (reports: readonly KeptReport[]) => readonly KeptReport[]) {
  return (message: ToStore): ToStore =>
    message.kind === "inherited" || message.kind === "found"
      ? { ...message, reports: change(message.reports) }
      : message;
}

/** As `SABOTAGES` has them. */
export const LEDGER_SABOTAGES: Readonly<
  Record<string, readonly [Sabotage, RegExp, seed?: number]>
> = {
  "accepts before the ledger has it": [
    {
      store: (store) =>
        deaf(store, {
          accept(call, done) {
            store.accept(call, () => {});
            done(true);
          },
        }),
    },
    /is accepted, and not in the ledger/,
  ],
  "signs over whatever is there": [
    { ledger: (ledger) => changed(ledger, { owners: heedless(ledger.owners) }) },
    /takes over .* signed/,
  ],
  "delivers what it inherits in the wrong order": [
    { toStore: inheriting((reports) => reports.toReversed()) },
    /is inherited, and told behind/,
  ],
  "inherits nothing": [
    { toStore: (message) => message.kind === "inherited" ? undefined : message },
    /has no outcome|still holds|is still there/,
  ],
  "inherits too late": [
    { ledger: (ledger) => changed(ledger, { entries: slow(ledger.entries, 12) }) },
    /is still there 15000 ms after a loss/,
    141,
  ],
  "gives what it inherits new ids": [
    { toStore: inheriting((reports) => reports.map((each) => ({ ...each, id: `${each.id}0` }))) },
    /outcomes|comes twice/,
    31,
  ],
  "goes on with what is another's": [
    { toStore: (message) => message.kind === "lost" ? undefined : message },
    /which was told that it is another's/,
    420,
  ],
};
