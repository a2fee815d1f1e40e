import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { createValidator } from "../../lib/validate/validator.ts";
import { describeViolation } from "../../lib/validate/violation.ts";
import { CHARACTER } from "../support/character.ts";
import { runs } from "../support/runs.ts";
import { ROWS } from "./payloads.ts";

const PROTOCOLS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] as const;
const HOSTILE = ["__proto__", "constructor", "hasOwnProperty", "toString", "", "Request", "\ud800"];

function create(...allowed: string[]): ReturnType<typeof createValidator> {
  return createValidator({ allowedActions: new Set(allowed) });
}

for (const protocol of PROTOCOLS) {
  Deno.test(`a payload of ${protocol} is good, or what is wrong first is told`, async (t) => {
    const validator = create();
    for (const [i, { kind, action, payload, bad }] of ROWS[protocol].entries()) {
      const text = JSON.stringify(payload);
      await t.step(`${i + 1}: ${kind} ${action} ${text.slice(0, 100)}`, () => {
        const violation = validator.check(protocol, kind, action, text);
        deepStrictEqual(violation && [violation.meaning, violation.pointer], bad);
      });
    }
  });
}

Deno.test("the subprotocol says which schemas count", async (t) => {
  const validator = create();
  const boot16 = '{"chargePointVendor":"ACME","chargePointModel":"One"}';
  for (const protocol of [null, "ocpp1.6"]) {
    await t.step(`${protocol}: those of 1.6`, () => {
      strictEqual(validator.check(protocol, "call", "BootNotification", boot16), undefined);
    });
  }
  for (const protocol of ["ocpp2.0", "ocpp2.0.1", "ocpp2.1"]) {
    await t.step(`${protocol}: others`, () => {
      ok(validator.check(protocol, "call", "BootNotification", boot16) !== undefined);
    });
  }
  for (const protocol of ["ocpp1.5", "soap", "__proto__", ""]) {
    await t.step(`${JSON.stringify(protocol)}: none`, () => {
      strictEqual(validator.check(protocol, "call", "BootNotification", "{}"), undefined);
      strictEqual(validator.check(protocol, "call", "NotInAnyVersion", "{}"), undefined);
    });
  }
});

Deno.test("an allowed Action is not checked, whether the version has it or not", () => {
  const validator = create("VendorReset", "Authorize", "__proto__");
  for (const protocol of PROTOCOLS) {
    for (const action of ["VendorReset", "Authorize", "__proto__"]) {
      strictEqual(validator.check(protocol, "call", action, '{"any":1}'), undefined);
      strictEqual(validator.check(protocol, "result", action, '{"any":1}'), undefined);
    }
    const other = validator.check(protocol, "call", "vendorReset", "{}");
    strictEqual(other?.meaning, "not_implemented");
    strictEqual(validator.check(protocol, "call", "Heartbeat", '{"any":1}')?.pointer, "/any");
  }
});

Deno.test("a name of JavaScript's own is no Action", () => {
  const validator = create();
  for (const protocol of PROTOCOLS) {
    for (const action of HOSTILE) {
      const violation = validator.check(protocol, "call", action, "{}");
      strictEqual(violation?.meaning, "not_implemented", action);
      strictEqual(validator.check(protocol, "result", action, "{}"), undefined, action);
    }
  }
});

Deno.test("a number is checked by its value, however it is written", () => {
  const validator = create();
  const event = (seqNo: string) =>
    `{"eventType":"Ended","timestamp":"2026-01-02T03:04:05Z","triggerReason":"StopAuthorized",` +
    `"seqNo":${seqNo},"transactionInfo":{"transactionId":"t"}}`;
  for (const text of ["7", "7.0", "7e0", "12345678901234567890", "-0"]) {
    strictEqual(validator.check("ocpp2.1", "call", "TransactionEvent", event(text)), undefined);
  }
  // 1e400 is no number that JavaScript has.
  for (const text of ["7.1", "1e400", "-1e400"]) {
    const violation = validator.check("ocpp2.0.1", "call", "TransactionEvent", event(text));
    deepStrictEqual(violation?.meaning, "type_constraint", text);
  }
});

