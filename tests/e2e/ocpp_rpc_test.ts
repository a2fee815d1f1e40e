/** A client that nobody here wrote: ocpp-rpc's RPCClient, strict about OCPP's schemas. */

import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { RPCClient } from "ocpp-rpc";
import { startBackend } from "../../examples/backend.ts";
import { json, RecordingBackend } from "../support/backend.ts";
import { inTime } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { strictGateway } from "../support/strict_gateway.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

function strictClient(gateway: TestGateway, identity: string, protocol = "ocpp1.6"): RPCClient {
  const options = {
    endpoint: gateway.url.replace("http", "ws"),
    identity,
    protocols: [protocol],
    // Its schemas of 2.1 have other names than it looks for.
    strictMode: protocol !== "ocpp2.1",
    reconnect: false,
  };
  // The package's types want every option, its documentation only these.
  return new RPCClient(options as ConstructorParameters<typeof RPCClient>[0]);
}

test({
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
    await using gateway = await TestGateway.start(backend.url);
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

test({
  name: "ocpp-rpc's strict client finds the example backend's answers valid",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const backend = startBackend({ port: 0 });
    {
      await using gateway = await TestGateway.start(backend.url);
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

for (const protocol of ["ocpp2.0.1", "ocpp2.1"]) {
  test({
    name: `ocpp-rpc's client of ${protocol} calls, is called, and is replaced`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using backend = new RecordingBackend();
      const currentTime = "2026-01-01T00:00:00.000Z";
      backend.answer = ({ path }) => {
        if (path.startsWith("/call/BootNotification/")) {
          return json(`{"status":"Accepted","currentTime":"${currentTime}","interval":300}`);
        }
        if (path.startsWith("/call/")) return json('{"code":"NotSupported"}', 400);
        return new Response(null, { status: 204 });
      };
      await using gateway = await strictGateway(backend.url);
      const client = strictClient(gateway, "CP1", protocol);
      client.handle("Reset", () => Promise.resolve({ status: "Scheduled" }));
      await inTime(client.connect(), "the client's connect");
      strictEqual(client.protocol, protocol);

      const params = { reason: "PowerUp", chargingStation: { vendorName: "V", model: "M" } };
      const boot = await inTime(client.call("BootNotification", params), "the boot");
      deepStrictEqual(boot, { status: "Accepted", currentTime, interval: 300 });
      const { path, headers } = await backend.next("/call/BootNotification/");
      match(path, /^\/call\/BootNotification\/CP1\/[0-9a-f-]{36}$/);
      strictEqual(headers.get("x-ws2api-protocol"), protocol);
      await rejects(inTime(client.call("Heartbeat", {}), "the refusal"), {
        rpcErrorCode: "NotSupported",
      });

      strictEqual((await gateway.call("Reset/CP1/r1", '{"type":"OnIdle"}')).status, 202);
      const result = await backend.next("/result/");
      deepStrictEqual([result.path, result.body], [
        "/result/Reset/CP1/r1",
        '{"status":"Scheduled"}',
      ]);
      strictEqual((await gateway.call("ClearCache/CP1/c1")).status, 202);
      const error = await backend.next("/error/");
      deepStrictEqual([error.path, JSON.parse(error.body).code], [
        "/error/ClearCache/CP1/c1",
        "NotImplemented",
      ]);

      const replaced = new Promise((resolve) => client.once("close", resolve));
      const newer = strictClient(gateway, "CP1", protocol);
      await inTime(newer.connect(), "the newer client's connect");
      deepStrictEqual(await inTime(replaced, "the close"), { code: 1008, reason: "replaced" });
      await inTime(newer.call("BootNotification", params), "the newer client's boot");
      await inTime(newer.close({}), "the client's close");
    },
  });
}
