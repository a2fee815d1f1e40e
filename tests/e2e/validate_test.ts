import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Config, readInvocation } from "../../lib/config/config.ts";
import type { Gateway } from "../../lib/gateway/gateway.ts";
import { validatorOf } from "../../lib/validate/load.ts";
import { createValidator } from "../../lib/validate/validator.ts";
import { json, RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { connected, handled } from "../support/connected.ts";
import { inTime } from "../support/deadline.ts";
import { type ApiAnswer, TestGateway } from "../support/gateway.ts";
import { counted, scrape } from "../support/metrics.ts";
import { KeptLog } from "../support/nats.ts";
import { assertProblem } from "../support/problem.ts";
import { startProgram, urlOf } from "../support/program.ts";

const ROOT = new URL("../../", import.meta.url);
const PROTOCOLS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] as const;
const TIME = "2026-01-02T03:04:05Z";
const WAIT = { prefer: "wait=10" };
const STREAM = `{"id":1, "pending":0.0,"basetime":"${TIME}","data":[{"t":0,"v":"1"}]}`;

// Compiles each schema once for all tests.
const validator = createValidator({ allowedActions: new Set(["VendorReset"]) });

/** A gateway that checks payloads, and all that it says about them. */
class Checking extends TestGateway {
  readonly log: KeptLog;

  private constructor(gateway: Gateway, log: KeptLog) {
    super(gateway);
    this.log = log;
  }

  static async for(backend: RecordingBackend, mode: "warn" | "strict"): Promise<Checking> {
    const log = new KeptLog();
    const { gateway } = await TestGateway.start(
      backend.url,
      [`--validate=${mode}`],
      log,
      validator,
    );
    return new Checking(gateway, log);
  }

  client(id: string, protocol: string): Promise<TestClient> {
    return connected(this, id, { protocols: [protocol] });
  }

  send(path: string, body: string): Promise<ApiAnswer> {
    return this.api(`/send/${path}`, { method: "POST", body });
  }

  /** What it counted as not valid, `<direction> <type>`. */
  async invalid(): Promise<Record<string, number>> {
    const name = "ws2api_invalid_payloads_total";
    const found = counted(await scrape(this), name);
    return Object.fromEntries(
      Object.entries(found).map(([series, value]) => [
        series.replace(/.*direction="(\w+)",type="(\w+)".*/, "$1 $2"),
        value,
      ]),
    );
  }
}

/** A payload of a CALL that is wrong, the codes for it, and what is said about it. */
type BadCall = readonly [
  action: string,
  payload: string,
  codes: readonly [v16: string, v2: string],
  description: string,
];

const OCCURRENCE = ["OccurenceConstraintViolation", "OccurrenceConstraintViolation"] as const;
const PROPERTY = ["PropertyConstraintViolation", "PropertyConstraintViolation"] as const;
const TYPE = ["TypeConstraintViolation", "TypeConstraintViolation"] as const;
const UNKNOWN = ["NotImplemented", "NotImplemented"] as const;
const OTHERS = ["NotSupported", "NotSupported"] as const;

const BAD_16: readonly BadCall[] = [
  ["Authorize", "{}", OCCURRENCE, "/idTag is missing"],
  ["Authorize", '{"idTag":"T","x":1}', OCCURRENCE, "/x is no property of the schema"],
  ["Authorize", '{"idTag":1}', TYPE, "/idTag must be string"],
  [
    "Authorize",
    `{"idTag":"${"T".repeat(21)}"}`,
    PROPERTY,
    "/idTag must NOT have more than 20 characters",
  ],
  ["TransactionEvent", "{}", UNKNOWN, "the Action is no CALL of this OCPP version"],
  ["Reset", '{"type":"Soft"}', OTHERS, "the Action is the CSMS's to send"],
  ["RemoteStartTransaction", '{"idTag":1}', OTHERS, "the Action is the CSMS's to send"],
];
const BAD_2: readonly BadCall[] = [
  ["Authorize", "{}", OCCURRENCE, "/idToken is missing"],
  ["Heartbeat", '{"x":1}', OCCURRENCE, "/x is no property of the schema"],
  ["Authorize", '{"idToken":[]}', TYPE, "/idToken must be object"],
  [
    "BootNotification",
    '{"reason":"No","chargingStation":{"model":"M","vendorName":"V"}}',
    PROPERTY,
    "/reason must be equal to one of the allowed values",
  ],
  ["StartTransaction", "{}", UNKNOWN, "the Action is no CALL of this OCPP version"],
  ["Reset", '{"type":"Immediate"}', OTHERS, "the Action is the CSMS's to send"],
  [
    "SecurityEventNotification",
    '{"type":"X","timestamp":"2026-01-02T03:04:05.1234Z"}',
    PROPERTY,
    '/timestamp must match format "date-time"',
  ],
];

