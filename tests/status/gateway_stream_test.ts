import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { Departures } from "../../lib/client/departures.ts";
import { systemClock } from "../../lib/clock.ts";
import { RecentFaults } from "../../lib/log/recent_faults.ts";
import { JsonText } from "../../lib/status/event_stream.ts";
import { GatewayStream, type GatewayStreamQuery } from "../../lib/status/gateway_stream.ts";
import { History } from "../../lib/status/history.ts";
import type { Instances } from "../../lib/status/instances.ts";
import type { Tail } from "../../lib/status/tail.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";

/** A stream, what it is made of, and the names of the events that it told. */
class Told {
  readonly clock = new FakeClock();
  readonly faults = new RecentFaults(systemClock);
  readonly departures = new Departures(systemClock);
  readonly history = new History();
  readonly stream: GatewayStream;
  readonly events: [event: string, data: unknown][] = [];

  constructor(
    tail?: GatewayStreamQuery["tail"],
    instances?: { look(): void; latest: Instances | undefined },
  ) {
    const { clock, faults, departures, history } = this;
    this.stream = new GatewayStream({
      ...{ clock, faults, departures, history, startedAt: 5, instances },
      snapshot: () => new JsonText("{}"),
    }, { after: 0, tail });
  }

  /** A tick after so long. @returns The names of what was told. */
  tick(ms: number): string[] {
    this.clock.tick(ms);
    const from = this.events.length;
    this.stream.tick((event, data) => void this.events.push([event, data]));
    return this.events.slice(from).map(([event]) => event);
  }
}

function tailOf(tell: Tail["tell"]): Tail {
  return { tell } as Tail;
}

Deno.test("the history comes first and once, the rest when it is new", () => {
  const told = new Told();
  deepStrictEqual(told.tick(0), ["history", "instances", "snapshot"]);
  deepStrictEqual(told.events.slice(0, 2), [
    ["history", { startedAt: 5, points: [] }],
    ["instances", null],
  ]);
  const client = { clientId: "CP1", connectionId: "c", protocol: null, remoteAddress: "" };
  const ending = { cause: "lost", code: 1006, reason: "" } as const;
  told.departures.note({ ...client, connectedAt: 0 }, ending);
  deepStrictEqual(told.tick(1000), ["snapshot", "departures"]);
  deepStrictEqual(told.tick(1000), ["snapshot"]);
});

Deno.test("instances are told when they have answered anew", () => {
  const instances = { asked: 0, look: () => void instances.asked++, latest: undefined } as {
    asked: number;
    look: () => void;
    latest: Instances | undefined;
  };
  const told = new Told(undefined, instances);
  deepStrictEqual(told.tick(0), ["history", "snapshot"]);
  instances.latest = { complete: true, list: [] };
  deepStrictEqual(told.tick(1000), ["snapshot", "instances"]);
  deepStrictEqual(told.tick(1000), ["snapshot"]);
  instances.latest = { complete: false, list: [] };
  deepStrictEqual(told.tick(1000), ["snapshot", "instances"]);
  strictEqual(instances.asked, 4);
});

Deno.test("frames are told twice a second and snapshots once, also while frames are waited for", async () => {
  let asked = 0;
  let answer = (): void => {};
  const told = new Told(tailOf((write) => {
    asked++;
    write("frames", asked);
    return new Promise((resolve) => answer = () => resolve(true));
  }));
  deepStrictEqual(told.tick(0), ["history", "instances", "snapshot", "tail-frames"]);
  deepStrictEqual(told.tick(500), []);
  deepStrictEqual(told.tick(500), ["snapshot"]);
  deepStrictEqual(told.tick(1000), ["snapshot"]);
  strictEqual(asked, 1);
  answer();
  await microtasks();
  deepStrictEqual(told.tick(500), ["tail-frames"]);
  strictEqual(asked, 2);
});

Deno.test("frames that may not be told are refused once, and all else goes on", async () => {
  const refusal = { reason: "forbidden", detail: "no" } as const;
  const told = new Told(refusal);
  ok(told.tick(0).includes("tail-refused"));
  deepStrictEqual(told.events.at(-1), ["tail-refused", refusal]);
  deepStrictEqual(told.tick(1000), ["snapshot"]);
  // By the instance that holds the client.
  const other = new Told(tailOf((write) => {
    write("refused", { reason: "no_tail" });
    return Promise.resolve(false);
  }));
  ok(other.tick(0).includes("tail-refused"));
  await microtasks();
  deepStrictEqual(other.tick(1000), ["snapshot"]);
});

Deno.test("frames that cannot be asked for end the stream", async () => {
  const told = new Told(tailOf(() => Promise.reject(new Error("broken"))));
  told.tick(0);
  await microtasks();
  throws(() => told.tick(1000), /broken/);
});
