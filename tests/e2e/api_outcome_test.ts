import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { connected, handled } from "../support/connected.ts";
import { type ApiAnswer, TestGateway } from "../support/gateway.ts";
import { assertProblem } from "../support/problem.ts";
import { rawStatus } from "../support/raw_client.ts";

const ODD_PAYLOAD = '{"b":1.0, "a":12345678901234567890,"a":1e400,"s":"\\ud800\\u00e9 \u2028é😀"}';
const WAIT = { prefer: "wait=10" };

function assertOutcome(answer: ApiAnswer, status: number, outcome: string): void {
  strictEqual(answer.status, status, answer.text);
  strictEqual(answer.headers.get("ws2api-outcome"), outcome);
}

Deno.test("a CALL that nobody waits for any longer holds the queue until --call-timeout only", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--call-timeout=1500ms"]);
  const client = await connected(gateway);
  assertProblem(await gateway.call("Act/CP1/1", "{}", { prefer: "wait=1" }), 504, "sent");
  assertOutcome(await gateway.call("Act/CP1/2"), 202, "queued");
  strictEqual(await client.next(), '[2,"1","Act",{}]');
  strictEqual(await client.next(), '[2,"2","Act",{}]');
  client.send('[3,"2",{}]');
  strictEqual((await backend.next()).path, "/result/Act/CP1/2");
  strictEqual(backend.requests.length, 1);
});

Deno.test("a CALL that is not answered within --call-timeout ends in /error", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--call-timeout=300ms"]);
  const client = await connected(gateway);
  await gateway.call("Act/CP1/1");
  const { path, body } = await backend.next();
  strictEqual(path, "/error/Act/CP1/1");
  strictEqual(
    body,
    '{"code":"GenericError","description":"no answer within 300ms","details":{}}',
  );
  client.send('[3,"1",{}]');
  await handled(client);
  const waited = await gateway.call("Act/CP1/1", "{}", WAIT);
  assertProblem(waited, 504, "sent");
  await gateway.shutdown();
  strictEqual(backend.requests.length, 1, "the late answer is dropped");
});

Deno.test("an answer counts once, and only for a CALL that is outstanding", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  client.send('[3,"1",{"early":1}]');
  await handled(client);
  for (const id of ["1", "2"]) await gateway.call(`Act/CP1/${id}`);
  client.send('[3,"unknown",{}]');
  client.send('[4,"2","queued","not sent yet",{}]');
  client.send('[3,"1",{"n":1}]');
  client.send('[3,"1",{"n":2}]');
  client.send('[4,"1","C","",{}]');
  client.send('[3,"2",{}]');
  deepStrictEqual(
    [await backend.next(), await backend.next()].map(({ path, body }) => [path, body]),
    [["/result/Act/CP1/1", '{"n":1}'], ["/result/Act/CP1/2", "{}"]],
  );
  await gateway.shutdown();
  strictEqual(backend.requests.length, 2);
});

Deno.test("a CALL goes out only when the one before is answered", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  for (const id of ["1", "2"]) await gateway.call(`Act/CP1/${id}`);
  strictEqual(await client.next(), '[2,"1","Act",{}]');
  await handled(client);
  deepStrictEqual(client.left, []);
  client.send('[3,"1",{}]');
  strictEqual(await client.next(), '[2,"2","Act",{}]');
});

Deno.test("as many CALLs are outstanding as --call-concurrency says", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--call-concurrency=2"]);
  const client = await connected(gateway);
  for (const id of ["1", "2", "3"]) await gateway.call(`Act/CP1/${id}`);
  strictEqual(await client.next(), '[2,"1","Act",{}]');
  strictEqual(await client.next(), '[2,"2","Act",{}]');
  await handled(client);
  deepStrictEqual(client.left, []);
  client.send('[3,"2",{}]');
  strictEqual(await client.next(), '[2,"3","Act",{}]');
  strictEqual((await backend.next()).path, "/result/Act/CP1/2");
});

