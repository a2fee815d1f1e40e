import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import { MetricSet } from "../../lib/metrics/metrics.ts";
import type { AcceptedCall, KeptReport } from "../../lib/outbox/entry.ts";
import type { HeldReport, Reserved } from "../../lib/report/deliveries.ts";
import { EarlierReports } from "../../lib/report/earlier.ts";
import type { DeliveryState } from "../../lib/report/tracked.ts";
import { clientOf } from "../cluster/bus_contract.ts";
import { runs } from "../support/runs.ts";
import { Bench, type BenchOptions, ChangingStore, HOUR, OK, outcome, status } from "./bench.ts";
import { UNREACHABLE } from "./bench.ts";

/** Deliveries whose store may say that another owner has something. */
class Setup extends Bench {
  readonly #metricSet: MetricSet;
  /** What followers were told, as `<id> <state>`. */
  readonly told: string[] = [];

  constructor(options: BenchOptions = {}) {
    const metricSet = new MetricSet(["ocpp1.6"]);
    super({ store: new ChangingStore(), metrics: metricSet.metrics, ...options });
    this.#metricSet = metricSet;
  }

  following(id: string, hasPlace = false) {
    const told = (state: DeliveryState): void => void this.told.push(`${id} ${state}`);
    return { id, hasPlace, told };
  }

  send(client: string, id: string): void {
    this.deliver(client, id, this.following(id));
  }

  accept(id: string, onLost?: () => void): Reserved | undefined {
    let said: Reserved | undefined;
    this.deliveries.accept(acceptedCall(id), (reserved) => said = reserved, onLost);
    return said;
  }

  /** All that is counted and not 0. */
  get gauges(): string[] {
    return this.#metricSet.samples()
      .filter(({ type, name }) => type === "gauge" && name !== "ws2api_event_loop_lag_seconds")
      .flatMap(({ name, samples }) => samples.map(({ value }) => `${name} ${value}`))
      .filter((each) => !each.endsWith(" 0"));
  }

  /** Nothing is left, and no timer runs for it. */
  isOver(): void {
    this.clock.tick(1000);
    deepStrictEqual([this.gauges, this.counts, this.clock.timers], [[], [0, 0], 0]);
    strictEqual(this.deliveries.countOf("A"), 0);
  }
}

function acceptedCall(id: string, client = "A"): AcceptedCall {
  const names = { action: "Reset", messageId: id, trace: undefined, acceptedAt: 0 };
  return { id, client: clientOf(client), ...names };
}

function kept(id: string, more: Partial<KeptReport> = {}): KeptReport {
  return { id, client: clientOf("A"), report: outcome(id), since: 0, ...more };
}

Deno.test("a report that another owner has leaves at once, wherever it is, and the next one goes", async (t) => {
  const earlier = new EarlierReports(["A"]);
  const rows: Record<string, { begin(on: Setup): void; options?: BenchOptions }> = {
    "until it is tried again": {
      begin(on) {
        on.send("A", "x");
        on.reply(status(500));
      },
    },
    "for a backend that is away": {
      begin(on) {
        on.send("A", "x");
        on.reply(UNREACHABLE);
      },
    },
    "until it may go": {
      begin: (on) => void on.hold("A", "x", on.following("x")),
    },
    "beside its lane": {
      begin: (on) => on.hold("A", "x", on.following("x")).setAside(),
    },
    "behind earlier ones in another thread": {
      begin: (on) => on.send("A", "x"),
      options: { earlier },
    },
    parked: {
      begin(on) {
        on.send("A", "x");
        on.reply(status(400));
        on.told.length = 0;
      },
    },
  };
  for (const [name, { begin, options = {} }] of Object.entries(rows)) {
    await t.step(name, async () => {
      const setup = new Setup(options);
      begin(setup);
      const { length } = setup.posted;
      const known = setup.store.told.length;
      setup.deliveries.lost(["x"]);
      // The store knows nothing of it.
      deepStrictEqual(setup.store.told.slice(known), []);
      deepStrictEqual([setup.told, setup.counts], [["x lost"], [0, 0]]);
      deepStrictEqual([setup.deliveries.find("x"), setup.deliveries.has("x")], [undefined, false]);
      deepStrictEqual([setup.deliveries.retry("x"), setup.deliveries.remove("x")], [false, false]);
      await setup.deliveries.whenEmpty();
      if (name === "for a backend that is away") setup.deliveries.reachable();
      setup.answer = () => OK;
      setup.clock.tick(HOUR);
      setup.deliver("A", "next");
      if (options.earlier !== undefined) earlier.update({ begun: [], ended: ["A"] });
      deepStrictEqual(setup.bodies.slice(length), ["next"]);
      setup.isOver();
    });
  }
});

