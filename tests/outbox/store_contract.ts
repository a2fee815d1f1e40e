/**
 * What every store does, whatever it keeps things in.
 *
 * @module
 */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Outbox } from "../../lib/outbox/outbox.ts";
import type { Found, Store } from "../../lib/outbox/store.ts";
import { inTime } from "../support/deadline.ts";
import { accept, call, clientOf, disconnect, outcomeOf } from "./entries.ts";

/** An outbox that can be opened again, as a process does that is started again. */
export interface OutboxUnderTest extends AsyncDisposable {
  /** Opens it. One that is open must be closed or dropped before. */
  open(): Promise<Outbox>;
  /** The process of the open one is killed. */
  kill(): Promise<void>;
  /** The store of a worker that is attached. */
  worker(port: MessagePort | undefined): Store;
  /** Whether anything outlives the process. */
  readonly isDurable: boolean;
}

const PARKED = { at: 1_790_000_001_000, failure: "status 400", tries: 3 };
const NOTHING: Found = { calls: [], reports: [] };

/** Registers the suite. @param register Registers one test. */
export function testStore(
  name: string,
  begin: () => OutboxUnderTest,
  register: (name: string, run: () => Promise<void>) => void = (name, run) => Deno.test(name, run),
): void {
  function test(what: string, run: (under: OutboxUnderTest) => Promise<void>): void {
    register(`${name}: ${what}`, async () => {
      await using under = begin();
      await run(under);
    });
  }

  /** What is found by the next process. */
  async function foundAfter(under: OutboxUnderTest, outbox: Outbox): Promise<Found> {
    await inTime(outbox.close(), "the close");
    const next = await under.open();
    const found = await next.store.recover();
    await next.close();
    return found;
  }

  test("an accepted CALL is kept, and acknowledged once", async (under) => {
    const outbox = await under.open();
    let count = 0;
    const accepted = call("1");
    await new Promise<void>((resolve) =>
      outbox.store.accept(accepted, (isKept) => {
        strictEqual(isKept, true);
        count++;
        resolve();
      })
    );
    const found = await foundAfter(under, outbox);
    strictEqual(count, 1);
    deepStrictEqual(found, under.isDurable ? { calls: [accepted], reports: [] } : NOTHING);
  });

  test("what is found is as it was told, to the last character", async (under) => {
    const outbox = await under.open();
    const { store } = outbox;
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const full = call("m/é 😀", {
      trace: { traceparent, tracestate: "a=b" },
      key: { key: "k", fingerprint: "f".repeat(64) },
      client: { ...clientOf(), protocol: null },
    });
    const bare = call("2", { trace: { traceparent }, id: "no UUID, but a name", key: undefined });
    const [ended, parked] = [call("3"), call("4")];
    for (const each of [full, bare, ended, parked]) strictEqual(await accept(store, each), true);
    const body = `{"a":"${"é☃😀\\u0000".repeat(50_000)}","n":12345678901234567890}`;
    const reports = [
      outcomeOf(ended, body),
      { ...outcomeOf(parked), parked: PARKED },
      disconnect(),
      outcomeOf(call("5"), "{}", "error"),
      outcomeOf(call("6"), "{}", "resulterror"),
    ];
    for (const report of reports) store.end(report);
    const found = await foundAfter(under, outbox);
    deepStrictEqual(found, under.isDurable ? { calls: [full, bare], reports } : NOTHING);
  });

  test("the key of a CALL is found with its outcome too", async (under) => {
    const outbox = await under.open();
    const key = { key: "k", fingerprint: "f" };
    const [ended, parked] = [call("1", { key }), call("2", { key })];
    for (const each of [ended, parked]) strictEqual(await accept(outbox.store, each), true);
    outbox.store.end(outcomeOf(ended));
    outbox.store.end({ ...outcomeOf(parked), parked: PARKED });
    const { reports } = await foundAfter(under, outbox);
    deepStrictEqual(reports.map((report) => report.key), under.isDurable ? [key, key] : []);
  });

  test("nothing is found of what was delivered", async (under) => {
    const outbox = await under.open();
    const { store } = outbox;
    const [one, other] = [call("1"), call("2")];
    strictEqual(await accept(store, one), true);
    strictEqual(await accept(store, other), true);
    store.end(outcomeOf(one));
    store.delivered(one.id);
    store.delivered(other.id);
    const own = disconnect();
    store.end(own);
    store.delivered(own.id);
    store.delivered("never heard of");
    store.park("never heard of", PARKED);
    deepStrictEqual(await foundAfter(under, outbox), NOTHING);
  });

  test("a CALL that is accepted and struck before it was acknowledged is acknowledged", async (under) => {
    const outbox = await under.open();
    const accepted = call("1");
    const kept = accept(outbox.store, accepted);
    outbox.store.delivered(accepted.id);
    strictEqual(await kept, true);
    deepStrictEqual(await foundAfter(under, outbox), NOTHING);
  });

  test("a report is parked, and not parked any more", async (under) => {
    const outbox = await under.open();
    const { store } = outbox;
    const reports = [1, 2, 3].map(() => disconnect());
    for (const report of reports) store.end(report);
    // A group of its own.
    strictEqual(await accept(store, call("1")), true);
    const [, second, third] = reports;
    store.park(second!.id, PARKED);
    store.park(third!.id, PARKED);
    store.park(third!.id, undefined);
    const { reports: found } = await foundAfter(under, outbox);
    deepStrictEqual(
      found,
      under.isDurable
        ? reports.map((each) => each === second ? { ...each, parked: PARKED } : each)
        : [],
    );
  });

  test("reports are found in the order in which they came to be, not in that of their CALLs", async (under) => {
    const outbox = await under.open();
    const { store } = outbox;
    const calls = Array.from({ length: 20 }, (_, i) => call(`${i}`));
    for (const each of calls) strictEqual(await accept(store, each), true);
    const ended = calls.slice(5).reverse();
    for (const each of ended) store.end(outcomeOf(each));
    const found = await foundAfter(under, outbox);
    if (!under.isDurable) return deepStrictEqual(found, NOTHING);
    deepStrictEqual(found.calls, calls.slice(0, 5));
    deepStrictEqual(found.reports.map(({ id }) => id), ended.map(({ id }) => id));
  });

  test("a report of one id takes the place of an older one", async (under) => {
    const outbox = await under.open();
    const report = disconnect();
    outbox.store.end(report);
    strictEqual(await accept(outbox.store, call("1", { id: "1" })), true);
    const newer = { ...report, report: { kind: "disconnect", body: "{}" } } as const;
    outbox.store.end(newer);
    const { reports } = await foundAfter(under, outbox);
    deepStrictEqual(reports, under.isDurable ? [newer] : []);
  });

  test("what is found is found once", async (under) => {
    let outbox = await under.open();
    strictEqual(await accept(outbox.store, call("1")), true);
    await outbox.close();
    outbox = await under.open();
    const first = await outbox.store.recover();
    strictEqual(first.calls.length, under.isDurable ? 1 : 0);
    deepStrictEqual(await outbox.store.recover(), NOTHING);
    // It was neither ended nor delivered: the next process finds it too.
    deepStrictEqual(await foundAfter(under, outbox), first);
  });

  test("many CALLs at once are all kept", async (under) => {
    const outbox = await under.open();
    const calls = Array.from({ length: 5000 }, (_, i) => call(`${i}`));
    const kept = await Promise.all(calls.map((each) => accept(outbox.store, each)));
    strictEqual(kept.every((isKept) => isKept), true);
    const { calls: found } = await foundAfter(under, outbox);
    deepStrictEqual(
      found.map(({ messageId }) => messageId),
      under.isDurable ? calls.map(({ messageId }) => messageId) : [],
    );
  });

  test("what a worker left is found when it has died, each life for itself", async (under) => {
    const outbox = await under.open();
    const [first, second] = [outbox.attach(), outbox.attach()];
    const [dying, living] = [under.worker(first.port), under.worker(second.port)];
    const [dead, alive, own] = [call("dead"), call("alive"), call("own")];
    strictEqual(await accept(dying, dead), true);
    strictEqual(await accept(living, alive), true);
    strictEqual(await accept(outbox.store, own), true);
    const last = Array.from({ length: 500 }, () => disconnect());
    for (const report of last) dying.end(report);
    // As a dying thread does: it hands over and is no more.
    (dying as unknown as { leave(): void }).leave();
    const found = await inTime(outbox.recover(first.owner), "what the dead one left");
    deepStrictEqual(found, under.isDurable ? { calls: [dead], reports: last } : NOTHING);
    deepStrictEqual(await outbox.recover(first.owner), NOTHING);
    await living.close();
    await foundAfter(under, outbox);
  });

  test("what a dead worker had of an earlier process is found again", async (under) => {
    let outbox = await under.open();
    const accepted = call("1");
    strictEqual(await accept(outbox.store, accepted), true);
    await outbox.close();
    outbox = await under.open();
    const { owner, port } = outbox.attach();
    const worker = under.worker(port);
    const expected = under.isDurable ? { calls: [accepted], reports: [] } : NOTHING;
    deepStrictEqual(await worker.recover(), expected);
    deepStrictEqual(await outbox.store.recover(), NOTHING);
    (worker as unknown as { leave(): void }).leave();
    deepStrictEqual(await outbox.recover(owner), expected);
    await outbox.close();
  });

  test("what a dead worker left is not what a worker of an earlier process left", async (under) => {
    let outbox = await under.open();
    const earlier = under.worker(outbox.attach().port);
    strictEqual(await accept(earlier, call("earlier")), true);
    await earlier.close();
    await outbox.close();
    outbox = await under.open();
    const { owner, port } = outbox.attach();
    const worker = under.worker(port);
    const own = call("own");
    strictEqual(await accept(worker, own), true);
    await worker.close();
    deepStrictEqual(
      await outbox.recover(owner),
      under.isDurable ? { calls: [own], reports: [] } : NOTHING,
    );
    await outbox.close();
  });

  test("what was acknowledged outlives a killed process", async (under) => {
    if (!under.isDurable) return;
    const outbox = await under.open();
    const calls = Array.from({ length: 50 }, (_, i) => call(`${i}`));
    for (const each of calls) strictEqual(await accept(outbox.store, each), true);
    await under.kill();
    const next = await under.open();
    const found = await next.store.recover();
    deepStrictEqual(found.calls, calls);
    await next.close();
  });

  test("after its close it takes nothing, and says so", async (under) => {
    const outbox = await under.open();
    await outbox.close();
    const { store } = outbox;
    strictEqual(await accept(store, call("1")), !under.isDurable);
    store.end(disconnect());
    store.delivered("1");
    store.park("1", undefined);
    deepStrictEqual(await store.recover(), NOTHING);
    await store.close();
  });
}
