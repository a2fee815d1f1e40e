/**
 * An example backend for ocpp1.6: an HTTP server that answers what charging stations ask, and a
 * function that calls one. Of later versions it takes what needs no answer.
 *
 * Runs by itself on the address where the gateway looks for it by default:
 *
 *     deno run --allow-net=127.0.0.1 examples/backend.ts
 *
 * With a station connected as CP1, any HTTP client can call it through the gateway:
 *
 *     curl -d '{"type":"Soft"}' -H 'Prefer: wait=5' http://127.0.0.1:4000/call/Reset/CP1/b1
 *
 * @module
 */

/** The payload of a CALL or CALLRESULT. */
export type Payload = Record<string, unknown>;

/** One request of the gateway and what this backend answered. */
export interface Exchange {
  /** `/call/<Action>/<ClientId>/<MessageId>`, or the same with what else the gateway tells. */
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

/**
 * Starts the backend.
 *
 * @throws {Deno.errors.AddrInUse} and what else `Deno.serve` throws when it cannot listen.
 */
export function startBackend(options: BackendOptions): Backend {
  const { port, hostname = "127.0.0.1", onRequest = () => {} } = options;
  let lastTransactionId = 0;

  /** The response payload to a station's CALL; undefined for an Action that is not known here. */
  function answerCall(action: string): Payload | undefined {
    switch (action) {
      case "BootNotification":
        return { status: "Accepted", currentTime: new Date().toISOString(), interval: 300 };
      case "Heartbeat":
        return { currentTime: new Date().toISOString() };
      case "StatusNotification":
      case "MeterValues":
        return {};
      case "Authorize":
      case "StopTransaction":
        return { idTagInfo: { status: "Accepted" } };
      case "StartTransaction":
        return { transactionId: ++lastTransactionId, idTagInfo: { status: "Accepted" } };
    }
  }

  async function handle(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname;
    const [kind, action = ""] = path.slice(1).split("/");
    const body = await request.text();
    let status = 404;
    let answer: string | null = null;
    if (request.method !== "POST") {
      status = 405;
    } else if (kind === "call") {
      // The gateway makes a CALLRESULT of status 200, and "NotImplemented" of 501.
      const payload = answerCall(action);
      status = payload === undefined ? 501 : 200;
      if (payload !== undefined) answer = JSON.stringify(payload);
    } else if (kind === "result" || kind === "error") {
      // A station's answer to a CALL of this backend. It comes once more under the same path if the
      // connection broke before the gateway saw the 204.
      status = 204;
    } else if (kind === "send" || kind === "resulterror") {
      // From ocpp2.1 stations: a SEND, and what is wrong with this backend's answer to a CALL.
      status = 204;
    }
    onRequest({ path, body, status, answer: answer ?? "" });
    return new Response(answer, { status, headers: { "content-type": "application/json" } });
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
  /** How long to wait for the station; without it the answer comes as `/result` or `/error`. */
  readonly waitSeconds?: number;
}

/** The gateway itself answers at once. */
const GATEWAY_TIMEOUT_MS = 10_000;

/**
 * Calls a station through the gateway's HTTP API.
 *
 * @param gateway `http://HOST:PORT` of the API.
 * @param call What to send.
 * @returns 202 and nothing without `waitSeconds`; with it 200 and the station's payload, or 422 and
 *   its error. Other statuses say why the CALL was not sent or not answered.
 * @throws When the gateway cannot be reached or is silent for too long.
 */
export async function callClient(
  gateway: string,
  call: ClientCall,
): Promise<{ status: number; body: string }> {
  const { action, clientId, messageId, payload, waitSeconds } = call;
  const headers = new Headers({ "content-type": "application/json" });
  if (waitSeconds !== undefined) headers.set("prefer", `wait=${waitSeconds}`);
  const path = [action, clientId, messageId].map(encodeURIComponent).join("/");
  const response = await fetch(`${gateway}/call/${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(payload),
    signal: AbortSignal.timeout((waitSeconds ?? 0) * 1000 + GATEWAY_TIMEOUT_MS),
  });
  return { status: response.status, body: await response.text() };
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  try {
    const backend = startBackend({
      port: 5000,
      onRequest: ({ path, body, status, answer }) =>
        print(`POST ${path} ${body} -> ${status} ${answer}`.trimEnd()),
    });
    print(`example backend on ${backend.url}`);
  } catch (error) {
    print(`cannot listen: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
