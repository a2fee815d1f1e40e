import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { clientOf } from "../cluster/bus_contract.ts";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import { metricsBuffer, MetricSet } from "../../lib/metrics/metrics.ts";
import { disconnectReport } from "../../lib/report/report.ts";
import type { DeliveryState } from "../../lib/report/tracked.ts";
import { Bench, HOUR, MINUTE, OK, status, UNREACHABLE } from "./bench.ts";

Deno.test("a report goes out at once under its id, and is over when the backend takes it", () => {
  const bench = new Bench();
  const told: DeliveryState[] = [];
  bench.deliver("CP1", "a", { id: "the id", told: (state) => told.push(state) });
  const { request } = bench.posted[0]!;
  deepStrictEqual([request.path, request.webhookId], ["result/Reset/CP1/a", "the id"]);
  deepStrictEqual(bench.counts, [1, 0]);
  bench.reply(status(299));
  deepStrictEqual(told, ["delivered"]);
  deepStrictEqual(bench.store.told, ["end the id", "delivered the id"]);
  const { outboxPlaces, outboxBytes, requestsStarted, requestsSucceeded } = bench.metrics;
  deepStrictEqual([outboxPlaces.own, outboxBytes.waiting.own, bench.clock.timers], [0, 0, 0]);
  deepStrictEqual([requestsStarted.own, requestsSucceeded.own], [1, 1]);
  strictEqual(bench.deliveries.countOf("CP1"), 0);
});

Deno.test("what the backend does not take is tried again, or parked when it never will", async (t) => {
  const faults = ["timeout", "broken", "unusable", "ambiguous", "overloaded"] as const;
  const rows: [reply: BackendReply, isAgain: boolean][] = [
    ...faults.map((fault): [BackendReply, boolean] => [{ ok: false, fault }, true]),
    ...[408, 425, 429, 500, 501, 502, 503, 504, 599].map(
      (code): [BackendReply, boolean] => [status(code), true],
    ),
    ...[301, 304, 400, 401, 403, 404, 405, 409, 410, 413, 422, 431, 499].map(
      (code): [BackendReply, boolean] => [status(code), false],
    ),
  ];
  for (const [reply, isAgain] of rows) {
    const name = reply.ok ? `status ${reply.status}` : reply.fault;
    await t.step(`${name}: ${isAgain ? "again" : "parked"}`, () => {
      const bench = new Bench();
      const told: DeliveryState[] = [];
      bench.deliver("CP1", "a", { id: "i", told: (state) => told.push(state) });
      bench.reply(reply);
      deepStrictEqual(bench.counts, isAgain ? [1, 0] : [0, 1]);
      strictEqual(bench.log.count("report parked"), isAgain ? 0 : 1);
      strictEqual(bench.metrics.reportsParked.result.own, isAgain ? 0 : 1);
      strictEqual(bench.deliveries.find("i")?.lastFailure, name);
      if (isAgain) {
        bench.clock.tick(399);
        strictEqual(bench.posted.length, 1);
        bench.clock.tick(1);
        strictEqual(bench.posted[1]?.request.webhookId, "i");
        strictEqual(bench.metrics.backendRetries.result.own, 1);
        bench.reply(OK);
        deepStrictEqual([bench.counts, told], [[0, 0], ["delivered"]]);
      } else {
        deepStrictEqual([told, bench.store.told], [["parked"], ["end i", "park i"]]);
        // Its place is free again.
        strictEqual(bench.metrics.outboxPlaces.own, 0);
      }
      bench.deliveries.close();
      strictEqual(bench.clock.timers, 0);
    });
  }
});

Deno.test("one client's reports stay in order, and hold back no other client's", () => {
  const bench = new Bench();
  for (const body of ["a1", "a2", "a3"]) bench.deliver("A", body);
  bench.deliver("B", "b1");
  deepStrictEqual(bench.underWay, ["a1", "b1"]);
  bench.reply(status(500));
  bench.reply(OK);
  bench.deliver("B", "b2");
  deepStrictEqual(bench.underWay, ["b2"]);
  bench.clock.tick(400);
  deepStrictEqual(bench.underWay, ["b2", "a1"]);
  bench.reply(OK, "a1");
  bench.reply(status(404), "a2");
  bench.reply(OK, "a3");
  deepStrictEqual(bench.bodies, ["a1", "b1", "b2", "a1", "a2", "a3"]);
  bench.deliveries.close();
});

