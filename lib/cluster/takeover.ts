/**
 * What others have left, and are to be told of from here: an earlier process, a dead thread, another owner.
 *
 * @module
 */

import type { Found, Store } from "../outbox/store.ts";
import type { Deliveries } from "../report/deliveries.ts";
import type { EarlierClients } from "../report/earlier.ts";
import { CLIENT_LOST } from "../report/report.ts";
import type { CallRecords } from "./call_records.ts";
import type { RequestKeys } from "./request_keys.ts";

/** What takes it over. */
export interface Heir {
  readonly deliveries: Pick<Deliveries, "adopt" | "lost" | "has" | "isClosed">;
  readonly records: Pick<CallRecords, "recovered" | "settle" | "lostTo">;
  readonly keys: Pick<RequestKeys, "recovered">;
}

/**
 * It is known from now on to those who ask; nothing of it is delivered yet.
 *
 * @param reason Why its CALLs have no other outcome.
 */
export function learn({ deliveries, records, keys }: Heir, found: Found, reason: string): void {
  const isNew = ({ id }: { readonly id: string }): boolean => !deliveries.has(id);
  const { calls, reports } = found;
  // Of what is here more is known already.
  records.recovered({ calls: calls.filter(isNew), reports: reports.filter(isNew) }, reason);
  keys.recovered(found);
}

/** What was learned is delivered, each client's in order. @param reason As `learn` has it. */
export function deliver({ deliveries, records }: Heir, found: Found, reason: string): void {
  deliveries.adopt(found, reason, (id, state) => records.settle(id, state));
}

/** Both at once. */
export function takeOver(heir: Heir, found: Found, reason: string): void {
  learn(heir, found, reason);
  deliver(heir, found, reason);
}

/**
 * Has what changes hands from now on taken over, and what is another owner's dropped. Once only, after
 * what the store had found is delivered: so each client's stays in order. It ends with the deliveries.
 *
 * @param earlier Where other threads have reports of the same clients: these wait for what is taken over.
 */
export function followStore(
  store: Pick<Store, "follow">,
  heir: Heir,
  earlier?: Pick<EarlierClients, "expect">,
): void {
  store.follow?.({
    inherited(found) {
      // The store keeps it, for whoever comes next.
      if (heir.deliveries.isClosed) return;
      const all = [...found.reports, ...found.calls];
      const adopted = earlier?.expect(all.map(({ client }) => client.clientId));
      try {
        takeOver(heir, found, CLIENT_LOST);
      } finally {
        adopted?.();
      }
    },
    lost(ids) {
      heir.records.lostTo(ids);
      heir.deliveries.lost(ids);
    },
  });
}
