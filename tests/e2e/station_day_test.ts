/**
 * A day in the life of a station, for each version, with schemas strict. What happens in it is told
 * by its steps: `Day` compares all that the station and the backend hear.
 */

import { type AnsweringExample, Day, type Way } from "../station/day.ts";
import { secureWay } from "../station/secure.ts";
import { EXAMPLES } from "../support/examples.ts";
import { testWith } from "../support/needs.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

/** A text that is JSON within JSON, for 1.6, where vendors' data are texts. */
const VENDOR_TEXT = String.raw`"{\"eur\":0.30,\"signs\":\"\u20ac \/ é\"}"`;

/** What a backend or station may say of itself beside a code. */
const NOT_SUPPORTED = {
  code: '"NotSupported"',
  description: String.raw`"not \"here\", é"`,
  details: '{ "limit" : 16.40, "n":12345678901234567890 }',
};
const BACKENDS_ERROR = {
  status: 400,
  body: `{"code":${NOT_SUPPORTED.code},"description":${NOT_SUPPORTED.description},` +
    `"details":${NOT_SUPPORTED.details}}`,
};
const BAD_STATUS = {
  code: '"PropertyConstraintViolation"',
  description: '"/status must be equal to one of the allowed values"',
  details: "{}",
};
const NOT_IMPLEMENTED = {
  code: '"NotImplemented"',
  description: '"the backend answered 501"',
  details: "{}",
};

/** What goes wrong on either side in all versions: payloads that are good, and a code. */
interface Mistakes {
  readonly unlock: string;
  readonly authorize: string;
  readonly reset: string;
  readonly extraField: string;
}

async function goesWrong(day: Day, mistakes: Mistakes): Promise<void> {
  const { unlock, authorize, reset, extraField } = mistakes;
  await day.isCalledInVain("UnlockConnector", unlock, NOT_SUPPORTED);
  const event = '{"type":"InvalidTLSVersion","timestamp":"2026-01-02T09:00:00Z"}';
  if (day.hasExample) {
    await day.calls("SecurityEventNotification", event);
  } else {
    await day.callsInVain("Authorize", authorize, BACKENDS_ERROR, NOT_SUPPORTED);
    const unknown = { status: 501, body: "" };
    await day.callsInVain("SecurityEventNotification", event, unknown, NOT_IMPLEMENTED);
  }
  await day.callsWrongly("Heartbeat", '{"n":1.0}', {
    code: extraField,
    description: '"/n is no property of the schema"',
    details: "{}",
  });
  await day.isCalledWrongly("Reset", '{"type":"Softly"}');
  await day.answersWrongly("Reset", reset, '{"status":"Perhaps"}', BAD_STATUS);
}

