/**
 * NATS, or its JetStream, away from programs whose outbox is there.
 *
 * @module
 */

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { until } from "../support/deadline.ts";
import { LedgerWorld } from "../support/ledger_world.ts";
import { NatsServer, testWithNats, withJetStream } from "../support/nats.ts";
import { startProgram } from "../support/program.ts";

/** A CALL that is refused because nothing can be kept: nothing of it goes to the client. */
function isRefused(
  { status, headers, text }: { status: number; headers: Headers; text: string },
): void {
  deepStrictEqual([status, headers.get("ws2api-outcome")], [503, "not-sent"], text);
  match(headers.get("retry-after") ?? "", /^\d+$/);
}

testWithNats(
  "NATS away at the start: clients are served, no 202, and all of it when it comes",
  async () => {
    await using world = await LedgerWorld.start();
    await world.backendComes();
    const left = await world.gateway();
    const lost = await left.station("CP-0");
    await left.accepted("CP-0/a");
    await lost.next('[2,"a"');
    await left.kill();
    await world.nats.kill();

    const gateway = await world.gateway();
    const station = await gateway.station("CP-1");
    strictEqual(await station.ask('[2,"1","Heartbeat",{}]'), '[3,"1",{}]');
    isRefused(await gateway.call("CP-1/a"));
    const waited = gateway.call("CP-1/b", { prefer: "wait=5" });
    await station.answer("b");
    deepStrictEqual((await waited).text, '{"of":"b"}');
    await gateway.program.logged("the outbox cannot be written: CALLs are refused until it can");

    await world.nats.restart();
    await gateway.accepted("CP-1/c");
    await station.answer("c");
    await until(
      "both outcomes",
      () => world.outcomes("CP-0").length + world.outcomes("CP-1").length === 2,
    );
    await world.whenEmpty();
    deepStrictEqual(
      world.outcomes("CP-0").map(({ text }) => text),
      [
        "error a the gateway lost the client",
      ],
    );
    deepStrictEqual(world.outcomes("CP-1").map(({ text }) => text), ["result c"]);
    deepStrictEqual(station.left, []);
  },
);

testWithNats(
  "NATS killed and started again: 503 in bounded time, nothing lost, nothing twice",
  async () => {
    await using world = await LedgerWorld.start();
    const backend = await world.backendComes();
    const gateway = await world.gateway();
    const station = await gateway.station("CP-1");
    await gateway.accepted("CP-1/a");
    await station.next('[2,"a"');
    await gateway.accepted("CP-1/b");
    await world.nats.kill();
    isRefused(await gateway.call("CP-1/x"));
    // What is in memory is delivered on.
    station.send('[3,"a",{}]');
    await backend.next("/result/Reset/CP-1/a");
    await world.nats.restart();
    await gateway.accepted("CP-1/c");
    await station.answer("b");
    await station.answer("c");
    await world.whenEmpty();
    deepStrictEqual(world.outcomes("CP-1").map(({ text }) => text), [
      "result a",
      "result b",
      "result c",
    ]);
    deepStrictEqual(station.left, []);
  },
);

/** A gateway that cannot be started. */
async function refusal(nats: string): Promise<string> {
  await using program = startProgram([
    ...["--listen=127.0.0.1:0", "--backend=http://127.0.0.1:9/"],
    ...[`--nats=${nats}`, "--outbox=nats"],
  ]);
  const { code, stdout, stderr } = await program.ended();
  deepStrictEqual([code, stdout, stderr.split("\n").length], [1, "", 2], stderr);
  return stderr;
}

testWithNats("no JetStream at the start is one line and exit code 1", async () => {
  await using nats = await NatsServer.start();
  match(await refusal(nats.url), /^ws2api: --outbox "nats": nobody answers for JetStream/);
});

testWithNats("a login that may not use JetStream is one line and exit code 1", async () => {
  const own = 'publish: ["ws2api.>"], subscribe: ["ws2api.>"]';
  await using nats = await NatsServer.start((dir) =>
    `${
      withJetStream(dir)
    }\nauthorization { users: [{ user: u, password: p, permissions: { ${own} } }] }`
  );
  const said = await refusal(`nats://u:p@${nats.host}`);
  match(said, /^ws2api: --outbox "nats": the login at NATS may not publish to \$JS\.API\./);
});

for (const deed of ["deleted", "purged"] as const) {
  testWithNats(
    `streams ${deed} by an operator: nobody crashes, and CALLs are accepted again`,
    async () => {
      await using world = await LedgerWorld.start();
      const backend = await world.backendComes();
      const gateway = await world.gateway(["--workers=2"]);
      const station = await gateway.station("CP-1");
      await gateway.accepted("CP-1/a");
      await station.next('[2,"a"');
      await world.jetStream(async (jsm, { entries, owners }) => {
        for (const stream of [entries, owners]) {
          if (deed === "deleted") await jsm.streams.delete(stream);
          else await jsm.streams.purge(stream);
        }
      });
      await gateway.accepted("CP-1/b");
      station.send('[3,"a",{}]');
      await backend.next("/result/Reset/CP-1/a");
      await station.answer("b");
      await backend.next("/result/Reset/CP-1/b");
      await world.whenEmpty();
      const { code } = await gateway.stop();
      strictEqual(code, 0);
      strictEqual(world.outcomes("CP-1").length, 2);
    },
  );
}