Deno.test("one that is under way when another owner has it is over with its try, however that ends", async (t) => {
  const replies: BackendReply[] = [
    ...[OK, status(500), status(404), UNREACHABLE],
    { ok: false, fault: "timeout" },
  ];
  for (const reply of replies) {
    await t.step(JSON.stringify(reply), () => {
      const setup = new Setup();
      setup.send("A", "x");
      setup.deliver("A", "next");
      setup.deliveries.lost(["x"]);
      // Here it is over already; in order the next one waits for its try.
      deepStrictEqual([setup.told, setup.counts, setup.underWay], [["x lost"], [1, 0], ["x"]]);
      strictEqual(setup.deliveries.countOf("A"), 2);
      setup.reply(reply);
      strictEqual(setup.deliveries.countOf("A"), 1);
      setup.answer = () => OK;
      setup.deliveries.reachable();
      setup.replyAll(OK);
      setup.clock.tick(HOUR);
      deepStrictEqual([setup.bodies, setup.told], [["x", "next"], ["x lost"]]);
      deepStrictEqual(setup.store.told.filter((word) => word.endsWith(" x")), ["end x"]);
      strictEqual(setup.log.count("report parked"), 0);
      setup.isOver();
    });
  }
});

Deno.test("what a backend asked for holds for the client's next report when another owner has this one", async (t) => {
  for (const name of ["it waits", "it is under way"]) {
    await t.step(name, () => {
      const setup = new Setup();
      setup.send("A", "x");
      setup.deliver("A", "next");
      if (name === "it waits") setup.reply(status(503, "60"));
      setup.deliveries.lost(["x"]);
      if (name === "it is under way") setup.reply(status(503, "60"));
      setup.clock.tick(59_000);
      deepStrictEqual(setup.bodies, ["x"]);
      setup.answer = () => OK;
      setup.clock.tick(60_000);
      deepStrictEqual(setup.bodies, ["x", "next"]);
      setup.isOver();
    });
  }
});

Deno.test("one that an operator had removed while it was under way is told of as lost alone", () => {
  const setup = new Setup();
  setup.send("A", "x");
  ok(setup.deliveries.remove("x"));
  setup.deliveries.lost(["x"]);
  setup.reply(status(500));
  deepStrictEqual([setup.told, setup.store.told], [["x lost"], ["end x"]]);
  setup.isOver();
});

Deno.test("what is still done with a held report that another owner has does nothing", () => {
  for (const isAside of [false, true]) {
    const setup = new Setup();
    const held = setup.hold("A", "x", setup.following("x"));
    if (isAside) held.setAside();
    setup.deliveries.lost(["x"]);
    held.setAside();
    held.release();
    held.withdraw();
    deepStrictEqual([setup.posted, setup.store.told], [[], ["end x"]]);
    setup.isOver();
  }
});

Deno.test("the outcome of a CALL that another owner has goes nowhere, and its place is free", async (t) => {
  const ends: Record<string, (on: Setup) => void> = {
    "its outcome": (on) => on.deliver("A", "x", on.following("x", true)),
    "an outcome that may not go yet"(on) {
      const held = on.hold("A", "x", on.following("x", true));
      on.deliver("A", "next");
      held.setAside();
      held.release();
      held.withdraw();
    },
    "no outcome": (on) => on.deliveries.giveUp("x"),
  };
  for (const [name, end] of Object.entries(ends)) {
    await t.step(name, () => {
      const setup = new Setup({ maxReports: 1 });
      let count = 0;
      strictEqual(setup.accept("x", () => count++), "kept");
      deepStrictEqual([setup.deliveries.has("x"), setup.accept("y")], [true, "no_room"]);
      for (let i = 0; i < 2; i++) setup.deliveries.lost(["x"]);
      deepStrictEqual([count, setup.deliveries.has("x")], [1, false]);
      setup.answer = () => OK;
      end(setup);
      deepStrictEqual(setup.bodies.filter((body) => body === "x"), []);
      deepStrictEqual(setup.store.told.filter((word) => word.endsWith(" x")), ["accept x"]);
      // Who follows it need not wait any longer.
      deepStrictEqual(setup.told, name === "no outcome" ? [] : ["x lost"]);
      // Its id means nothing any more.
      strictEqual(setup.accept("x"), "kept");
      setup.deliver("A", "x", { id: "x", hasPlace: true });
      deepStrictEqual(setup.bodies.at(-1), "x");
      setup.isOver();
    });
  }
});

