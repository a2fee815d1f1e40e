import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { CallRecords } from "../../lib/cluster/call_records.ts";
import { RequestKeys } from "../../lib/cluster/request_keys.ts";
import { deliver, followStore, type Heir, learn } from "../../lib/cluster/takeover.ts";
import type { AcceptedCall, KeptReport } from "../../lib/outbox/entry.ts";
import { Bench, ChangingStore, OK, outcome, status } from "../report/bench.ts";
import { Ids } from "../support/retention.ts";
import { clientOf } from "./bus_contract.ts";

const client = clientOf("CP1");

/** All that takes over, and a store that says what there is. */
class Setup {
  readonly store = new ChangingStore();
  readonly bench = new Bench({ store: this.store });
  readonly heir: Heir & { readonly records: CallRecords; readonly keys: RequestKeys };

  constructor() {
    const { clock, deliveries } = this.bench;
    const bounds = { clock, ids: new Ids(), retentionMs: 60_000, maxBytes: 1e6 };
    this.heir = {
      deliveries,
      records: new CallRecords({ ...bounds, maxRecords: 10, callTimeoutText: "30s" }),
      keys: new RequestKeys({ ...bounds, maxKeys: 10 }),
    };
  }

  /** What is known of the CALL with this messageId. */
  known(messageId: string) {
    const found = this.heir.records.find({ action: "Reset", clientId: "CP1", messageId });
    return found === null ? null : [found.outcome?.kind, found.delivery];
  }
}

function call(id: string): AcceptedCall {
  const key = { key: `key ${id}`, fingerprint: "f" };
  return { id, client, action: "Reset", messageId: id, trace: undefined, acceptedAt: 0, key };
}

function report(id: string): KeptReport {
  return { id, client, report: outcome(id), since: 0 };
}

Deno.test("what was found at the start is known before it is delivered, and what is inherited follows it", () => {
  const setup = new Setup();
  const { store, bench, heir } = setup;
  const found = { calls: [call("2")], reports: [report("1")] };
  learn(heir, found, "the gateway was restarted");
  const known = (id: string) => setup.known(id);
  deepStrictEqual([known("1"), known("2")], [["result", "waiting"], ["error", "waiting"]]);
  deepStrictEqual([bench.posted, store.told], [[], []]);
  deliver(heir, found, "the gateway was restarted");
  followStore(store, heir);
  store.follower?.inherited({ calls: [call("4")], reports: [report("3")] });
  deepStrictEqual([known("3"), known("4")], [["result", "waiting"], ["error", "waiting"]]);
  const answer = heir.keys.claim({ key: "key 4", fingerprint: "f" });
  strictEqual(answer !== "full" && "state" in answer && answer.state, "decided");
  bench.answer = ({ body }) => body.includes("restarted") ? status(400) : OK;
  bench.reply(OK);
  deepStrictEqual(bench.posted.map(({ request }) => request.webhookId), ["1", "2", "3", "4"]);
  deepStrictEqual(
    [bench.bodies[1], bench.bodies[3]].map((body) => JSON.parse(body!).description),
    ["the gateway was restarted", "the gateway lost the client"],
  );
  const ends = ["1", "2", "3", "4"].map((id) => known(id)?.[1]);
  deepStrictEqual(ends, ["delivered", "parked", "delivered", "delivered"]);
  bench.deliveries.close();
});

Deno.test("what is inherited twice, or is here already, goes once and is told of as it was", () => {
  const setup = new Setup();
  const { store, bench, heir } = setup;
  followStore(store, heir);
  const found = { calls: [call("2")], reports: [report("1")] };
  store.follower?.inherited(found);
  bench.reply(status(400));
  store.follower?.inherited(found);
  deepStrictEqual([setup.known("1"), bench.counts], [["result", "parked"], [1, 1]]);
  bench.reply(OK);
  deepStrictEqual([setup.known("2"), bench.counts], [["error", "delivered"], [0, 1]]);
  strictEqual(bench.log.count("reports recovered"), 1);
  bench.deliveries.close();
});

Deno.test("of what is lost nothing is delivered and nothing is known; its key stays bound", () => {
  const setup = new Setup();
  const { store, bench, heir } = setup;
  followStore(store, heir);
  store.follower?.inherited({ calls: [call("2")], reports: [report("1")] });
  const known = store.told.length;
  store.follower?.lost(["1", "2"]);
  bench.reply(OK);
  bench.clock.tick(1000);
  deepStrictEqual([bench.bodies, bench.counts], [["1"], [0, 0]]);
  deepStrictEqual([setup.known("1"), setup.known("2"), heir.records.size], [null, null, 0]);
  deepStrictEqual(store.told.slice(known), []);
  const answer = heir.keys.claim({ key: "key 2", fingerprint: "f" });
  strictEqual(answer !== "full" && "state" in answer && answer.state, "decided");
  heir.keys.close();
  heir.records.close();
  strictEqual(bench.clock.timers, 0);
});

Deno.test("when all has ended what is inherited is left to whoever comes next", () => {
  const setup = new Setup();
  const { store, bench, heir } = setup;
  followStore(store, heir);
  bench.deliveries.close();
  store.follower?.inherited({ calls: [call("2")], reports: [report("1")] });
  deepStrictEqual([bench.posted, store.told, bench.counts], [[], [], [0, 0]]);
  deepStrictEqual([heir.records.size, heir.keys.size, bench.clock.timers], [0, 0, 0]);
});

Deno.test("other threads hold a client's reports back before what is inherited of it goes", () => {
  const setup = new Setup();
  const { store, bench, heir } = setup;
  const seen: string[] = [];
  followStore(store, heir, {
    expect(clientIds) {
      seen.push(`${[...clientIds].join()} with ${bench.posted.length} posted`);
      return () => seen.push(`met with ${bench.posted.length} posted`);
    },
  });
  store.follower?.inherited({ calls: [call("2")], reports: [report("1")] });
  deepStrictEqual(seen, ["CP1,CP1 with 0 posted", "met with 1 posted"]);
  bench.deliveries.close();
});
