import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { connected } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { assertProblem } from "../support/problem.ts";
import { inTime, until } from "../support/deadline.ts";
import { TempDir } from "../support/program.ts";
import { tokensFile } from "../support/tokens.ts";

/** Asks whether a payload may be sent. */
async function check(gateway: TestGateway, path: string, body: string, headers = {}) {
  return await gateway.api(`/status/ocpp/${path}/check`, { method: "POST", body, headers });
}

Deno.test("the Actions of a version and a payload to begin with are there without --validate", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const list = await gateway.api("/status/ocpp/ocpp1.6");
  const { actions } = JSON.parse(list.text);
  strictEqual(actions.length, 26);
  ok(actions.includes("Reset") && !actions.includes("Heartbeat"));
  const form = await gateway.api("/status/ocpp/ocpp2.0.1/RequestStopTransaction");
  deepStrictEqual(JSON.parse(form.text), {
    payload: { transactionId: "" },
    fields: [{
      pointer: "/transactionId",
      type: "string",
      isRequired: true,
      bounds: { maxLength: 36 },
    }],
  });
  strictEqual(form.headers.get("cache-control"), "no-store");
});

Deno.test("a payload is checked and not sent", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  const faultOf = async (path: string, body: string) =>
    JSON.parse((await check(gateway, path, body)).text).fault;
  strictEqual(await faultOf("ocpp1.6/Reset", '{"type":"Soft"}'), null);
  deepStrictEqual(await faultOf("ocpp1.6/RemoteStartTransaction", '{"idTag":7}'), {
    pointer: "/idTag",
    detail: "/idTag must be string",
  });
  deepStrictEqual(await faultOf("ocpp2.1/Reset", "{}"), {
    pointer: "/type",
    detail: "/type is missing",
  });
  match((await faultOf("ocpp1.6/Heartbeat", "{}")).detail, /the station's to send/);
  match((await faultOf("ocpp1.6/VendorReset", "{}")).detail, /no CALL of this OCPP version/);
  // The client's next frame is the answer to what it asks itself.
  match(await client.ask('[2,"1","Heartbeat",{}]'), /^\[3,"1"/);
});

Deno.test("what is no version, no Action or no JSON is refused", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--max-message=4KiB"]);
  for (const path of ["soap", "ocpp1.6/Heartbeat", "ocpp1.6/NoSuchAction", "soap/Reset"]) {
    assertProblem(await gateway.api(`/status/ocpp/${path}`), 404);
  }
  for (const path of ["%00", "ocpp1.6/%2e%2e"]) {
    assertProblem(await gateway.api(`/status/ocpp/${path}`), 400);
  }
  for (const path of ["ocpp1.6/Reset/check/x", "ocpp1.6/Reset/send"]) {
    assertProblem(await gateway.api(`/status/ocpp/${path}`), 404);
  }
  assertProblem(await gateway.api("/status/ocpp/ocpp1.6", { method: "POST" }), 405);
  assertProblem(await gateway.api("/status/ocpp/ocpp1.6/Reset/check"), 405);
  assertProblem(await check(gateway, "soap/Reset", "{}"), 404);
  for (const body of ["[]", "{", '{"a":01}']) {
    assertProblem(await check(gateway, "ocpp1.6/Reset", body), 400);
  }
  const long = await check(gateway, "ocpp1.6/Reset", `{"type":"${"x".repeat(5000)}"}`);
  assertProblem(long, 413);
});

Deno.test("who may only read may ask what may be sent", async () => {
  using dir = new TempDir();
  const file = tokensFile(dir, [{ name: "reader", role: "read" }]);
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [`--api-tokens-file=${file}`]);
  const headers = { authorization: "Bearer reader" };
  for (const given of [{}, headers]) {
    const status = given === headers ? 200 : 401;
    strictEqual((await gateway.api("/status/ocpp/ocpp1.6", { headers: given })).status, status);
    strictEqual((await check(gateway, "ocpp1.6/Reset", "{}", given)).status, status);
  }
});

Deno.test("payloads that are only checked take no room from CALLs", async () => {
  using dir = new TempDir();
  const file = tokensFile(dir, [
    { name: "reader", role: "read" },
    { name: "php", role: "command" },
  ]);
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [
    ...[`--api-tokens-file=${file}`, "--max-message=64KiB"],
  ]);
  const long = `{"type":"${"x".repeat(60_000)}"}`;
  const { hostname, port } = new URL(gateway.url);
  const head = `POST /status/ocpp/ocpp1.6/Reset/check HTTP/1.1\r\nHost: x\r\n` +
    `Authorization: Bearer reader\r\nContent-Length: 65536\r\n\r\n`;
  using stack = new DisposableStack();
  // Enough of them for the room that CALLs have, and none ends.
  for (let i = 0; i < 24; i++) {
    const conn = stack.use(await Deno.connect({ hostname, port: Number(port) }));
    const text = new TextEncoder().encode(head + long);
    for (let sent = 0; sent < text.length;) sent += await conn.write(text.subarray(sent));
  }
  const headers = { authorization: "Bearer reader" };
  await until("no room for another check", async () => {
    return (await check(gateway, "ocpp1.6/Reset", long, headers)).status === 429;
  });
  const call = await inTime(
    gateway.call("Reset/CP1/1", long, { authorization: "Bearer php" }),
    "the answer to a CALL",
  );
  // There is no such client; its payload was read.
  assertProblem(call, 404);
});