Deno.test("a CALL that is lost while it is being accepted has its place until it ends", () => {
  for (const isKept of [false, true]) {
    const setup = new Setup();
    setup.store.isKept = undefined;
    setup.accept("x");
    setup.deliveries.lost(["x"]);
    setup.store.asked[0]!(isKept);
    strictEqual(setup.metrics.outboxPlaces.own, isKept ? 1 : 0);
    if (isKept) setup.deliver("A", "x", { id: "x", hasPlace: true });
    deepStrictEqual([setup.posted, setup.store.told], [[], ["accept x"]]);
    // One that is refused and not lost is not remembered either.
    setup.accept("y");
    strictEqual(setup.deliveries.has("y"), true);
    setup.store.asked[1]!(false);
    strictEqual(setup.deliveries.has("y"), false);
    setup.isOver();
  }
});

Deno.test("ids that nothing has here are not remembered", () => {
  const setup = new Setup();
  setup.answer = () => OK;
  strictEqual(setup.accept("gone"), "kept");
  setup.deliveries.giveUp("gone");
  setup.deliveries.lost(["gone", "never heard of", "x"]);
  strictEqual(setup.accept("x"), "kept");
  setup.deliver("A", "x", { id: "x", hasPlace: true });
  // One that has no CALL here is no outcome of a lost one.
  strictEqual(setup.accept("y"), "kept");
  setup.deliveries.lost(["y"]);
  setup.deliver("A", "y", { id: "y" });
  setup.deliveries.giveUp("y");
  deepStrictEqual(setup.bodies, ["x", "y"]);
  setup.isOver();
});

Deno.test("of a lane that another owner has as a whole none goes out because the one before it has left", () => {
  for (const order of [["1", "2", "3"], ["3", "2", "1"], ["2", "1", "3"]]) {
    const setup = new Setup();
    for (const id of ["1", "0", "2", "3"]) setup.send("A", id);
    // From the middle.
    setup.deliveries.lost(["0"]);
    setup.reply(status(500));
    setup.deliveries.lost(order);
    setup.clock.tick(HOUR);
    deepStrictEqual([setup.bodies, setup.counts], [["1"], [0, 0]]);
    setup.isOver();
  }
});

Deno.test("a fault of whoever is told that a CALL is lost keeps no other one here", () => {
  const setup = new Setup();
  const bug = (): never => {
    throw new Error("a bug");
  };
  strictEqual(setup.accept("x", bug), "kept");
  setup.deliver("B", "first");
  setup.deliver("B", "y", { id: "y", told: bug });
  setup.deliveries.lost(["y", "x"]);
  deepStrictEqual([setup.log.count("a lost CALL failed"), setup.counts], [1, [1, 0]]);
  strictEqual(setup.log.count("a report failed"), 1);
});

Deno.test("what is adopted later goes once, behind what is here of its client", () => {
  const setup = new Setup();
  setup.send("A", "1");
  setup.send("B", "2");
  setup.reply(status(400), "2");
  strictEqual(setup.accept("3"), "kept");
  const known = setup.store.told.length;
  const parked = { at: 0, failure: "status 400", tries: 1 };
  const states: string[] = [];
  const adopt = (calls: string[], reports: KeptReport[]): void =>
    setup.deliveries.adopt(
      { calls: calls.map((id) => acceptedCall(id)), reports },
      "the gateway lost the client",
      (id, state) => states.push(`${id} ${state}`),
    );
  adopt(["3", "4"], [kept("1"), kept("2", { parked }), kept("5"), kept("6", { parked })]);
  deepStrictEqual(setup.counts, [3, 2]);
  adopt(["3", "4", "5"], [kept("5"), kept("6", { parked }), kept("1")]);
  deepStrictEqual([setup.counts, setup.log.count("reports recovered")], [[3, 2], 1]);
  deepStrictEqual(setup.store.told.slice(known), ["end 4"]);
  setup.answer = () => OK;
  setup.reply(OK, "1");
  setup.deliver("A", "3", { id: "3", hasPlace: true });
  const ids = setup.posted.map(({ request }) => request.webhookId);
  deepStrictEqual(ids, ["1", "2", "5", "4", "3"]);
  deepStrictEqual(states, ["5 delivered", "4 delivered"]);
  for (const id of ["2", "6"]) ok(setup.deliveries.remove(id));
  setup.isOver();
});