Deno.test("a client's own CALL is served while it owes an answer", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  await gateway.call("Act/CP1/1");
  strictEqual(await client.next(), '[2,"1","Act",{}]');
  strictEqual(await client.ask('[2,"1","Heartbeat",{}]'), '[3,"1",{}]');
  client.send('[3,"1",{}]');
  await backend.next("/result/Act/CP1/1");
});

Deno.test("a SEND goes to ocpp2.1 clients only", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const send = (path: string, body: string): Promise<ApiAnswer> =>
    gateway.api(`/send/${path}`, { method: "POST", body });
  const client = await connected(gateway, "CP21", { protocols: ["ocpp2.1"] });
  strictEqual((await send("Act/CP21/1", ODD_PAYLOAD)).status, 202);
  strictEqual((await send("Act/CP21/1", "")).status, 202);
  strictEqual(await client.next(), `[6,"1","Act",${ODD_PAYLOAD}]`);
  strictEqual(await client.next(), '[6,"1","Act",{}]');
  assertProblem(await send("Act/CP21/1", "[]"), 400);
  assertProblem(await send("Act/nobody/1", "{}"), 404);
  for (const protocols of [["ocpp2.0.1"], ["ocpp1.6"], []]) {
    const other = await connected(gateway, "other", { protocols });
    assertProblem(await send("Act/other/1", "{}"), 409);
    await handled(other);
    deepStrictEqual(other.left, []);
  }
});

Deno.test("a SEND waits neither for outstanding CALLs nor for those behind them, in either direction", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway, "CP1", { protocols: ["ocpp2.1"] });
  for (const id of ["1", "2"]) await gateway.call(`Act/CP1/${id}`);
  strictEqual(await client.next(), '[2,"1","Act",{}]');
  await gateway.api("/send/Act/CP1/1", { method: "POST", body: '{"n":1.0}' });
  strictEqual(await client.next(), '[6,"1","Act",{"n":1.0}]');
  client.send('[6,"1","Act",{"n":2.0}]');
  const { path, body } = await backend.next();
  deepStrictEqual([path, body], ["/send/Act/CP1/1", '{"n":2.0}']);
  client.send('[3,"1",{}]');
  strictEqual(await client.next(), '[2,"2","Act",{}]');
  client.send('[3,"2",{}]');
  await backend.next("/result/Act/CP1/2");
});

Deno.test("a shutdown refuses what is new with 503 and finishes what is under way", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--drain-timeout=30s"]);
  const client = await connected(gateway);
  await gateway.call("Act/CP1/1");
  strictEqual(await client.next(), '[2,"1","Act",{}]');
  const done = gateway.shutdown();
  for (const headers of [{}, WAIT]) {
    const refused = await gateway.call("Act/CP1/2", "{}", headers);
    assertProblem(refused, 503, "not-sent");
    ok(refused.headers.has("retry-after"));
  }
  assertProblem(await gateway.api("/send/Act/CP1/2", { method: "POST" }), 503);
  strictEqual((await gateway.api("/readyz")).status, 503);
  deepStrictEqual((await gateway.api("/healthz")).text, "ok");
  strictEqual(await rawStatus(gateway.url, upgradeHead("/CP2")), 503);
  client.send('[3,"1",{"in":"time"}]');
  strictEqual((await backend.next("/result/")).body, '{"in":"time"}');
  strictEqual((await client.whenClosed()).code, 1001);
  await done;
});

Deno.test("a shutdown ends a CALL that is not answered: 410 for who waits, /error for who does not", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const [first, second] = [await connected(gateway, "CP1"), await connected(gateway, "CP2")];
  await gateway.call("Act/CP1/1");
  const waiting = gateway.call("Act/CP2/1", "{}", WAIT);
  await Promise.all([first.next(), second.next()]);
  const done = gateway.shutdown();
  assertProblem(await waiting, 410, "sent");
  const { path, body } = await backend.next();
  strictEqual(path, "/error/Act/CP1/1");
  strictEqual(JSON.parse(body).code, "GenericError");
  match(JSON.parse(body).description, /shutting down/);
  await done;
  strictEqual(backend.requests.length, 1);
});
