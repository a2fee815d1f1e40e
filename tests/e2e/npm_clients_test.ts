/**
 * Clients that nobody here wrote, each of another family: `@voltbras/ts-ocpp` for OCPP 1.6,
 * `@extrawest/node-ts-ocpp` for OCPP 2.0.1, `ocpp-task-manager` for all versions. Each boots, calls, is
 * called, and answers with a result and an error, behind a gateway that refuses payloads which are not
 * valid.
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { OcppClient } from "@extrawest/node-ts-ocpp";
import * as tsOcpp from "@voltbras/ts-ocpp";
import createManager from "ocpp-task-manager";
import { json, RecordingBackend } from "../support/backend.ts";
import { inTime } from "../support/deadline.ts";
import type { TestGateway } from "../support/gateway.ts";
import { strictGateway } from "../support/strict_gateway.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

// Its names are made by getters, which an import does not find.
const { ChargePoint } = (tsOcpp as unknown as { readonly default: typeof tsOcpp }).default;

const NOW = "2026-01-01T00:00:00.000Z";
const BOOTED = { status: "Accepted", currentTime: NOW, interval: 300 };

/** A backend that lets a station boot, and refuses to authorize and what vendors send. */
function bootingBackend(): RecordingBackend {
  const backend = new RecordingBackend();
  backend.answer = ({ path }) => {
    if (path.startsWith("/call/BootNotification/")) return json(JSON.stringify(BOOTED));
    if (path.startsWith("/call/Authorize/") || path.startsWith("/call/DataTransfer/")) {
      return json('{"code":"SecurityError","description":"é","details":{"n":1.0}}', 403);
    }
    return json("{}");
  };
  return backend;
}

/** The backend calls: the outcome comes as `/result` or `/error`, and as the answer to a wait. */
async function isCalled(
  gateway: TestGateway,
  backend: RecordingBackend,
  path: string,
  payload: string,
  expected: { readonly kind: "result" | "error"; readonly body: RegExp },
): Promise<void> {
  strictEqual((await gateway.call(`${path}/later`, payload)).status, 202);
  const outcome = await backend.next(`/${expected.kind}/`);
  strictEqual(outcome.path, `/${expected.kind}/${path}/later`);
  match(outcome.body, expected.body);
  const waited = await gateway.call(`${path}/now`, payload, { prefer: "wait=10" });
  strictEqual(waited.status, expected.kind === "result" ? 200 : 422);
  match(waited.text, expected.body);
}

/** How a handler of ocpp-task-manager answers. */
interface Answering {
  callResult(payload: unknown): void;
  callError(code: string): void;
}

/** What is the same for all of them: none of the packages clears its timers. */
function testClient(name: string, fn: () => Promise<void>): void {
  test({ name, sanitizeOps: false, sanitizeResources: false, fn });
}