Deno.test("a report that is held keeps its turn, and holds back its client's later ones alone", () => {
  for (
    const [end, expected] of [
      ["release", ["a1", "b1", "a2", "a3"]],
      ["withdraw", ["a1", "b1", "a3"]],
    ] as const
  ) {
    const bench = new Bench();
    const told: DeliveryState[] = [];
    bench.deliver("A", "a1");
    const held = bench.hold("A", "a2", { id: "a2", told: (state) => told.push(state) });
    bench.deliver("A", "a3");
    bench.deliver("B", "b1");
    bench.answer = () => OK;
    bench.reply(OK, "a1");
    bench.reply(OK, "b1");
    // Whatever else makes the lane look again.
    ok(bench.deliveries.retry("a2"));
    bench.clock.tick(MINUTE);
    deepStrictEqual([bench.bodies, bench.counts], [["a1", "b1"], [2, 0]]);
    held[end]();
    held[end]();
    deepStrictEqual([bench.bodies, bench.counts], [expected, [0, 0]]);
    // Who follows one that was withdrawn is told elsewhere. In the store nothing is left of either.
    deepStrictEqual(told, end === "release" ? ["delivered"] : []);
    strictEqual(bench.store.told.filter((word) => word === "delivered a2").length, 1);
    strictEqual(bench.metrics.outboxPlaces.own, 0);
    bench.deliveries.close();
    strictEqual(bench.clock.timers, 0);
  }
});

Deno.test("a held report that is set aside holds nothing back, is kept, and may still go or not", () => {
  for (const end of ["release", "withdraw"] as const) {
    const bench = new Bench();
    bench.answer = () => OK;
    const held = bench.hold("A", "a1", { id: "a1" });
    bench.deliver("A", "a2");
    held.setAside();
    held.setAside();
    deepStrictEqual([bench.bodies, bench.counts], [["a2"], [1, 0]]);
    deepStrictEqual(bench.store.told.filter((word) => word.endsWith("a1")), ["end a1"]);
    strictEqual(bench.metrics.outboxPlaces.own, 1);
    held[end]();
    deepStrictEqual(bench.bodies, end === "release" ? ["a2", "a1"] : ["a2"]);
    deepStrictEqual([bench.counts, bench.metrics.outboxPlaces.own], [[0, 0], 0]);
    strictEqual(bench.deliveries.countOf("A"), 0);
    bench.deliveries.close();
  }
});

Deno.test("a held report that was removed or parked meanwhile is let go once", () => {
  for (const isAside of [false, true]) {
    for (const fate of ["removed", "parked"] as const) {
      const bench = new Bench();
      bench.answer = () => OK;
      const held = bench.hold("A", "a1", { id: "a1" });
      if (isAside) held.setAside();
      if (fate === "removed") ok(bench.deliveries.remove("a1"));
      else bench.clock.tick(73 * HOUR);
      deepStrictEqual(bench.counts, fate === "removed" ? [0, 0] : [0, 1]);
      bench.deliver("A", "a2");
      held.release();
      held.withdraw();
      deepStrictEqual([bench.bodies, bench.metrics.outboxPlaces.own], [["a2"], 0]);
      bench.deliveries.close();
    }
  }
});

Deno.test("a lane's pauses grow by three up to 30 s, and begin anew with the next report", () => {
  const bench = new Bench();
  bench.answer = ({ body }) => body === "a" ? { ok: false, fault: "timeout" } : OK;
  bench.deliver("A", "a", { id: "a" });
  bench.clock.tick(80_000);
  const times = bench.posted.map(({ at }) => at);
  const gaps = times.slice(1).map((at, i) => at - times[i]!);
  deepStrictEqual(gaps, [400, 1200, 3600, 10_800, 30_000, 30_000]);
  bench.deliver("A", "b");
  bench.answer = ({ body }) => body === "a" ? OK : status(503);
  bench.clock.tick(31_000);
  const [first, second] = bench.posted.filter(({ body }) => body === "b");
  strictEqual(second!.at - first!.at, 400);
  bench.deliveries.close();
});

