/**
 * Three gateways as programs, three NATS servers, and one loss of each kind: each accepted CALL has its
 * outcome from whoever is left. `deno task bench:loss` does it for longer, and with more of all.
 *
 * @module
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Kind, lossOf } from "../../bench/loss/losses.ts";
import { lineOf, storyOf } from "../../bench/loss/report.ts";
import { runRound } from "../../bench/loss/round.ts";
import { Traffic } from "../../bench/loss/traffic.ts";
import { World } from "../../bench/loss/world.ts";
import { Processes } from "../../bench/process/processes.ts";
import { testWith } from "../support/needs.ts";

const CALL_TIMEOUT_MS = 1000;
/** A busy machine has its time. */
const TIMES = {
  callTimeoutMs: CALL_TIMEOUT_MS,
  boundMs: 40_000,
  beforeMs: 1500,
  afterMs: 1500,
  mendedMs: 500,
};
const CUT_MS = 4000;
const STATIONS = 60;
const PER_SECOND = 100;

const KINDS: readonly Kind[] = ["gateway", "server", "cut"];

testWith("nats-server", "each accepted CALL has an outcome, whatever one is lost", async (t) => {
  const processes = new Processes();
  await using world = await World.start(processes, {
    stations: STATIONS,
    callTimeoutMs: CALL_TIMEOUT_MS,
    gatewayFlags: ["--outbox=nats"],
  });
  const traffic = new Traffic(world.books, world.stations.ids, () => world.doors, PER_SECOND);
  for (const kind of KINDS) {
    await t.step(kind, async () => {
      const round = await runRound(world, traffic, lossOf(kind, world, CUT_MS), TIMES);
      deepStrictEqual(round.verdict.broken.map(storyOf), [], lineOf(round));
      ok(round.verdict.accepted > 0, lineOf(round));
      await world.whole();
    });
  }
  traffic.close();
  strictEqual(await world.left(), undefined);
});
