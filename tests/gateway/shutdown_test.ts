import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Connection } from "../../lib/client/connection.ts";
import { ConnectionMap } from "../../lib/client/map.ts";
import type { Core } from "../../lib/gateway/core.ts";
import { type Running, shutDown } from "../../lib/gateway/shutdown.ts";
import { shutdownTimes } from "../../lib/gateway/shutdown_times.ts";
import { silentLog } from "../../lib/log/log.ts";
import { systemRandom } from "../../lib/random.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";

const DRAIN_MS = 10_000;

/** What may hang, each for as long as it may. */
const HANGS = ["client", "socket", "report", "bus", "response", "profile"] as const;
type Hang = (typeof HANGS)[number];

/** A gateway made of what a shutdown ends. */
class Setup {
  readonly clock = new FakeClock();
  /** What was done, and when. */
  readonly steps: [step: string, at: number][] = [];

  #step(step: string): void {
    this.steps.push([step, this.clock.now()]);
  }

  /** Something that takes as long as it may when it hangs. */
  #takes(step: string, hangs: boolean, timeoutMs: number): Promise<void> {
    this.#step(step);
    if (!hangs) return Promise.resolve();
    return new Promise((resolve) => this.clock.setTimeout(resolve, timeoutMs));
  }

  /** Shuts down. @returns When it had ended. */
  async run(hangs: readonly Hang[], since?: number): Promise<number> {
    const { clock } = this;
    const connections = new ConnectionMap<Pick<Connection, "closeWhenIdle" | "closeForShutdown">>();
    const close = (): void => {
      connections.remove("CP1", connection);
      this.#step("closed");
    };
    const connection = {
      closeWhenIdle: () => hangs.includes("client") ? undefined : close(),
      closeForShutdown: close,
    };
    connections.put("CP1", connection);
    let sockets = hangs.includes("socket") ? 1 : 0;
    const core = {
      ...{ clock, random: systemRandom, log: silentLog, connections },
      backlog: { count: 0, whenEmpty: () => Promise.resolve() },
      memory: { stop: () => {} },
      lag: { stop: () => {} },
      taps: undefined,
      deliveries: {
        waiting: 0,
        whenEmpty: () => hangs.includes("report") ? new Promise(() => {}) : Promise.resolve(),
        close: () => {},
      },
      endHold: () => {},
      forwarder: { close: () => this.#step("forwarder") },
    } as unknown as Core;
    const clientSide = {
      rate: undefined,
      sockets: {
        get count() {
          return sockets;
        },
        cutClosing: () => {
          sockets = 0;
          this.#step("cut");
        },
      },
      bus: { close: (ms: number) => this.#takes("bus", hangs.includes("bus"), ms) },
      records: { close: () => {} },
      recordings: { close: () => {} },
      local: { close: () => {} },
      keys: { close: () => {} },
    } as unknown as Running["clientSide"];
    const listener = {
      stop: (ms: number) => this.#takes("listener", hangs.includes("response"), ms),
    };
    const status = { close: () => this.#step("status") };
    let hasEnded = false;
    const beside = (ms: number) => this.#takes("beside", hangs.includes("profile"), ms);
    const running = { core, clientSide, status, listeners: [listener] };
    const order = { ...(since === undefined ? {} : { since }), beside };
    void shutDown(running, DRAIN_MS, order).then(() => hasEnded = true);
    await microtasks();
    while (!hasEnded && clock.now() < 60_000) {
      clock.tick(1);
      await microtasks();
    }
    strictEqual(clock.timers, 0);
    return clock.now();
  }
}

Deno.test("a gateway shuts down in order, and at once when nothing is under way", async () => {
  const setup = new Setup();
  ok(await setup.run([]) < 100);
  const order = ["status", "closed", "beside", "cut", "bus", "listener", "forwarder"];
  deepStrictEqual(setup.steps.map(([step]) => step), order);
});

Deno.test("whatever hangs, and all of it together, takes no longer than a gateway may", async (t) => {
  const cases: (readonly Hang[])[] = [...HANGS.map((hang) => [hang]), HANGS];
  for (const hangs of cases) {
    await t.step(hangs.join(", "), async () => {
      const setup = new Setup();
      const ended = await setup.run(hangs);
      const { gateway } = shutdownTimes(0, DRAIN_MS);
      // A poll may end a little later.
      ok(ended <= gateway + 20, `${ended} ms`);
      strictEqual(setup.steps.length, 7);
    });
  }
});

Deno.test("time counts from when the shutdown was asked for", async () => {
  const setup = new Setup();
  const ended = await setup.run(["client", "report"], -DRAIN_MS + 500);
  const { farewell } = shutdownTimes(-DRAIN_MS + 500, DRAIN_MS);
  ok(Math.abs(ended - farewell) <= 20, `${ended} ms`);
});

Deno.test("clients that have all been idle are not waited for until the drain time-out", async () => {
  const setup = new Setup();
  ok(await setup.run(["socket"]) < 3000);
});

Deno.test("all others have their time when one takes all of it", () => {
  const times = shutdownTimes(5, 1000);
  const { drain, farewell, leave, gateway, workers, aftermath, shutdown, program } = times;
  strictEqual(drain, 1005);
  const all = [drain, farewell, leave, gateway, workers, aftermath, shutdown, program];
  for (const [i, time] of all.slice(1).entries()) ok(time - all[i]! >= 50, String(all));
  ok(program <= drain + 1500);
});
