/**
 * The gateway's API as typed functions, made of its `GET /openapi.json`; README.md says how.
 *
 *     deno run --config=tests/deno.json --allow-net=127.0.0.1 --allow-env=GATEWAY,GATEWAY_TOKEN \
 *       examples/typed-client/client.ts CP1 Reset '{"type":"Soft"}'
 *
 * @module
 */

import createClient from "openapi-fetch";
import type { paths } from "./ws2api.d.ts";

/** What came of a CALL. */
export type Outcome =
  | { readonly kind: "result"; readonly payload: Record<string, unknown> }
  | { readonly kind: "error"; readonly code: string; readonly description: string }
  /** It was not waited for: the backend gets the outcome. */
  | { readonly kind: "accepted" }
  /** `canRepeat`: it never reached the client. */
  | { readonly kind: "failed"; readonly detail: string; readonly canRepeat: boolean };

/**
 * Sends a CALL and waits for the client's answer.
 *
 * @param messageId When the connection to the gateway broke (this rejects then): the same again with the
 *   same one gets the same outcome, and the client gets nothing twice.
 */
export async function callClient(
  gateway: ReturnType<typeof gatewayAt>,
  clientId: string,
  action: string,
  payload: Record<string, unknown>,
  messageId: string = crypto.randomUUID(),
): Promise<Outcome> {
  const { data, error, response } = await gateway.POST(
    "/call/{action}/{clientId}/{messageId}",
    {
      params: {
        path: { action, clientId, messageId },
        header: { Prefer: "wait=30", "Idempotency-Key": messageId },
      },
      body: payload,
    },
  );
  if (data !== undefined) return { kind: "result", payload: data };
  if (error === undefined) return { kind: "accepted" };
  // One status, two media types: the client's CALLERROR, and an error of the gateway's own.
  if ("code" in error) {
    return { kind: "error", code: error.code, description: error.description };
  }
  const canRepeat = response.headers.get("ws2api-outcome") === "not-sent";
  return { kind: "failed", detail: error.detail, canRepeat };
}

/** Who is connected, page by page. */
export async function* clients(gateway: ReturnType<typeof gatewayAt>) {
  let after: string | undefined;
  do {
    const query = after === undefined ? {} : { after };
    const { data } = await gateway.GET("/clients", { params: { query } });
    if (data === undefined) throw new Error("no list of clients");
    yield* data.clients;
    after = data.next ?? undefined;
  } while (after !== undefined);
}

/** What the backend has not taken and will not be sent again by itself, page by page. */
export async function* parkedReports(gateway: ReturnType<typeof gatewayAt>) {
  let after: string | undefined;
  do {
    const query = { state: "parked", ...(after !== undefined && { after }) } as const;
    const { data, error } = await gateway.GET("/outbox", { params: { query } });
    if (data === undefined) throw new Error(error.detail);
    yield* data.reports;
    after = data.next ?? undefined;
  } while (after !== undefined);
}

/** @param token Undefined where none is needed. */
export function gatewayAt(baseUrl: string, token?: string) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return createClient<paths>({ baseUrl, headers });
}

if (import.meta.main) {
  const [clientId = "CP1", action = "Heartbeat", payload = "{}"] = Deno.args;
  const url = Deno.env.get("GATEWAY") ?? "http://127.0.0.1:4000";
  const gateway = gatewayAt(url, Deno.env.get("GATEWAY_TOKEN"));
  for await (const { id, protocol } of clients(gateway)) {
    // deno-lint-ignore no-console -- it is what this program is for.
    console.log(`connected: ${id} (${protocol ?? "no subprotocol"})`);
  }
  for await (const { kind, client, lastFailure } of parkedReports(gateway)) {
    // deno-lint-ignore no-console -- likewise.
    console.log(`parked: ${kind} of ${client} (${lastFailure ?? "not tried"})`);
  }
  // deno-lint-ignore no-console -- likewise.
  console.log(await callClient(gateway, clientId, action, JSON.parse(payload)));
}