async function dayOfOcpp16(example?: AnsweringExample, way?: Way): Promise<void> {
  await using day = await Day.begin("ocpp1.6", "RDAM 123", example, way);
  const boot = '{"chargePointVendor":"ACME","chargePointModel":"One","iccid":""}';
  const bootAccepted =
    '{"status":"Accepted","currentTime":"2026-01-02T05:00:00.000Z","interval":300}';
  const accepted = '{"status":"Accepted"}';
  const idTagInfo = '{ "idTagInfo" : {"status":"Accepted"} }';
  const now = '{"currentTime":"2026-01-02T05:00:01Z"}';
  const status = (status: string): string =>
    `{"connectorId":1,"errorCode":"NoError","status":"${status}"}`;
  const meterValues = '{"connectorId":1,"transactionId":4711,"meterValue":[{"timestamp":' +
    '"2026-01-02T07:05:00+01:00","sampledValue":[{"value":"16.40","unit":"kWh"}]}]}';

  await day.connects();
  await day.calls("BootNotification", boot, bootAccepted);
  await day.calls("StatusNotification", status("Available"));
  await day.calls("Heartbeat", "{}", now);
  await day.isCalled("ChangeConfiguration", '{"key":"HeartbeatInterval","value":"60"}', accepted);
  const trigger = '{"requestedMessage":"StatusNotification","connectorId":1.0}';
  await day.isCalled("TriggerMessage", trigger, accepted);
  await day.calls("StatusNotification", status("Preparing"));

  await day.calls("Authorize", '{"idTag":"04A1B2C3"}', idTagInfo);
  await day.calls(
    "StartTransaction",
    '{"connectorId":1,"idTag":"04A1B2C3","meterStart":1.0,"timestamp":"2026-01-02T06:00:00Z"}',
    '{"transactionId":4711,"idTagInfo":{"status":"Accepted"}}',
  );
  await day.isCalled(
    "SetChargingProfile",
    '{"connectorId":1,"csChargingProfiles":{"chargingProfileId":1,"stackLevel":0,' +
      '"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","chargingSchedule":' +
      '{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.40},' +
      '{"startPeriod":3.6e3,"limit":6.0}]}}}',
    accepted,
  );
  await day.calls("MeterValues", meterValues);
  await day.calls(
    "DataTransfer",
    `{"vendorId":"com.acme","messageId":"price","data":${VENDOR_TEXT}}`,
    `{"status":"Accepted","data":${VENDOR_TEXT}}`,
  );
  await day.isCalled(
    "DataTransfer",
    `{"vendorId":"com.acme","data":${VENDOR_TEXT}}`,
    '{"status":"UnknownVendorId"}',
  );
  // The station goes on calling while it owes an answer.
  await day.isCalled(
    "RemoteStopTransaction",
    '{"transactionId":4711}',
    accepted,
    () => day.calls("MeterValues", meterValues),
  );
  await day.calls(
    "StopTransaction",
    '{"transactionId":4711,"meterStop":16400,"timestamp":"2026-01-02T08:00:00Z","reason":"Remote"}',
    idTagInfo,
  );

  await day.isCalled(
    "UpdateFirmware",
    '{"location":"https://example.com/f.bin","retrieveDate":"2026-01-02T09:00:00Z"}',
    "{}",
  );
  await day.calls("FirmwareStatusNotification", '{"status":"Downloaded"}');
  await day.isCalled("GetDiagnostics", '{"location":"ftp://u:p@127.0.0.1/"}', '{"fileName":"d"}');
  await day.calls("DiagnosticsStatusNotification", '{"status":"Uploaded"}');
  await goesWrong(day, {
    unlock: '{"connectorId":2}',
    authorize: '{"idTag":"?"}',
    reset: '{"type":"Soft"}',
    extraField: '"OccurenceConstraintViolation"',
  });

  await day.isCalled("Reset", '{"type":"Soft"}', accepted);
  await day.isSilent("GetConfiguration", '{"key":["HeartbeatInterval"]}');
  await day.isSilent("ClearCache", "{}");
  await day.disconnects();
  await day.connects();
  await day.calls("BootNotification", boot, bootAccepted);
  await day.calls("StatusNotification", status("Available"));

  // The network breaks without a word: the station comes back, and has not booted.
  await day.isSilent("GetLocalListVersion", "{}");
  await day.connects();
  await day.calls("Heartbeat", "{}", now);
  day.answersLate();
  await day.isCalled("GetLocalListVersion", "{}", '{"listVersion":0}');
  await day.calls("Heartbeat", "{}", now);
  await day.ends();
}

