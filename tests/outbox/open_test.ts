import { deepStrictEqual } from "node:assert/strict";
import { ledgerPlace } from "../../lib/outbox/open.ts";

Deno.test("a process has a place of its own where its machine's name is known, and its port is its alone", () => {
  const listen = { host: "0.0.0.0", port: 4000 };
  deepStrictEqual(
    [
      ledgerPlace("one", { listen, reusePort: false }),
      // Another machine behind the same address would be taken for this one.
      ledgerPlace(null, { listen, reusePort: false }),
      ledgerPlace("one", { listen, reusePort: true }),
      ledgerPlace("one", { listen: { ...listen, port: 0 }, reusePort: false }),
    ],
    ["one 0.0.0.0:4000", undefined, undefined, undefined],
  );
});
