import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { readClientQuery } from "../../../lib/api/client_query.ts";
import {
  controlsOf,
  filterText,
  FINDS,
  sortAfter,
} from "../../../lib/status/page/clients_query.js";

const NOTHING = { protocol: "", address: "", instance: "", silent: "", errors: false };

Deno.test("the page's filter is what the API takes, and is read again as it was", () => {
  const rows = [
    [NOTHING, {}],
    [{ ...NOTHING, errors: true }, { hasErrors: true }],
    [{ ...NOTHING, protocol: "none", silent: "10m" }, { protocol: null, silentMs: 600_000 }],
    [
      { protocol: "ocpp1.6", address: "2001:db8::", instance: "a,b %", silent: "1h", errors: true },
      {
        ...{ protocol: "ocpp1.6", address: "2001:db8::", instance: "a,b %", silentMs: 3_600_000 },
        hasErrors: true,
      },
    ],
  ] as const;
  for (const [controls, filter] of rows) {
    const text = filterText(controls);
    const read = readClientQuery(new URLSearchParams({ filter: text }), { normal: 1, most: 1 });
    deepStrictEqual("query" in read && read.query.filter, filter, text);
    deepStrictEqual(controlsOf(text), controls);
  }
  deepStrictEqual(controlsOf("x,errors:1,silent,address:%ff,protocol"), {
    ...NOTHING,
    address: "%ff",
  });
});

Deno.test("what is found in one step is what the API takes", () => {
  for (const { sort, filter } of Object.values(FINDS)) {
    const asked = new URLSearchParams({ sort, filter });
    strictEqual("query" in readClientQuery(asked, { normal: 1, most: 1 }), true, String(asked));
  }
});

Deno.test("a press on a column's head sorts by it, a second one the other way round", () => {
  const rows = [
    ["errors", "", "-errors"],
    ["errors", "-errors", "errors"],
    ["errors", "errors", "-errors"],
    ["id", "-errors", ""],
    ["id", "", "-id"],
    ["id", "-id", ""],
    ["ends", "-ends", "-ends"],
  ] as const;
  for (const [column, sort, expected] of rows) strictEqual(sortAfter(column, sort), expected);
});