Deno.test("strict: a client's bad CALL is answered with its version's code, and goes nowhere", async (t) => {
  await using backend = new RecordingBackend();
  backend.answer = () => json(`{"currentTime" :"${TIME}"}`);
  await using gateway = await Checking.for(backend, "strict");
  for (const protocol of [...PROTOCOLS, ""]) {
    const client = await connected(gateway, `CP${protocol}`, {
      protocols: protocol === "" ? [] : [protocol],
    });
    const is16 = protocol === "ocpp1.6" || protocol === "";
    for (const [action, payload, [v16, v2], description] of is16 ? BAD_16 : BAD_2) {
      await t.step(`${protocol}: ${action} ${payload.slice(0, 40)}`, async () => {
        const answer = await client.ask(`[2,"i","${action}",${payload}]`);
        deepStrictEqual(JSON.parse(answer), [4, "i", is16 ? v16 : v2, description, {}]);
      });
    }
    const good = await client.ask('[2,"i","Heartbeat",{ }]');
    strictEqual(good, `[3,"i",{"currentTime" :"${TIME}"}]`);
    strictEqual((await backend.next()).body, "{ }");
  }
  strictEqual(backend.requests.length, 4);
  const bad = 2 * (BAD_16.length + BAD_2.length);
  deepStrictEqual(await gateway.invalid(), { "in call": bad });
  strictEqual(gateway.log.count("warn payload refused"), bad);
});

Deno.test("strict: what is said of a payload is one line with its pointer", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await Checking.for(backend, "strict");
  const client = await gateway.client("CP1", "ocpp1.6");
  await client.ask('[2,"i","Authorize",{"idTag":1}]');
  const line = gateway.log.lines.find((text) => text.startsWith("warn payload refused "));
  const { connectionId, ...fields } = JSON.parse(line!.slice("warn payload refused ".length));
  match(connectionId, /^[0-9a-f-]{36}$/);
  deepStrictEqual(fields, {
    clientId: "CP1",
    direction: "in",
    type: "call",
    action: "Authorize",
    messageId: "i",
    reason: "/idTag must be string",
  });
});

Deno.test("strict: a client's bad SEND is dropped without an answer", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await Checking.for(backend, "strict");
  const client = await gateway.client("CP1", "ocpp2.1");
  client.send('[6,"1","NotifyPeriodicEventStream",{"id":1}]');
  client.send('[6,"2","Nonsense",{}]');
  client.send(`[6,"3","NotifyPeriodicEventStream",${STREAM}]`);
  const { path, body } = await backend.next();
  deepStrictEqual([path, body], ["/send/NotifyPeriodicEventStream/CP1/3", STREAM]);
  await handled(client);
  deepStrictEqual(client.left, []);
  deepStrictEqual(await gateway.invalid(), { "in send": 2 });
});

Deno.test("strict: a backend's bad answer becomes CALLERROR InternalError", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await Checking.for(backend, "strict");
  const rows: [body: string, why: string][] = [
    ["", "/currentTime is missing"],
    ["{}", "/currentTime is missing"],
    ['{"currentTime":7}', "/currentTime must be string"],
    ['{"currentTime":"now"}', '/currentTime must match format "date-time"'],
    // Some stations cannot read what 1.6 allows here.
    ['{"currentTime":"2026-01-02T03:04:05"}', '/currentTime must match format "date-time"'],
    ['{"currentTime":"2026-01-02T03:04:05.123456Z"}', '/currentTime must match format "date-time"'],
    [`{"currentTime":"${TIME}","x":1}`, "/x is no property of the schema"],
  ];
  for (const protocol of PROTOCOLS) {
    const client = await gateway.client(protocol, protocol);
    for (const [body, why] of rows) {
      await t.step(`${protocol}: ${body}`, async () => {
        backend.answer = () => json(body);
        const answer = await client.ask('[2,"i","Heartbeat",{}]');
        const description = `the backend's answer was refused: ${why}`;
        deepStrictEqual(JSON.parse(answer), [4, "i", "InternalError", description, {}]);
      });
    }
    // Its own CALLERRORs are no payloads.
    backend.answer = () => json('{"code":"Own","details":{"n":1.0}}', 400);
    strictEqual(await client.ask('[2,"i","Heartbeat",{}]'), '[4,"i","Own","",{"n":1.0}]');
  }
  const count = PROTOCOLS.length * rows.length;
  deepStrictEqual(await gateway.invalid(), { "out result": count });
  const series = await scrape(gateway);
  deepStrictEqual(counted(series, "ws2api_backend_requests_total"), {
    'ws2api_backend_requests_total{kind="call",outcome="refused"}': PROTOCOLS.length,
    'ws2api_backend_requests_total{kind="call",outcome="invalid"}': count,
  });
  deepStrictEqual(counted(series, "ws2api_calls_failed_total"), {
    'ws2api_calls_failed_total{cause="backend"}': count,
  });
});