testClient(
  "@voltbras/ts-ocpp's client of OCPP 1.6 calls, is called, and answers with errors",
  async () => {
    await using backend = bootingBackend();
    await using gateway = await strictGateway(backend.url);
    const client = new ChargePoint("CP1", (request) => {
      if (request.action === "Reset") {
        return { action: "Reset", ocppVersion: "v1.6-json", status: "Accepted" };
      }
      throw new Error("not here");
    }, gateway.url.replace("http", "ws"));
    const connection = await inTime(client.connect(), "the client's connect");

    const boot = { chargePointVendor: "V", chargePointModel: "M" };
    const call = { ocppVersion: "v1.6-json", action: "BootNotification", payload: boot } as const;
    const booted = await inTime(client.sendRequest(call).run(), "the boot");
    deepStrictEqual(booted.unsafeCoerce(), BOOTED);
    const { path, headers, body } = await backend.next("/call/BootNotification/");
    match(path, /^\/call\/BootNotification\/CP1\/[0-9a-f-]{36}$/);
    deepStrictEqual([headers.get("x-ws2api-protocol"), body], ["ocpp1.6", JSON.stringify(boot)]);

    const refused = await inTime(
      client.sendRequest({
        ocppVersion: "v1.6-json",
        action: "Authorize",
        payload: { idTag: "T" },
      }).run(),
      "the refusal",
    );
    ok(refused.isLeft());

    await isCalled(gateway, backend, "Reset/CP1", '{"type":"Soft"}', {
      kind: "result",
      body: /^\{"status":"Accepted"\}$/,
    });
    await isCalled(gateway, backend, "ClearCache/CP1", "{}", {
      kind: "error",
      body: /^\{"code":"GenericError","description":"\[/,
    });
    connection.close();
  },
);

testClient(
  "@extrawest/node-ts-ocpp's client of OCPP 2.0.1 calls, is called, and answers with errors",
  async () => {
    await using backend = bootingBackend();
    await using gateway = await strictGateway(backend.url);
    const client = new OcppClient("CP1");
    const connected = new Promise<void>((resolve, reject) => {
      client.on("connect", resolve);
      client.on("error", reject);
    });
    const closed = new Promise<number>((resolve) => client.on("close", (code) => resolve(code)));
    client.on("Reset", ({ type }, answer) => {
      answer({ status: type === "OnIdle" ? "Scheduled" : "Rejected" });
    });
    client.connect(`${gateway.url.replace("http", "ws")}/`);
    await inTime(connected, "the client's connect");

    const boot = { reason: "PowerUp", chargingStation: { model: "M", vendorName: "V" } } as const;
    deepStrictEqual(await inTime(client.callRequest("BootNotification", boot), "the boot"), BOOTED);
    const { path, headers, body } = await backend.next("/call/BootNotification/");
    match(path, /^\/call\/BootNotification\/CP1\/[0-9a-f-]{36}$/);
    deepStrictEqual([headers.get("x-ws2api-protocol"), body], ["ocpp2.0.1", JSON.stringify(boot)]);
    const status = {
      timestamp: NOW,
      connectorStatus: "Available",
      evseId: 1,
      connectorId: 1,
    } as const;
    deepStrictEqual(
      await inTime(client.callRequest("StatusNotification", status), "the status"),
      {},
    );

    await isCalled(gateway, backend, "Reset/CP1", '{"type":"OnIdle"}', {
      kind: "result",
      body: /^\{"status":"Scheduled"\}$/,
    });
    await isCalled(gateway, backend, "ClearCache/CP1", "{}", {
      kind: "error",
      body: /^\{"code":"InternalError",/,
    });
    strictEqual((await gateway.api("/clients/CP1", { method: "DELETE" })).status, 204);
    strictEqual(await inTime(closed, "the close"), 1000);
  },
);

const BOOT_2 = { reason: "PowerUp", chargingStation: { model: "M", vendorName: "V" } };
const VERSIONS = {
  "ocpp1.6": { boot: { chargePointVendor: "V", chargePointModel: "M" }, reset: "Soft" },
  "ocpp2.0.1": { boot: BOOT_2, reset: "OnIdle" },
  "ocpp2.1": { boot: BOOT_2, reset: "ImmediateAndResume" },
} as const;

for (const [protocol, { boot, reset }] of Object.entries(VERSIONS)) {
  testClient(
    `ocpp-task-manager's client of ${protocol} calls, is called, and answers with errors`,
    async () => {
      await using backend = bootingBackend();
      await using gateway = await strictGateway(backend.url);
      // The package leaves the socket to whoever uses it.
      const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/CP%201`, protocol);
      const client = createManager({
        sender: (message: string) => socket.send(message),
        callHandlers: {
          Reset: ({ type }: { type: string }, { callResult }: Answering) =>
            callResult({ status: type === reset ? "Accepted" : "Rejected" }),
          GetLocalListVersion: (_: unknown, { callError }: Answering) => callError("NotSupported"),
        },
      });
      socket.onmessage = ({ data }) => client.received(data);
      const opened = new Promise((resolve) => socket.onopen = resolve);
      const closed = new Promise((resolve) => socket.onclose = resolve);
      await inTime(opened, "the client's connect");
      strictEqual(socket.protocol, protocol);
      // It tells JSON from SOAP by the last letter.
      client.connected(`${protocol}j`);

      const booted = await inTime(client.sendCall("BootNotification", boot), "the boot");
      deepStrictEqual(booted, { ok: true, payload: BOOTED });
      const { path, headers, body } = await backend.next("/call/BootNotification/");
      match(path, /^\/call\/BootNotification\/CP%201\/[\w-]+$/);
      deepStrictEqual([headers.get("x-ws2api-protocol"), body], [protocol, JSON.stringify(boot)]);
      const data = { vendorId: "V" };
      const refused = await inTime(client.sendCall("DataTransfer", data), "the refusal");
      deepStrictEqual(refused, {
        ok: false,
        payload: { errorCode: "SecurityError", errorDescription: "é", errorDetails: { n: 1 } },
      });

      await isCalled(gateway, backend, "Reset/CP%201", JSON.stringify({ type: reset }), {
        kind: "result",
        body: /^\{"status":"Accepted"\}$/,
      });
      await isCalled(gateway, backend, "GetLocalListVersion/CP%201", "{}", {
        kind: "error",
        body: /^\{"code":"NotSupported","description":"","details":\{\}\}$/,
      });
      await isCalled(gateway, backend, "ClearCache/CP%201", "{}", {
        kind: "error",
        body: /^\{"code":"NotImplemented","description":"Action isn't supported yet"/,
      });
      socket.close();
      await inTime(closed, "the close");
    },
  );
}
