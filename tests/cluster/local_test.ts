import { deepStrictEqual } from "node:assert/strict";
import { ConnectionMap } from "../../lib/client/map.ts";
import { RecentEnds } from "../../lib/client/recent_ends.ts";
import type { Connection } from "../../lib/client/connection.ts";
import { noWitness } from "../../lib/cluster/alone.ts";
import { CallRecords } from "../../lib/cluster/call_records.ts";
import { LocalClients } from "../../lib/cluster/local.ts";
import { Backlog } from "../../lib/queue/backlog.ts";
import { Bench, OK, status } from "../report/bench.ts";
import { idOf, Ids, knowingNothing } from "../support/retention.ts";
import { clientOf } from "./bus_contract.ts";

/** One without clients. */
function localOf({ clock, deliveries, metrics }: Bench): LocalClients {
  const ids = new Ids();
  const bounds = { retentionMs: 60_000, maxRecords: 10, maxBytes: 1e6 };
  return new LocalClients({
    ...{ clock, deliveries, ids, keys: knowingNothing(clock).keys, witness: noWitness },
    records: new CallRecords({ clock, ids, ...bounds, callTimeoutText: "30s" }),
    connections: new ConnectionMap<Connection>(),
    ends: new RecentEnds(clock),
    backlog: new Backlog(10, 1e6, { count: metrics.waiting, chars: metrics.waitingChars }),
    apiCallSeconds: metrics.apiCallSeconds,
    isShuttingDown: () => false,
  });
}

Deno.test("whoever asks for a CALL whose instance went is told how far the report of that got", async (t) => {
  const rows = [["its own id", idOf(100)], ["no id, of an older version", undefined]] as const;
  for (const [name, id] of rows) {
    await t.step(name, async () => {
      const bench = new Bench();
      const local = localOf(bench);
      const call = { action: "Reset", messageId: "1", trace: undefined, id };
      local.lost(clientOf("CP1"), call);
      const known = async () =>
        await local.answerTo<"call">({
          kind: "call",
          action: "Reset",
          clientId: "CP1",
          messageId: "1",
        });
      const { webhookId } = bench.posted[0]!.request;
      const first = await known();
      deepStrictEqual([first?.id, first?.delivery], [webhookId, "waiting"]);
      bench.reply(status(400));
      deepStrictEqual((await known())?.delivery, "parked");
      bench.deliveries.retry(webhookId!);
      bench.reply(OK);
      deepStrictEqual((await known())?.delivery, "delivered");
      bench.deliveries.close();
    });
  }
});