Deno.test("strict: a client's bad answer is one error for the backend, with 202 and with Prefer: wait", async (t) => {
  for (const protocol of PROTOCOLS) {
    await t.step(protocol, async () => {
      await using backend = new RecordingBackend();
      await using gateway = await Checking.for(backend, "strict");
      const client = await gateway.client("CP1", protocol);
      const reset = protocol === "ocpp1.6" ? '{"type":"Soft"}' : '{"type":"Immediate"}';
      const refused = {
        code: "GenericError",
        description:
          "the client's answer was refused: /status must be equal to one of the allowed values",
        details: {},
      };

      strictEqual((await gateway.call("Reset/CP1/a", reset)).status, 202);
      strictEqual(await client.next(), `[2,"a","Reset",${reset}]`);
      client.send('[3,"a",{"status":"Perhaps"}]');
      // Too late: the CALL is over.
      client.send('[3,"a",{"status":"Accepted"}]');
      const { path, body } = await backend.next();
      deepStrictEqual([path, JSON.parse(body)], ["/error/Reset/CP1/a", refused]);

      const waiting = gateway.call("Reset/CP1/b", reset, WAIT);
      strictEqual(await client.next("[2"), `[2,"b","Reset",${reset}]`);
      client.send('[3,"b",{"status":"Perhaps"}]');
      const { status, text, headers } = await waiting;
      deepStrictEqual([status, JSON.parse(text)], [422, refused]);
      strictEqual(headers.get("ws2api-outcome"), "answered");

      await gateway.call("Reset/CP1/c", reset);
      strictEqual(await client.next("[2"), `[2,"c","Reset",${reset}]`);
      client.send('[3,"c",{"status" :"Accepted"}]');
      strictEqual((await backend.next("/result/Reset/CP1/c")).body, '{"status" :"Accepted"}');
      strictEqual(backend.requests.length, 2);
      // Only ocpp2.1 has a frame that says so.
      const frame = (id: string): string =>
        `[5,"${id}","PropertyConstraintViolation",` +
        '"/status must be equal to one of the allowed values",{}]';
      await handled(client);
      deepStrictEqual(client.left, protocol === "ocpp2.1" ? [frame("a"), frame("b")] : []);
      deepStrictEqual(await gateway.invalid(), { "in result": 2 });
    });
  }
});

Deno.test("strict: an API request with a bad payload is 422 with the pointer, and nothing is sent", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await Checking.for(backend, "strict");
  const rows: [protocol: string, path: string, body: string, pointer: string, detail: string][] = [
    ["ocpp1.6", "call/Reset", "{}", "/type", "is missing"],
    ["ocpp1.6", "call/Reset", '{"type":1}', "/type", "must be string"],
    ["ocpp1.6", "call/Nonsense", "{}", "", "the Action is no CALL of this OCPP version"],
    ["ocpp2.0.1", "call/Reset", '{"type":"Immediate","evseId":"1"}', "/evseId", "must be integer"],
    ["ocpp2.1", "call/Reset", '{"x":1,"type":"Immediate"}', "/x", "is no property of the schema"],
    ["ocpp1.6", "call/BootNotification", "{}", "", "the Action is the station's to send"],
    ["ocpp2.0.1", "call/TransactionEvent", "{}", "", "the Action is the station's to send"],
    [
      "ocpp2.1",
      "send/NotifyPeriodicEventStream",
      STREAM,
      "",
      "the Action is the station's to send",
    ],
    ["ocpp2.1", "send/Nonsense", "{}", "", "the Action is no SEND of this OCPP version"],
    [
      "ocpp1.6",
      "call/UpdateFirmware",
      '{"location":"ftp://a/","retrieveDate":"2026-01-02T03:04:05"}',
      "/retrieveDate",
      'must match format "date-time"',
    ],
  ];
  for (const [protocol, path, body, pointer, detail] of rows) {
    await t.step(`${protocol} ${path} ${body}`, async () => {
      const client = await gateway.client("CP1", protocol);
      for (const headers of [{}, WAIT]) {
        const answer = await gateway.api(`/${path}/CP1/1`, { method: "POST", body, headers });
        assertProblem(answer, 422, "not-sent", { errors: [{ pointer, detail }] });
        strictEqual(JSON.parse(answer.text).detail, `${pointer} ${detail}`.trim());
      }
      await handled(client);
      deepStrictEqual(client.left, []);
    });
  }
  const client = await gateway.client("CP1", "ocpp2.1");
  const good = '{ "type":"Immediate","evseId":1.0 }';
  // The MessageId is free.
  strictEqual((await gateway.call("Reset/CP1/1", good)).status, 202);
  strictEqual(await client.next(), `[2,"1","Reset",${good}]`);
  // No version has a SEND that a CSMS sends.
  strictEqual((await gateway.send("VendorReset/CP1/2", STREAM)).status, 202);
  strictEqual(await client.next(), `[6,"2","VendorReset",${STREAM}]`);
  deepStrictEqual(await gateway.invalid(), { "out call": 16, "out send": 4 });
});

