/**
 * The demo: a gateway, the example backend and one simulated client on free ports, and every frame
 * and request between them.
 *
 *     deno task demo
 *
 * @module
 */

import { STATUS_CODES } from "node:http";
import info from "../deno.json" with { type: "json" };
import { systemClock } from "../lib/clock.ts";
import { readInvocation } from "../lib/config/config.ts";
import { NO_SECRETS } from "../lib/config/secret.ts";
import { type Gateway, startGateway } from "../lib/gateway/gateway.ts";
import { silentLog } from "../lib/log/log.ts";
import { MemoryStore } from "../lib/outbox/memory.ts";
import { callClient, type ClientCall, type Exchange, startBackend } from "./backend.ts";
import { answerCall, chargeOnce, Client, inTime } from "./client.ts";
import { type Trace, traceToStdout } from "./trace.ts";
import { systemRandom } from "../lib/random.ts";

const CLIENT_ID = "CP1";
/** Everything is on this machine: what takes this long does not come any more. */
const PATIENCE_MS = 5000;

/** The gateway as `deno task start` runs it, on any free port. */
function gatewayFor(backend: string): Promise<Gateway> {
  const flags = ["--listen", "127.0.0.1:0", "--backend", backend, "--drain-timeout", "1s"];
  const invocation = readInvocation(flags, () => undefined, info.version);
  if (invocation.kind === "print") throw new Error("the flags ask for a text");
  if (invocation.kind === "refuse") throw new Error(invocation.message);
  return startGateway(invocation.config, {
    log: silentLog,
    random: systemRandom,
    clock: systemClock,
    version: info.version,
    startedAt: performance.timeOrigin,
    store: new MemoryStore(),
    secrets: NO_SECRETS,
  });
}

async function demo(trace: Trace): Promise<void> {
  // The backend's CALLs that were accepted with 202, until their /result or /error arrives.
  const outcomes = new Map<string, () => void>();
  const backend = startBackend({
    port: 0,
    onRequest(exchange) {
      traceExchange(trace, exchange);
      const [, kind = "", ...call] = exchange.path.split("/");
      if (kind === "result" || kind === "error") outcomes.get(call.join("/"))?.();
    },
  });
  const gateway = await gatewayFor(backend.url);
  let isAccepted = Promise.resolve();
  const client = await Client.connect({
    url: `${gateway.url.replace("http:", "ws:")}/${CLIENT_ID}`,
    onFrame: (direction, text) =>
      trace.step(direction === "sent" ? "client to gateway" : "gateway to client", text),
    async answer(action) {
      // In life the answer may overtake the 202; here the story is told in order.
      await isAccepted;
      return answerCall(action);
    },
  });

  async function backendCalls(call: ClientCall): Promise<void> {
    const path = `${call.action}/${call.clientId}/${call.messageId}`;
    const prefer = call.waitSeconds === undefined ? "" : `  Prefer: wait=${call.waitSeconds}`;
    trace.step(
      "backend to gateway",
      `POST /call/${path}${prefer}  ${JSON.stringify(call.payload)}`,
    );
    const accepted = Promise.withResolvers<void>();
    const outcome = Promise.withResolvers<void>();
    if (call.waitSeconds === undefined) {
      isAccepted = accepted.promise;
      outcomes.set(path, outcome.resolve);
    }
    const { status, body } = await callClient(gateway.url, call);
    trace.step("gateway to backend", answerText(status, body));
    accepted.resolve();
    const expected = call.waitSeconds === undefined ? 202 : 200;
    if (status !== expected) throw new Error(`the gateway answered ${status}, not ${expected}`);
    if (status === 202) await inTime(outcome.promise, PATIENCE_MS, `outcome of ${call.action}`);
  }

  trace.text("Left, the client: OCPP-J frames on a WebSocket. Right, the backend: HTTP.");
  trace.heading("1. The client calls the backend");
  await inTime(chargeOnce(client), PATIENCE_MS, "end of the charging session");

  trace.heading("2. The backend calls the client and takes the answer as /result");
  await backendCalls({
    action: "Reset",
    clientId: CLIENT_ID,
    messageId: "b1",
    payload: { type: "Soft" },
  });

  trace.heading("3. The backend calls and waits: Prefer: wait");
  await backendCalls({
    action: "Reset",
    clientId: CLIENT_ID,
    messageId: "b2",
    payload: { type: "Hard" },
    waitSeconds: 5,
  });

  trace.heading("4. What the other side does not know is an error");
  const refusal = await inTime(
    client.call("GetTariff", {}).then(() => "none", String),
    PATIENCE_MS,
    "answer to GetTariff",
  );
  if (!refusal.includes("NotImplemented")) throw new Error(`NotImplemented expected: ${refusal}`);
  await backendCalls({
    action: "ClearCache",
    clientId: CLIENT_ID,
    messageId: "b3",
    payload: {},
  });

  await client.close();
  await inTime(gateway.shutdown(), PATIENCE_MS, "end of the gateway");
  await inTime(backend.stop(), PATIENCE_MS, "end of the backend");
  trace.text(
    "\nSeen: a station's session answered by an HTTP backend, and three CALLs of the backend, each with " +
      'one outcome.\nNext: write a backend (README.md, "A backend") and start the gateway: ' +
      "npx -y -p deno@2.9.6 -c 'exec deno task start'",
  );
}

function traceExchange(trace: Trace, { path, body, status, answer }: Exchange): void {
  trace.step("gateway to backend", `POST ${path}  ${body}`);
  trace.step("backend to gateway", answerText(status, answer));
}

function answerText(status: number, body: string): string {
  return `${status} ${STATUS_CODES[status]}  ${body}`.trimEnd();
}

if (import.meta.main) {
  try {
    await demo(traceToStdout());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    Deno.stderr.writeSync(new TextEncoder().encode(`demo: ${reason}\n`));
    // Not just an exit code: what still listens would keep the process alive.
    Deno.exit(1);
  }
}
