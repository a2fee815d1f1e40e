/**
 * What an heir knows of what it inherited, and gateways with other outboxes beside it.
 *
 * @module
 */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { json } from "../support/backend.ts";
import { until } from "../support/deadline.ts";
import { LedgerWorld } from "../support/ledger_world.ts";
import { scrape } from "../support/metrics.ts";
import { testWithNats } from "../support/nats.ts";
import { TempDir } from "../support/program.ts";

testWithNats("an heir knows keys, CALLs and reports of those that it inherited", async (t) => {
  await using world = await LedgerWorld.start();
  const backend = await world.backendComes();
  backend.answer = ({ path }) => path.includes("/parked") ? json("{}", 400) : json("{}", 503);
  const first = await world.gateway();
  const heir = await world.gateway(["--workers=2"]);
  const station = await first.station("CP-1");
  for (const messageId of ["parked1", "parked2", "parked3"]) {
    await first.accepted(`CP-1/${messageId}`);
    await station.answer(messageId);
    await until(
      "a parked report",
      async () =>
        (await first.reports("?state=parked")).some((report) => report.messageId === messageId),
    );
  }
  await first.accepted("CP-1/a", { "idempotency-key": "key-a" });
  await station.answer("a");
  await first.accepted("CP-1/b", { "idempotency-key": "key-b" });
  await station.next('[2,"b"');
  await until("all of it in the ledger", async () => {
    const all = (await world.ledger()).map((entry) => "report" in entry ? entry.report : undefined);
    return all.filter((report) => report !== undefined).length === 4 &&
      all.filter((report) => report?.parked !== undefined).length === 3;
  });
  await first.kill();
  await until("an heir", async () => (await heir.reports()).length === 5);
  const again = await heir.station("CP-1");

  await t.step("a repeated request is answered from its key, and not sent again", async () => {
    for (const messageId of ["a", "b"]) {
      const answer = await heir.call(`CP-1/${messageId}`, {
        "idempotency-key": `key-${messageId}`,
      });
      strictEqual(answer.status, 202, answer.text);
      strictEqual(answer.headers.get("idempotency-replayed"), "true");
      const other = await heir.call(
        `CP-1/${messageId}`,
        { "idempotency-key": `key-${messageId}` },
        '{"x":1}',
      );
      strictEqual(other.status, 422, other.text);
    }
    strictEqual(
      await again.ask('[2,"1","Heartbeat",{}]').then((text) => text.slice(0, 7)),
      '[4,"1",',
    );
    deepStrictEqual(again.left, []);
  });
  await t.step("how far its CALLs have got", async () => {
    for (
      const [messageId, kind, delivery] of [["a", "result", "waiting"], ["b", "error", "waiting"], [
        "parked1",
        "result",
        "parked",
      ]]
    ) {
      const { status, text } = await heir.api(`/call/Reset/CP-1/${messageId}`);
      strictEqual(status, 200, text);
      const call = JSON.parse(text);
      deepStrictEqual(
        [call.state, call.outcome?.kind, call.delivery],
        ["ended", kind, delivery],
        text,
      );
    }
  });
  await t.step("gauges", async () => {
    const series = await scrape(heir);
    strictEqual(series.get('ws2api_outbox{state="waiting"}'), 2);
    strictEqual(series.get('ws2api_outbox{state="parked"}'), 3);
  });
  await t.step("parked ones are tried again, given up, and tell so in the ledger", async () => {
    const [one, two, three] = await heir.reports("?state=parked");
    backend.answer = () => json("{}");
    strictEqual((await heir.api(`/outbox/${one!.id}`)).status, 200);
    strictEqual((await heir.api(`/outbox/${one!.id}/retry`, { method: "POST" })).status, 202);
    strictEqual((await heir.api(`/outbox/${two!.id}`, { method: "DELETE" })).status, 204);
    // Whether the killed one has it is not certain for some minutes: it is not 404 so soon.
    deepStrictEqual((await heir.reports()).filter(({ id }) => id === two!.id), []);
    await heir.retryAll();
    await until("one parked report", async () => (await world.ledger()).length === 1);
    // All that answer do it; one that was killed is missed.
    await heir.api("/outbox/retry?state=parked", { method: "POST" });
    await world.whenEmpty();
    strictEqual(three!.messageId, "parked3");
    const delivered = world.outcomes("CP-1").map(({ text }) => text);
    strictEqual(delivered.filter((text) => text === "result parked2").length, 1);
    await until("gauges at rest", async () => {
      const series = await scrape(heir);
      return series.get('ws2api_outbox{state="waiting"}') === 0 &&
        series.get('ws2api_outbox{state="parked"}') === 0;
    });
  });
});

testWithNats(
  "beside gateways with another outbox or none each keeps to its own rules",
  async () => {
    await using world = await LedgerWorld.start();
    using dir = new TempDir();
    await world.backendComes();
    const inMemory = await world.gateway(["--outbox=none", "--outbox-max-bytes=none"]);
    const inNats = await world.gateway();
    const heir = await world.gateway();
    const onDisk = ["--outbox-max-bytes=none", `--outbox=${dir.path("outbox")}`];
    const inFolder = await world.gateway(onDisk);
    const holders = { M: inMemory, N: inNats, F: inFolder };
    for (const name of ["M", "N", "F"] as const) await holders[name].station(`CP-${name}`);
    for (const through of ["M", "N", "F"] as const) {
      await until(
        "all clients",
        async () => JSON.parse((await holders[through].api("/clients")).text).total === 3,
      );
      for (const name of ["M", "N", "F"] as const) {
        await holders[through].accepted(`CP-${name}/${through}`);
      }
    }
    const came = (name: string): string[] =>
      world.outcomes(`CP-${name}`).map(({ text }) => text).sort();
    const LOST = "the gateway lost the client";
    // Its own CALLs are lost with it; those that others accepted are told by them.
    await inMemory.kill();
    await until("what others had accepted", () => came("M").length === 2);
    // All CALLs to its clients are in NATS, whoever accepted them.
    await inNats.kill();
    await until("what it had kept", () => came("N").length === 3);
    await inFolder.kill();
    await world.gateway(onDisk);
    await until("what is on disk", () => came("F").length === 3);
    await world.whenEmpty();
    deepStrictEqual(came("M"), [`error F ${LOST}`, `error N ${LOST}`]);
    deepStrictEqual(came("N"), ["F", "M", "N"].map((through) => `error ${through} ${LOST}`));
    deepStrictEqual(
      came("F"),
      ["F", "M", "N"].map((through) => `error ${through} the gateway was restarted`),
    );
    strictEqual((await heir.stop()).code, 0);
  },
);