Deno.test("Retry-After is honoured for five minutes at most, in its lane alone", async (t) => {
  const rows: [header: string | undefined, ms: number][] = [
    ["7", 7000],
    // Dates count from the wall clock, which stood at 2026-01-01 when the test began.
    ["Thu, 01 Jan 2026 00:01:00 GMT", 60_000],
    ["86400", 5 * MINUTE],
    ["99999999999999999999", 5 * MINUTE],
    ["0", 400],
    ["soon", 400],
    [undefined, 400],
  ];
  for (const [header, ms] of rows) {
    await t.step(`${header}: ${ms} ms`, () => {
      const bench = new Bench();
      bench.deliver("A", "a");
      bench.reply(status(429, header));
      bench.deliver("B", "b");
      deepStrictEqual(bench.underWay, ["b"]);
      bench.reply(OK);
      bench.clock.tick(ms - 1);
      deepStrictEqual(bench.underWay, []);
      bench.clock.tick(1);
      deepStrictEqual(bench.underWay, ["a"]);
      bench.deliveries.close();
    });
  }
});

Deno.test("a head that is answered badly ten times and for 15 minutes is parked, and the lane goes on", () => {
  const bench = new Bench();
  bench.answer = ({ body }) => body === "a" ? status(500) : OK;
  bench.deliver("A", "a", { id: "a" });
  bench.deliver("A", "b");
  bench.clock.tick(15 * MINUTE - 1);
  const tries = bench.posted.length;
  ok(tries > 10);
  deepStrictEqual(bench.counts, [2, 0]);
  bench.clock.tick(31_000);
  deepStrictEqual([bench.counts, bench.bodies.at(-1)], [[0, 1], "b"]);
  const { state, lastFailure } = bench.deliveries.find("a")!;
  deepStrictEqual([state, lastFailure], ["parked", "status 500"]);
  bench.deliveries.close();
});

Deno.test("a head that is never answered is tried until it is too old", () => {
  const bench = new Bench({ reportTtlMs: HOUR });
  bench.answer = ({ body }) => body === "a" ? { ok: false, fault: "broken" } : OK;
  bench.deliver("A", "a", { id: "a" });
  bench.clock.tick(HOUR - 1000);
  deepStrictEqual(bench.counts, [1, 0]);
  bench.deliver("A", "b");
  bench.clock.tick(2000);
  deepStrictEqual([bench.counts, bench.bodies.at(-1)], [[0, 1], "b"]);
  strictEqual(bench.log.count("report parked"), 1);
  // Parked ones are forgotten after as long once more.
  bench.clock.tick(HOUR - 5000);
  deepStrictEqual(bench.counts, [0, 1]);
  bench.clock.tick(6000);
  deepStrictEqual([bench.counts, bench.store.told.at(-1)], [[0, 0], "delivered a"]);
  strictEqual(bench.metrics.reportsLost.result.own, 1);
  bench.clock.tick(2000);
  strictEqual(bench.clock.timers, 0);
});

Deno.test("a wall clock that jumps changes no age", () => {
  const bench = new Bench({ reportTtlMs: HOUR });
  bench.answer = () => ({ ok: false, fault: "broken" });
  bench.deliver("A", "a");
  bench.clock.wallNow = () => Date.UTC(2036, 0, 1);
  bench.clock.tick(30 * MINUTE);
  deepStrictEqual(bench.counts, [1, 0]);
  bench.deliveries.close();
});

Deno.test("places: taken at acceptance, kept until delivered or parked, given back otherwise", () => {
  const bench = new Bench({ maxReports: 3 });
  const { deliveries, store } = bench;
  const accept = (id: string): string => {
    let said = "nothing";
    const call = { id, client: clientOf("A"), action: "Reset", messageId: id, trace: undefined };
    deliveries.accept({ ...call, acceptedAt: 0 }, (reserved) => said = reserved);
    return said;
  };
  deepStrictEqual(["1", "2", "3", "4"].map(accept), ["kept", "kept", "kept", "no_room"]);
  deliveries.giveUp("3");
  store.isKept = false;
  deepStrictEqual([accept("5"), accept("6")], ["not_kept", "not_kept"]);
  store.isKept = true;
  strictEqual(accept("7"), "kept");
  deepStrictEqual(store.told, [
    ...["accept 1", "accept 2", "accept 3", "delivered 3", "accept 5", "accept 6", "accept 7"],
  ]);
  bench.deliver("A", "1", { id: "1", hasPlace: true });
  strictEqual(accept("8"), "no_room");
  bench.reply(status(404));
  strictEqual(accept("9"), "kept");
  // Retried by hand it may exceed the bound.
  strictEqual(deliveries.retry("1"), true);
  strictEqual(bench.metrics.outboxPlaces.own, 4);
  deliveries.close();
});

