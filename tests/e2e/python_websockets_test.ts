/** A WebSocket library that nobody here wrote, Debian's python3-websockets, with frames by hand. */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { json, RecordingBackend } from "../support/backend.ts";
import type { TestGateway } from "../support/gateway.ts";
import { programOf } from "../support/needs.ts";
import { Program } from "../support/program.ts";
import { strictGateway } from "../support/strict_gateway.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

const STATION = fileURLToPath(new URL("../support/station.py", import.meta.url));

interface Script {
  readonly say: readonly string[];
  readonly answers: Readonly<Record<string, string>>;
}

function station(gateway: TestGateway, protocols: string, script: Script): Program {
  const url = `${gateway.url.replace("http", "ws")}/CP%201`;
  return new Program(programOf("python3-websockets"), [
    STATION,
    url,
    protocols,
    JSON.stringify(script),
  ]);
}

const RESET = {
  "ocpp1.6": ['{"type" : "Soft"}', '{ "status":"Accepted"}'],
  "ocpp2.0.1": ['{"type":"Immediate","evseId":1.0}', '{"status" :"Accepted"}'],
  "ocpp2.1": ['{"type":"ImmediateAndResume"}', '{"status": "Accepted"}'],
} as const;

for (const protocol of ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] as const) {
  test({
    needs: "python3-websockets",
    name:
      `python3-websockets speaks ${protocol}: calls, is called, and is replaced when it reconnects`,
    async fn() {
      await using backend = new RecordingBackend();
      const now = '{ "currentTime" : "2026-01-01T00:00:00.000Z" }';
      backend.answer = ({ path }) => {
        if (path.startsWith("/call/Heartbeat/")) return json(now);
        if (path.startsWith("/call/DataTransfer/")) {
          const error = '{"code":"GenericError","description":"é","details":{"n":1.0}}';
          return json(error, 409);
        }
        return json("{}");
      };
      await using gateway = await strictGateway(backend.url);
      const [reset, accepted] = RESET[protocol];
      const is21 = protocol === "ocpp2.1";
      const event =
        '{"id":1,"pending":0,"basetime":"2026-01-01T00:00:00Z","data":[{"t":0.50,"v":"1"}]}';
      const script: Script = {
        say: [
          '[2,"h1","Heartbeat",{}]',
          ...(is21
            ? [
              '[5,"h1","GenericError","ü",{"n":2.0}]',
              `[6,"s1","NotifyPeriodicEventStream",${event}]`,
            ]
            : []),
          '[2,"d1","DataTransfer",{"vendorId":"V"}]',
        ],
        answers: {
          Reset: `[3,"ID",${accepted}]`,
          TriggerMessage: '[4,"ID","NotSupported","no é",{"n":16.40}]',
        },
      };
      // It prefers a version that is not served.
      await using first = station(gateway, `soap,${protocol}`, script);
      const opened = [
        `open ${protocol}`,
        `[3,"h1",${now}]`,
        '[4,"d1","GenericError","é",{"n":1.0}]',
      ];
      deepStrictEqual(await first.lines(opened.length), opened);
      if (is21) {
        const { path, body } = await backend.next("/resulterror/");
        deepStrictEqual([path, body], [
          "/resulterror/Heartbeat/CP%201/h1",
          '{"code":"GenericError","description":"ü","details":{"n":2.0}}',
        ]);
      }
      deepStrictEqual(
        backend.requests.filter(({ path }) => !path.startsWith("/resulterror/")).map((
          { path, body, headers },
        ) => [
          path,
          body,
          headers.get("x-ws2api-protocol"),
        ]),
        [
          ["/call/Heartbeat/CP%201/h1", "{}", protocol],
          ...(is21 ? [["/send/NotifyPeriodicEventStream/CP%201/s1", event, protocol]] : []),
          ["/call/DataTransfer/CP%201/d1", '{"vendorId":"V"}', protocol],
        ],
      );

      strictEqual((await gateway.call("Reset/CP%201/r1", reset)).status, 202);
      const result = await backend.next("/result/");
      deepStrictEqual([result.path, result.body], ["/result/Reset/CP%201/r1", accepted]);
      const trigger = '{"requestedMessage":"Heartbeat"}';
      strictEqual((await gateway.call("TriggerMessage/CP%201/t1", trigger)).status, 202);
      const error = await backend.next("/error/");
      deepStrictEqual([error.path, error.body], [
        "/error/TriggerMessage/CP%201/t1",
        '{"code":"NotSupported","description":"no é","details":{"n":16.40}}',
      ]);

      await using second = station(gateway, protocol, { ...script, say: [] });
      const called = [
        `[2,"r1","Reset",${reset}]`,
        `[2,"t1","TriggerMessage",${trigger}]`,
      ];
      deepStrictEqual(await first.lines(100), [...opened, ...called, "close 1008 replaced"]);
      deepStrictEqual(await second.lines(1), [`open ${protocol}`]);
      // The older connection's close does not remove the newer one.
      const waited = await gateway.call("Reset/CP%201/r2", reset, { prefer: "wait=10" });
      deepStrictEqual([waited.status, waited.text], [200, accepted]);
      strictEqual((await gateway.api("/clients/CP%201", { method: "DELETE" })).status, 204);
      deepStrictEqual((await second.lines(100)).slice(2), ["close 1000 closed by the operator"]);
    },
  });
}
