/**
 * A process: an owner in NATS that fills its ledger, says so, and does nothing until it is killed.
 *
 * Its arguments: how many entries, and the servers. Nine of ten are reports, the others CALLs without
 * an outcome.
 *
 * @module
 */

import { silentLog } from "../../lib/log/log.ts";
import { writeOut } from "../process/text.ts";
import { accepted, openLedger, outcomeOf } from "./entries.ts";

const AT_ONCE = 256;
const IDLE_MS = 1000;

const [count = "", ...servers] = Deno.args;
const opened = await openLedger(servers, silentLog);
if (!opened.ok) throw new Error(opened.message);
const { store } = opened.outbox;
await store.recover();
let left = Number(count);
async function fill(): Promise<void> {
  while (left > 0) {
    const hasOutcome = --left % 10 !== 0;
    const call = accepted();
    const isKept = await new Promise((resolve) => store.accept(call, resolve));
    if (!isKept) throw new Error("not kept");
    if (hasOutcome) store.end(outcomeOf(call));
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, fill));
// The last outcomes are on their way.
await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
writeOut("ready\n");
await new Promise(() => setInterval(() => {}, 1_000_000));
