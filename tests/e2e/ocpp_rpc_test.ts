/** A client that nobody here wrote: ocpp-rpc's RPCClient, strict about OCPP 1.6's schemas. */

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { RPCClient } from "ocpp-rpc";
import { startBackend } from "../../examples/backend.ts";
import { json, RecordingBackend } from "../support/backend.ts";
import { inTime } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";

function strictClient(gateway: TestGateway, identity: string): RPCClient {
  const options = {
    endpoint: gateway.url.replace("http", "ws"),
    identity,
    protocols: ["ocpp1.6"],
    strictMode: true,
    reconnect: false,
  };
  // The package's types want every option, its documentation only these.
  return new RPCClient(options as ConstructorParameters<typeof RPCClient>[0]);
}

Deno.test({
  name:
    "ocpp-rpc's strict client boots, heartbeats and answers CALLs with 202 and with Prefer: wait",
  // The package's own timers and sockets outlive its close for a moment.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using backend = new RecordingBackend();
    const currentTime = "2026-01-01T00:00:00.000Z";
    backend.answer = ({ path }) => {
      if (path.startsWith("/call/BootNotification/")) {
        return json(`{"status":"Accepted","currentTime":"${currentTime}","interval":300}`);
      }
      if (path.startsWith("/call/Heartbeat/")) return json(`{"currentTime":"${currentTime}"}`);
      if (path.startsWith("/call/")) return new Response(null, { status: 501 });
      return new Response(null, { status: 204 });
    };
    await using gateway = new TestGateway(backend.url);
    const client = strictClient(gateway, "RDAM 123");
    client.handle(
      "Reset",
      ({ params }: { params?: Record<string, unknown> }) =>
        Promise.resolve({ status: params?.["type"] === "Soft" ? "Accepted" : "Rejected" }),
    );
    client.handle("GetLocalListVersion", () => Promise.resolve({ listVersion: 7 }));
    await inTime(client.connect(), "the client's connect");
    strictEqual(client.protocol, "ocpp1.6");

    const boot = await inTime(
      client.call("BootNotification", { chargePointVendor: "V", chargePointModel: "M" }),
      "the boot",
    );
    deepStrictEqual(boot, { status: "Accepted", currentTime, interval: 300 });
    deepStrictEqual(await inTime(client.call("Heartbeat", {}), "the heartbeat"), { currentTime });
    match((await backend.next("/call/BootNotification/")).path, /\/RDAM%20123\//);

    const accepted = await gateway.call("Reset/RDAM%20123/r1", '{"type":"Soft"}');
    strictEqual(accepted.status, 202);
    const result = await backend.next("/result/Reset/");
    deepStrictEqual([result.path, result.body], [
      "/result/Reset/RDAM%20123/r1",
      '{"status":"Accepted"}',
    ]);

    const waited = await gateway.call("GetLocalListVersion/RDAM%20123/g1", "{}", {
      prefer: "wait=10",
    });
    deepStrictEqual([waited.status, waited.text], [200, '{"listVersion":7}']);

    // An action without a handler: the library answers with a CALLERROR.
    const unknown = await gateway.call("ClearCache/RDAM%20123/c1", "{}", { prefer: "wait=10" });
    deepStrictEqual([unknown.status, JSON.parse(unknown.text).code], [422, "NotImplemented"]);
    await inTime(
      client.call("Authorize", { idTag: "T" }).then(
        () => Promise.reject(new Error("accepted")),
        (error: { rpcErrorCode: string }) => strictEqual(error.rpcErrorCode, "NotImplemented"),
      ),
      "the refusal",
    );
    await inTime(client.close({}), "the client's close");
  },
});

Deno.test({
  name: "ocpp-rpc's strict client finds the example backend's answers valid",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const backend = startBackend({ port: 0 });
    {
      await using gateway = new TestGateway(backend.url);
      const client = strictClient(gateway, "CP1");
      await inTime(client.connect(), "the client's connect");
      const timestamp = new Date().toISOString();
      const calls: [action: string, params: Record<string, unknown>][] = [
        ["BootNotification", { chargePointVendor: "V", chargePointModel: "M" }],
        ["StatusNotification", { connectorId: 1, errorCode: "NoError", status: "Available" }],
        ["Authorize", { idTag: "T" }],
        ["StartTransaction", { connectorId: 1, idTag: "T", meterStart: 0, timestamp }],
        ["MeterValues", {
          connectorId: 1,
          meterValue: [{ timestamp, sampledValue: [{ value: "1" }] }],
        }],
        ["StopTransaction", { transactionId: 1, meterStop: 1, timestamp }],
        ["Heartbeat", {}],
      ];
      for (const [action, params] of calls) await inTime(client.call(action, params), action);
      await inTime(client.close({}), "the client's close");
    }
    await backend.stop();
  },
});
