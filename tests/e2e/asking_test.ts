import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { inTime, until } from "../support/deadline.ts";
import { type ApiAnswer, TestGateway } from "../support/gateway.ts";
import { assertProblem } from "../support/problem.ts";
import { startProgram, TempDir, urlOf } from "../support/program.ts";
import { tokensFile } from "../support/tokens.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Asks until the CALL has got so far. */
async function stateOf(
  gateway: TestGateway,
  path: string,
  isSo: (text: string) => boolean,
  headers: Record<string, string> = {},
): Promise<string> {
  let text = "";
  await until(path, async () => {
    const answer = await gateway.api(path, { headers });
    strictEqual(answer.status, 200, answer.text);
    ({ text } = answer);
    return isSo(text);
  });
  return text;
}

Deno.test("a CALL accepted with 202 can be asked for where Location says, from queued to delivered", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const id = "é/ 1😀";
  const clientPath = encodeURIComponent("CP 1");
  const client = await connected(gateway, clientPath);
  const path = `/call/Re%2Fset/${clientPath}/${encodeURIComponent(id)}`;
  assertProblem(await gateway.api(path), 404);
  strictEqual((await gateway.call(`First/${clientPath}/0`)).status, 202);
  const { status, headers } = await gateway.api(path, { method: "POST" });
  deepStrictEqual([status, headers.get("location")], [202, path]);
  const queued = JSON.parse((await gateway.api(path)).text);
  const { acceptedAt, id: webhookId, ...rest } = queued;
  match(acceptedAt, TIME);
  match(webhookId, /^[\da-f]{8}-[\da-f]{4}-7/);
  deepStrictEqual(rest, {
    state: "queued",
    outcome: null,
    delivery: null,
    ...{ sentAt: null, endedAt: null, deliveredAt: null },
  });
  client.send(`[3,"0",{}]`);
  await client.next(`[2,${JSON.stringify(id)}`);
  const sent = JSON.parse((await gateway.api(path)).text);
  strictEqual(sent.state, "sent");
  match(sent.sentAt, TIME);
  const payload = '{"a":1.0,"a":12345678901234567890,"u":"\\u00e9"}';
  client.send(`[3,${JSON.stringify(id)},${payload}]`);
  const text = await stateOf(gateway, path, (got) => got.includes('"delivered"'));
  ok(text.startsWith(`{"state":"ended","outcome":{"kind":"result","payload":${payload}},`), text);
  const ended = JSON.parse(text);
  match(ended.endedAt, TIME);
  match(ended.deliveredAt, TIME);
  strictEqual(ended.id, webhookId);
  const head = await gateway.api(path, { method: "HEAD" });
  deepStrictEqual([head.status, head.text, head.headers.get("ws2api-outcome")], [200, "", null]);
  assertProblem(await gateway.api("/call/Reset/a%2Fb/1"), 400);
});

Deno.test("a CALL that ends in a CALLERROR, and one with Prefer: wait, can be asked for too", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  await gateway.call("Reset/CP1/e");
  await client.next('[2,"e"');
  client.send('[4,"e","GenericError","no",{"d":1.0}]');
  const outcome = '{"kind":"error","code":"GenericError","description":"no","details":{"d":1.0}}';
  await stateOf(gateway, "/call/Reset/CP1/e", (got) => got.includes(`"outcome":${outcome},`));
  const late = gateway.call("Reset/CP1/w", "{}", { prefer: "wait=1" });
  await client.next('[2,"w"');
  strictEqual((await late).status, 504);
  const open = JSON.parse((await gateway.api("/call/Reset/CP1/w")).text);
  deepStrictEqual([open.state, open.id, open.delivery], ["sent", null, null]);
  // Nobody waits for it any more, but it is told.
  client.send('[3,"w",{"b":2.0}]');
  const text = await stateOf(gateway, "/call/Reset/CP1/w", (got) => got.includes('"ended"'));
  ok(text.includes('"payload":{"b":2.0}},"delivery":null'), text);
});

