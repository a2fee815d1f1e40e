import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { assertProblem } from "../support/problem.ts";
import { rawStatus } from "../support/raw_client.ts";

Deno.test("the API asks for its token, the health pages do not", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--api-token=s3cret"]);
  const client = await connected(gateway);
  const wrong: [name: string, authorization: string | undefined][] = [
    ["no header", undefined],
    ["another token", "Bearer s3creT"],
    ["the token's beginning", "Bearer s3cre"],
    ["more than the token", "Bearer s3cret1"],
    ["two tokens", "Bearer s3cret s3cret"],
    ["an empty token", "Bearer "],
    ["the token alone", "s3cret"],
    ["another scheme", "Basic s3cret"],
  ];
  for (const [name, authorization] of wrong) {
    await t.step(`${name} is 401`, async () => {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const answer = await gateway.call("Act/CP1/1", "{}", headers);
      assertProblem(answer, 401, "not-sent");
      strictEqual(answer.headers.get("www-authenticate"), "Bearer");
      for (
        const [method, path] of [
          ["POST", "/send/Act/CP1/1"],
          ["GET", "/clients"],
          ["GET", "/clients/CP1"],
          ["DELETE", "/clients/CP1"],
          ["GET", "/"],
          ["POST", "/no/such/path"],
        ] as const
      ) assertProblem(await gateway.api(path, { method, headers }), 401);
      for (const path of ["/healthz", "/readyz"]) {
        const { status, text } = await gateway.api(path, { headers });
        deepStrictEqual([status, text], [200, "ok"]);
      }
    });
  }
  for (const scheme of ["Bearer", "bearer", "BEARER"]) {
    await t.step(`${scheme} with the token passes`, async () => {
      const authorization = `${scheme} s3cret`;
      strictEqual((await gateway.api("/clients", { headers: { authorization } })).status, 200);
      strictEqual((await gateway.call(`Act/CP1/${scheme}`, "{}", { authorization })).status, 202);
    });
  }
  await t.step("a client needs none", () => strictEqual(client.socket.readyState, WebSocket.OPEN));
});

Deno.test("an unknown path is 404", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  await connected(gateway);
  const rows: [method: string, path: string][] = [
    ["POST", "/nothing"],
    ["POST", "/call"],
    ["POST", "/call/Act/CP1"],
    ["POST", "/call/Act/CP1/1/2"],
    ["POST", "/call/Act/CP1/1/"],
    ["POST", "/CALL/Act/CP1/1"],
    ["POST", "//call/Act/CP1/1"],
    ["POST", "/send/Act/CP1"],
    ["GET", "/clients/CP1/more"],
    ["GET", "/no/such/path"],
    ["DELETE", "/CP1"],
  ];
  for (const [method, path] of rows) {
    await t.step(`${method} ${path}`, async () => {
      const answer = await gateway.api(path, { method });
      assertProblem(answer, 404, /^\/(?:call|send)\//.test(path) ? "not-sent" : undefined);
    });
  }
});

Deno.test("a CALL or SEND with too few or too many segments is told which three there are", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  for (const kind of ["call", "send"]) {
    for (const rest of ["", "/", "/Reset", "/Reset/CP1", "/Reset/CP/1/r1", "/Reset/CP1/r1/"]) {
      const path = `/${kind}${rest}`;
      await t.step(`POST ${path}`, async () => {
        const answer = await gateway.api(path, { method: "POST", body: "{}" });
        assertProblem(answer, 404, "not-sent");
        match(
          JSON.parse(answer.text).detail,
          new RegExp(`^the path must be /${kind}/<Action>/<ClientId>/<MessageId>: three segments`),
        );
      });
    }
  }
  await t.step("a path that is neither is not", async () => {
    const answer = await gateway.api("/calls/Reset/CP1", { method: "POST" });
    assertProblem(answer, 404);
    strictEqual(JSON.parse(answer.text).detail, "no such path");
  });
  deepStrictEqual(client.left, []);
});

