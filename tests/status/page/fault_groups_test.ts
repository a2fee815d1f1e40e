import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { FaultGroups } from "../../../lib/status/page/fault_groups.js";
import type { RecentFault } from "../../../lib/log/recent_faults.ts";

function fault(event: string, at: number, fields: RecentFault["fields"] = {}): RecentFault {
  return { at, level: "warn", event, fields, thread: 0 };
}

Deno.test("lines of one event and one client are one group, with the last of them", () => {
  const groups = new FaultGroups();
  groups.add(fault("frame refused", 1, { clientId: "CP1", reason: "a" }));
  groups.add(fault("frame refused", 2, { clientId: "CP2" }));
  groups.add(fault("queue full", 3, { clientId: "CP1" }));
  groups.add(fault("backend away", 4));
  const last = fault("frame refused", 5, { clientId: "CP1", reason: "b" });
  const { group, gone } = groups.add(last);
  deepStrictEqual([group.count, group.first, group.last, gone], [2, 1, last, null]);
  deepStrictEqual([groups.size, groups.count], [4, 5]);
});

Deno.test("there are no more than a hundred groups: the one that was quiet for longest goes", () => {
  const groups = new FaultGroups();
  for (let i = 0; i < 100; i++) groups.add(fault("e", i, { clientId: `CP${i}` }));
  groups.add(fault("e", 100, { clientId: "CP0" }));
  const { gone } = groups.add(fault("e", 101, { clientId: "CP100" }));
  strictEqual(gone?.last.fields.clientId, "CP1");
  strictEqual(groups.size, 100);
});
