import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Sockets } from "../../lib/socket/sockets.ts";
import { Core, FakeSocket } from "../simulation/model/core.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";

Deno.test("an upgrade that never opens is given up, one that opens in time is not", () => {
  const clock = new FakeClock();
  const sockets = new Sockets({ cut() {}, opened() {}, closed() {} }, clock);
  const [slow, quick] = [new EventTarget(), new EventTarget()];
  const givenUp: object[] = [];
  for (const socket of [slow, quick]) sockets.enterOpening(socket, () => givenUp.push(socket));
  sockets.opened(quick);
  clock.tick(10_000);
  deepStrictEqual([givenUp.length, givenUp[0] === slow], [1, true]);
  strictEqual(sockets.count, 1, "the slow one does not count any more");
  sockets.leave(quick);
  deepStrictEqual([sockets.count, clock.timers], [0, 0]);
});

Deno.test("a socket that opens after it was given up is cut, and never listed", async () => {
  const core = await Core.start({
    maxWaiting: 10,
    isPressed: false,
    disconnectHook: false,
    protocol: null,
    callTimeoutMs: 1000,
    callConcurrency: 1,
    maxQueue: 2,
    maxQueueChars: Infinity,
    maxMessageBytes: 1000,
    maxBufferedBytes: 1000,
    retries: 0,
    slots: 1,
    maxSlotWaitMs: 1000,
    holdMs: 2000,
    isAway: false,
  });
  const socket = new FakeSocket();
  core.connect(socket, "CP1", "1");
  core.clock.tick(10_000);
  strictEqual(core.sockets.count, 0);
  socket.open();
  await microtasks();
  deepStrictEqual([socket.wasCut, core.connections.size, core.sockets.count], [true, 0, 0]);
});