Deno.test("places: CALLRESULTERRORs have as many of their own, disconnects no bound", () => {
  const bench = new Bench({ maxReports: 2, maxQueue: 2 });
  const { deliveries } = bench;
  for (const client of ["A", "B"]) {
    strictEqual(deliveries.roomForResultError(client), "room");
    bench.deliver(client, "r", {}, "resulterror");
  }
  strictEqual(deliveries.roomForResultError("C"), "all_full");
  for (let i = 0; i < 5; i++) deliveries.deliver(clientOf("D"), disconnectReport(1000, ""));
  deepStrictEqual([deliveries.disconnects, bench.metrics.outboxPlaces.own], [5, 0]);
  bench.replyAll(OK);
  // One is under way, and three wait.
  strictEqual(deliveries.roomForResultError("D"), "client_full");
  strictEqual(deliveries.roomForResultError("A"), "room");
});

Deno.test("who seeks room for a report is told once there is some", () => {
  const bench = new Bench({ maxQueue: 1 });
  let told = 0;
  const seeker = { roomForReport: () => told++ };
  for (const body of ["1", "2"]) bench.deliver("A", body);
  strictEqual(bench.deliveries.hasRoom("A", seeker), false);
  strictEqual(bench.deliveries.hasRoom("B", seeker), true);
  bench.reply(OK);
  strictEqual(told, 1);
  bench.deliver("A", "3");
  strictEqual(bench.deliveries.hasRoom("A", seeker), false);
  bench.deliveries.forgetSeeker("A", seeker);
  bench.reply(OK);
  strictEqual(told, 1);
});

Deno.test("bodies of 256 MiB leave no room for CALLs, also of other clients, until some are delivered", () => {
  const bench = new Bench();
  let told = 0;
  const seeker = { roomForReport: () => told++ };
  const body = "x".repeat(64 * 1024 ** 2);
  for (const client of ["A", "B", "C", "D"]) {
    strictEqual(bench.deliveries.hasRoom("E", seeker), true);
    bench.deliver(client, body);
  }
  strictEqual(bench.deliveries.hasRoom("E", seeker), false);
  const call = { id: "i", client: clientOf("E"), action: "A", messageId: "m", trace: undefined };
  let said = "";
  bench.deliveries.accept({ ...call, acceptedAt: 0 }, (reserved) => said = reserved);
  strictEqual(said, "no_room");
  strictEqual(told, 0);
  bench.reply(OK);
  strictEqual(told, 1);
  bench.deliveries.close();
});

Deno.test("what is parked is bounded: the oldest is forgotten", () => {
  const bench = new Bench({ maxReports: 3 });
  bench.answer = () => status(400);
  for (const body of ["1", "2", "3", "4", "5"]) bench.deliver("A", body, { id: body });
  const { total, reports } = bench.deliveries.list({ state: "parked", limit: 10 });
  deepStrictEqual([total, reports.map(({ id }) => id)], [3, ["3", "4", "5"]]);
  strictEqual(bench.metrics.reportsLost.result.own, 2);
  bench.deliveries.close();
});

Deno.test("of what several threads have parked each forgets no more than what is beyond its share", () => {
  const buffer = metricsBuffer(["ocpp1.6"], 2);
  const [a, b] = [0, 1].map((row) => {
    const { metrics } = new MetricSet(["ocpp1.6"], buffer, row);
    const bench = new Bench({ maxReports: 4, threads: 2, metrics });
    bench.answer = () => status(400);
    return bench;
  });
  const parked = (bench: Bench) =>
    bench.deliveries.list({ state: "parked", limit: 10 }).reports.map(({ body }) => body);
  for (const body of ["1", "2", "3", "4"]) a!.deliver("A", body);
  for (const body of ["5", "6", "7"]) b!.deliver("B", body);
  // The newest are kept, and the other one forgets its oldest a moment later.
  deepStrictEqual([parked(a!), parked(b!)], [["1", "2", "3", "4"], ["6", "7"]]);
  a!.clock.tick(1000);
  deepStrictEqual([parked(a!), parked(b!)], [["3", "4"], ["6", "7"]]);
  for (const bench of [a, b]) bench!.deliveries.close();
});

