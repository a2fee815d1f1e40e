import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { readInvocation } from "../../lib/config/config.ts";
import { NO_SECRETS } from "../../lib/config/secret.ts";
import { type Gateway, startGateway } from "../../lib/gateway/gateway.ts";
import { silentLog } from "../../lib/log/log.ts";
import type { AcceptedCall, KeptReport } from "../../lib/outbox/entry.ts";
import type { Found, StoreFollower } from "../../lib/outbox/store.ts";
import { systemRandom } from "../../lib/random.ts";
import { clientOf } from "../cluster/bus_contract.ts";
import { ChangingStore, outcome } from "../report/bench.ts";
import { RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { inTime } from "../support/deadline.ts";

/** A gateway whose store says what changes hands. */
class Setup implements AsyncDisposable {
  readonly backend = new RecordingBackend();
  readonly store = new ChangingStore();
  /** What a witness remembers. */
  readonly owed = new Set<string>();
  gateway!: Gateway;
  client!: TestClient;
  #isShutDown = false;

  constructor() {
    this.backend.answer = () => new Response(null, { status: 204 });
  }

  async start(drainTimeout = "300ms"): Promise<this> {
    const invocation = readInvocation(
      [
        "--listen=127.0.0.1:0",
        `--backend=${this.backend.url}`,
        `--drain-timeout=${drainTimeout}`,
        "--call-concurrency=2",
      ],
      () => undefined,
      "0.0.0-test",
    );
    if (invocation.kind !== "run") throw new Error(JSON.stringify(invocation));
    const { store, owed } = this;
    this.gateway = await startGateway(invocation.config, {
      ...{ store, log: silentLog, random: systemRandom, clock: systemClock, secrets: NO_SECRETS },
      ...{ version: "0.0.0-test", startedAt: 0 },
      witness: {
        accepted(_, { messageId }) {
          owed.add(messageId);
          return () => void owed.delete(messageId);
        },
      },
    });
    this.client = new TestClient(`${this.gateway.url.replace("http", "ws")}/CP1`);
    await inTime(this.client.opened, "the upgrade");
    return this;
  }

  get follower(): StoreFollower {
    return this.store.follower!;
  }

  /** Accepts a CALL that the client has. @returns Its id. */
  async call(messageId: string): Promise<string> {
    const path = `${this.gateway.url}/call/Reset/CP1/${messageId}`;
    const response = await inTime(fetch(path, { method: "POST", body: "{}" }), path);
    await response.text();
    strictEqual(response.status, 202);
    await this.client.next(`[2,"${messageId}"`);
    return this.store.told.findLast((word) => word.startsWith("accept "))!.slice("accept ".length);
  }

  /** What is known of a CALL. */
  async known(messageId: string): Promise<number> {
    const path = `${this.gateway.url}/call/Reset/CP1/${messageId}`;
    const response = await inTime(fetch(path), path);
    await response.text();
    return response.status;
  }

  /** What is counted of its reports and not 0, but for an age that is looked at each second. */
  async gauges(): Promise<string[]> {
    const response = await inTime(fetch(`${this.gateway.url}/metrics`), "the metrics");
    return (await response.text()).split("\n")
      .filter((line) => /^ws2api_outbox(?!_oldest)/.test(line) && !line.endsWith(" 0"));
  }

  shutdown(): Promise<void> {
    this.#isShutDown = true;
    return inTime(this.gateway.shutdown(), "the shutdown", 30_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isShutDown) await this.shutdown();
    await this.client.whenClosed();
    await this.backend[Symbol.asyncDispose]();
  }
}

const CP1 = clientOf("CP1");

function acceptedCall(id: string): AcceptedCall {
  return { id, client: CP1, action: "Reset", messageId: id, trace: undefined, acceptedAt: 0 };
}

function report(id: string): KeptReport {
  return { id, client: CP1, report: outcome(id), since: Date.now() };
}

Deno.test("of a CALL that is lost nobody hears from here, however it ends, and nothing is left of it", async () => {
  await using setup = await new Setup().start();
  const { client, backend } = setup;
  const lost = await setup.call("lost");
  const kept = await setup.call("kept");
  deepStrictEqual([await setup.known("lost"), await setup.known("kept")], [200, 200]);
  setup.follower.lost([lost, "never heard of"]);
  deepStrictEqual([await setup.known("lost"), await setup.known("kept")], [404, 200]);
  // Whoever would tell of it if this thread died knows that as well.
  deepStrictEqual([...setup.owed], ["kept"]);
  client.send('[3,"lost",{}]');
  client.send('[3,"kept",{}]');
  strictEqual((await backend.next("/result/")).headers.get("webhook-id"), kept);
  // It can be sent again, and is another one.
  await setup.call("lost");
  client.send('[4,"lost","GenericError","",{}]');
  await backend.next("/error/");
  deepStrictEqual(backend.paths("/"), ["/result/Reset/CP1/kept", "/error/Reset/CP1/lost"]);
  deepStrictEqual(setup.store.told.filter((word) => word.endsWith(lost)), [`accept ${lost}`]);
  await setup.shutdown();
  deepStrictEqual([setup.gateway.undelivered(), setup.owed.size], [0, 0]);
});

Deno.test("of a lost CALL whose outcome waits nobody hears, and what a witness remembers ends", async () => {
  await using setup = await new Setup().start();
  const { client, backend } = setup;
  backend.answer = () => new Response(null, { status: 503, headers: { "retry-after": "300" } });
  const id = await setup.call("1");
  client.send('[3,"1",{}]');
  await backend.next("/result/");
  deepStrictEqual([setup.gateway.undelivered(), [...setup.owed]], [1, ["1"]]);
  ok((await setup.gauges()).length >= 3);
  setup.follower.lost([id]);
  deepStrictEqual([setup.gateway.undelivered(), setup.owed.size], [0, 0]);
  deepStrictEqual([await setup.known("1"), await setup.gauges()], [404, []]);
});

Deno.test("what was found at the start goes before what is inherited, and both are known", async () => {
  await using setup = new Setup();
  const found: Found = { calls: [acceptedCall("2")], reports: [report("1")] };
  setup.store.recover = () => {
    // Before anybody follows: a store keeps it until somebody does.
    setup.store.follow = (follower) => {
      setup.store.follower = follower;
      follower.inherited({ calls: [acceptedCall("4")], reports: [report("3"), report("1")] });
    };
    return Promise.resolve(found);
  };
  await setup.start();
  const bodies: [id: string | null, body: string][] = [];
  for (let i = 0; i < 4; i++) {
    const { headers, body } = await setup.backend.next("/");
    bodies.push([headers.get("webhook-id"), body]);
  }
  deepStrictEqual(bodies.map(([id]) => id), ["1", "2", "3", "4"]);
  deepStrictEqual(
    [bodies[1], bodies[3]].map((each) => JSON.parse(each![1]).description),
    ["the gateway was restarted", "the gateway lost the client"],
  );
  for (const id of ["1", "2", "3", "4"]) strictEqual(await setup.known(id), 200);
});

Deno.test("what is inherited during a shutdown is delivered while it lasts, and left alone after it", async () => {
  await using setup = await new Setup().start("5s");
  // A CALL that is open keeps the drain going.
  await setup.call("open");
  const ended = setup.shutdown();
  setup.follower.inherited({ calls: [acceptedCall("2")], reports: [report("1")] });
  const first = await setup.backend.next("/result/");
  const second = await setup.backend.next("/error/");
  deepStrictEqual([first, second].map(({ path }) => path.split("/").at(-1)), ["1", "2"]);
  setup.client.send('[3,"open",{}]');
  await ended;
  const { length } = setup.store.told;
  setup.follower.inherited({ calls: [acceptedCall("4")], reports: [report("3")] });
  setup.follower.lost(["3", "4"]);
  deepStrictEqual([setup.gateway.undelivered(), setup.store.told.length], [0, length]);
});
