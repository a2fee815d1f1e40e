import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { closedPort, json, RawBackend, RecordingBackend, write } from "../support/backend.ts";
import { type LogFields, silentLog } from "../../lib/log/log.ts";
import { handled } from "../support/connected.ts";
import { testEachForwarder, testEachWay as test } from "../support/gateway.ts";

test("a client's CALL becomes one POST with the payload's bytes and the gateway's headers", async ({ TestGateway }) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(`${backend.url}base/path`);
  const client = await gateway.connect("CP%201", { headers: { "x-secret": "of the client" } });
  const payload = '{"b":1.0, "a":12345678901234567890,"a":1e400,"s":"\\ud800\\u00e9 \u2028é"}';
  backend.answer = () => json(' {"z":-0 ,"z":1.50}\r\n');
  strictEqual(
    await client.ask(` [2 , "id/1" ,"Boot Notification", ${payload} ] `),
    '[3,"id/1",{"z":-0 ,"z":1.50}]',
  );
  const request = await backend.next();
  strictEqual(request.method, "POST");
  strictEqual(request.path, "/base/path/call/Boot%20Notification/CP%201/id%2F1");
  strictEqual(request.body, payload);
  strictEqual(request.headers.get("content-type"), "application/json");
  strictEqual(request.headers.get("x-ws2api-protocol"), "ocpp1.6");
  match(
    request.headers.get("x-ws2api-connection") ?? "",
    /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/,
  );
  strictEqual(request.headers.get("x-forwarded-for"), "127.0.0.1");
  strictEqual(request.headers.get("x-secret"), null);
  await client.close();
});

test("the protocol header is absent for a client that offered none", async ({ TestGateway }) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await gateway.connect("CP1", { protocols: [] });
  await client.ask('[2,"1","Heartbeat",{}]');
  strictEqual((await backend.next()).headers.get("x-ws2api-protocol"), null);
});

test("the backend's answer becomes the client's", async ({ TestGateway, t }) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const v16 = await gateway.connect("CP16", { protocols: ["ocpp1.6"] });
  const v201 = await gateway.connect("CP201", { protocols: ["ocpp2.0.1"] });
  const rows: [name: string, status: number, body: string | null, v16: string, v201?: string][] = [
    ["200 with an object", 200, '{"a": [1.0]}', '[3,"1",{"a": [1.0]}]'],
    ["201 with an object", 201, '{"a":1}', '[3,"1",{"a":1}]'],
    ["200 without a body", 200, "", '[3,"1",{}]'],
    ["204", 204, null, '[3,"1",{}]'],
    ["200 with white space only", 200, " \r\n", '[3,"1",{}]'],
    ["200 with an array", 200, "[]", "InternalError"],
    ["200 with null", 200, "null", "InternalError"],
    ["200 with a string", 200, '"x"', "InternalError"],
    ["200 with bad JSON", 200, '{"a":}', "InternalError"],
    ["200 with HTML", 200, "<b>Fatal error</b>", "InternalError"],
    [
      "an error with a code",
      500,
      '{"code":"MyCode","description":"d","details":{"n":1.0,"n":2}}',
      '[4,"1","MyCode","d",{"n":1.0,"n":2}]',
    ],
    ["an error with a code only", 404, '{"code":"MyCode"}', '[4,"1","MyCode","",{}]'],
    [
      "an error whose details are no object",
      409,
      '{"code":"C","description":7,"details":[1]}',
      '[4,"1","C","",{}]',
    ],
    ["a redirect with a code", 302, '{"code":"C"}', '[4,"1","C","",{}]'],
    ["400", 400, "", "FormationViolation", "FormatViolation"],
    [
      "422 with a code that is no string",
      422,
      '{"code":1}',
      "FormationViolation",
      "FormatViolation",
    ],
    ["401", 401, "", "SecurityError"],
    ["403", 403, "no", "SecurityError"],
    ["404", 404, "", "NotImplemented"],
    ["405", 405, "", "NotImplemented"],
    ["501", 501, "", "NotImplemented"],
    ["302, which is not followed", 302, null, "InternalError"],
    ["409", 409, "", "InternalError"],
    ["429", 429, "", "InternalError"],
    ["500", 500, "Traceback at 10.0.0.1", "InternalError"],
    ["502", 502, "", "InternalError"],
    ["503", 503, "", "InternalError"],
    ["504", 504, "", "InternalError"],
  ];
  for (const [name, status, body, expected16, expected201 = expected16] of rows) {
    await t.step(name, async () => {
      backend.answer = () =>
        new Response(body, { status, headers: { location: `${backend.url}elsewhere` } });
      for (const [client, expected] of [[v16, expected16], [v201, expected201]] as const) {
        const answer = await client.ask('[2,"1","Act",{}]');
        if (expected.startsWith("[")) strictEqual(answer, expected);
        else {
          const [type, id, code, description, details] = JSON.parse(answer);
          deepStrictEqual([type, id, code, details], [4, "1", expected, {}]);
          match(description, new RegExp(`answered ${status}`));
        }
      }
    });
  }
  strictEqual(backend.paths("/elsewhere").length, 0);
  strictEqual(backend.paths("/call/").length, 2 * rows.length, "a CALL is never repeated");
});

