import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import type { FromWorker, Port, ToWorker } from "../../lib/cluster/message.ts";
import { type Legacy, type Line, Switchboard } from "../../lib/cluster/switchboard.ts";
import { ThreadsBus } from "../../lib/cluster/threads.ts";
import { SharedTime } from "../../lib/ids.ts";
import { silentLog } from "../../lib/log/log.ts";
import { inTime, until } from "../support/deadline.ts";
import {
  attach,
  callTo,
  clientOf,
  detach,
  FakePeer,
  type Member,
  type Members,
  refused,
  testBus,
} from "./bus_contract.ts";
import { pagesOf } from "../support/pages.ts";

/** A port whose messages are cloned, and come in a later turn, as those of workers do. */
class ClonePort<In, Out> implements Port<In, Out> {
  readonly #port: MessagePort;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  post(message: Out): void {
    this.#port.postMessage(message);
  }

  onMessage(take: (message: In) => void): void {
    this.#port.onmessage = ({ data }) => take(data);
  }
}

interface ThreadMember extends Member {
  readonly bus: ThreadsBus;
  /** What the switchboard says that it left behind. */
  die(): Promise<void>;
  readonly legacy: () => Legacy | undefined;
}

class Threads implements Members {
  readonly all: readonly ThreadMember[];
  readonly #ports: MessagePort[] = [];
  readonly #switchboard = new Switchboard(systemClock, silentLog);