Deno.test("strict: DataTransfer and allowed Actions stay possible in both directions", async () => {
  await using backend = new RecordingBackend();
  backend.answer = () => json('{"anything":[1.0]}');
  await using gateway = await Checking.for(backend, "strict");
  for (const protocol of PROTOCOLS) {
    const client = await gateway.client(protocol, protocol);
    const odd = '{"b":1.0,"a":1e400,"a":"\\ud800"}';
    const answer = await client.ask(`[2,"1","VendorReset",${odd}]`);
    strictEqual(answer, '[3,"1",{"anything":[1.0]}]');
    strictEqual((await backend.next()).body, odd);
    await gateway.call(`VendorReset/${protocol}/2`, odd);
    strictEqual(await client.next(), `[2,"2","VendorReset",${odd}]`);
    client.send(`[3,"2",${odd}]`);
    strictEqual((await backend.next("/result/VendorReset/")).body, odd);

    const data = '{"vendorId":"com.acme","data":"{\\"any\\": 1.0}"}';
    await gateway.call(`DataTransfer/${protocol}/3`, data);
    strictEqual(await client.next(), `[2,"3","DataTransfer",${data}]`);
    client.send('[3,"3",{"status":"Accepted"}]');
    await backend.next("/result/DataTransfer/");
  }
  deepStrictEqual(await gateway.invalid(), {});
});

Deno.test("strict: an ocpp1.6 station's date-times pass as it writes them", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await Checking.for(backend, "strict");
  const client = await gateway.client("CP1", "ocpp1.6");
  const start = (timestamp: string): string =>
    `{"connectorId":1,"idTag":"T","meterStart":0,"timestamp":"${timestamp}"}`;
  backend.answer = () => json('{"transactionId":1,"idTagInfo":{"status":"Accepted"}}');
  for (const time of ["2023-10-19T15:28:07", "2024-04-26T14:35:02+02", "2022-02-29T07:02:33,5Z"]) {
    match(await client.ask(`[2,"i","StartTransaction",${start(time)}]`), /^\[3,/);
    strictEqual((await backend.next()).body, start(time));
  }
  deepStrictEqual(await gateway.invalid(), {});
});

Deno.test("warn: what goes the wrong way passes, is counted and logged", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await Checking.for(backend, "warn");
  for (const protocol of PROTOCOLS) {
    const client = await gateway.client(protocol, protocol);
    strictEqual(await client.ask('[2,"1","Reset",{"type":"Soft"}]'), '[3,"1",{}]');
    strictEqual((await backend.next()).path, `/call/Reset/${protocol}/1`);
    strictEqual((await gateway.call(`Heartbeat/${protocol}/2`)).status, 202);
    strictEqual(await client.next(), '[2,"2","Heartbeat",{}]');
    client.send(`[3,"2",{"currentTime":"${TIME}"}]`);
    await backend.next("/result/");
  }
  deepStrictEqual(await gateway.invalid(), { "in call": 3, "out call": 3, "out result": 3 });
  strictEqual(gateway.log.count('"reason":"the Action is the CSMS\'s to send"'), 3);
  strictEqual(gateway.log.count('"reason":"the Action is the station\'s to send"'), 3);
});

