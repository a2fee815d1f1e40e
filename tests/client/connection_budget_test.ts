import type { Clock } from "../../lib/clock.ts";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { connect } from "../../lib/client/connect.ts";
import type { ConnectionDeps } from "../../lib/client/connection.ts";
import { ClientRate } from "../../lib/client/rate.ts";
import { MetricSet } from "../../lib/metrics/metrics.ts";
import { Core, FakeSocket, FAULTLESS, quiesce } from "../simulation/model/core.ts";
import { microtasks } from "../support/fake_clock.ts";

const SPENT = { code: 1008, reason: "too many frames that lead nowhere" };
const PARSED = { code: 1008, reason: "too much to parse" };

function startCore(): Promise<Core> {
  return Core.start({ ...FAULTLESS, maxQueue: 3, maxWaiting: 1000, protocol: "ocpp2.1" });
}

/** A client that is connected. */
function open(core: Core, deps: Partial<ConnectionDeps> = {}): FakeSocket {
  const socket = new FakeSocket();
  const identity = { clientId: "CP1", connectionId: "1", protocol: "ocpp2.1", remoteAddress: "" };
  connect(socket, { ...identity, connectedAt: 0 }, { ...core.deps, ...deps });
  socket.open();
  return socket;
}

function sendTimes(socket: FakeSocket, times: number, text: string): void {
  for (let i = 0; i < times; i++) socket.receive(text);
}

const LEADING_NOWHERE: Record<string, string> = {
  "an empty text": "",
  "no JSON": "x",
  "an unknown type": '[9,"x",{}]',
  "a CALLRESULT to nothing": '[3,"x",{}]',
  "a CALLERROR to nothing": '[4,"x","GenericError","",{}]',
  "a CALLRESULTERROR to nothing": '[5,"x","GenericError","",{}]',
  "a SEND that is no frame": '[6,"x"]',
  "a CALLRESULT to nothing that is no frame": '[3,"x"]',
  "a CALLERROR to nothing that is no frame": '[4,"x"]',
  "a CALLRESULT whose type is a string": '["3","x",{}]',
  "a CALLRESULT cut short": '[3,"x",{',
  "a CALL that is repeated": '[2,"1","Act",{}]',
  "another CALL whose MessageId is in use": '[2,"1","Other",{}]',
};

for (const [name, text] of Object.entries(LEADING_NOWHERE)) {
  Deno.test(`${name} is taken 1,000 times in ten seconds, and then the client is closed`, async () => {
    const core = await startCore();
    const socket = open(core);
    socket.receive('[2,"1","Act",{}]');
    sendTimes(socket, 1000, text);
    strictEqual(socket.closedWith, undefined);
    socket.receive(text);
    deepStrictEqual(socket.closedWith, SPENT);
    ok(!socket.wasCut);
    socket.receive(text);
    ok(socket.wasCut, "what comes behind costs it the connection");
  });
}

Deno.test("a CALL that is refused for a full gateway or its payload leads nowhere too", async () => {
  const core = await startCore();
  const violation = { meaning: "bad_payload", pointer: "", text: "is bad" } as const;
  const socket = open(core, { inspect: () => violation });
  for (let i = 0; i <= 1000; i++) socket.receive(`[2,"${i}","Act",{}]`);
  deepStrictEqual(socket.closedWith, SPENT);
});

Deno.test("frames that lead nowhere are counted anew after ten seconds, and leave no timer", async () => {
  const core = await startCore();
  const socket = open(core);
  for (let i = 0; i < 3; i++) {
    sendTimes(socket, 1000, "");
    core.clock.tick(10_000);
    strictEqual(core.clock.timers, 0);
  }
  strictEqual(socket.closedWith, undefined);
});

Deno.test("what leads somewhere is not counted", async () => {
  const core = await startCore();
  const socket = open(core);
  sendTimes(socket, 1000, "");
  for (const text of ['[3,"r1"]', '[4,"r1"]', '["3","r1",{}]']) {
    socket.frames.length = 0;
    const outcome = core.call(["Reset", "CP1", "r1"], "{}", 10);
    while (socket.frames.length === 0) await quiesce();
    deepStrictEqual(socket.frames, ['[2,"r1","Reset",{}]']);
    socket.receive(text);
    strictEqual((await outcome).status, 422);
  }
  socket.receive('[2,"7","Act",{}]');
  socket.receive('[6,"8","Act",{}]');
  strictEqual(socket.closedWith, undefined);
});

