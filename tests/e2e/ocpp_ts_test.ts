/** A client that nobody here wrote: ocpp-ts, for OCPP 1.6. It checks each CALL by 1.6's schema. */

import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { OcppClient } from "ocpp-ts";
import { json, RecordingBackend } from "../support/backend.ts";
import { inTime } from "../support/deadline.ts";
import type { TestGateway } from "../support/gateway.ts";
import { strictGateway } from "../support/strict_gateway.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

interface Station {
  readonly client: OcppClient;
  readonly closed: Promise<{ code: number; reason: string }>;
}

/** Connects and resolves when the client says that it is connected. */
async function connect(gateway: TestGateway, identity: string): Promise<Station> {
  const client = new OcppClient(identity);
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    client.on("close", (code, reason) => resolve({ code, reason: String(reason) }));
  });
  const connected = new Promise<void>((resolve, reject) => {
    client.on("connect", resolve);
    client.on("error", reject);
  });
  client.connect(`${gateway.url.replace("http", "ws")}/`);
  await inTime(connected, "the client's connect");
  return { client, closed };
}

test({
  name: "ocpp-ts's client calls and is called, with results and errors, and is replaced",
  // The package never clears its timers.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using backend = new RecordingBackend();
    const currentTime = "2026-01-01T00:00:00.000Z";
    backend.answer = ({ path }) => {
      if (path.startsWith("/call/BootNotification/")) {
        return json(`{"status":"Accepted","currentTime":"${currentTime}","interval":300}`);
      }
      if (path.startsWith("/call/Authorize/")) {
        return json('{"code":"SecurityError","description":"é","details":{"n":1.0}}', 403);
      }
      return json("{}");
    };
    await using gateway = await strictGateway(backend.url);
    const { client, closed } = await connect(gateway, "CP1");
    client.on("Reset", ({ type }, answer) => {
      answer({ status: type === "Soft" ? "Accepted" : "Rejected" });
    });

    const boot = { chargePointVendor: "V", chargePointModel: "M" };
    deepStrictEqual(await inTime(client.callRequest("BootNotification", boot), "the boot"), {
      status: "Accepted",
      currentTime,
      interval: 300,
    });
    const first = await backend.next("/call/BootNotification/");
    match(first.path, /^\/call\/BootNotification\/CP1\/[0-9a-f-]{36}$/);
    deepStrictEqual([first.headers.get("x-ws2api-protocol"), first.body], [
      "ocpp1.6",
      JSON.stringify(boot),
    ]);
    await rejects(
      inTime(client.callRequest("Authorize", { idTag: "T" }), "the refusal"),
      // Compiled for old engines, so that it is no OcppError to `instanceof`.
      { message: "é" },
    );

    strictEqual((await gateway.call("Reset/CP1/r1", '{"type":"Soft"}')).status, 202);
    const result = await backend.next("/result/");
    deepStrictEqual([result.path, result.body], ["/result/Reset/CP1/r1", '{"status":"Accepted"}']);
    // An Action without a listener: the package answers with a CALLERROR.
    const refused = await gateway.call("ClearCache/CP1/c1", "{}", { prefer: "wait=10" });
    deepStrictEqual([refused.status, JSON.parse(refused.text).code], [422, "NotImplemented"]);

    const newer = await connect(gateway, "CP1");
    deepStrictEqual(await inTime(closed, "the close"), { code: 1008, reason: "replaced" });
    const status = { connectorId: 1, errorCode: "NoError", status: "Available" } as const;
    deepStrictEqual(
      await inTime(newer.client.callRequest("StatusNotification", status), "the status"),
      {},
    );
    strictEqual((await gateway.call("Reset/CP1/r2", '{"type":"Hard"}')).status, 202);
    deepStrictEqual((await backend.next("/error/")).path, "/error/Reset/CP1/r2");
    strictEqual((await gateway.api("/clients/CP1", { method: "DELETE" })).status, 204);
    strictEqual((await inTime(newer.closed, "the close")).code, 1000);
  },
});
