import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { type Direction, goesThisWay } from "../../lib/validate/direction.ts";
import { type PayloadFrame, Schemas } from "../../lib/validate/schemas.ts";
import { createValidator } from "../../lib/validate/validator.ts";
import { describeViolation } from "../../lib/validate/violation.ts";
import * as v16 from "typed-ocpp/dist/ocpp16/schemas.js";
import * as v201 from "typed-ocpp/dist/ocpp20/schemas.js";
import * as v21 from "typed-ocpp/dist/ocpp21/schemas.js";
import { isDateTime } from "../../lib/validate/format.ts";
import { CHARACTER } from "../support/character.ts";
import { runs } from "../support/runs.ts";
import { ROWS } from "./payloads.ts";

const PROTOCOLS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] as const;
const HOSTILE = ["__proto__", "constructor", "hasOwnProperty", "toString", "", "Request", "\ud800"];

function create(...allowed: string[]): ReturnType<typeof createValidator> {
  return createValidator({ allowedActions: new Set(allowed) });
}

/** A way that a CALL of this Action may go. */
function wayOf(action: string): Direction {
  return goesThisWay("in", action) ? "in" : "out";
}

/** Where a payload is expected to be judged by its schema; a CALLRESULT is everywhere. */
function directionsOf(frame: PayloadFrame, action: string): Direction[] {
  return frame === "result" ? ["in", "out"] : [wayOf(action)];
}

for (const protocol of PROTOCOLS) {
  Deno.test(`a payload of ${protocol} is good, or what is wrong first is told`, async (t) => {
    const validator = create();
    for (const [i, { kind, action, payload, bad }] of ROWS[protocol].entries()) {
      const text = JSON.stringify(payload);
      await t.step(`${i + 1}: ${kind} ${action} ${text.slice(0, 100)}`, () => {
        for (const direction of directionsOf(kind, action)) {
          const violation = validator.check(protocol, direction, kind, action, text);
          deepStrictEqual(violation && [violation.meaning, violation.pointer], bad);
        }
      });
    }
  });
}

Deno.test("the subprotocol says which schemas count", async (t) => {
  const validator = create();
  const boot16 = '{"chargePointVendor":"ACME","chargePointModel":"One"}';
  for (const protocol of [null, "ocpp1.6"]) {
    await t.step(`${protocol}: those of 1.6`, () => {
      strictEqual(validator.check(protocol, "in", "call", "BootNotification", boot16), undefined);
    });
  }
  for (const protocol of ["ocpp2.0", "ocpp2.0.1", "ocpp2.1"]) {
    await t.step(`${protocol}: others`, () => {
      ok(validator.check(protocol, "in", "call", "BootNotification", boot16) !== undefined);
    });
  }
  for (const protocol of ["ocpp1.5", "soap", "__proto__", ""]) {
    await t.step(`${JSON.stringify(protocol)}: none`, () => {
      strictEqual(validator.check(protocol, "in", "call", "BootNotification", "{}"), undefined);
      strictEqual(validator.check(protocol, "out", "call", "NotInAnyVersion", "{}"), undefined);
    });
  }
});

Deno.test("an allowed Action is not checked, whether the version has it or not", () => {
  const validator = create("VendorReset", "Authorize", "__proto__");
  for (const protocol of PROTOCOLS) {
    for (const action of ["VendorReset", "Authorize", "__proto__"]) {
      for (const direction of ["in", "out"] as const) {
        strictEqual(validator.check(protocol, direction, "call", action, '{"any":1}'), undefined);
        strictEqual(validator.check(protocol, direction, "result", action, '{"any":1}'), undefined);
      }
    }
    const other = validator.check(protocol, "in", "call", "vendorReset", "{}");
    strictEqual(other?.meaning, "not_implemented");
    strictEqual(validator.check(protocol, "in", "call", "Heartbeat", '{"any":1}')?.pointer, "/any");
  }
});

Deno.test("a name of JavaScript's own is no Action", () => {
  const validator = create();
  for (const protocol of PROTOCOLS) {
    for (const action of HOSTILE) {
      for (const direction of ["in", "out"] as const) {
        const violation = validator.check(protocol, direction, "call", action, "{}");
        strictEqual(violation?.meaning, "not_implemented", action);
        strictEqual(
          validator.check(protocol, direction, "result", action, "{}"),
          undefined,
          action,
        );
      }
    }
  }
});

