import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { fingerprintOf, readRequestKey } from "../../lib/api/idempotency.ts";
import { callTo } from "../cluster/bus_contract.ts";
import { runs } from "../support/runs.ts";

const TOKEN = { name: "php" };

Deno.test("a key is read as it stands, with the name of its token before it", () => {
  const read = (key?: string) =>
    readRequestKey(
      new Headers(key === undefined ? {} : { "idempotency-key": key }),
      TOKEN,
      callTo("CP1"),
    );
  deepStrictEqual(read(), { ok: true, key: undefined });
  const longest = "~".repeat(255);
  for (const key of ["a", "!", longest]) {
    const { ok, key: got } = read(key) as { ok: boolean; key: { key: string } };
    deepStrictEqual([ok, got.key], [true, `php ${key}`]);
  }
  for (const key of ["", "a b", "a, b", "é", "\t", `${longest}~`]) {
    strictEqual(read(key).ok, false, key);
  }
});

Deno.test("two requests have one fingerprint if they ask for the same, and else never", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "\n", ",", '"', "[", "é"), maxLength: 3 });
  const request = fc.record({
    clientId: text,
    action: text,
    messageId: text,
    payload: text,
    waitSeconds: fc.constantFrom(null, 1, 2),
  });
  fc.assert(
    fc.property(request, request, (a, b) => {
      const [one, other] = [a, b].map((each, i) =>
        fingerprintOf({ kind: "call", ...each, id: String(i) })
      );
      const isSame = JSON.stringify(a) === JSON.stringify(b);
      strictEqual(one === other, isSame);
      strictEqual(one, fingerprintOf({ kind: "call", ...a, trace: { traceparent: "t" } }));
    }),
    { numRuns: runs(1000) },
  );
});
