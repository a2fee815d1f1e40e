import type { PayloadKind } from "../../lib/validate/schemas.ts";
import type { Violation } from "../../lib/validate/violation.ts";

/** A payload, and what is found wrong with it first. */
export interface Row {
  readonly kind: PayloadKind;
  readonly action: string;
  readonly payload: unknown;
  /** None for a good one. */
  readonly bad?: readonly [meaning: Violation["meaning"], pointer: string];
}

function good(kind: PayloadKind, action: string, payload: unknown): Row {
  return { kind, action, payload };
}

function bad(
  kind: PayloadKind,
  action: string,
  payload: unknown,
  meaning: Violation["meaning"],
  pointer: string,
): Row {
  return { kind, action, payload, bad: [meaning, pointer] };
}

const BOOT_16 = { chargePointVendor: "ACME", chargePointModel: "One" };
const METER_16 = {
  connectorId: 1,
  meterValue: [{
    timestamp: "2026-01-02T03:04:05Z",
    sampledValue: [{ value: "16.4", context: "Sample.Periodic", measurand: "Power.Active.Import" }],
  }],
};

function profile16(limit: number): unknown {
  return {
    connectorId: 1,
    csChargingProfiles: {
      chargingProfileId: 1,
      stackLevel: 0,
      chargingProfilePurpose: "TxProfile",
      chargingProfileKind: "Absolute",
      chargingSchedule: {
        chargingRateUnit: "A",
        chargingSchedulePeriod: [{ startPeriod: 0, limit }],
      },
    },
  };
}

const LIMIT_16 = "/csChargingProfiles/chargingSchedule/chargingSchedulePeriod/0/limit";
const STATUS_16 = { connectorId: 1, errorCode: "NoError", status: "Available" };

const ROWS_16: readonly Row[] = [
  good("request", "Heartbeat", {}),
  good("response", "Heartbeat", { currentTime: "2026-01-02T03:04:05.123Z" }),
  good("request", "BootNotification", BOOT_16),
  good("request", "MeterValues", METER_16),
  good("response", "MeterValues", {}),
  good("request", "SetChargingProfile", profile16(16.4)),
  good("request", "SetChargingProfile", profile16(123_456.7)),
  good("request", "DataTransfer", { vendorId: "com.acme", data: '{"any": [1, 2]}' }),
  good("request", "SecurityEventNotification", {
    type: "FirmwareUpdated",
    timestamp: "2026-01-02T03:04:05+01:00",
  }),
  good("request", "SignCertificate", { csr: "-----BEGIN CERTIFICATE REQUEST-----" }),
  good("response", "NotInAnyVersion", { a: 1 }),

  bad("request", "NotInAnyVersion", {}, "not_implemented", ""),
  bad("request", "TransactionEvent", {}, "not_implemented", ""),
  bad("request", "heartbeat", {}, "not_implemented", ""),
  bad("request", "BootNotificationRequest", BOOT_16, "not_implemented", ""),
  bad("request", "BootNotificationResponse", {}, "not_implemented", ""),
  bad("request", "Heartbeat", [], "type_constraint", ""),
  bad("request", "Heartbeat", { a: 1 }, "occurrence_constraint", "/a"),
  bad("request", "Heartbeat", JSON.parse('{"__proto__":1}'), "occurrence_constraint", "/__proto__"),
  bad("request", "Heartbeat", { "a/b": 1 }, "occurrence_constraint", ""),
  bad("request", "Heartbeat", { "": 1 }, "occurrence_constraint", ""),
  bad("request", "Heartbeat", { ["n".repeat(65)]: 1 }, "occurrence_constraint", ""),
  bad("response", "Heartbeat", {}, "occurrence_constraint", "/currentTime"),
  bad("response", "Heartbeat", { currentTime: "now" }, "property_constraint", "/currentTime"),
  bad("response", "Heartbeat", { currentTime: 0 }, "type_constraint", "/currentTime"),
  bad("request", "Authorize", {}, "occurrence_constraint", "/idTag"),
  bad("request", "Authorize", { idTag: null }, "type_constraint", "/idTag"),
  bad("request", "Authorize", { idTag: 12 }, "type_constraint", "/idTag"),
  bad("request", "Authorize", { idTag: "x".repeat(21) }, "property_constraint", "/idTag"),
  bad(
    "request",
    "BootNotification",
    { chargePointVendor: "ACME" },
    "occurrence_constraint",
    "/chargePointModel",
  ),
  bad(
    "request",
    "BootNotification",
    { ...BOOT_16, customData: { vendorId: "x" } },
    "occurrence_constraint",
    "/customData",
  ),
  bad(
    "response",
    "BootNotification",
    { status: "Perhaps", currentTime: "2026-01-02T03:04:05Z", interval: 300 },
    "property_constraint",
    "/status",
  ),
  bad(
    "response",
    "BootNotification",
    { status: "Accepted", currentTime: "2026-01-02T03:04:05Z", interval: 1.5 },
    "type_constraint",
    "/interval",
  ),
  bad(
    "request",
    "StatusNotification",
    { ...STATUS_16, errorCode: "Error" },
    "property_constraint",
    "/errorCode",
  ),
  bad(
    "request",
    "MeterValues",
    { connectorId: 1, meterValue: [{ timestamp: "2026-01-02", sampledValue: [{ value: "1" }] }] },
    "property_constraint",
    "/meterValue/0/timestamp",
  ),
  bad(
    "request",
    "MeterValues",
    {
      connectorId: 1,
      meterValue: [{ ...METER_16.meterValue[0], sampledValue: [{ value: 16.4 }] }],
    },
    "type_constraint",
    "/meterValue/0/sampledValue/0/value",
  ),
  bad(
    "request",
    "MeterValues",
    { connectorId: "1", meterValue: METER_16.meterValue },
    "type_constraint",
    "/connectorId",
  ),
  bad("request", "SetChargingProfile", profile16(16.45), "property_constraint", LIMIT_16),
  bad("request", "SetChargingProfile", profile16(0.01), "property_constraint", LIMIT_16),
  bad("request", "DataTransfer", { data: "x" }, "occurrence_constraint", "/vendorId"),
  bad(
    "request",
    "DataTransfer",
    { vendorId: "com.acme", data: { any: [1, 2] } },
    "type_constraint",
    "/data",
  ),
  bad(
    "request",
    "GetDiagnostics",
    { location: "no scheme" },
    "property_constraint",
    "/location",
  ),
  bad("response", "Reset", { status: "accepted" }, "property_constraint", "/status"),
];

