/** The examples that answer all versions, behind a gateway that refuses what is not valid. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import * as v16 from "typed-ocpp/dist/ocpp16/schemas.js";
import * as v201 from "typed-ocpp/dist/ocpp20/schemas.js";
import * as v21 from "typed-ocpp/dist/ocpp21/schemas.js";
import { goesThisWay } from "../../lib/validate/direction.ts";
import { connected } from "../support/connected.ts";
import { EXAMPLES } from "../support/examples.ts";
import { counted, scrape } from "../support/metrics.ts";
import { minimalPayload } from "../support/minimal_payload.ts";
import { testWith } from "../support/needs.ts";
import { strictGateway } from "../support/strict_gateway.ts";

const VERSIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "ocpp1.6": v16,
  "ocpp2.0.1": v201,
  "ocpp2.1": v21,
};

/** Certificates of vehicles and VAT numbers, of which the examples know nothing. */
const NOT_IMPLEMENTED = [
  "Get15118EVCertificate",
  "GetCertificateChainStatus",
  "GetCertificateStatus",
  "VatNumberValidation",
];

/** Answers that say something, beside those to BootNotification, Heartbeat and StartTransaction. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  DataTransfer: { status: "UnknownVendorId" },
  NotifyEVChargingNeeds: { status: "Rejected" },
  NotifyEVChargingSchedule: { status: "Accepted" },
  OpenPeriodicEventStream: { status: "Rejected" },
  PullDynamicScheduleUpdate: { status: "Rejected" },
  SignCertificate: { status: "Rejected" },
  StopTransaction: { idTagInfo: { status: "Accepted" } },
};

for (const { name, needs, start } of EXAMPLES) {
  for (const [protocol, messages] of Object.entries(VERSIONS)) {
    testWith(
      needs,
      `${name} answers each Action of an ${protocol} station with what its schema takes`,
      async (t) => {
        await using example = await start();
        await using gateway = await strictGateway(example.url);
        const client = await connected(gateway, "CP1", { protocols: [protocol] });
        const names = Object.keys(messages).filter((each) => each.endsWith("Request"));
        let count = 0;
        for (const message of names) {
          const action = message.slice(0, -"Request".length);
          if (!goesThisWay("in", action)) continue;
          count++;
          await t.step(action, async () => {
            const payload = JSON.stringify(minimalPayload(messages[message]));
            const answer = JSON.parse(await client.ask(`[2,"${action}","${action}",${payload}]`));
            if (NOT_IMPLEMENTED.includes(action)) {
              deepStrictEqual(answer.slice(0, 3), [4, action, "NotImplemented"]);
              return;
            }
            deepStrictEqual(answer.slice(0, 2), [3, action], JSON.stringify(answer));
            const said = answer[2];
            switch (action) {
              case "BootNotification":
                deepStrictEqual([said.status, said.interval], ["Accepted", 300]);
                match(said.currentTime, /Z$/);
                break;
              case "Heartbeat":
                match(said.currentTime, /Z$/);
                break;
              case "Authorize":
                deepStrictEqual(said, {
                  [protocol === "ocpp1.6" ? "idTagInfo" : "idTokenInfo"]: { status: "Accepted" },
                });
                break;
              case "StartTransaction":
                ok(Number.isInteger(said.transactionId));
                deepStrictEqual(said.idTagInfo, { status: "Accepted" });
                break;
              default:
                deepStrictEqual(said, ANSWERS[action] ?? {});
            }
          });
        }
        strictEqual(count, { "ocpp1.6": 14, "ocpp2.0.1": 25, "ocpp2.1": 37 }[protocol]);
        deepStrictEqual(counted(await scrape(gateway), "ws2api_invalid_payloads_total"), {});
      },
    );
  }
}