Deno.test("a number is checked by its value, however it is written", () => {
  const validator = create();
  const event = (seqNo: string) =>
    `{"eventType":"Ended","timestamp":"2026-01-02T03:04:05Z","triggerReason":"StopAuthorized",` +
    `"seqNo":${seqNo},"transactionInfo":{"transactionId":"t"}}`;
  for (const text of ["7", "7.0", "7e0", "12345678901234567890", "-0"]) {
    strictEqual(
      validator.check("ocpp2.1", "in", "call", "TransactionEvent", event(text)),
      undefined,
    );
  }
  // 1e400 is no number that JavaScript has.
  for (const text of ["7.1", "1e400", "-1e400"]) {
    const violation = validator.check("ocpp2.0.1", "in", "call", "TransactionEvent", event(text));
    deepStrictEqual(violation?.meaning, "type_constraint", text);
  }
});

Deno.test("of duplicate names the last one is checked", () => {
  const validator = create();
  strictEqual(
    validator.check(null, "in", "call", "Authorize", '{"idTag":1,"idTag":"A"}'),
    undefined,
  );
  strictEqual(
    validator.check(null, "in", "call", "Authorize", '{"idTag":"A","idTag":1}')?.pointer,
    "/idTag",
  );
});

Deno.test("what is no JSON is said to be none", () => {
  for (const text of ["", "{", "undefined", "{}{}", "\ufeff{}"]) {
    const violation = create().check("ocpp1.6", "in", "call", "Heartbeat", text);
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
      const violation = validator.check("ocpp1.6", wayOf(action), "call", action, payload);
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
      fc.constantFrom("in", "out"),
      fc.constantFrom("call", "send", "result"),
      fc.oneof(fc.constantFrom(...actions, ...HOSTILE), fc.string({ unit: CHARACTER })),
      fc.oneof(payloads.map((payload) => JSON.stringify(payload)), fc.json(), fc.string()),
      (protocol, direction, kind, action, payload) => {
        const violation = validator.check(protocol, direction, kind, action, payload);
        if (violation === undefined) return;
        const line = describeViolation(violation);
        ok(/^(?:\/[\w.:$@-]+)*$/.test(violation.pointer), violation.pointer);
        ok(line.length > 0 && line.length <= 255 && line.isWellFormed() && !/\p{Cc}/u.test(line));
      },
    ),
    { numRuns: runs(2000) },
  );
});

/** The CSMS's in any version: with the station's, all Actions of all schemas. */
const FROM_CSMS = [
  ...["AFRRSignal", "AdjustPeriodicEventStream", "CancelReservation", "CertificateSigned"],
  ...["ChangeAvailability", "ChangeConfiguration", "ChangeTransactionTariff", "ClearCache"],
  ...["ClearChargingProfile", "ClearDERControl", "ClearDisplayMessage", "ClearTariffs"],
  ...["ClearVariableMonitoring", "CostUpdated", "CustomerInformation", "DeleteCertificate"],
  ...["ExtendedTriggerMessage", "GetBaseReport", "GetChargingProfiles", "GetCompositeSchedule"],
  ...["GetConfiguration", "GetDERControl", "GetDiagnostics", "GetDisplayMessages"],
  ...["GetInstalledCertificateIds", "GetLocalListVersion", "GetLog", "GetMonitoringReport"],
  ...["GetPeriodicEventStream", "GetReport", "GetTariffs", "GetTransactionStatus", "GetVariables"],
  ...["InstallCertificate", "NotifyAllowedEnergyTransfer", "PublishFirmware"],
  ...["RemoteStartTransaction", "RemoteStopTransaction", "RequestBatterySwap"],
  ...["RequestStartTransaction", "RequestStopTransaction", "ReserveNow", "Reset", "SendLocalList"],
  ...["SetChargingProfile", "SetDERControl", "SetDefaultTariff", "SetDisplayMessage"],
  ...["SetMonitoringBase", "SetMonitoringLevel", "SetNetworkProfile", "SetVariableMonitoring"],
  ...["SetVariables", "SignedUpdateFirmware", "TriggerMessage", "UnlockConnector"],
  ...["UnpublishFirmware", "UpdateDynamicSchedule", "UpdateFirmware", "UsePriorityCharging"],
];
const FROM_BOTH = ["DataTransfer", "NotifyWebPaymentStarted"];
const STATIONS = { v16: 13, v201: 24, v21: 36 };