test("a backend that fails gives CALLERROR InternalError that says how", async ({ TestGateway, t }) => {
  const big = "x".repeat(2000);
  const rows: [
    name: string,
    answer: string | "hang" | "reset" | "refuse",
    description: RegExp,
  ][] = [
    ["no answer in time", "hang", /no answer from the backend within 300ms/],
    ["a reset after reading", "reset", /broke off/],
    ["a refused connection", "refuse", /the backend is away/],
    ["no HTTP", "what?\r\n\r\n", /broke off/],
    ["a body that is cut short", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", /broke off/],
    [
      "a length beside chunks",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
      /has two lengths/,
    ],
    [
      "an answer that is too large",
      `HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n${big}`,
      /too large/,
    ],
    [
      "chunks that are too large",
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n${big}\r\n0\r\n\r\n`,
      /too large/,
    ],
    [
      "a body that is not UTF-8",
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"\xff"',
      /not UTF-8/,
    ],
  ];
  for (const [name, answer, description] of rows) {
    await t.step(name, async () => {
      await using backend = new RawBackend(async (conn) => {
        if (answer === "hang") return;
        if (answer !== "reset") await write(conn, answer);
        conn.close();
      });
      const url = answer === "refuse" ? `http://127.0.0.1:${closedPort()}/` : backend.url;
      await using gateway = await TestGateway.start(url, [
        // Long, where an answer comes: it may take its time on a busy machine.
        `--backend-timeout=${answer === "hang" ? "300ms" : "30s"}`,
        "--max-message=1KiB",
        "--away-hold=300ms",
        "--backend-away=answer",
      ]);
      const client = await gateway.connect("CP1");
      const [type, id, code, text] = JSON.parse(await client.ask('[2,"1","Act",{}]'));
      deepStrictEqual([type, id, code], [4, "1", "InternalError"]);
      match(text, description);
      ok(!/127\.0|:\d|error sending/.test(text), "no address in a description");
      ok(backend.requests.length <= 1, "a CALL that may have arrived is not repeated");
    });
  }
});

test("the log says of a CALL that failed what its client is told", async ({ TestGateway, t }) => {
  await using backend = new RecordingBackend();
  const lines: LogFields[] = [];
  await using gateway = await TestGateway.start(backend.url, [], {
    ...silentLog,
    warn: (event, fields = {}) => event === "backend failed" && lines.push(fields),
  });
  const client = await gateway.connect("CP1");
  const rows: [name: string, status: number, body: string, isFailure: boolean][] = [
    ["PHP's empty array", 200, "[]", true],
    ["a page", 200, "<b>Fatal error</b>", true],
    ["a status of its own", 500, "Traceback", true],
    ["an object", 200, "{}", false],
    ["an error that it means", 404, "", false],
  ];
  for (const [name, status, body, isFailure] of rows) {
    await t.step(name, async () => {
      backend.answer = () => new Response(body, { status });
      const [, , code, reason] = JSON.parse(await client.ask('[2,"1","Act",{}]'));
      const logged = lines.splice(0).map(({ messageId, failure, code, reason }) => (
        { messageId, failure, code, reason }
      ));
      const expected = { messageId: "1", failure: `status ${status}`, code, reason };
      deepStrictEqual(logged, isFailure ? [expected] : []);
    });
  }
});

test("one client's CALLs reach the backend in order, one at a time; another client's do not wait", async ({ TestGateway }) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const releases: (() => void)[] = [];
  backend.answer = async ({ path }) => {
    if (path.includes("/slow/")) await new Promise<void>((resolve) => releases.push(resolve));
    return json("{}");
  };
  const slow = await gateway.connect("slow");
  const quick = await gateway.connect("quick");
  for (const id of ["1", "2", "3"]) slow.send(`[2,"${id}","Act",{}]`);
  await backend.next("/call/Act/slow/1");
  strictEqual(await quick.ask('[2,"1","Act",{}]'), '[3,"1",{}]');
  for (const id of ["1", "2", "3"]) {
    deepStrictEqual(backend.paths("/call/Act/slow/").at(-1), `/call/Act/slow/${id}`);
    strictEqual(releases.length, 1);
    const answered = slow.next(`[3,"${id}"`);
    const next = id === "3" ? undefined : backend.next(`/call/Act/slow/${Number(id) + 1}`);
    releases.pop()!();
    await answered;
    await next;
  }
});