  constructor(count: number) {
    this.all = Array.from({ length: count }, () => this.#connect());
  }

  #connect(): ThreadMember {
    const { port1, port2 } = new MessageChannel();
    this.#ports.push(port1, port2);
    const line: Line = this.#switchboard.connect(new ClonePort<FromWorker, ToWorker>(port1));
    const port = new ClonePort<ToWorker, FromWorker>(port2);
    const peer = new FakePeer();
    const bus = new ThreadsBus({
      port,
      clock: systemClock,
      log: silentLog,
      looksTwice: true,
    }).join(peer);
    let legacy: Legacy | undefined;
    return {
      peer,
      bus,
      legacy: () => legacy,
      die: async () => {
        // Not before the board has taken what was posted: the answer comes behind it.
        await pagesOf(bus, null, 1);
        legacy = this.#switchboard.disconnect(line);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map(({ bus, legacy }) => legacy() === undefined && bus.close(5000)));
    for (const port of this.#ports) port.close();
  }
}

testBus("threads", (count) => Promise.resolve(new Threads(count)));

Deno.test("threads: a client that has just connected elsewhere is found at the second look", async () => {
  await using threads = new Threads(2);
  const [first, second] = threads.all as [ThreadMember, ThreadMember];
  const asked = first.bus.ask(callTo("CP1"));
  attach(second, clientOf("CP1"));
  deepStrictEqual(await inTime(asked, "a reply"), { kind: "accepted" });
});

Deno.test("threads: a client that changes its worker while it is asked for is found", async () => {
  await using threads = new Threads(3);
  const [first, second, third] = threads.all as [ThreadMember, ThreadMember, ThreadMember];
  const [older, newer] = [clientOf("CP1", 1), clientOf("CP1", 2)];
  attach(second, older);
  await pagesOf(second.bus, null, 1);
  second.peer.answer = () => {
    detach(second, older);
    attach(third, newer);
    return refused("gone");
  };
  deepStrictEqual(await inTime(first.bus.ask(callTo("CP1")), "a reply"), { kind: "accepted" });
  deepStrictEqual(third.peer.served.left, [callTo("CP1")]);
});

Deno.test("threads: a dead worker leaves the CALLs that it accepted and did not report", async () => {
  await using threads = new Threads(2);
  const [first, second] = threads.all as [ThreadMember, ThreadMember];
  const client = clientOf("CP1");
  attach(second, client);
  const trace = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" };
  const calls = ["m1", "m2", "m3"].map((messageId) => {
    return { action: "Reset", messageId, trace, id: `id of ${messageId}` };
  });
  const ended = calls.map((call) => second.bus.accepted(client, call));
  ended[1]!();
  await second.die();
  const legacy = second.legacy()!;
  deepStrictEqual(legacy.clients, [client]);
  deepStrictEqual(legacy.calls.map(({ client, call }) => [client.clientId, call]), [
    ["CP1", calls[0]],
    ["CP1", calls[2]],
  ]);
  deepStrictEqual(await inTime(first.bus.ask(callTo("CP1")), "a reply"), refused("gone"));
});

Deno.test("threads: of a CALL that is lost while it is asked for, nothing is owed", async () => {
  await using threads = new Threads(2);
  const [first, second] = threads.all as [ThreadMember, ThreadMember];
  const client = clientOf("CP1");
  attach(second, client);
  await pagesOf(second.bus, null, 1);
  second.bus.accepted(client, { action: "Reset", messageId: "own" });
  const never = new Promise<never>(() => {});
  second.peer.answer = () => {
    second.bus.accepted(client, { action: "Reset", messageId: "m1" });
    return never;
  };
  const asked = first.bus.ask(callTo("CP1"));
  await second.peer.served.take("the request");
  // Accepted behind it, for nobody else.
  second.bus.accepted(client, { action: "Reset", messageId: "later" });
  await second.die();
  deepStrictEqual(await inTime(asked, "a reply"), refused("lost"));
  deepStrictEqual(second.legacy()!.calls.map(({ call }) => call.messageId), ["own", "later"]);
});

Deno.test("threads: a request that fails is lost, and its worker serves on", async () => {
  await using threads = new Threads(2);
  const [first, second] = threads.all as [ThreadMember, ThreadMember];
  attach(second, clientOf("CP1"));
  await pagesOf(second.bus, null, 1);
  second.peer.answer = () => {
    throw new TypeError("a bug");
  };
  deepStrictEqual(await inTime(first.bus.ask(callTo("CP1")), "a reply"), refused("lost"));
  second.peer.answer = () => ({ kind: "accepted" });
  deepStrictEqual(await inTime(first.bus.ask(callTo("CP1")), "a reply"), { kind: "accepted" });
});

Deno.test("threads: who leaves still gets the answers that it waits for", async () => {
  await using threads = new Threads(2);
  const [first, second] = threads.all as [ThreadMember, ThreadMember];
  attach(second, clientOf("CP1"));
  await pagesOf(second.bus, null, 1);
  const answer = Promise.withResolvers<{ kind: "no_answer"; wasSent: boolean }>();
  second.peer.answer = () => answer.promise;
  const asked = first.bus.ask(callTo("CP1", { waitSeconds: 60 }));
  await second.peer.served.take("the request");
  const closed = first.bus.close(5000);
  answer.resolve({ kind: "no_answer", wasSent: false });
  deepStrictEqual(await inTime(asked, "a reply"), { kind: "no_answer", wasSent: false });
  await inTime(closed, "the close");
});

Deno.test("threads: who leaves does not wait for ever", async () => {
  await using threads = new Threads(2);
  const [first, second] = threads.all as [ThreadMember, ThreadMember];
  attach(second, clientOf("CP1"));
  await pagesOf(second.bus, null, 1);
  second.peer.answer = () => new Promise(() => {});
  const asked = first.bus.ask(callTo("CP1", { waitSeconds: 60 }));
  await second.peer.served.take("the request");
  await inTime(first.bus.close(10), "the close");
  deepStrictEqual(await inTime(asked, "a reply"), refused("lost"));
  strictEqual(first.bus.isAvailable, true);
  // Its time limit would run on.
  await second.die();
});

Deno.test("a worker keeps up with the time that another one makes ids of, also when it begins later", async () => {
  const { port1, port2 } = new MessageChannel();
  const { port1: port3, port2: port4 } = new MessageChannel();
  const switchboard = new Switchboard(systemClock, silentLog);
  const join = (near: MessagePort, far: MessagePort, time: SharedTime): void => {
    switchboard.connect(new ClonePort<FromWorker, ToWorker>(near));
    const port = new ClonePort<ToWorker, FromWorker>(far);
    new ThreadsBus({ port, clock: systemClock, log: silentLog, looksTwice: false })
      .join(new FakePeer(), time);
  };
  const leapt = { ...systemClock, wallNow: () => systemClock.wallNow() + 30_000 };
  const [ahead, late] = [new SharedTime(leapt), new SharedTime(systemClock)];
  try {
    join(port1, port2, ahead);
    join(port3, port4, late);
    await until("one time", () => Math.abs(ahead.wallNow() - late.wallNow()) < 5000);
  } finally {
    for (const port of [port1, port2, port3, port4]) port.close();
  }
});