Deno.test("what comes back while its try is under way, or its CALL is, goes from here again", () => {
  const setup = new Setup();
  setup.send("A", "x");
  strictEqual(setup.accept("y"), "kept");
  setup.deliveries.lost(["x", "y"]);
  setup.deliveries.adopt({ calls: [acceptedCall("y")], reports: [kept("x")] }, "it was away");
  deepStrictEqual([setup.counts, setup.underWay], [[2, 0], ["x"]]);
  setup.answer = () => OK;
  setup.reply(status(500));
  // Whoever had the CALL for a while may have told of it.
  setup.deliver("A", "the outcome", { id: "y", hasPlace: true });
  const ids = setup.posted.map(({ request }) => request.webhookId);
  deepStrictEqual([ids, setup.bodies.includes("the outcome")], [["x", "x", "y"], false]);
  setup.isOver();
});

Deno.test("whatever is lost, comes back and ends, nothing of it is left, and nothing lost goes out", () => {
  const step = fc.record({
    kind: fc.constantFrom(
      ...["accept", "deliver", "hold", "release", "withdraw", "aside", "giveUp", "lose", "lose"],
      ...["adopt", "ok", "bad", "final", "away", "retry", "remove", "tick"],
    ),
    id: fc.nat(5),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const setup = new Setup();
      /** CALLs whose client has not answered. */
      const open = new Set<string>();
      const lost = new Set<string>();
      const held = new Map<string, HeldReport>();
      const { deliveries } = setup;
      const known = (id: string): boolean => deliveries.has(id) || open.has(id);
      const begin = (): void => {
        for (const { body } of setup.posted.splice(0)) ok(!lost.has(body), `${body} is lost`);
      };
      const reply = (to: BackendReply): void => {
        if (setup.underWay.length > 0) setup.reply(to);
      };
      for (const { kind, id: n } of steps) {
        const [id, client] = [`${n}`, n % 2 === 0 ? "A" : "B"];
        if (kind === "accept" && !known(id)) {
          lost.delete(id);
          open.add(id);
          strictEqual(setup.accept(id), "kept");
        } else if (kind === "deliver" && open.delete(id)) {
          setup.deliver(client, id, { id, hasPlace: true });
        } else if (kind === "hold" && open.delete(id)) {
          held.set(id, setup.hold(client, id, { id, hasPlace: true }));
        } else if (kind === "giveUp" && open.delete(id)) deliveries.giveUp(id);
        else if (kind === "release") held.get(id)?.release();
        else if (kind === "withdraw") held.get(id)?.withdraw();
        else if (kind === "aside") held.get(id)?.setAside();
        else if (kind === "lose") {
          if (known(id)) lost.add(id);
          deliveries.lost([id]);
          strictEqual(deliveries.has(id), false);
        } else if (kind === "adopt") {
          // Its outcome, when it comes from another owner, is another text.
          const report = kept(id, { client: clientOf(client), report: outcome(`again ${id}`) });
          deliveries.adopt({ calls: [], reports: [report] }, "it was away");
        } else if (kind === "ok") reply(OK);
        else if (kind === "bad") reply(status(500));
        else if (kind === "final") reply(status(400));
        else if (kind === "away") reply(UNREACHABLE);
        else if (kind === "retry") deliveries.retry(id);
        else if (kind === "remove") deliveries.remove(id);
        else if (kind === "tick") setup.clock.tick(500);
        begin();
      }
      for (const id of open) deliveries.giveUp(id);
      for (const each of held.values()) each.release();
      setup.answer = () => OK;
      setup.replyAll(OK);
      setup.clock.tick(60_000);
      begin();
      for (const { id } of deliveries.list({ state: "parked", limit: 10 }).reports) {
        deliveries.remove(id);
      }
      setup.isOver();
    }),
    { numRuns: runs(300) },
  );
});
