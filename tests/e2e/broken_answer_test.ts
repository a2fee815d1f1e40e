import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { connected, handled } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { scrape } from "../support/metrics.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

const PROTOCOLS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] as const;
/** Far longer than any wait of a test. */
const CALL_TIMEOUT = "--call-timeout=10m";

const COUNT = "a frame of type 3 has 3 elements";
const NO_OBJECT = "the payload is not a JSON object";
const NO_NUMBER = "the message type is not a number";

function refused(reason: string): string {
  return `{"code":"GenericError","description":"the client's answer was refused: ${reason}","details":{}}`;
}

const TOO_DEEP = "not valid JSON, or nested too deep";

/** An object of so many in each other. */
function nested(depth: number): string {
  return '{"a":'.repeat(depth) + '"}]"' + "}".repeat(depth);
}

/** What a client answers, what the caller gets, and the CALLRESULTERROR to an ocpp2.1 client. */
const ROWS: readonly [text: string, body: string, told?: string][] = [
  ['[3,"r1"]', refused(COUNT), `[5,"r1","RpcFrameworkError","${COUNT}",{}]`],
  ['[3,"r1",[]]', refused(NO_OBJECT), `[5,"r1","FormatViolation","${NO_OBJECT}",{}]`],
  ['[3,"r1","{}"]', refused(NO_OBJECT), `[5,"r1","FormatViolation","${NO_OBJECT}",{}]`],
  ['[3,"r1",{},{}]', refused(COUNT), `[5,"r1","RpcFrameworkError","${COUNT}",{}]`],
  ['["3","r1",{}]', refused(NO_NUMBER)],
  ['[4,"r1"]', '{"code":"GenericError","description":"","details":{}}'],
  ['[4,"r1","NotSupported"]', '{"code":"NotSupported","description":"","details":{}}'],
  ['[4,"r1","NotSupported","no"]', '{"code":"NotSupported","description":"no","details":{}}'],
  ['[4,"r1","NotSupported",null,{}]', '{"code":"NotSupported","description":"","details":{}}'],
  ['[4,"r1",404,"",{}]', '{"code":"404","description":"","details":{}}'],
  ['[4,"r1","C","d",{"n":1.0},1]', '{"code":"C","description":"d","details":{"n":1.0}}'],
  ['[4,"r1","C","d",[]]', '{"code":"C","description":"d","details":{}}'],
  [`[3,"r1",${nested(200)}]`, refused(TOO_DEEP), `[5,"r1","RpcFrameworkError","${TOO_DEEP}",{}]`],
  [
    `[3,"r1",${nested(60_000)}]`,
    refused(TOO_DEEP),
    `[5,"r1","RpcFrameworkError","${TOO_DEEP}",{}]`,
  ],
  [`["3","r1",${nested(200)}]`, refused(TOO_DEEP)],
  [`[4,"r1","C","d",${nested(200)}]`, '{"code":"C","description":"d","details":{}}'],
  [`[4,"r1",${nested(200)},"d",{}]`, '{"code":"GenericError","description":"","details":{}}'],
  ['["4","r1","C","d",{"n":1.0}]', '{"code":"C","description":"d","details":{"n":1.0}}'],
];

test("a malformed answer ends its CALL at once, and the next one goes out", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [CALL_TIMEOUT]);
  for (const protocol of PROTOCOLS) {
    const client = await connected(gateway, protocol, { protocols: [protocol] });
    for (const [text, body, told] of ROWS) {
      await t.step(`${protocol}: ${text.slice(0, 60)}`, async () => {
        await gateway.call(`Act/${protocol}/r1`);
        await gateway.call(`Act/${protocol}/r2`);
        strictEqual(await client.next(), '[2,"r1","Act",{}]');
        client.send(text);
        const report = await backend.next("/error/");
        deepStrictEqual([report.path, report.body], [`/error/Act/${protocol}/r1`, body]);
        strictEqual(await client.next("[2,"), '[2,"r2","Act",{}]');
        client.send('[3,"r2",{}]');
        strictEqual((await backend.next("/result/")).path, `/result/Act/${protocol}/r2`);
        await handled(client);
        deepStrictEqual(client.left, told !== undefined && protocol === "ocpp2.1" ? [told] : []);
        if (client.left.length > 0) await client.next();
      });
    }
  }
});

test("a caller that waits gets a malformed answer as the error that it is", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [CALL_TIMEOUT]);
  const client = await connected(gateway);
  for (const [text, body] of ROWS) {
    await t.step(text.slice(0, 60), async () => {
      const answer = gateway.call("Act/CP1/r1", "{}", { prefer: "wait=600" });
      await client.next("[2,");
      client.send(text);
      const { status, headers, text: got } = await answer;
      deepStrictEqual(
        [status, headers.get("ws2api-outcome"), got],
        [422, "answered", body],
      );
    });
  }
  strictEqual(backend.requests.length, 0);
  const series = await scrape(gateway);
  strictEqual(series.get('ws2api_faults_total{code="FormationViolation"}'), ROWS.length + 1);
  strictEqual(series.get("ws2api_outstanding_calls"), 0);
});

test("a good answer behind a malformed one comes too late", async () => {
  await using backend = new RecordingBackend();
  backend.answer = () => json("{}");
  await using gateway = await TestGateway.start(backend.url, [CALL_TIMEOUT]);
  const client = await connected(gateway, "CP1", { protocols: ["ocpp2.1"] });
  await gateway.call("Act/CP1/r1");
  await client.next("[2,");
  // A good answer behind it comes too late, and neither is a second outcome.
  client.send('[3,"r1"]');
  client.send('[3,"r1",{}]');
  await backend.next("/error/");
  await handled(client);
  await gateway.shutdown();
  deepStrictEqual(backend.paths(), ["/error/Act/CP1/r1"]);
});
