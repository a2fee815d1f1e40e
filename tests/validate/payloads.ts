import type { PayloadFrame } from "../../lib/validate/schemas.ts";
import type { Violation } from "../../lib/validate/violation.ts";

/** A payload, and what is found wrong with it first. */
export interface Row {
  readonly kind: PayloadFrame;
  readonly action: string;
  readonly payload: unknown;
  /** None for a good one. */
  readonly bad?: readonly [meaning: Violation["meaning"], pointer: string];
}

function good(kind: PayloadFrame, action: string, payload: unknown): Row {
  return { kind, action, payload };
}

function bad(
  kind: PayloadFrame,
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
  good("call", "Heartbeat", {}),
  good("result", "Heartbeat", { currentTime: "2026-01-02T03:04:05.123Z" }),
  good("call", "BootNotification", BOOT_16),
  good("call", "MeterValues", METER_16),
  good("result", "MeterValues", {}),
  // The errata of 2025-04: the schemas' odd spelling and the right one.
  ...["Celcius", "Celsius"].flatMap((unit) => {
    const values = [{ ...METER_16.meterValue[0], sampledValue: [{ value: "20", unit }] }];
    const stop = { transactionId: 1, meterStop: 1, timestamp: METER_16.meterValue[0]!.timestamp };
    return [
      good("call", "MeterValues", { connectorId: 1, meterValue: values }),
      good("call", "StopTransaction", { ...stop, transactionData: values }),
    ];
  }),
  good("call", "SetChargingProfile", profile16(16.4)),
  good("call", "SetChargingProfile", profile16(123_456.7)),
  good("call", "DataTransfer", { vendorId: "com.acme", data: '{"any": [1, 2]}' }),
  good("call", "SecurityEventNotification", {
    type: "FirmwareUpdated",
    timestamp: "2026-01-02T03:04:05+01:00",
  }),
  good("call", "SignCertificate", { csr: "-----BEGIN CERTIFICATE REQUEST-----" }),
  good("result", "NotInAnyVersion", { a: 1 }),

  bad("call", "NotInAnyVersion", {}, "not_implemented", ""),
  bad("call", "TransactionEvent", {}, "not_implemented", ""),
  bad("call", "heartbeat", {}, "not_implemented", ""),
  bad("call", "BootNotificationRequest", BOOT_16, "not_implemented", ""),
  bad("call", "BootNotificationResponse", {}, "not_implemented", ""),
  bad("call", "Heartbeat", [], "type_constraint", ""),
  bad("call", "Heartbeat", { a: 1 }, "occurrence_constraint", "/a"),
  bad("call", "Heartbeat", JSON.parse('{"__proto__":1}'), "occurrence_constraint", "/__proto__"),
  bad("call", "Heartbeat", { "a/b": 1 }, "occurrence_constraint", ""),
  bad("call", "Heartbeat", { "": 1 }, "occurrence_constraint", ""),
  bad("call", "Heartbeat", { ["n".repeat(65)]: 1 }, "occurrence_constraint", ""),
  bad("result", "Heartbeat", {}, "occurrence_constraint", "/currentTime"),
  bad("result", "Heartbeat", { currentTime: "now" }, "property_constraint", "/currentTime"),
  bad("result", "Heartbeat", { currentTime: 0 }, "type_constraint", "/currentTime"),
  bad("call", "Authorize", {}, "occurrence_constraint", "/idTag"),
  bad("call", "Authorize", { idTag: null }, "type_constraint", "/idTag"),
  bad("call", "Authorize", { idTag: 12 }, "type_constraint", "/idTag"),
  bad("call", "Authorize", { idTag: "x".repeat(21) }, "property_constraint", "/idTag"),
  bad(
    "call",
    "BootNotification",
    { chargePointVendor: "ACME" },
    "occurrence_constraint",
    "/chargePointModel",
  ),
  bad(
    "call",
    "BootNotification",
    { ...BOOT_16, customData: { vendorId: "x" } },
    "occurrence_constraint",
    "/customData",
  ),
  bad(
    "result",
    "BootNotification",
    { status: "Perhaps", currentTime: "2026-01-02T03:04:05Z", interval: 300 },
    "property_constraint",
    "/status",
  ),
  bad(
    "result",
    "BootNotification",
    { status: "Accepted", currentTime: "2026-01-02T03:04:05Z", interval: 1.5 },
    "type_constraint",
    "/interval",
  ),
  bad(
    "call",
    "StatusNotification",
    { ...STATUS_16, errorCode: "Error" },
    "property_constraint",
    "/errorCode",
  ),
  bad(
    "call",
    "MeterValues",
    { connectorId: 1, meterValue: [{ timestamp: "2026-01-02", sampledValue: [{ value: "1" }] }] },
    "property_constraint",
    "/meterValue/0/timestamp",
  ),
  bad(
    "call",
    "MeterValues",
    {
      connectorId: 1,
      meterValue: [{ ...METER_16.meterValue[0], sampledValue: [{ value: 16.4 }] }],
    },
    "type_constraint",
    "/meterValue/0/sampledValue/0/value",
  ),
  bad(
    "call",
    "MeterValues",
    { connectorId: "1", meterValue: METER_16.meterValue },
    "type_constraint",
    "/connectorId",
  ),
  bad("call", "SetChargingProfile", profile16(16.45), "property_constraint", LIMIT_16),
  bad("call", "SetChargingProfile", profile16(0.01), "property_constraint", LIMIT_16),
  bad("call", "DataTransfer", { data: "x" }, "occurrence_constraint", "/vendorId"),
  bad(
    "call",
    "DataTransfer",
    { vendorId: "com.acme", data: { any: [1, 2] } },
    "type_constraint",
    "/data",
  ),
  bad(
    "call",
    "GetDiagnostics",
    { location: "no scheme" },
    "property_constraint",
    "/location",
  ),
  bad("result", "Reset", { status: "accepted" }, "property_constraint", "/status"),
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
  good("call", "Heartbeat", {}),
  good("call", "Heartbeat", { customData: CUSTOM }),
  good("result", "Heartbeat", { currentTime: "2026-01-02T03:04:05Z", customData: CUSTOM }),
  good("call", "BootNotification", BOOT_2),
  good("call", "BootNotification", {
    ...BOOT_2,
    chargingStation: { ...BOOT_2.chargingStation, customData: CUSTOM },
  }),
  good("call", "TransactionEvent", EVENT_2),
  good("call", "DataTransfer", { vendorId: "com.acme", data: { any: [1, null] } }),
  good("call", "DataTransfer", { vendorId: "com.acme", data: 12 }),
  good("result", "DataTransfer", { status: "Accepted", data: [[]] }),
  good("result", "NotInAnyVersion", { a: 1 }),

  bad("call", "NotInAnyVersion", {}, "not_implemented", ""),
  bad("call", "RemoteStartTransaction", {}, "not_implemented", ""),
  bad("call", "BootNotificationRequest", BOOT_2, "not_implemented", ""),
  bad("call", "BootNotification-Signed", BOOT_2, "not_implemented", ""),
  bad("call", "Heartbeat", { a: 1 }, "occurrence_constraint", "/a"),
  bad("call", "Heartbeat", { customData: {} }, "occurrence_constraint", "/customData/vendorId"),
  bad("call", "Heartbeat", { customData: "x" }, "type_constraint", "/customData"),
  bad("result", "Heartbeat", {}, "occurrence_constraint", "/currentTime"),
  bad("call", "BootNotification", { reason: "PowerUp" }, "occurrence_constraint", STATION),
  bad(
    "call",
    "BootNotification",
    { ...BOOT_2, reason: "Boredom" },
    "property_constraint",
    "/reason",
  ),
  bad(
    "call",
    "BootNotification",
    { ...BOOT_2, chargingStation: { model: "One" } },
    "occurrence_constraint",
    `${STATION}/vendorName`,
  ),
  bad(
    "call",
    "BootNotification",
    { ...BOOT_2, chargingStation: { ...BOOT_2.chargingStation, model: "x".repeat(21) } },
    "property_constraint",
    `${STATION}/model`,
  ),
  bad(
    "call",
    "BootNotification",
    { ...BOOT_2, chargingStation: { ...BOOT_2.chargingStation, modem: null } },
    "type_constraint",
    `${STATION}/modem`,
  ),
  bad(
    "call",
    "TransactionEvent",
    { ...EVENT_2, meterValue: [] },
    "occurrence_constraint",
    "/meterValue",
  ),
  bad(
    "call",
    "TransactionEvent",
    { ...EVENT_2, meterValue: [{ timestamp: "2026-01-02T03:04:05Z", sampledValue: [{}] }] },
    "occurrence_constraint",
    "/meterValue/0/sampledValue/0/value",
  ),
  bad(
    "call",
    "TransactionEvent",
    {
      ...EVENT_2,
      meterValue: [{ timestamp: "2026-01-02T03:04:05Z", sampledValue: [{ value: "16.4" }] }],
    },
    "type_constraint",
    "/meterValue/0/sampledValue/0/value",
  ),
  bad(
    "call",
    "TransactionEvent",
    { ...EVENT_2, timestamp: "2026-02-30T03:04:05Z" },
    "property_constraint",
    "/timestamp",
  ),
  bad("call", "TransactionEvent", { ...EVENT_2, seqNo: 7.5 }, "type_constraint", "/seqNo"),
  bad(
    "call",
    "TransactionEvent",
    { ...EVENT_2, transactionInfo: { ...EVENT_2.transactionInfo, remoteStartId: "1" } },
    "type_constraint",
    "/transactionInfo/remoteStartId",
  ),
  bad("call", "DataTransfer", { data: {} }, "occurrence_constraint", "/vendorId"),
  bad("result", "DataTransfer", { status: "OK" }, "property_constraint", "/status"),
  bad("result", "GetBaseReport", { status: 1 }, "type_constraint", "/status"),
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
    bad("call", "NotifyPeriodicEventStream", STREAM, "not_implemented", ""),
    bad("send", "NotifyPeriodicEventStream", STREAM, "not_implemented", ""),
    bad("call", "SetDERControl", {}, "not_implemented", ""),
    bad("call", "TransactionEvent", { ...EVENT_2, seqNo: "7" }, "type_constraint", "/seqNo"),
  ],
  "ocpp2.1": [
    ...ROWS_2,
    good("send", "NotifyPeriodicEventStream", STREAM),
    bad("call", "NotifyPeriodicEventStream", STREAM, "not_implemented", ""),
    bad("send", "Heartbeat", {}, "not_implemented", ""),
    // A SEND has no answer; whoever sends one is dealt with elsewhere.
    good("result", "NotifyPeriodicEventStream", { a: 1 }),
    bad(
      "send",
      "NotifyPeriodicEventStream",
      { ...STREAM, data: [] },
      "occurrence_constraint",
      "/data",
    ),
    bad(
      "send",
      "NotifyPeriodicEventStream",
      { ...STREAM, data: [{ t: "0", v: "16.4" }] },
      "type_constraint",
      "/data/0/t",
    ),
    bad(
      "send",
      "NotifyPeriodicEventStream",
      { ...STREAM, pending: -1 },
      "property_constraint",
      "/pending",
    ),
    bad("call", "SetDERControl", {}, "occurrence_constraint", "/isDefault"),
  ],
};