Deno.test("a client that was closed within its budgets may have messages under way", async () => {
  const core = await startCore();
  const socket = open(core);
  open(core);
  strictEqual(socket.closedWith?.reason, "replaced");
  sendTimes(socket, 999, '[2,"1","Act",{}]');
  ok(!socket.wasCut);
  socket.receive("");
  ok(socket.wasCut);
});

Deno.test("long texts are received to a bound in a second, however fast they are read", async () => {
  const core = await startCore();
  const socket = open(core);
  const long = `[9,"x","${"x".repeat(1024 ** 2 - 20)}"]`;
  // 38 MiB at 5.24 ms: the clock stands still, so nothing else counts.
  for (let second = 0; second < 3; second++) {
    sendTimes(socket, 38, long);
    core.clock.tick(1000);
  }
  strictEqual(socket.closedWith, undefined);
  sendTimes(socket, 39, long);
  deepStrictEqual(socket.closedWith, PARSED);
});

/** A clock that shows another time than its timers run by. */
function showing(clock: Clock, now: () => number): Clock {
  return {
    now,
    wallNow: () => clock.wallNow(),
    setTimeout: (callback, ms) => clock.setTimeout(callback, ms),
    clearTimeout: (timer) => clock.clearTimeout(timer),
    setImmediate: (callback) => clock.setImmediate(callback),
  };
}

Deno.test("the time that a payload takes to parse is its sender's, and the frame is not taken", async () => {
  const core = await startCore();
  const { clock } = core;
  let now = 0;
  const parsed: unknown[] = [];
  const socket = open(core, {
    clock: showing(clock, () => now),
    inspect(_, { payload, parse }) {
      // A text that takes so long, and may.
      const slow = { length: 1e6, toString: () => (now += 150, payload) } as unknown as string;
      parsed.push(parse?.(slow));
      return undefined;
    },
  });
  socket.receive('[2,"1","Act",{"a":1}]');
  strictEqual(socket.closedWith, undefined);
  socket.receive('[2,"2","Act",{"a":2}]');
  deepStrictEqual(parsed, [{ a: 1 }, { a: 2 }]);
  deepStrictEqual(socket.closedWith, PARSED);
  strictEqual(core.backlog.count, 1, "the first CALL");
});

Deno.test("a CALL beyond --client-rate waits in the queue, and beyond that it is full", async () => {
  const core = await startCore();
  const { clock, log } = core.deps;
  const limited = new MetricSet([]).metrics.rateLimited;
  const rate = new ClientRate({ perSecond: 1, burst: 2 }, { clock, log, limited });
  const forwarded: string[] = [];
  const socket = open(core, {
    rate,
    forwarder: {
      forward({ path }, requester) {
        forwarded.push(path.split("/").at(-1)!);
        queueMicrotask(() => requester.replied({ ok: true, status: 200, body: "{}" }));
      },
      close() {},
    },
  });
  for (const id of ["1", "2"]) socket.receive(`[2,"${id}","Act",{}]`);
  await quiesce();
  // Answers are not counted.
  sendTimes(socket, 10, '[3,"x",{}]');
  for (const id of ["3", "4", "5", "6"]) socket.receive(`[${id === "4" ? 6 : 2},"${id}","Act",{}]`);
  await quiesce();
  deepStrictEqual(forwarded, ["1", "2"]);
  for (const count of [3, 4, 5]) {
    core.clock.tick(1000);
    await microtasks();
    strictEqual(forwarded.length, count);
  }
  strictEqual(socket.closedWith, undefined);
  for (const id of ["7", "8", "9"]) socket.receive(`[2,"${id}","Act",{}]`);
  const { frames } = socket;
  const before = frames.length;
  socket.receive('[2,"10","Act",{}]');
  deepStrictEqual(frames.slice(before), ['[4,"10","InternalError","queue full",{}]']);
  strictEqual(socket.closedWith, undefined);
  rate.stop();
  await quiesce();
  deepStrictEqual(forwarded, ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  ok(limited.sum >= 4);
});

Deno.test("a pause of the process while a short payload is parsed is not the client's fault", async () => {
  const core = await startCore();
  const { clock } = core;
  let now = 0;
  const socket = open(core, {
    clock: showing(clock, () => now),
    inspect(_, { payload, parse }) {
      const paused = { length: 7, toString: () => (now += 5000, payload) } as unknown as string;
      parse?.(paused);
      return undefined;
    },
  });
  socket.receive('[2,"1","Act",{"a":1}]');
  strictEqual(socket.closedWith, undefined);
  strictEqual(core.backlog.count, 1);
});