Deno.test("each Action of each version is the station's, the CSMS's, or both sides'", () => {
  for (const [name, messages] of Object.entries({ v16, v201, v21 })) {
    const schemas = new Schemas(messages, isDateTime);
    const actions = [...schemas.actions("call"), ...schemas.actions("send")];
    const station = actions.filter((action) =>
      !FROM_CSMS.includes(action) && !FROM_BOTH.includes(action)
    );
    strictEqual(station.length, STATIONS[name as keyof typeof STATIONS], station.join(" "));
    for (const action of actions) {
      const ways = [goesThisWay("in", action), goesThisWay("out", action)];
      deepStrictEqual(
        ways,
        FROM_BOTH.includes(action)
          ? [true, true]
          : [station.includes(action), FROM_CSMS.includes(action)],
        action,
      );
    }
  }
});

Deno.test("a CALL or SEND that is the other side's is refused before its payload is read", () => {
  const validator = create();
  const rows: [protocol: string | null, way: Direction, kind: PayloadFrame, action: string][] = [
    [null, "in", "call", "Reset"],
    ["ocpp1.6", "in", "call", "RemoteStartTransaction"],
    ["ocpp1.6", "out", "call", "BootNotification"],
    ["ocpp1.6", "out", "call", "StartTransaction"],
    ["ocpp2.0", "in", "call", "SetVariables"],
    ["ocpp2.0.1", "in", "call", "GetReport"],
    ["ocpp2.0.1", "out", "call", "NotifyReport"],
    ["ocpp2.0.1", "out", "call", "TransactionEvent"],
    ["ocpp2.1", "in", "call", "NotifyAllowedEnergyTransfer"],
    ["ocpp2.1", "out", "call", "GetCertificateChainStatus"],
    ["ocpp2.1", "out", "send", "NotifyPeriodicEventStream"],
  ];
  for (const [protocol, way, kind, action] of rows) {
    const violation = validator.check(protocol, way, kind, action, '{"any":1}', () => {
      throw new Error("the payload was parsed");
    });
    deepStrictEqual([violation?.meaning, violation?.pointer], ["not_supported", ""], action);
    const sender = way === "in" ? "CSMS's" : "station's";
    strictEqual(describeViolation(violation!), `the Action is the ${sender} to send`);
  }
  // What the version does not have stays unknown, and an answer has no direction of its own.
  for (const way of ["in", "out"] as const) {
    const unknown = validator.check("ocpp1.6", way, "call", "TransactionEvent", "{}");
    strictEqual(unknown?.meaning, "not_implemented");
    const answer = validator.check("ocpp1.6", way, "result", "Reset", '{"status":"Accepted"}');
    strictEqual(answer, undefined);
  }
});

Deno.test("a date-time is checked by its version and direction", async (t) => {
  const validator = create();
  const valid = (protocol: string, way: Direction, time: string): boolean => {
    // A CALLRESULT goes both ways with the same schema.
    const payload = `{"currentTime":${JSON.stringify(time)}}`;
    return validator.check(protocol, way, "result", "Heartbeat", payload) === undefined;
  };
  const rows: [time: string, isStrict: boolean, isLoose: boolean][] = [
    ["2026-01-02T03:04:05Z", true, true],
    ["2026-01-02T03:04:05.123Z", true, true],
    ["2026-01-02T03:04:05.5+01:00", true, true],
    ["2026-01-02T03:04:05.1234Z", false, true],
    ["2026-01-02T03:04:05,5Z", false, true],
    ["2026-01-02T03:04:05", false, true],
    ["2026-01-02T03:04:05+02", false, true],
    ["2026-01-02T03:04:05+0200", false, true],
    ["2022-02-29T07:02:33.000Z", false, true],
    ["2026-01-02", false, false],
    ["2026-01-02T24:00:00Z", false, false],
    ["", false, false],
  ];
  for (const [time, isStrict, isLoose] of rows) {
    await t.step(time, () => {
      strictEqual(valid("ocpp1.6", "in", time), isLoose);
      strictEqual(valid("ocpp1.6", "out", time), isStrict);
      for (const protocol of ["ocpp2.0", "ocpp2.0.1", "ocpp2.1"]) {
        for (const way of ["in", "out"] as const) {
          strictEqual(valid(protocol, way, time), isStrict, protocol);
        }
      }
    });
  }
  // In CALLs too, and deep inside.
  const meter = (time: string) =>
    `{"connectorId":1,"meterValue":[{"timestamp":"${time}","sampledValue":[{"value":"1"}]}]}`;
  const loose = meter("2023-10-19T15:28:07");
  strictEqual(validator.check("ocpp1.6", "in", "call", "MeterValues", loose), undefined);
  const retrieve = '{"location":"ftp://a/","retrieveDate":"2023-10-19T15:28:07"}';
  strictEqual(
    validator.check("ocpp1.6", "out", "call", "UpdateFirmware", retrieve)?.pointer,
    "/retrieveDate",
  );
});
