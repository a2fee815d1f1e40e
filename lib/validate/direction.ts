/**
 * Which side sends which Action.
 *
 * The lists are those of the messages in OCPP 1.6 (chapters 4 and 5, and the messages of the Security
 * Whitepaper), and in OCPP 2.0.1 and OCPP 2.1 Part 2 (the chapter on messages: "sent by the Charging
 * Station to the CSMS", and the other way round). Some that 2.1 has added say nothing there: those go as
 * their use cases have them, and as libraries of stations and of backends agree. An Action that several
 * versions have goes the same way in all of them, so that one table is enough: which version has which
 * is the schemas' business.
 *
 * @module
 */

/** From a client, or to one. */
export type Direction = "in" | "out";

/** Those that only a station sends. */
const FROM_STATION: ReadonlySet<string> = new Set([
  // In all versions, or in 1.6 alone.
  ...["Authorize", "BootNotification", "DiagnosticsStatusNotification"],
  ...["FirmwareStatusNotification", "Heartbeat", "LogStatusNotification", "MeterValues"],
  ...["SecurityEventNotification", "SignCertificate", "SignedFirmwareStatusNotification"],
  ...["StartTransaction", "StatusNotification", "StopTransaction"],
  // Since 2.0.1.
  ...["ClearedChargingLimit", "Get15118EVCertificate", "GetCertificateStatus"],
  ...["NotifyChargingLimit", "NotifyCustomerInformation", "NotifyDisplayMessages"],
  ...["NotifyEVChargingNeeds", "NotifyEVChargingSchedule", "NotifyEvent"],
  ...["NotifyMonitoringReport", "NotifyReport", "PublishFirmwareStatusNotification"],
  ...["ReportChargingProfiles", "ReservationStatusUpdate", "TransactionEvent"],
  // Since 2.1.
  ...["BatterySwap", "ClosePeriodicEventStream", "GetCertificateChainStatus", "NotifyDERAlarm"],
  ...["NotifyDERStartStop", "NotifyPeriodicEventStream", "NotifyPriorityCharging"],
  ...["NotifySettlement", "OpenPeriodicEventStream", "PullDynamicScheduleUpdate"],
  ...["ReportDERControl", "VatNumberValidation"],
]);

/**
 * Those that both sides may send. NotifyWebPaymentStarted is the CSMS's by what it says; libraries
 * for stations have it as theirs, so that neither is refused.
 */
const FROM_BOTH: ReadonlySet<string> = new Set(["DataTransfer", "NotifyWebPaymentStarted"]);

/**
 * Whether a CALL or SEND with this Action may go this way.
 *
 * @param direction Where it goes.
 * @param action An Action of some OCPP version: any other counts as the CSMS's.
 *
 * @example
 * ```ts
 * import { goesThisWay } from "./direction.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(goesThisWay("in", "BootNotification"), true);
 * strictEqual(goesThisWay("in", "Reset"), false);
 * strictEqual(goesThisWay("out", "DataTransfer"), true);
 * ```
 */
export function goesThisWay(direction: Direction, action: string): boolean {
  return FROM_BOTH.has(action) || FROM_STATION.has(action) === (direction === "in");
}