Deno.test("a method that a path has not is 405 with those that it has", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  const rows: [method: string, path: string, allow: string[]][] = [
    ["DELETE", "/call/Act/CP1/1", ["GET", "HEAD", "POST"]],
    ["PUT", "/call/Act/CP1/1", ["GET", "HEAD", "POST"]],
    ["GET", "/send/Act/CP1/1", ["POST"]],
    ["DELETE", "/send/Act/CP1/1", ["POST"]],
    ["POST", "/clients", ["GET", "HEAD"]],
    ["DELETE", "/clients", ["GET", "HEAD"]],
    ["POST", "/clients/CP1", ["DELETE", "GET", "HEAD"]],
    ["POST", "/outbox", ["GET", "HEAD"]],
    ["PUT", "/outbox/x", ["DELETE", "GET", "HEAD"]],
    ["GET", "/outbox/x/retry", ["POST"]],
    ["GET", "/outbox/retry", ["POST"]],
    ["DELETE", "/outbox/retry", ["POST"]],
    ["POST", "/healthz", ["GET", "HEAD"]],
    ["DELETE", "/readyz", ["GET", "HEAD"]],
    ["POST", "/", ["GET", "HEAD"]],
  ];
  for (const [method, path, allow] of rows) {
    await t.step(`${method} ${path}`, async () => {
      const answer = await gateway.api(path, { method });
      assertProblem(answer, 405, /^\/(?:call|send)\//.test(path) ? "not-sent" : undefined);
      deepStrictEqual((answer.headers.get("allow") ?? "").split(", ").sort(), allow);
    });
  }
  deepStrictEqual(client.left, []);
});

Deno.test("the operator's pages answer in plain text", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  await client.ask('[2,"1","Heartbeat",{}]');
  for (const path of ["/healthz", "/readyz"]) {
    const { status, text } = await gateway.api(path);
    deepStrictEqual([status, text], [200, "ok"]);
  }
  const { status, text, headers } = await gateway.api("/");
  strictEqual(status, 200);
  match(headers.get("content-type") ?? "", /^text\/plain/);
  ok(text.trimEnd().split("\n").every((line) => /^\S+ \d+(?:\.\d+)?$/.test(line)), text);
  match(text, /connections_opened\S* 1$/m);
});

Deno.test("--api-listen moves the API off the clients' port", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--api-listen=127.0.0.1:0"]);
  const client = await connected(gateway);
  const { url } = gateway;
  const { apiUrl } = gateway.gateway;
  ok(apiUrl !== undefined && apiUrl !== url);
  await t.step("to its own port", async () => {
    strictEqual((await gateway.call("Act/CP1/1")).status, 202);
    strictEqual(await client.next(), '[2,"1","Act",{}]');
    strictEqual((await gateway.api("/healthz")).text, "ok");
  });
  for (const path of ["/clients", "/healthz", "/readyz", "/metrics"]) {
    await t.step(`GET ${path} on the clients' port is 426`, async () => {
      const response = await fetch(`${url}${path}`);
      await response.body?.cancel();
      strictEqual(response.status, 426);
    });
  }
  for (
    const [method, path] of [
      ["POST", "/call/Act/CP1/2"],
      ["POST", "/send/Act/CP1/2"],
      ["GET", "/clients/CP1"],
      ["DELETE", "/clients/CP1"],
      ["GET", "/"],
    ] as const
  ) {
    await t.step(`${method} ${path} on the clients' port is 404`, async () => {
      const response = await fetch(`${url}${path}`, { method });
      await response.body?.cancel();
      strictEqual(response.status, 404);
    });
  }
  await t.step("where no client can connect", async () => {
    strictEqual(await rawStatus(apiUrl, upgradeHead("/CP2")), 404);
    strictEqual(await rawStatus(apiUrl, upgradeHead("/clients")), 200);
    strictEqual(JSON.parse((await gateway.api("/clients")).text).total, 1);
  });
});

Deno.test("without a token a page of another origin commands no client", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await gateway.connect("CP1");
  const foreign = await gateway.call("Reset/CP1/m1", "{}", { origin: "https://evil.example" });
  strictEqual(foreign.status, 403);
  strictEqual(foreign.headers.get("ws2api-outcome"), "not-sent");
  strictEqual((await gateway.call("Reset/CP1/m2", "{}", { origin: gateway.url })).status, 202);
  match(await client.next("[2"), /^\[2,"m2"/);
});