async function dayOfOcpp2(
  protocol: "ocpp2.0.1" | "ocpp2.1",
  example?: AnsweringExample,
  way?: Way,
): Promise<void> {
  await using day = await Day.begin(protocol, "RDAM|123", example, way);
  const boot = '{"reason":"PowerUp","chargingStation":{"vendorName":"ACME","model":"One"}}';
  const bootAccepted =
    '{"status":"Accepted","currentTime":"2026-01-02T05:00:00.000Z","interval":300}';
  const accepted = '{"status":"Accepted"}';
  const now = '{"currentTime":"2026-01-02T05:00:01Z"}';
  const idToken = '{"idToken":"04A1B2C3","type":"ISO14443"}';
  const status = (status: string): string =>
    `{"timestamp":"2026-01-02T05:00:02Z","connectorStatus":"${status}","evseId":1,"connectorId":1}`;
  const transaction = (eventType: string, triggerReason: string, seqNo: string, rest = "") =>
    `{"eventType":"${eventType}","timestamp":"2026-01-02T06:00:00.5Z","triggerReason":` +
    `"${triggerReason}","seqNo":${seqNo},"transactionInfo":{"transactionId":"t-1"}${rest}}`;
  const meterValue = ',"meterValue":[{"timestamp":"2026-01-02T06:05:00Z","sampledValue":' +
    '[{"value":16.40},{"value":-0.0},{"value":1E+2}]}]';
  // Any JSON at all.
  const vendorData = '{"n":12345678901234567890,"n":1.0,"list":[ null,\t1e-7,"\\u20ac" ]}';

  await day.connects();
  await day.calls("BootNotification", boot, bootAccepted);
  await day.calls("StatusNotification", status("Available"));
  await day.calls("Heartbeat", "{}", now);
  const generatedAt = '"generatedAt":"2026-01-02T05:00:03.250+01:00"';
  await day.isCalled("GetBaseReport", '{"requestId":0,"reportBase":"FullInventory"}', accepted);
  await day.calls(
    "NotifyReport",
    `{"requestId":0,${generatedAt},"tbc":false,"seqNo":0.0,"reportData":[{"component":` +
      '{"name":"OCPPCommCtrlr"},"variable":{"name":"HeartbeatInterval"},' +
      '"variableAttribute":[{"value":"16.40"}]}]}',
  );
  await day.calls(
    "NotifyEvent",
    `{${generatedAt},"seqNo":0,"eventData":[{"eventId":1,"timestamp":"2026-01-02T05:00:03Z",` +
      '"trigger":"Alerting","actualValue":"1e2","eventNotificationType":"HardWiredNotification",' +
      '"component":{"name":"EVSE"},"variable":{"name":"Power"}}]}',
  );
  await day.calls(
    "MeterValues",
    '{"evseId":0,"meterValue":[{"timestamp":"2026-01-02T05:00:00Z","sampledValue":' +
      '[{"value":0.10}]}]}',
  );
  const component = '"component":{"name":"OCPPCommCtrlr"},"variable":{"name":"HeartbeatInterval"}';
  await day.isCalled(
    "SetVariables",
    `{"setVariableData":[{"attributeValue":"60",${component}}]}`,
    `{"setVariableResult":[{"attributeStatus":"Accepted",${component}}]}`,
  );
  const trigger = '{"requestedMessage":"StatusNotification","evse":{"id":1.0,"connectorId":1}}';
  await day.isCalled("TriggerMessage", trigger, accepted);
  await day.calls("StatusNotification", status("Occupied"));

  await day.calls(
    "Authorize",
    `{"idToken":${idToken}}`,
    '{ "idTokenInfo" : {"status":"Accepted"} }',
  );
  await day.calls(
    "TransactionEvent",
    transaction("Started", "Authorized", "0", `,"evse":{"id":1},"idToken":${idToken}`),
    '{"idTokenInfo":{"status":"Accepted"}}',
  );
  const totalCost = '{"totalCost":3.10}';
  const update = transaction("Updated", "MeterValuePeriodic", "1.0", meterValue);
  await day.calls("TransactionEvent", update, totalCost);
  await day.calls(
    "DataTransfer",
    `{"vendorId":"com.acme","messageId":"price","data":${vendorData}}`,
    `{"status":"Accepted","data":${vendorData}}`,
  );
  await day.isCalled(
    "DataTransfer",
    `{"vendorId":"com.acme","data":${vendorData},"customData":{"vendorId":"v","x":[-0]}}`,
    '{"status":"UnknownVendorId","statusInfo":{"reasonCode":"é"}}',
  );
  if (protocol === "ocpp2.1") {
    const stream = '{"constantStreamData":{"id":1,"variableMonitoringId":2,"params":{}}}';
    await day.calls("OpenPeriodicEventStream", stream, accepted);
    for (const data of ['{"t":0.50,"v":"16.40"}', '{"t":1e0,"v":"16.41"},{"t":1.50,"v":"0"}']) {
      const events = `{"id":1,"pending":0,"basetime":"2026-01-02T06:00:00Z","data":[${data}]}`;
      await day.sends("NotifyPeriodicEventStream", events);
    }
    await day.calls("ClosePeriodicEventStream", '{"id":1}');
    await day.callsForNothing("Heartbeat", "{}", now, NOT_SUPPORTED);
  }
  // The station goes on calling while it owes an answer.
  await day.isCalled(
    "RequestStopTransaction",
    '{"transactionId":"t-1"}',
    accepted,
    () => day.calls("TransactionEvent", transaction("Updated", "MeterValueClock", "2", meterValue)),
  );
  await day.calls("TransactionEvent", transaction("Ended", "RemoteStop", "3"), totalCost);

  await day.isCalled(
    "UpdateFirmware",
    '{"requestId":1,"firmware":{"location":"https://example.com/f.bin",' +
      '"retrieveDateTime":"2026-01-02T09:00:00Z"}}',
    accepted,
  );
  await day.calls("FirmwareStatusNotification", '{"status":"Downloaded","requestId":1}');
  await day.isCalled(
    "GetLog",
    '{"logType":"DiagnosticsLog","requestId":2,"log":{"remoteLocation":"ftp://127.0.0.1/"}}',
    '{"status":"Accepted","filename":"d"}',
  );
  await day.calls("LogStatusNotification", '{"status":"Uploaded","requestId":2}');
  await goesWrong(day, {
    unlock: '{"evseId":1,"connectorId":2}',
    authorize: '{"idToken":{"idToken":"","type":"Central"}}',
    reset: '{"type":"OnIdle"}',
    extraField: '"OccurrenceConstraintViolation"',
  });

  await day.isCalled("Reset", '{"type":"OnIdle"}', '{"status":"Scheduled"}');
  await day.isSilent("GetTransactionStatus", '{"transactionId":"t-1"}');
  await day.isSilent("ClearCache", "{}");
  await day.disconnects();
  await day.connects();
  await day.calls("BootNotification", boot.replace("PowerUp", "RemoteReset"), bootAccepted);
  await day.calls("StatusNotification", status("Available"));

  // The network breaks without a word: the station comes back, and has not booted.
  await day.isSilent("GetLocalListVersion", "{}");
  await day.connects();
  await day.calls("Heartbeat", "{}", now);
  day.answersLate();
  await day.isCalled("GetLocalListVersion", "{}", '{"versionNumber":0}');
  await day.calls("Heartbeat", "{}", now);
  await day.ends();
}