const CUSTOM = { vendorId: "com.acme", any: { thing: [1, null, "2"] } };
const BOOT_2 = { reason: "PowerUp", chargingStation: { vendorName: "ACME", model: "One" } };
const STATION = "/chargingStation";
const EVENT_2 = {
  eventType: "Updated",
  timestamp: "2026-01-02T03:04:05Z",
  triggerReason: "MeterValuePeriodic",
  seqNo: 7,
  transactionInfo: { transactionId: "t-1" },
  meterValue: [{
    timestamp: "2026-01-02T03:04:05Z",
    sampledValue: [{ value: 16.4, measurand: "Power.Active.Import" }],
  }],
};

/** What both versions have in common. */
const ROWS_2: readonly Row[] = [
  good("request", "Heartbeat", {}),
  good("request", "Heartbeat", { customData: CUSTOM }),
  good("response", "Heartbeat", { currentTime: "2026-01-02T03:04:05Z", customData: CUSTOM }),
  good("request", "BootNotification", BOOT_2),
  good("request", "BootNotification", {
    ...BOOT_2,
    chargingStation: { ...BOOT_2.chargingStation, customData: CUSTOM },
  }),
  good("request", "TransactionEvent", EVENT_2),
  good("request", "DataTransfer", { vendorId: "com.acme", data: { any: [1, null] } }),
  good("request", "DataTransfer", { vendorId: "com.acme", data: 12 }),
  good("response", "DataTransfer", { status: "Accepted", data: [[]] }),
  good("response", "NotInAnyVersion", { a: 1 }),

  bad("request", "NotInAnyVersion", {}, "not_implemented", ""),
  bad("request", "RemoteStartTransaction", {}, "not_implemented", ""),
  bad("request", "BootNotificationRequest", BOOT_2, "not_implemented", ""),
  bad("request", "BootNotification-Signed", BOOT_2, "not_implemented", ""),
  bad("request", "Heartbeat", { a: 1 }, "occurrence_constraint", "/a"),
  bad("request", "Heartbeat", { customData: {} }, "occurrence_constraint", "/customData/vendorId"),
  bad("request", "Heartbeat", { customData: "x" }, "type_constraint", "/customData"),
  bad("response", "Heartbeat", {}, "occurrence_constraint", "/currentTime"),
  bad("request", "BootNotification", { reason: "PowerUp" }, "occurrence_constraint", STATION),
  bad(
    "request",
    "BootNotification",
    { ...BOOT_2, reason: "Boredom" },
    "property_constraint",
    "/reason",
  ),
  bad(
    "request",
    "BootNotification",
    { ...BOOT_2, chargingStation: { model: "One" } },
    "occurrence_constraint",
    `${STATION}/vendorName`,
  ),
  bad(
    "request",
    "BootNotification",
    { ...BOOT_2, chargingStation: { ...BOOT_2.chargingStation, model: "x".repeat(21) } },
    "property_constraint",
    `${STATION}/model`,
  ),
  bad(
    "request",
    "BootNotification",
    { ...BOOT_2, chargingStation: { ...BOOT_2.chargingStation, modem: null } },
    "type_constraint",
    `${STATION}/modem`,
  ),
  bad(
    "request",
    "TransactionEvent",
    { ...EVENT_2, meterValue: [] },
    "occurrence_constraint",
    "/meterValue",
  ),
  bad(
    "request",
    "TransactionEvent",
    { ...EVENT_2, meterValue: [{ timestamp: "2026-01-02T03:04:05Z", sampledValue: [{}] }] },
    "occurrence_constraint",
    "/meterValue/0/sampledValue/0/value",
  ),
  bad(
    "request",
    "TransactionEvent",
    {
      ...EVENT_2,
      meterValue: [{ timestamp: "2026-01-02T03:04:05Z", sampledValue: [{ value: "16.4" }] }],
    },
    "type_constraint",
    "/meterValue/0/sampledValue/0/value",
  ),
  bad(
    "request",
    "TransactionEvent",
    { ...EVENT_2, timestamp: "2026-02-30T03:04:05Z" },
    "property_constraint",
    "/timestamp",
  ),
  bad("request", "TransactionEvent", { ...EVENT_2, seqNo: 7.5 }, "type_constraint", "/seqNo"),
  bad(
    "request",
    "TransactionEvent",
    { ...EVENT_2, transactionInfo: { ...EVENT_2.transactionInfo, remoteStartId: "1" } },
    "type_constraint",
    "/transactionInfo/remoteStartId",
  ),
  bad("request", "DataTransfer", { data: {} }, "occurrence_constraint", "/vendorId"),
  bad("response", "DataTransfer", { status: "OK" }, "property_constraint", "/status"),
  bad("response", "GetBaseReport", { status: 1 }, "type_constraint", "/status"),
];