Deno.test("who may neither send a CALL nor see payloads is told of its outcome without them", async () => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  const file = tokensFile(dir, [
    { name: "reader", role: "read" },
    { name: "php", role: "command", actions: ["Reset"] },
    { name: "other", role: "command", actions: ["GetLog"] },
    { name: "ops", role: "admin" },
  ]);
  await using gateway = await TestGateway.start(backend.url, [`--api-tokens-file=${file}`]);
  const client = await connected(gateway);
  const as = (name: string) => ({ authorization: `Bearer ${name}` });
  for (const [id, answer] of [["r", '[3,"r",{"s":1}]'], ["e", '[4,"e","C","secret",{"s":1}]']]) {
    strictEqual((await gateway.call(`Reset/CP1/${id}`, "{}", as("php"))).status, 202);
    await client.next(`[2,"${id}"`);
    client.send(answer!);
    await stateOf(gateway, `/call/Reset/CP1/${id}`, (got) => got.includes('"ended"'), as("reader"));
  }
  for (const name of ["php", "ops", "reader", "other"]) {
    const outcomes: unknown[] = [];
    for (const id of ["r", "e"]) {
      const { text } = await gateway.api(`/call/Reset/CP1/${id}`, { headers: as(name) });
      outcomes.push(JSON.parse(text).outcome);
    }
    const may = name === "php" || name === "ops";
    deepStrictEqual(outcomes, [
      { kind: "result", payload: may ? { s: 1 } : null },
      {
        kind: "error",
        code: "C",
        description: may ? "secret" : null,
        details: may ? { s: 1 } : null,
      },
    ], name);
  }
  strictEqual((await gateway.api("/call/Reset/CP1/r")).status, 401);
});

Deno.test("an outcome is known for --outcome-retention", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--outcome-retention=50ms"]);
  const client = await connected(gateway);
  await gateway.call("Reset/CP1/1", "{}", { "idempotency-key": "k" });
  await client.next('[2,"1"');
  client.send('[3,"1",{}]');
  await until("the end", async () => (await gateway.api("/call/Reset/CP1/1")).status === 404);
  await until("another CALL", async () => {
    const answer = await gateway.call("Reset/CP1/1", "{}", { "idempotency-key": "k" });
    return answer.headers.get("idempotency-replayed") === null;
  });
  await client.next('[2,"1"');
});

function seen({ status, headers, text }: ApiAnswer): unknown[] {
  const names = ["ws2api-outcome", "preference-applied", "location", "content-type"];
  return [status, text, ...names.map((name) => headers.get(name))];
}

Deno.test("a request that comes again under its Idempotency-Key gets the same answer, and nothing is sent again", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--call-timeout=5s"]);
  const client = await connected(gateway);
  const rows: [name: string, wait: string | null, answer: string | null, status: number][] = [
    ["accepted", null, '[3,"ID",{}]', 202],
    ["result", "wait=5", '[3,"ID",{"a":1.0}]', 200],
    ["error", "wait=5", '[4,"ID","C","d",{"x":1.0}]', 422],
    ["late", "wait=1", null, 504],
  ];
  for (const [name, wait, answer, status] of rows) {
    await t.step(name, async () => {
      const headers = { "idempotency-key": `key-${name}`, ...(wait && { prefer: wait }) };
      const first = gateway.call(`Reset/CP1/${name}`, '{"p":1.0}', headers);
      await client.next(`[2,"${name}"`);
      if (wait !== null) {
        const second = await gateway.call(`Reset/CP1/${name}`, '{"p":1.0}', headers);
        assertProblem(second, 409, "not-sent");
        strictEqual(second.headers.get("retry-after"), "1");
      }
      if (answer !== null) client.send(answer.replace("ID", name));
      const told = await first;
      strictEqual(told.status, status);
      strictEqual(told.headers.get("idempotency-replayed"), null);
      for (let i = 0; i < 2; i++) {
        const again = await gateway.call(`Reset/CP1/${name}`, '{"p":1.0}', headers);
        deepStrictEqual(seen(again), seen(told));
        strictEqual(again.headers.get("idempotency-replayed"), "true");
      }
      for (
        const [path, body, more] of [
          [`Reset/CP1/${name}2`, '{"p":1.0}', {}],
          [`Reset/CP1/${name}`, '{"p":1}', {}],
          [`Reset/CP1/${name}`, '{"p":1.0}', { prefer: "wait=7" }],
        ] as const
      ) assertProblem(await gateway.call(path, body, { ...headers, ...more }), 422, "not-sent");
      if (answer === null) client.send(`[3,"${name}",{}]`);
    });
  }
  await client.ask("no frame");
  deepStrictEqual(client.left, []);
});

