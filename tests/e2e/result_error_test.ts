import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { connected, handled } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { scrape } from "../support/metrics.ts";
import { KeptLog } from "../support/nats.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

const V21 = { protocols: ["ocpp2.1"] };
const NOT_KNOWN = "warn CALLRESULTERROR to no CALLRESULT";
const ODD_DETAILS = '{"b":1.0, "a":12345678901234567890,"a":1e400,"s":"\\ud800\\u00e9 \u2028é😀"}';

test("a CALLRESULTERROR goes to /resulterror with its CALL's Action, byte for byte", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(`${backend.url}base`);
  const client = await connected(gateway, "CP%201", V21);
  strictEqual(await client.ask('[2,"id\\u002f1","Boot Notification",{}]'), '[3,"id\\u002f1",{}]');
  const call = await backend.next("/base/call/");
  client.send(` [5, "id/1" ,"My\\u0043ode", "d \\u00e9" , ${ODD_DETAILS} ]`);
  const { method, path, body, headers } = await backend.next();
  strictEqual(method, "POST");
  strictEqual(path, "/base/resulterror/Boot%20Notification/CP%201/id%2F1");
  strictEqual(
    body,
    `{"code":"My\\u0043ode","description":"d \\u00e9","details":${ODD_DETAILS}}`,
  );
  for (const name of ["x-ws2api-connection", "x-ws2api-protocol", "x-forwarded-for"]) {
    strictEqual(headers.get(name), call.headers.get(name));
  }
  await handled(client);
  deepStrictEqual(client.left, [], "it is never answered");
  const series = await scrape(gateway);
  strictEqual(series.get('ws2api_frames_total{direction="in",type="resulterror"}'), 1);
});

test("before ocpp2.1 a frame of type 5 is of an unknown type", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  for (const protocols of [["ocpp1.6"], ["ocpp2.0.1"], []]) {
    const client = await connected(gateway, "CP1", { protocols });
    strictEqual(await client.ask('[2,"1","Act",{}]'), '[3,"1",{}]');
    client.send('[5,"1","Code","",{}]');
    await handled(client);
    deepStrictEqual(client.left, []);
  }
  deepStrictEqual(backend.paths("/resulterror/"), []);
});

test("a CALLRESULTERROR to no CALLRESULT that is known is dropped, logged and counted", async (t) => {
  await using backend = new RecordingBackend();
  backend.answer = ({ path }) => json("{}", path.startsWith("/call/Bad/") ? 500 : 200);
  const log = new KeptLog();
  await using gateway = await TestGateway.start(backend.url, ["--call-timeout=1s"], log);
  const client = await connected(gateway, "CP1", V21);
  const refused = async (messageId: string): Promise<void> => {
    const before = log.count(NOT_KNOWN);
    client.send(`[5,"${messageId}","Code","",{}]`);
    await handled(client);
    strictEqual(log.count(NOT_KNOWN), before + 1);
    ok(log.lines.some((line) => line.includes(`"messageId":"${messageId}"`)));
  };

  await t.step("one that nobody ever saw", () => refused("nobody"));
  await t.step("one that was answered with a CALLERROR", async () => {
    strictEqual(JSON.parse(await client.ask('[2,"bad","Bad",{}]'))[0], 4);
    await refused("bad");
  });
  await t.step("one that was told of before", async () => {
    await client.ask('[2,"twice","Act",{}]');
    client.send('[5,"twice","Code","",{}]');
    await backend.next("/resulterror/Act/CP1/twice");
    await refused("twice");
  });
  await t.step("a CALL to the client", async () => {
    await gateway.call("Act/CP1/own");
    strictEqual(await client.next("[2,"), '[2,"own","Act",{}]');
    await refused("own");
    client.send('[3,"own",{}]');
    await backend.next("/result/Act/CP1/own");
  });
  await t.step("one that is longer ago than --call-timeout", async () => {
    await client.ask('[2,"late","Act",{}]');
    // Its own time-out begins later, and is as long.
    strictEqual((await gateway.call("Act/CP1/mute", "{}", { prefer: "wait=10" })).status, 504);
    await client.next("[2,");
    await refused("late");
  });
  await t.step("one of an older connection", async () => {
    await client.ask('[2,"old","Act",{}]');
    const other = await connected(gateway, "CP1", V21);
    other.send('[5,"old","Code","",{}]');
    await handled(other);
    strictEqual(log.count(NOT_KNOWN), 6);
  });
  strictEqual(backend.paths("/resulterror/").length, 1);
  const series = await scrape(gateway);
  strictEqual(series.get('ws2api_faults_total{code="unmatched"}'), 6);
});