Deno.test("of duplicate names the last one is checked", () => {
  const validator = create();
  strictEqual(validator.check(null, "call", "Authorize", '{"idTag":1,"idTag":"A"}'), undefined);
  strictEqual(
    validator.check(null, "call", "Authorize", '{"idTag":"A","idTag":1}')?.pointer,
    "/idTag",
  );
});

Deno.test("what is no JSON is said to be none", () => {
  for (const text of ["", "{", "undefined", "{}{}", "\ufeff{}"]) {
    const violation = create().check("ocpp1.6", "call", "Heartbeat", text);
    strictEqual(violation?.meaning, "bad_payload");
    strictEqual(violation.pointer, "");
  }
});

Deno.test("a payload that is wrong in 100,000 places, or deep, gives one short violation", async (t) => {
  const validator = create();
  const names = Array.from({ length: 50_000 }, (_, i) => `"name${i}":1`);
  const rows: [name: string, action: string, payload: string][] = [
    ["unknown names", "Heartbeat", `{${names.join(",")}}`],
    ["wrong elements", "MeterValues", `{"connectorId":1,"meterValue":[${"0,".repeat(100_000)}0]}`],
    ["a name of a megabyte", "Heartbeat", `{"${"n".repeat(1_000_000)}":1}`],
    ["an idTag of a megabyte", "Authorize", `{"idTag":"${"😀".repeat(250_000)}"}`],
    ["a date of a megabyte", "GetDiagnostics", `{"startTime":"${"2026".repeat(250_000)}"}`],
    ["a URI of a megabyte", "GetDiagnostics", `{"location":"${"a".repeat(1_000_000)}"}`],
    ["depth", "Heartbeat", `{"a":${"[".repeat(500_000)}${"]".repeat(500_000)}}`],
  ];
  for (const [name, action, payload] of rows) {
    await t.step(name, () => {
      const violation = validator.check("ocpp1.6", "call", action, payload);
      ok(violation !== undefined && describeViolation(violation).length <= 100);
    });
  }
});

/** Objects with the names that schemas and JavaScript know, and any others. */
const payloads = fc.object({
  key: fc.oneof(
    fc.constantFrom(
      ...HOSTILE,
      "customData",
      "vendorId",
      "status",
      "timestamp",
      "meterValue",
      "sampledValue",
      "idToken",
      "chargingProfile",
      "chargingSchedule",
      "evse",
      "id",
      "data",
    ),
    fc.string({ unit: CHARACTER }),
  ),
  values: [fc.constant(null), fc.double(), fc.integer(), fc.boolean(), fc.string()],
  maxDepth: 4,
});

Deno.test("any payload of any Action is good or has a violation that can be sent", () => {
  const validator = create();
  const actions = Object.values(ROWS).flat().map((row) => row.action);
  fc.assert(
    fc.property(
      fc.constantFrom(...PROTOCOLS, null, "soap"),
      fc.constantFrom("call", "send", "result"),
      fc.oneof(fc.constantFrom(...actions, ...HOSTILE), fc.string({ unit: CHARACTER })),
      fc.oneof(payloads.map((payload) => JSON.stringify(payload)), fc.json(), fc.string()),
      (protocol, kind, action, payload) => {
        const violation = validator.check(protocol, kind, action, payload);
        if (violation === undefined) return;
        const line = describeViolation(violation);
        ok(/^(?:\/[\w.:$@-]+)*$/.test(violation.pointer), violation.pointer);
        ok(line.length > 0 && line.length <= 255 && line.isWellFormed() && !/\p{Cc}/u.test(line));
      },
    ),
    { numRuns: runs(2000) },
  );
});