Deno.test("parked ones that are tried again take no more places than there are", () => {
  const bench = new Bench({ maxReports: 3 });
  bench.answer = () => status(400);
  for (const body of ["1", "2", "3"]) bench.deliver("A", body);
  bench.answer = undefined;
  bench.deliver("B", "b");
  strictEqual(bench.deliveries.retryParked(), 2);
  deepStrictEqual(bench.counts, [3, 1]);
  strictEqual(bench.metrics.outboxPlaces.own, 3);
  strictEqual(bench.deliveries.retryParked(), 0);
  bench.replyAll(OK);
  bench.replyAll(OK);
  strictEqual(bench.deliveries.retryParked(), 1);
  bench.replyAll(OK);
  deepStrictEqual(bench.counts, [0, 0]);
  bench.deliveries.close();
});

Deno.test("a report that nobody can send is parked, and the next one goes", () => {
  const bench = new Bench();
  bench.deliveries.deliver(clientOf("\ud800"), disconnectReport(1000, ""), { id: "bad" });
  bench.deliver("A", "a");
  deepStrictEqual([bench.bodies, bench.deliveries.find("bad")?.state], [["a"], "parked"]);
  bench.deliveries.close();
});

Deno.test("two reports under one id are two reports", () => {
  const bench = new Bench();
  for (const body of ["a", "b"]) bench.deliver("A", body, { id: "same" });
  bench.reply(OK);
  bench.reply(OK);
  deepStrictEqual(bench.bodies, ["a", "b"]);
  deepStrictEqual(bench.counts, [0, 0]);
});

Deno.test("a reply that comes at once goes no deeper with each report", () => {
  const bench = new Bench();
  bench.deliver("A", "first");
  for (let i = 0; i < 20_000; i++) bench.deliver("A", "more");
  bench.answer = () => OK;
  bench.reply(OK);
  deepStrictEqual([bench.posted.length, bench.counts], [20_001, [0, 0]]);
});

