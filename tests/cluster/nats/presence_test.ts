import { deepStrictEqual } from "node:assert/strict";
import type { Peers } from "../../../lib/cluster/nats/peers.ts";
import { Presence } from "../../../lib/cluster/nats/presence.ts";
import { SharedTime } from "../../../lib/ids.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { KeptLog } from "../../support/nats.ts";

Deno.test("after its farewell an instance tells nobody that it is there", () => {
  const clock = new FakeClock();
  const said: string[] = [];
  const presence = new Presence({
    ...{ prefix: "p", peerId: "a", port: undefined, time: new SharedTime(clock), clock },
    log: new KeptLog(),
    link: { clientIp: undefined, publish: (_, { kind }) => void said.push(kind) },
    peers: { heard() {}, lastHeard: () => undefined } as unknown as Peers,
    tell: (peerId, { kind }) => void said.push(`${kind} to ${peerId}`),
    ...{ onNew() {}, onHello() {}, onBye() {} },
  });
  presence.take({ kind: "hello", peerId: "b" });
  presence.say("bye");
  // One that begins in this moment would miss it for minutes.
  presence.take({ kind: "hello", peerId: "c" });
  presence.say("alive");
  presence.madeId(clock.wallNow() + 60_000);
  deepStrictEqual(said, ["alive to b", "bye"]);
});
