/**
 * A whole backend for ocpp1.6, ocpp2.0.1 and ocpp2.1 in TypeScript: an HTTP server that answers what
 * charging stations ask, and a function that calls one. docs/backend.md says why it answers what.
 *
 *     deno run --allow-net=127.0.0.1 examples/backend.ts [PORT [GATEWAY]]
 *
 * Without a port it listens where the gateway looks for it by default. With a station connected as
 * CP1, a path of this backend's own sends it a CALL; put a login in front of it:
 *
 *     curl -d '{"type":"Soft"}' http://127.0.0.1:5000/command/Reset/CP1
 *     curl -d '{"type":"Soft"}' -H 'Prefer: wait=5' http://127.0.0.1:5000/command/Reset/CP1
 *
 * @module
 */

/** The payload of a CALL or CALLRESULT. */
export type Payload = Record<string, unknown>;

/** One request and what this backend answered. */
export interface Exchange {
  /** As in the request line: `/call/<Action>/<ClientId>/<MessageId>` and so on. */
  readonly path: string;
  readonly body: string;
  readonly status: number;
  /** The answer's body; empty for 204 and for an error without one. */
  readonly answer: string;
}

export interface BackendOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly hostname?: string;
  /** Where its own path sends CALLs: `http://HOST:PORT` of the gateway's API. */
  readonly gateway?: string;
  /** Told of each request, just before its answer leaves. */
  readonly onRequest?: (exchange: Exchange) => void;
}

/** A running backend. */
export interface Backend {
  /** What the gateway's `--backend` takes. */
  readonly url: string;
  /** Finishes what is under way and stops listening. */
  stop(): Promise<void>;
}

/** Actions of stations that are answered with an empty payload. */
const REPORTS: ReadonlySet<string> = new Set([
  ...["BatterySwap", "ClearedChargingLimit", "ClosePeriodicEventStream"],
  ...["DiagnosticsStatusNotification", "FirmwareStatusNotification", "LogStatusNotification"],
  ...["MeterValues", "NotifyChargingLimit", "NotifyCustomerInformation", "NotifyDERAlarm"],
  ...["NotifyDERStartStop", "NotifyDisplayMessages", "NotifyEvent", "NotifyMonitoringReport"],
  ...["NotifyPriorityCharging", "NotifyReport", "NotifySettlement", "NotifyWebPaymentStarted"],
  ...["PublishFirmwareStatusNotification", "ReportChargingProfiles", "ReportDERControl"],
  ...["ReservationStatusUpdate", "SecurityEventNotification", "SignedFirmwareStatusNotification"],
  ...["StatusNotification"],
]);

/**
 * Starts the backend.
 *
 * @throws {Deno.errors.AddrInUse} and what else `Deno.serve` throws when it cannot listen.
 */