Deno.test("operators list, find, retry and remove", async (t) => {
  function benchOf(): Bench {
    const bench = new Bench();
    for (const body of ["a", "b", "c"]) bench.deliver("A", body, { id: body });
    bench.reply(status(400), "a");
    bench.deliver("B", "d", { id: "d" });
    return bench;
  }
  await t.step("a list is sorted, has pages, and can be narrowed", () => {
    const { deliveries } = benchOf();
    const ids = (query: object): string[] =>
      deliveries.list({ limit: 10, ...query }).reports.map(({ id }) => id);
    deepStrictEqual(ids({}), ["a", "b", "c", "d"]);
    deepStrictEqual(ids({ state: "parked" }), ["a"]);
    deepStrictEqual(ids({ state: "waiting" }), ["b", "c", "d"]);
    deepStrictEqual(ids({ client: "B" }), ["d"]);
    deepStrictEqual(ids({ after: "a", limit: 2 }), ["b", "c"]);
    strictEqual(deliveries.list({ limit: 1, after: "c" }).total, 4);
    deepStrictEqual(deliveries.find("a"), {
      ...{ id: "a", state: "parked", kind: "result", client: "A", action: "Reset" },
      ...{ messageId: "a", body: "a", since: Date.UTC(2026, 0, 1), tries: 1 },
      lastFailure: "status 400",
    });
    strictEqual(deliveries.find("x"), undefined);
    deliveries.close();
  });
  await t.step("a parked one is tried again behind its client's others, as if new", () => {
    const bench = benchOf();
    strictEqual(bench.deliveries.retry("a"), true);
    strictEqual(bench.deliveries.retry("x"), false);
    deepStrictEqual(bench.deliveries.find("a")?.tries, 0);
    bench.answer = () => OK;
    bench.replyAll(OK);
    deepStrictEqual(bench.bodies, ["a", "b", "d", "c", "a"]);
    ok(bench.store.told.includes("unpark a"));
    bench.deliveries.close();
  });
  await t.step("all parked ones, or those from a time on", () => {
    const bench = new Bench();
    bench.answer = () => status(400);
    bench.deliver("A", "a");
    bench.clock.tick(1000);
    bench.deliver("B", "b");
    bench.answer = () => OK;
    strictEqual(bench.deliveries.retryParked(Date.UTC(2026, 0, 1) + 1), 1);
    deepStrictEqual([bench.bodies.at(-1), bench.counts], ["b", [0, 1]]);
    strictEqual(bench.deliveries.retryParked(), 1);
    deepStrictEqual(bench.counts, [0, 0]);
    bench.deliveries.close();
  });
  await t.step("of one that waits the lane is tried now", () => {
    const bench = new Bench();
    bench.deliver("A", "a");
    bench.deliver("A", "b", { id: "b" });
    bench.reply(status(503, "300"));
    deepStrictEqual(bench.underWay, []);
    strictEqual(bench.deliveries.retry("b"), true);
    deepStrictEqual(bench.underWay, ["a"]);
    bench.deliveries.close();
  });
  await t.step("one that is under way is removed after its try", () => {
    for (const reply of [OK, status(500), status(400), UNREACHABLE]) {
      const bench = benchOf();
      strictEqual(bench.deliveries.remove("b"), true);
      deepStrictEqual([bench.deliveries.find("b"), bench.deliveries.remove("b")], [
        undefined,
        false,
      ]);
      deepStrictEqual(bench.counts, [3, 1]);
      bench.reply(reply, "b");
      deepStrictEqual(bench.counts, [2, 1]);
      ok(bench.store.told.includes("delivered b"));
      bench.deliveries.close();
    }
  });
  await t.step("one that waits, and one that is parked", () => {
    const bench = benchOf();
    deepStrictEqual(["a", "c", "x"].map((id) => bench.deliveries.remove(id)), [true, true, false]);
    deepStrictEqual(bench.counts, [2, 0]);
    bench.answer = () => OK;
    bench.replyAll(OK);
    deepStrictEqual(bench.bodies, ["a", "b", "d"]);
  });
  await t.step("the head of a lane in a pause: the next one goes at once", () => {
    const bench = new Bench();
    for (const body of ["a", "b"]) bench.deliver("A", body, { id: body });
    bench.reply(status(500));
    bench.deliveries.remove("a");
    deepStrictEqual(bench.underWay, ["b"]);
    bench.reply(OK);
    strictEqual(bench.deliveries.countOf("A"), 0);
    bench.deliveries.close();
    strictEqual(bench.clock.timers, 0);
  });
});

Deno.test("a store that answers later: nothing is accepted before, and a refusal gives the place back", () => {
  const bench = new Bench({ maxReports: 2 });
  bench.store.isKept = undefined;
  const said: string[] = [];
  for (const id of ["1", "2", "3"]) {
    const call = { id, client: clientOf("A"), action: "Reset", messageId: id, trace: undefined };
    bench.deliveries.accept({ ...call, acceptedAt: 0 }, (reserved) => said.push(id + reserved));
  }
  deepStrictEqual(said, ["3no_room"]);
  bench.store.asked[0]!(true);
  bench.store.asked[1]!(false);
  deepStrictEqual(said, ["3no_room", "1kept", "2not_kept"]);
  strictEqual(bench.metrics.outboxPlaces.own, 1);
});

Deno.test("what fails when all has ended leaves no timer and no further try", async (t) => {
  for (const reply of [UNREACHABLE, status(503), { ok: false, fault: "broken" } as const]) {
    await t.step(reply.ok ? "status 503" : reply.fault, () => {
      const bench = new Bench();
      bench.deliver("A", "a1");
      bench.deliver("A", "a2");
      bench.deliveries.close();
      bench.reply(reply);
      deepStrictEqual([bench.clock.timers, bench.bodies, bench.counts], [0, ["a1"], [2, 0]]);
      strictEqual(bench.log.count("report not taken, tried again"), 0);
    });
  }
});