Deno.test("what was not accepted binds no key, and a key that is none is refused", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const headers = { "idempotency-key": "k" };
  assertProblem(await gateway.call("Reset/CP1/1", "{}", headers), 404, "not-sent");
  assertProblem(await gateway.call("Reset/CP1/1", "[]", headers), 400, "not-sent");
  const client = await connected(gateway);
  for (const key of ["", "two words", "é", "x".repeat(256)]) {
    const bad = await gateway.call("Reset/CP1/1", "{}", { "idempotency-key": key });
    assertProblem(bad, 400, "not-sent");
  }
  const twice = new Headers([["idempotency-key", "a"], ["idempotency-key", "b"]]);
  const both = await gateway.api("/call/Reset/CP1/1", { method: "POST", headers: twice });
  assertProblem(both, 400, "not-sent");
  const longest = { "idempotency-key": "~".repeat(255) };
  strictEqual((await gateway.call("Reset/CP1/0", "{}", longest)).status, 202);
  const first = await gateway.call("Reset/CP1/1", " {} ", headers);
  deepStrictEqual([first.status, first.headers.get("idempotency-replayed")], [202, null]);
  // Outstanding: without a key it is a duplicate.
  assertProblem(await gateway.call("Reset/CP1/1"), 409, "not-sent");
  strictEqual((await gateway.call("Reset/CP1/1", "{}", headers)).status, 202);
  await client.next('[2,"0"');
});

Deno.test("the keys of two tokens never meet", async () => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  const file = tokensFile(dir, ["a", "c"].map((name) => ({ name, role: "command" })));
  await using gateway = await TestGateway.start(backend.url, [`--api-tokens-file=${file}`]);
  await connected(gateway);
  for (const [i, name] of ["a", "c"].entries()) {
    const headers = { authorization: `Bearer ${name}`, "idempotency-key": "k" };
    const answer = await gateway.call(`Reset/CP1/${i}`, "{}", headers);
    deepStrictEqual([answer.status, answer.headers.get("idempotency-replayed")], [202, null]);
  }
});

