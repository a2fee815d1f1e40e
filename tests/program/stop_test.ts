import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type ShutdownOrder, shutdownTimes } from "../../lib/gateway/shutdown_times.ts";
import type { Log } from "../../lib/log/log.ts";
import { MemoryOutbox } from "../../lib/outbox/memory.ts";
import { type StopDeps, stopProgram } from "../../lib/program/stop.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";
import { RecordedLog } from "../support/recorded_log.ts";

const DRAIN_MS = 10_000;
const NEVER = new Promise<never>(() => {});

/** A program that is told to stop at 1,000 ms. */
class Setup {
  readonly clock = new FakeClock();
  readonly log = new RecordedLog();
  order: ShutdownOrder = {};
  hasStopped = false;

  constructor() {
    this.clock.tick(1000);
  }

  stop(
    shutdown: (order: ShutdownOrder) => Promise<void>,
    others: Partial<StopDeps> = {},
    undelivered = 0,
  ): void {
    const gateway = {
      shutdown: (order: ShutdownOrder = {}) => {
        this.order = order;
        return shutdown(order);
      },
      undelivered: () => undelivered,
    };
    const { clock, log: { log } } = this;
    const rest = { profiles: undefined, outbox: new MemoryOutbox(), drainTimeoutMs: DRAIN_MS };
    void stopProgram({ gateway, clock, log, isTraced: false, ...rest, ...others }).then(() => {
      this.hasStopped = true;
    });
  }
}

Deno.test("the program stops when its gateway has, and leaves no timer", async () => {
  const setup = new Setup();
  setup.stop(() => Promise.resolve());
  await microtasks();
  strictEqual(setup.hasStopped, true);
  deepStrictEqual([setup.log.lines, setup.clock.timers], [[], 0]);
  strictEqual(setup.order.since, 1000);
});

Deno.test("a gateway that does not end is left as it is, less than 2 s after the drain time-out", async () => {
  const setup = new Setup();
  setup.stop(() => NEVER, {}, 7);
  setup.clock.tick(DRAIN_MS + 1000);
  await microtasks();
  strictEqual(setup.hasStopped, false);
  setup.clock.tick(500);
  await microtasks();
  strictEqual(setup.hasStopped, true);
  deepStrictEqual(setup.log.lines, [
    { event: "the shutdown did not end in time", fields: {} },
    { event: "reports undelivered at the shutdown", fields: { reports: 7 } },
  ]);
});

Deno.test("a gateway that takes all its time has its reports counted", async () => {
  const setup = new Setup();
  const { aftermath } = shutdownTimes(1000, DRAIN_MS);
  const takesAll = new Promise<void>((resolve) => {
    setup.clock.setTimeout(resolve, aftermath - 1000);
  });
  setup.stop(() => takesAll, {}, 3);
  setup.clock.tick(aftermath - 1000);
  await microtasks();
  strictEqual(setup.hasStopped, true);
  deepStrictEqual(setup.log.lines, [
    { event: "reports undelivered at the shutdown", fields: { reports: 3 } },
  ]);
});

Deno.test("profiles are written beside the gateway's end, in the time that it gives", async () => {
  const setup = new Setup();
  const given: number[] = [];
  const stop = (timeoutMs: number) => Promise.resolve(void given.push(timeoutMs));
  setup.stop(async ({ beside }) => await beside?.(321), { profiles: { stop } });
  await microtasks();
  deepStrictEqual([given, setup.hasStopped], [[321], true]);
});

Deno.test("a program that is traced keeps time back for the last spans", async () => {
  const setup = new Setup();
  setup.stop(() => NEVER, { isTraced: true });
  ok(setup.order.since! <= 500);
  setup.clock.tick(DRAIN_MS + 1000);
  await microtasks();
  strictEqual(setup.hasStopped, true);
});

Deno.test("the outbox is closed behind the gateway, and what stays in it is no error", async () => {
  const setup = new Setup();
  const order: string[] = [];
  const outbox = {
    isLasting: true,
    close: () => {
      order.push("outbox");
      return Promise.resolve();
    },
  };
  const told: unknown[] = [];
  const log: Log = { ...setup.log.log, info: (event, fields) => void told.push([event, fields]) };
  setup.stop(() => Promise.resolve(order.push("gateway")).then(() => {}), { outbox, log }, 3);
  await microtasks();
  deepStrictEqual([order, setup.hasStopped], [["gateway", "outbox"], true]);
  deepStrictEqual(told, [["undelivered reports stay in the outbox", { reports: 3 }]]);
  deepStrictEqual(setup.log.lines, []);
});

Deno.test("an outbox that does not close is not waited for longer than the program may take", async () => {
  const setup = new Setup();
  setup.stop(() => Promise.resolve(), { outbox: { isLasting: true, close: () => NEVER } });
  await microtasks();
  strictEqual(setup.hasStopped, false);
  setup.clock.tick(DRAIN_MS + 1500);
  await microtasks();
  strictEqual(setup.hasStopped, true);
});
