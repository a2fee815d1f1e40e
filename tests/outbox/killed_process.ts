/**
 * A process with an outbox, which a test kills: it prints the id of each CALL that was kept, and of each
 * report behind it that was.
 *
 * @module
 */

import { systemClock } from "../../lib/clock.ts";
import { silentLog } from "../../lib/log/log.ts";
import { openSqlite } from "../../lib/outbox/sqlite/open.ts";
import { call, outcomeOf } from "./entries.ts";

const [folder = ""] = Deno.args;
const opened = await openSqlite(folder, { clock: systemClock, log: silentLog });
if (!opened.ok) throw new Error(opened.message);
const { store } = opened.outbox;
const encoder = new TextEncoder();
const say = (text: string): void => void Deno.stdout.writeSync(encoder.encode(`${text}\n`));

/** Eight at a time, for ever; each third one ends, and each sixth one is delivered. */
let count = 0;
function next(before?: string): void {
  const accepted = call(`${count++}`);
  store.accept(accepted, (isKept) => {
    if (!isKept) throw new Error("not kept");
    // What was told before this one was accepted is kept with it.
    if (before !== undefined) say(before);
    say(`accepted ${accepted.id}`);
    if (count % 3 === 0) {
      store.end(outcomeOf(accepted));
      if (count % 6 === 0) store.delivered(accepted.id);
      return next(`${count % 6 === 0 ? "delivered" : "ended"} ${accepted.id}`);
    }
    next();
  });
}
for (let i = 0; i < 8; i++) next();