export function startBackend(options: BackendOptions): Backend {
  const { port, hostname = "127.0.0.1", onRequest = () => {} } = options;
  const { gateway = "http://127.0.0.1:4000" } = options;
  let lastTransactionId = 0;

  /**
   * The response payload to a station's CALL; undefined for an Action that is not known here. Most
   * Actions are answered alike in all versions, and each answer has all that its schema asks for.
   */
  function answerCall(action: string, asked: Payload, isOcpp16: boolean): Payload | undefined {
    switch (action) {
      case "BootNotification":
        return { status: "Accepted", currentTime: new Date().toISOString(), interval: 300 };
      case "Heartbeat":
        return { currentTime: new Date().toISOString() };
      case "Authorize":
        return { [isOcpp16 ? "idTagInfo" : "idTokenInfo"]: { status: "Accepted" } };
      case "StartTransaction": // Transactions of ocpp1.6.
        return { transactionId: ++lastTransactionId, idTagInfo: { status: "Accepted" } };
      case "StopTransaction":
        return { idTagInfo: { status: "Accepted" } };
      case "TransactionEvent": // And of ocpp2.0.1 and ocpp2.1: with a token, is it still good?
        return "idToken" in asked ? { idTokenInfo: { status: "Accepted" } } : {};
      case "DataTransfer":
        return { status: "UnknownVendorId" };
      case "NotifyEVChargingSchedule":
        return { status: "Accepted" };
      case "NotifyEVChargingNeeds": // Nothing is planned, streamed or signed here.
      case "OpenPeriodicEventStream":
      case "PullDynamicScheduleUpdate":
      case "SignCertificate":
        return { status: "Rejected" };
      default: // What a station reports: a real backend would store it.
        return REPORTS.has(action) ? {} : undefined;
    }
  }

  /** What a request is answered with; no text is an empty body. */
  async function answer(path: string, body: string, headers: Headers): Promise<[number, string?]> {
    // First split, then decode: a name may hold an encoded slash.
    const [kind, action = "", clientId = ""] = path.slice(1).split("/").map(decodeURIComponent);
    switch (kind) {
      case "call": { // A station's CALL; the body is its payload.
        const isOcpp16 = (headers.get("x-ws2api-protocol") ?? "ocpp1.6") === "ocpp1.6";
        const payload = answerCall(action, JSON.parse(body || "{}"), isOcpp16);
        if (payload === undefined) return [501]; // CALLERROR NotImplemented.
        return [200, JSON.stringify(payload)];
      }
      case "result": // How a CALL of this backend ended. It may come again, under the same path.
      case "error":
      case "send": // From ocpp2.1 stations: a SEND, and what is wrong with an answer to a CALL.
      case "resulterror":
        return [204];
      case "command": { // This backend's own. 202: the station's answer comes as /result or /error.
        const waitSeconds = Number(/\bwait=(\d+)/.exec(headers.get("prefer") ?? "")?.[1] ?? 0);
        const messageId = crypto.randomUUID(); // Never the same again.
        const payload = JSON.parse(body || "{}");
        const call = { action, clientId, messageId, payload, waitSeconds };
        const { status, body: text } = await callClient(gateway, call);
        return [status, text];
      }
    }
    return [404];
  }

  async function handle(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname;
    const body = await request.text();
    const [status, text = ""] = request.method === "POST"
      ? await answer(path, body, request.headers)
      : [405];
    onRequest({ path, body, status, answer: text });
    const headers = { "content-type": "application/json" };
    return new Response(text === "" ? null : text, { status, headers });
  }

  const server = Deno.serve({ port, hostname, onListen: () => {} }, handle);
  return {
    url: `http://${server.addr.hostname}:${server.addr.port}/`,
    stop: () => server.shutdown(),
  };
}

/** A CALL of the backend to a station. */
export interface ClientCall {
  readonly action: string;
  readonly clientId: string;
  /** At most 36 characters, and not that of another CALL that this station still has to answer. */
  readonly messageId: string;
  readonly payload: Payload;
  /** How long to wait for the station; 0 or nothing: its answer comes as `/result` or `/error`. */
  readonly waitSeconds?: number;
}

/** The gateway itself answers at once. */
const GATEWAY_TIMEOUT_MS = 10_000;

/**
 * Calls a station through the gateway's HTTP API.
 *
 * @param gateway `http://HOST:PORT` of the API.
 * @param call What to send.
 * @param token The gateway's `--api-token`; empty for none.
 * @returns 202 and nothing without `waitSeconds`; with it 200 and the station's payload, or 422 and
 *   its error. Other statuses say why the CALL was not sent or not answered.
 * @throws When the gateway cannot be reached or is silent for too long.
 */
export async function callClient(
  gateway: string,
  call: ClientCall,
  token = "",
): Promise<{ status: number; body: string }> {
  const { action, clientId, messageId, payload, waitSeconds = 0 } = call;
  const headers = {
    "content-type": "application/json",
    ...(token !== "" && { authorization: `Bearer ${token}` }),
    ...(waitSeconds > 0 && { prefer: `wait=${waitSeconds}` }),
  };
  const path = [action, clientId, messageId].map(encodeURIComponent).join("/");
  const response = await fetch(`${gateway}/call/${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(payload),
    signal: AbortSignal.timeout(waitSeconds * 1000 + GATEWAY_TIMEOUT_MS),
  });
  return { status: response.status, body: await response.text() };
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  try {
    const [port = "5000", gateway = "http://127.0.0.1:4000"] = Deno.args;
    const backend = startBackend({
      port: Number(port),
      gateway,
      onRequest: ({ path, body, status, answer }) =>
        print(`POST ${path} ${body} -> ${status} ${answer}`.trimEnd()),
    });
    print(`backend on ${backend.url}`);
  } catch (error) {
    print(`cannot listen: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