test("a backend that waits for a client's answer inside that client's CALL gets it", async ({ TestGateway }) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--backend-connections=2"]);
  const client = await gateway.connect("CP1");
  backend.answer = async ({ path }) => {
    if (!path.startsWith("/call/")) return json("{}");
    strictEqual((await gateway.call("Inner/CP1/i1")).status, 202);
    await backend.next("/result/Inner/CP1/i1");
    return json('{"inner":"done"}');
  };
  client.send('[2,"o1","Outer",{}]');
  strictEqual(await client.next("[2,"), '[2,"i1","Inner",{}]');
  client.send('[3,"i1",{}]');
  strictEqual(await client.next(), '[3,"o1",{"inner":"done"}]');
});

test("a MessageId that is still being handled is refused, and free again afterwards", async ({ TestGateway, t }) => {
  for (
    const [protocol, code] of [["ocpp1.6", "ProtocolError"], ["ocpp2.0.1", "RpcFrameworkError"]]
  ) {
    await t.step(protocol!, async () => {
      await using backend = new RecordingBackend();
      await using gateway = await TestGateway.start(backend.url);
      const client = await gateway.connect("CP1", { protocols: [protocol!] });
      let release = (): void => {};
      backend.answer = async () => {
        await new Promise<void>((resolve) => release = resolve);
        return json("{}");
      };
      client.send('[2,"1","Act",{}]');
      await backend.next();
      const refused = JSON.parse(await client.ask('[2,"1","Act",{"other":1}]'));
      deepStrictEqual(refused.slice(0, 3), [4, "1", code]);
      // The same once more has no answer of its own.
      client.send('[2,"1","Act",{}]');
      await handled(client);
      const answered = client.next();
      release();
      strictEqual(await answered, '[3,"1",{}]');
      backend.answer = () => json('{"again":1}');
      strictEqual(await client.ask('[2,"1","Act",{}]'), '[3,"1",{"again":1}]');
      strictEqual(backend.requests.length, 2);
    });
  }
});

test("a CALL whose Action is too long for a URL is refused, and harms nobody", async ({ TestGateway }) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await gateway.connect("CP1");
  for (const length of [256, 200_000]) {
    const answer = JSON.parse(await client.ask(`[2,"1","${"é".repeat(length)}",{}]`));
    deepStrictEqual(answer.slice(0, 3), [4, "1", "FormationViolation"]);
  }
  const longest = "é".repeat(255);
  strictEqual(await client.ask(`[2,"1","${longest}",{}]`), '[3,"1",{}]');
  strictEqual((await gateway.call(`${encodeURIComponent(`${longest}é`)}/CP1/1`)).status, 400);
  strictEqual(await client.ask('[2,"2","Act",{}]'), '[3,"2",{}]');
});

test("a SEND of an ocpp2.1 client goes to /send and is never answered", async ({ TestGateway }) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await gateway.connect("CP1", { protocols: ["ocpp2.1"] });
  client.send('[6,"1","NotifyPeriodicEventStream",{"n":1.0}]');
  const request = await backend.next("/send/");
  strictEqual(request.path, "/send/NotifyPeriodicEventStream/CP1/1");
  strictEqual(request.body, '{"n":1.0}');
  strictEqual(await client.ask('[2,"1","Heartbeat",{}]'), '[3,"1",{}]');
  strictEqual(client.left.length, 0);
});

// With `ws` they are not read until there is room (held_back_test.ts).
testEachForwarder(
  "CALLs are refused at once when too many messages wait for the backend",
  async ({ TestGateway }) => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url, ["--max-waiting=2"]);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => release = resolve);
    backend.answer = async () => (await held, json("{}"));
    const client = await gateway.connect("CP1");
    const other = await gateway.connect("CP2");
    client.send('[2,"1","Act",{}]');
    client.send('[2,"2","Act",{}]');
    await backend.next();
    // An answer to the third frame says that the second has been taken.
    await client.ask("no frame");
    const refused = JSON.parse(await other.ask('[2,"3","Act",{}]'));
    deepStrictEqual(refused, [4, "3", "InternalError", "gateway overloaded", {}]);
    const api = await gateway.call("Reset/CP2/r1");
    deepStrictEqual([api.status, api.headers.get("ws2api-outcome")], [429, "not-sent"]);
    ok(api.headers.has("retry-after"));
    release();
    strictEqual(await client.next(), '[3,"1",{}]');
    strictEqual(await client.next(), '[3,"2",{}]');
    strictEqual(await other.ask('[2,"4","Act",{}]'), '[3,"4",{}]');
  },
);
