/**
 * What `--validate` costs for each payload: `JSON.parse` and the schema of the version.
 *
 * The baseline is `JSON.parse` alone. Schemas are compiled before, as they are in a gateway that has
 * seen each Action once.
 *
 * @module
 */

import { createValidator } from "../lib/validate/validator.ts";

const validator = createValidator({ allowedActions: new Set() });
/** What the benches give goes here, so that none of it can be left out as unused. */
let sum = 0;

const TIME = "2026-01-02T03:04:05.678Z";

const BOOT_16 = {
  chargePointVendor: "ACME",
  chargePointModel: "One",
  chargePointSerialNumber: "0123456789",
  firmwareVersion: "1.2.3",
  iccid: "8931080000000000000",
  imsi: "204080000000000",
};

const BOOT_2 = {
  reason: "PowerUp",
  chargingStation: {
    vendorName: "ACME",
    model: "One",
    serialNumber: "0123456789",
    firmwareVersion: "1.2.3",
    modem: { iccid: "8931080000000000000", imsi: "204080000000000" },
  },
};

const MEASURANDS = [
  "Voltage",
  "Current.Import",
  "Power.Active.Import",
  "Energy.Active.Import.Register",
];

/** The three phases' values, as text in 1.6 and as numbers in 2.x. */
function meterValue(valueOf: (value: number) => string | number): unknown[] {
  const sampledValue = MEASURANDS.flatMap((measurand, i) =>
    ["L1", "L2", "L3"].map((phase, j) => ({
      value: valueOf(230.1 + 16.4 * i + j),
      context: "Sample.Periodic",
      location: "Outlet",
      measurand,
      phase,
    }))
  );
  return [{ timestamp: TIME, sampledValue }];
}

const VALUES_16 = { connectorId: 1, transactionId: 4711, meterValue: meterValue(String) };
const VALUES_2 = { evseId: 1, meterValue: meterValue(Number) };
const EVENT_2 = {
  eventType: "Updated",
  timestamp: TIME,
  triggerReason: "MeterValuePeriodic",
  seqNo: 7,
  transactionInfo: { transactionId: "0a1b2c3d-0000-4000-8000-000000000000" },
  evse: { id: 1, connectorId: 1 },
  meterValue: meterValue(Number),
};

const PAYLOADS: readonly (readonly [protocol: string, action: string, payload: unknown])[] = [
  ["ocpp1.6", "Heartbeat", {}],
  ["ocpp1.6", "BootNotification", BOOT_16],
  ["ocpp1.6", "MeterValues", VALUES_16],
  ["ocpp2.0.1", "Heartbeat", {}],
  ["ocpp2.0.1", "BootNotification", BOOT_2],
  ["ocpp2.0.1", "MeterValues", VALUES_2],
  ["ocpp2.0.1", "TransactionEvent", EVENT_2],
];

for (const [protocol, action, payload] of PAYLOADS) {
  const text = JSON.stringify(payload);
  const group = `${action} of ${protocol}, ${text.length} B`;
  if (validator.check(protocol, "in", "call", action, text) !== undefined) throw new Error(group);

  Deno.bench(`JSON.parse, ${group}`, { group, baseline: true }, () => {
    sum += typeof JSON.parse(text) === "object" ? 1 : 0;
  });

  Deno.bench(`check, ${group}`, { group }, () => {
    sum += validator.check(protocol, "in", "call", action, text) === undefined ? 1 : 0;
  });
}

const WRONG = JSON.stringify({ ...EVENT_2, seqNo: "7" });
Deno.bench(`check, a TransactionEvent of ocpp2.0.1 with a wrong type`, () => {
  sum += validator.check("ocpp2.0.1", "in", "call", "TransactionEvent", WRONG)?.pointer.length ?? 0;
});

globalThis.addEventListener("unload", () => {
  if (sum === 0) throw new Error("the benches did nothing");
});