Deno.test("the outbox is for admins, and an API path also where clients connect to /", async () => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  const file = tokensFile(dir, [
    { name: "reader", role: "read" },
    { name: "bounded", role: "command", clients: ["CP1"] },
    { name: "some", role: "admin", clients: ["CP1"] },
    { name: "ops", role: "admin" },
  ]);
  await using gateway = await TestGateway.start(backend.url, [`--api-tokens-file=${file}`]);
  const id = "01890000-0000-7000-8000-000000000001";
  const rows: [method: string, path: string, admin: number, some: number][] = [
    ["GET", "/outbox", 200, 403],
    ["HEAD", "/outbox", 200, 403],
    ["GET", "/outbox?client=CP1&state=parked&limit=1000", 200, 200],
    ["GET", "/outbox?client=CP2", 200, 403],
    ["GET", "/outbox?client=CP1&state=gone", 400, 400],
    ["GET", "/outbox?client=CP1&limit=0", 400, 400],
    ["GET", "/outbox?client=CP1&limit=1001", 400, 400],
    ["GET", "/outbox?client=CP1&after=x", 400, 400],
    ["GET", "/outbox?client=CP1&what=x", 400, 400],
    ["GET", `/outbox/${id}`, 404, 404],
    ["GET", `/outbox/${id}?x=1`, 400, 400],
    ["GET", "/outbox/none", 404, 404],
    ["DELETE", `/outbox/${id}`, 404, 404],
    ["POST", `/outbox/${id}/retry`, 404, 404],
    ["POST", "/outbox/retry/retry", 404, 404],
    ["POST", "/outbox/retry?state=parked", 202, 403],
    ["POST", "/outbox/retry?state=parked&since=2026-11-28T08:00:00%2B01:00", 202, 403],
    ["POST", "/outbox/retry", 400, 403],
    ["POST", "/outbox/retry?state=waiting", 400, 403],
    ["POST", "/outbox/retry?state=parked&since=yesterday", 400, 403],
    ["POST", "/outbox/retry?state=parked&since=2026-11-28", 400, 403],
  ];
  for (const [method, path, admin, some] of rows) {
    for (const [name, status] of [["ops", admin], ["some", some]] as const) {
      const headers = { authorization: `Bearer ${name}` };
      const answer = await gateway.api(path, { method, headers });
      strictEqual(answer.status, status, `${name} ${method} ${path} ${answer.text}`);
      if (status >= 400 && method !== "HEAD") assertProblem(answer, status);
    }
    for (const name of ["reader", "bounded"]) {
      const headers = { authorization: `Bearer ${name}` };
      strictEqual((await gateway.api(path, { method, headers })).status, 403, `${name} ${path}`);
    }
    strictEqual((await gateway.api(path, { method })).status, 401);
  }
  const headers = { authorization: "Bearer ops" };
  const list = await gateway.api("/outbox", { headers });
  deepStrictEqual(JSON.parse(list.text), { total: 0, reports: [], next: null });
  const path = "/outbox/retry?state=parked";
  strictEqual((await gateway.api(path, { method: "POST", headers })).text, '{"retried":0}');
});

Deno.test("keys and outcomes are known to all workers", async () => {
  await using backend = new RecordingBackend();
  await using program = startProgram([
    ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--workers=2", "--drain-timeout=1s"],
  ]);
  const url = await urlOf(program);
  // A connection each, so that any worker may answer.
  using http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const api = async (method: string, path: string, key?: string) => {
    const headers: Record<string, string> = key === undefined ? {} : { "idempotency-key": key };
    const request = fetch(url + path, { method, headers, client: http });
    const { status, headers: got, ...response } = await inTime(
      request.then(async (answer) => ({
        ...{ status: answer.status, headers: answer.headers, text: await answer.text() },
      })),
      path,
    );
    return { status, isReplay: got.get("idempotency-replayed") === "true", text: response.text };
  };
  const client = new TestClient(`${url.replace("http", "ws")}/CP1`);
  await inTime(client.opened, "the upgrade");
  await client.ask("no frame");
  for (let i = 0; i < 10; i++) {
    const path = `/call/Reset/CP1/${i}`;
    // All at once: one goes out.
    const first = await Promise.all(Array.from({ length: 4 }, () => api("POST", path, `k${i}`)));
    const fresh = first.filter(({ status, isReplay }) => status === 202 && !isReplay);
    ok(fresh.length <= 1 && first.every(({ status }) => [202, 409].includes(status)));
    // Each of them may have given way to another: the key is free then.
    await until("a CALL", async () => (await api("POST", path, `k${i}`)).status === 202);
    await client.next(`[2,"${i}"`);
    client.send(`[3,"${i}",{"v":${i}.0}]`);
    await until("the end", async () => (await api("GET", path)).text.includes("delivered"));
    for (let j = 0; j < 8; j++) {
      const again = await api("POST", path, `k${i}`);
      deepStrictEqual([again.status, again.isReplay], [202, true]);
      const { status, text } = await api("GET", path);
      strictEqual(status, 200);
      ok(text.includes(`"payload":{"v":${i}.0}`), text);
    }
  }
  strictEqual((await api("GET", "/call/Reset/CP1/none")).status, 404);
  strictEqual((await api("POST", "/outbox/retry?state=parked")).text, '{"retried":0}');
  deepStrictEqual(client.left, []);
  await client.close();
});