test("a CALLRESULTERROR is tried again as an outcome is", async () => {
  await using backend = new RecordingBackend();
  let tries = 0;
  backend.answer = ({ path }) =>
    json("{}", path.startsWith("/resulterror/") && ++tries === 1 ? 503 : 200);
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway, "CP1", V21);
  await client.ask('[2,"1","Act",{}]');
  client.send('[5,"1","Code","",{}]');
  for (let i = 0; i < 2; i++) await backend.next("/resulterror/Act/CP1/1");
  await gateway.shutdown();
  strictEqual(backend.paths("/resulterror/").length, 2);
});

test("a CALLRESULTERROR goes in the lane of outcomes, past a CALL of the client", async () => {
  await using backend = new RecordingBackend();
  const held = Promise.withResolvers<void>();
  backend.answer = async ({ path }) => {
    if (path === "/call/Act/CP1/2" || path === "/result/Do/CP1/a") await held.promise;
    return json("{}");
  };
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway, "CP1", V21);
  await client.ask('[2,"0","Act",{}]');
  await client.ask('[2,"1","Act",{}]');
  client.send('[2,"2","Act",{}]');
  await backend.next("/call/Act/CP1/2");
  client.send('[5,"0","Code","",{}]');
  await backend.next("/resulterror/Act/CP1/0");
  await gateway.call("Do/CP1/a");
  await client.next("[2,");
  client.send('[3,"a",{}]');
  await backend.next("/result/Do/CP1/a");
  client.send('[5,"1","Code","",{}]');
  await handled(client);
  strictEqual(backend.paths("/resulterror/").length, 1, "one outcome after the other");
  held.resolve();
  await backend.next("/resulterror/Act/CP1/1");
  strictEqual(await client.next(), '[3,"2",{}]');
});

test("CALLRESULTERRORs beyond a full queue are dropped and counted, and what was taken is kept", async () => {
  await using backend = new RecordingBackend();
  const held = Promise.withResolvers<void>();
  backend.answer = async ({ path }) => {
    if (path.startsWith("/resulterror/")) await held.promise;
    return json("{}");
  };
  await using gateway = await TestGateway.start(backend.url, ["--max-queue=2"]);
  const client = await connected(gateway, "CP1", V21);
  for (const id of ["1", "2", "3", "4"]) {
    await client.ask(`[2,"${id}","Act",{}]`);
    client.send(`[5,"${id}","Code","",{}]`);
    await handled(client);
  }
  const series = await scrape(gateway);
  strictEqual(series.get('ws2api_queue_full_total{type="resulterror"}'), 1);
  strictEqual(series.get('ws2api_reports_lost_total{kind="resulterror"}'), 1);
  held.resolve();
  for (const id of ["1", "2", "3"]) await backend.next(`/resulterror/Act/CP1/${id}`);
  await gateway.shutdown();
  strictEqual(backend.paths("/resulterror/").length, 3);
});

test("a CALLRESULTERROR is dropped when all places for them are taken", async () => {
  await using backend = new RecordingBackend();
  const held = Promise.withResolvers<void>();
  backend.answer = async ({ path }) => {
    if (path.startsWith("/resulterror/Act/CP2/")) await held.promise;
    return json("{}");
  };
  const log = new KeptLog();
  await using gateway = await TestGateway.start(backend.url, ["--max-reports=1"], log);
  const client = await connected(gateway, "CP1", V21);
  const other = await connected(gateway, "CP2", V21);
  await client.ask('[2,"1","Act",{}]');
  await other.ask('[2,"1","Act",{}]');
  other.send('[5,"1","Code","",{}]');
  await backend.next("/resulterror/Act/CP2/");
  client.send('[5,"1","Code","",{}]');
  await handled(client);
  strictEqual(log.count('warn gateway overloaded {"clientId":"CP1"'), 1);
  // Outcomes have places of their own.
  strictEqual((await gateway.call("Reset/CP2/r1")).status, 202);
  held.resolve();
  deepStrictEqual(backend.paths("/resulterror/"), ["/resulterror/Act/CP2/1"]);
});