Deno.test("warn: everything passes byte for byte, and what is not valid is counted and logged", async () => {
  await using backend = new RecordingBackend();
  const odd = '{"b":1.0, "a":12345678901234567890,"a":1e400,"s":"\\ud800\\u00e9 \u2028é😀"}';
  backend.answer = () => json(odd);
  await using gateway = await Checking.for(backend, "warn");
  for (const protocol of PROTOCOLS) {
    const client = await gateway.client(protocol, protocol);
    strictEqual(await client.ask(`[2,"1","Authorize",${odd}]`), `[3,"1",${odd}]`);
    strictEqual((await backend.next()).body, odd);
    strictEqual((await gateway.call(`Reset/${protocol}/2`, odd)).status, 202);
    strictEqual(await client.next(), `[2,"2","Reset",${odd}]`);
    client.send(`[3,"2",${odd}]`);
    strictEqual((await backend.next("/result/")).body, odd);
    if (protocol !== "ocpp2.1") continue;
    client.send(`[6,"3","NotifyPeriodicEventStream",${odd}]`);
    strictEqual((await backend.next("/send/")).body, odd);
    strictEqual((await gateway.send(`Nonsense/${protocol}/4`, odd)).status, 202);
    strictEqual(await client.next(), `[6,"4","Nonsense",${odd}]`);
    deepStrictEqual(client.left, []);
  }
  deepStrictEqual(await gateway.invalid(), {
    "in call": 3,
    "in result": 3,
    "in send": 1,
    "out call": 3,
    "out result": 3,
    "out send": 1,
  });
  strictEqual(gateway.log.count("warn payload not valid"), 14);
  strictEqual(gateway.log.count('"reason":"/idTag is missing"'), 1);
  ok(gateway.log.lines.every((line) => !line.includes("12345678901234567890")));
});

Deno.test("nothing is checked when --validate is off, and what checks is not even loaded", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--validate=off"]);
  const client = await connected(gateway);
  strictEqual(await client.ask('[2,"1","Authorize",{"x":1}]'), '[3,"1",{}]');
  const { config } = readInvocation(["--validate=off"], () => undefined, "") as { config: Config };
  strictEqual(await validatorOf(config), undefined);
  for (const start of ["main.ts", "lib/worker/worker.ts"]) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", fileURLToPath(new URL(start, ROOT))],
      cwd: ROOT,
    }).output();
    const loaded = loadedAtStart(JSON.parse(new TextDecoder().decode(stdout)));
    ok(loaded.some((name) => name.endsWith("/lib/client/connection.ts")));
    deepStrictEqual(loaded.filter((name) => /ajv|typed-ocpp|validator\.ts/.test(name)), []);
  }
});

interface ModuleGraph {
  readonly roots: string[];
  readonly modules: {
    readonly specifier: string;
    readonly dependencies?: {
      readonly code?: { readonly specifier?: string };
      readonly isDynamic?: boolean;
    }[];
  }[];
}

/** The modules that a program loads before it runs. */
function loadedAtStart({ roots, modules }: ModuleGraph): string[] {
  const byName = new Map(modules.map((module) => [module.specifier, module]));
  const loaded = new Set(roots);
  for (const name of loaded) {
    for (const { code, isDynamic } of byName.get(name)?.dependencies ?? []) {
      if (code?.specifier !== undefined && isDynamic !== true) loaded.add(code.specifier);
    }
  }
  return [...loaded];
}

Deno.test("strict: the program and each of its workers check what they pass on", async (t) => {
  for (const workers of [1, 2]) {
    await t.step(`${workers} workers`, async () => {
      await using backend = new RecordingBackend();
      await using program = startProgram([
        ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--validate=strict"],
        ...[`--workers=${workers}`, "--allow-action=VendorReset"],
      ]);
      const url = await urlOf(program);
      // One connection for each request, so that any worker may answer.
      using http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
      for (let i = 0; i < 6; i++) {
        const client = new TestClient(`${url.replace("http", "ws")}/CP${i}`);
        await inTime(client.opened, "the upgrade");
        const answer = JSON.parse(await client.ask('[2,"1","Authorize",{}]'));
        strictEqual(answer[2], "OccurenceConstraintViolation");
        for (const [action, status] of [["Reset", 422], ["VendorReset", 202]] as const) {
          const response = await inTime(
            fetch(`${url}/call/${action}/CP${i}/a`, { method: "POST", client: http }),
            "the API's answer",
          );
          strictEqual(response.status, status);
          const text = await response.text();
          if (status !== 422) continue;
          deepStrictEqual(JSON.parse(text).errors, [{ pointer: "/type", detail: "is missing" }]);
        }
        strictEqual(await client.next(), '[2,"a","VendorReset",{}]');
        await client.close();
      }
    });
  }
});
