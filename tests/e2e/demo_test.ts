import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { callClient, type Exchange, startBackend } from "../../examples/backend.ts";
import { answerCall, chargeOnce, Client, inTime } from "../../examples/client.ts";
import { createTrace, type TraceStyle } from "../../examples/trace.ts";
import { systemClock } from "../../lib/clock.ts";
import { readInvocation } from "../../lib/config/config.ts";
import { NO_SECRETS } from "../../lib/config/secret.ts";
import { type Gateway, startGateway } from "../../lib/gateway/gateway.ts";
import { silentLog } from "../../lib/log/log.ts";
import { MemoryStore } from "../../lib/outbox/memory.ts";
import { systemRandom } from "../../lib/random.ts";

const DEADLINE_MS = 20_000;

function startGatewayFor(backend: string): Promise<Gateway> {
  const flags = ["--listen", "127.0.0.1:0", "--backend", backend, "--drain-timeout", "1s"];
  const invocation = readInvocation(flags, () => undefined, "0.0.0");
  if (invocation.kind !== "run") throw new Error("the flags are refused");
  return startGateway(invocation.config, {
    log: silentLog,
    random: systemRandom,
    clock: systemClock,
    version: "0.0.0",
    startedAt: 0,
    store: new MemoryStore(),
    secrets: NO_SECRETS,
  });
}

Deno.test("the demo shows both directions and exits 0 by itself", async () => {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), DEADLINE_MS);
  // As `deno task demo` runs it.
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--allow-net=127.0.0.1",
      "--allow-env=NO_COLOR",
      fileURLToPath(new URL("../../examples/demo.ts", import.meta.url)),
    ],
    stdin: "null",
    signal: deadline.signal,
  }).output();
  clearTimeout(timer);
  const output = new TextDecoder().decode(stdout);
  strictEqual(code, 0, new TextDecoder().decode(stderr));

  const lines = output.split("\n").map((line) => line.trim().replace(/ {2,}/g, "  "));
  const steps = [
    /^1\. The client calls the backend$/,
    /^client ──▶ gateway {2}\[2,"1","BootNotification",\{.*\}\]$/,
    /^gateway ──▶ backend {2}POST \/call\/BootNotification\/CP1\/1 {2}\{.*\}$/,
    /^gateway ◀── backend {2}200 OK {2}\{"status":"Accepted",.*\}$/,
    /^client ◀── gateway {2}\[3,"1",\{"status":"Accepted",.*\}\]$/,
    /^gateway ──▶ backend {2}POST \/call\/StopTransaction\/CP1\/6 {2}\{"transactionId":1,.*\}$/,
    /^2\. The backend calls the client and takes the answer as \/result$/,
    /^gateway ◀── backend {2}POST \/call\/Reset\/CP1\/b1 {2}\{"type":"Soft"\}$/,
    /^gateway ──▶ backend {2}202 Accepted$/,
    /^client ──▶ gateway {2}\[3,"b1",\{"status":"Accepted"\}\]$/,
    /^gateway ──▶ backend {2}POST \/result\/Reset\/CP1\/b1 {2}\{"status":"Accepted"\}$/,
    /^gateway ◀── backend {2}204 No Content$/,
    /^3\. The backend calls and waits: Prefer: wait$/,
    /^gateway ◀── backend {2}POST \/call\/Reset\/CP1\/b2 {2}Prefer: wait=5 {2}\{"type":"Hard"\}$/,
    /^client ◀── gateway {2}\[2,"b2","Reset",\{"type":"Hard"\}\]$/,
    /^gateway ──▶ backend {2}200 OK {2}\{"status":"Accepted"\}$/,
    /^4\. What the other side does not know is an error$/,
    /^client ◀── gateway {2}\[4,"8","NotImplemented",.*\]$/,
    /^gateway ──▶ backend {2}POST \/error\/ClearCache\/CP1\/b3 {2}\{"code":"NotImplemented",.*\}$/,
    /^Seen: .*$/,
    /^Next: .*README\.md.*$/,
  ];
  let at = -1;
  for (const step of steps) {
    at = lines.findIndex((line, index) => index > at && step.test(line));
    ok(at >= 0, `not there, or out of order: ${step}\n${output}`);
  }
  strictEqual(output.includes("\x1b"), false, "no escape codes where there is no terminal");
});