const DAYS = {
  "ocpp1.6": dayOfOcpp16,
  "ocpp2.0.1": (example?: AnsweringExample, way?: Way) => dayOfOcpp2("ocpp2.0.1", example, way),
  "ocpp2.1": (example?: AnsweringExample, way?: Way) => dayOfOcpp2("ocpp2.1", example, way),
};

/** What the examples answer, but for times and numbers of transactions. */
function exampleSays(
  protocol: string,
  action: string,
  asked: Readonly<Record<string, unknown>>,
): unknown {
  const accepted = { status: "Accepted" };
  switch (action) {
    case "BootNotification":
      return { ...accepted, interval: 300 };
    case "Authorize":
      return { [protocol === "ocpp1.6" ? "idTagInfo" : "idTokenInfo"]: accepted };
    case "StartTransaction":
    case "StopTransaction":
      return { idTagInfo: accepted };
    case "TransactionEvent":
      return asked["idToken"] === undefined ? {} : { idTokenInfo: accepted };
    case "DataTransfer":
      return { status: "UnknownVendorId" };
    case "OpenPeriodicEventStream":
      return { status: "Rejected" };
    default:
      return {};
  }
}

for (const [protocol, dayOf] of Object.entries(DAYS)) {
  test(`a day of an ${protocol} station`, () => dayOf());

  for (const isCompressing of [false, true]) {
    const how = isCompressing ? "with compression" : "without compression";
    const name = `a day of an ${protocol} station with a certificate, by WSS, ${how}`;
    testWith(["openssl"], name, async () => {
      await using way = await secureWay(isCompressing);
      await dayOf(undefined, way);
    });
  }

  for (const { name, needs, start } of EXAMPLES) {
    testWith(needs, `a day of an ${protocol} station behind ${name}`, async () => {
      await using example = await start();
      await dayOf({
        url: example.url,
        says: (action, asked) => exampleSays(protocol, action, asked),
      });
    });
  }
}
