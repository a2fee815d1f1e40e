import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { systemClock } from "../../../lib/clock.ts";
import { Deflate, type DeflateOwner, DeflateQueue } from "../../../lib/socket/ws/deflate.ts";
import { inTime } from "../../support/deadline.ts";
import { inflated } from "../../support/deflated.ts";

const MIB = 1024 ** 2;
const AGREED = { server_no_context_takeover: true, client_no_context_takeover: true } as const;

/** A client's side of it. */
function deflateOf(queue: DeflateQueue, owner: { isGone: boolean }): Deflate {
  const all: DeflateOwner = {
    get isGone() {
      return owner.isGone;
    },
    inflating: (go) => go(),
  };
  return new Deflate(AGREED, all, queue, MIB);
}

function compressed(deflate: Deflate, text: string): Promise<Buffer> {
  return inTime(
    new Promise<Buffer>((resolve) => deflate.compress(text, true, (_, data) => resolve(data))),
    "a compressed message",
  );
}

Deno.test("while large messages are compressed the event loop goes on", async () => {
  const queue = new DeflateQueue(systemClock);
  const letters = Buffer.from(crypto.getRandomValues(new Uint8Array(65536))).toString("hex").repeat(
    16,
  );
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns++;
    if (!isDone) systemClock.setImmediate(count);
  };
  systemClock.setImmediate(count);
  const owners = [{ isGone: false }, { isGone: false }];
  const all = await Promise.all(
    owners.map((owner) => compressed(deflateOf(queue, owner), letters)),
  );
  isDone = true;
  for (const data of all) ok(inflated(data) === letters, "as it was");
  // 2 MiB each, 64 KiB in a turn.
  ok(turns >= 64, `${turns} turns`);
});

Deno.test("what clients that have gone were to get is not compressed any more", async () => {
  const queue = new DeflateQueue(systemClock);
  const text = "a".repeat(MIB);
  const owners = [{ isGone: false }, { isGone: false }, { isGone: false }];
  const told: number[] = [];
  const [first, second, third] = owners.map((owner) => deflateOf(queue, owner));
  first!.compress(text, true, () => told.push(1));
  second!.compress(text, true, () => told.push(2));
  const last = compressed(third!, text);
  // One while it is compressed, one before its turn.
  owners[0]!.isGone = owners[1]!.isGone = true;
  ok(inflated(await last) === text, "as it was");
  deepStrictEqual(told, []);
});

Deno.test("what is compressed has the window that was agreed on", async () => {
  const queue = new DeflateQueue(systemClock);
  const owner: DeflateOwner = { isGone: false, inflating: (go) => go() };
  const deflate = new Deflate({ ...AGREED, server_max_window_bits: 9 }, owner, queue, MIB);
  // Repeats that are farther apart than 512 bytes.
  const block = Buffer.from(crypto.getRandomValues(new Uint8Array(1024))).toString("hex");
  for (const times of [10, 100]) {
    const data = await compressed(deflate, block.repeat(times));
    strictEqual(inflated(data), block.repeat(times));
    ok(data.length > block.length * times / 3, `${data.length} bytes`);
  }
});