Deno.test("the example client and backend go through a session and call each other", async () => {
  const exchanges: Exchange[] = [];
  const outcome = Promise.withResolvers<Exchange>();
  const backend = startBackend({
    port: 0,
    onRequest(exchange) {
      exchanges.push(exchange);
      if (/^\/(?:result|error)\//.test(exchange.path)) outcome.resolve(exchange);
    },
  });
  const gateway = await startGatewayFor(backend.url);
  const frames: string[] = [];
  const client = await Client.connect({
    url: `${gateway.url.replace("http:", "ws:")}/CP%207`,
    onFrame: (direction, text) => frames.push(`${direction} ${text}`),
    answer(action) {
      if (action === "UpdateFirmware") throw new Error("a bug of the station");
      return answerCall(action);
    },
  });
  try {
    strictEqual(await chargeOnce(client), 300);
    deepStrictEqual(exchanges.map(({ path, status }) => `${path} ${status}`), [
      "/call/BootNotification/CP%207/1 200",
      "/call/StatusNotification/CP%207/2 200",
      "/call/Authorize/CP%207/3 200",
      "/call/StartTransaction/CP%207/4 200",
      "/call/MeterValues/CP%207/5 200",
      "/call/StopTransaction/CP%207/6 200",
      "/call/Heartbeat/CP%207/7 200",
    ]);
    deepStrictEqual(frames.slice(6, 8).map((frame) => frame.slice(0, 30)), [
      'sent [2,"4","StartTransaction"',
      'received [3,"4",{"transactionI',
    ]);
    const { transactionId } = await client.call("StartTransaction", {});
    strictEqual(transactionId, 2);
    await rejects(client.call("constructor", {}), /NotImplemented/);
    strictEqual(exchanges.at(-1)?.status, 501);

    const reset = { action: "Reset", clientId: "CP 7", payload: { type: "Soft" } };
    deepStrictEqual(
      await callClient(gateway.url, { ...reset, messageId: "a", waitSeconds: 10 }),
      { status: 200, body: '{"status":"Accepted"}' },
    );
    const unknown = await callClient(gateway.url, {
      action: "ClearCache",
      clientId: "CP 7",
      messageId: "b",
      payload: {},
      waitSeconds: 10,
    });
    strictEqual(unknown.status, 422);
    strictEqual(JSON.parse(unknown.body).code, "NotImplemented");
    const broken = await callClient(gateway.url, {
      action: "UpdateFirmware",
      clientId: "CP 7",
      messageId: "c",
      payload: {},
      waitSeconds: 10,
    });
    strictEqual(JSON.parse(broken.body).code, "InternalError");

    deepStrictEqual(await callClient(gateway.url, { ...reset, messageId: "d" }), {
      status: 202,
      body: "",
    });
    deepStrictEqual(await inTime(outcome.promise, DEADLINE_MS, "/result"), {
      path: "/result/Reset/CP%207/d",
      body: '{"status":"Accepted"}',
      status: 204,
      answer: "",
    });
    const nobody = await callClient(gateway.url, { ...reset, clientId: "CP8", messageId: "e" });
    strictEqual(nobody.status, 404);
  } finally {
    await client.close();
    await gateway.shutdown();
    await backend.stop();
  }
});

Deno.test("the example client says why when the gateway closes or is not there", async () => {
  const backend = startBackend({ port: 0 });
  const gateway = await startGatewayFor(backend.url);
  const url = `${gateway.url.replace("http:", "ws:")}/CP1`;
  const client = await Client.connect({ url });
  await gateway.shutdown();
  strictEqual((await inTime(client.closed, DEADLINE_MS, "close")).code, 1001);
  await rejects(client.call("Heartbeat", {}), /the connection is closed/);
  await rejects(Client.connect({ url }), /cannot connect to ws:\/\/127\.0\.0\.1:\d+\/CP1: /);
  await backend.stop();
});

Deno.test("the example backend answers only what the gateway asks", async () => {
  const backend = startBackend({ port: 0 });
  const rows: [method: string, path: string, status: number][] = [
    ["POST", "call/Heartbeat/CP1/1", 200],
    ["POST", "call/Unknown/CP1/1", 501],
    ["POST", "result/Reset/CP1/b1", 204],
    ["POST", "error/Reset/CP1/b1", 204],
    ["POST", "resulterror/Authorize/CP1/1", 204],
    ["POST", "send/NotifyPeriodicEventStream/CP1/1", 204],
    ["POST", "elsewhere", 404],
    ["GET", "call/Heartbeat/CP1/1", 405],
  ];
  for (const [method, path, status] of rows) {
    const response = await fetch(backend.url + path, { method });
    await response.body?.cancel();
    strictEqual(response.status, status, `${method} ${path}`);
  }
  await backend.stop();
});

Deno.test("the trace has colours and goes on in the text's column only where told", () => {
  function traced(style: TraceStyle): string {
    let output = "";
    const trace = createTrace(style, (text) => output += text);
    trace.step("gateway to backend", "x".repeat(50));
    return output;
  }
  const plain = `           gateway ──▶ backend  ${"x".repeat(50)}\n`;
  strictEqual(traced({ isColoured: false, columns: Infinity }), plain);
  strictEqual(traced({ isColoured: false, columns: 40 }), plain);
  strictEqual(
    traced({ isColoured: false, columns: 80 }),
    `           gateway ──▶ backend  ${"x".repeat(48)}\n${" ".repeat(32)}xx\n`,
  );
  ok(traced({ isColoured: true, columns: 80 }).includes("gateway \x1b[36m──▶\x1b[0m backend"));
});