const STREAM = {
  id: 1,
  pending: 0,
  basetime: "2026-01-02T03:04:05Z",
  data: [{ t: 0.5, v: "16.4" }],
};

export const ROWS: Readonly<Record<"ocpp1.6" | "ocpp2.0.1" | "ocpp2.1", readonly Row[]>> = {
  "ocpp1.6": ROWS_16,
  "ocpp2.0.1": [
    ...ROWS_2,
    bad("request", "NotifyPeriodicEventStream", STREAM, "not_implemented", ""),
    bad("request", "SetDERControl", {}, "not_implemented", ""),
    bad("request", "TransactionEvent", { ...EVENT_2, seqNo: "7" }, "type_constraint", "/seqNo"),
  ],
  "ocpp2.1": [
    ...ROWS_2,
    good("request", "NotifyPeriodicEventStream", STREAM),
    // A SEND has no answer; whoever sends one is dealt with elsewhere.
    good("response", "NotifyPeriodicEventStream", { a: 1 }),
    bad(
      "request",
      "NotifyPeriodicEventStream",
      { ...STREAM, data: [] },
      "occurrence_constraint",
      "/data",
    ),
    bad(
      "request",
      "NotifyPeriodicEventStream",
      { ...STREAM, data: [{ t: "0", v: "16.4" }] },
      "type_constraint",
      "/data/0/t",
    ),
    bad(
      "request",
      "NotifyPeriodicEventStream",
      { ...STREAM, pending: -1 },
      "property_constraint",
      "/pending",
    ),
    bad("request", "SetDERControl", {}, "occurrence_constraint", "/isDefault"),
  ],
};
