/** What docs/backend.md shows is what the program does, and what stands in examples/. */

import { BodyRoom } from "../../lib/api/body.ts";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { handleCall } from "../../lib/api/call.ts";
import { systemClock } from "../../lib/clock.ts";
import type { ClientReply, Refusal } from "../../lib/cluster/bus.ts";
import type { Clients } from "../../lib/cluster/clients.ts";
import type { AskedOnce } from "../../lib/cluster/once.ts";
import { replyText } from "../../lib/codec/reply.ts";
import type { Dialect } from "../../lib/codec/subprotocol.ts";
import { webhookHeaders } from "../../lib/forwarder/signature.ts";
import { listen } from "../../lib/listener/listener.ts";
import { silentLog } from "../../lib/log/log.ts";
import { MetricSet } from "../../lib/metrics/metrics.ts";
import { RawBackend, write } from "../support/backend.ts";
import { connected, handled } from "../support/connected.ts";
import { inTime } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { knowingNothing } from "../support/retention.ts";

const ROOT = new URL("../../", import.meta.url);
const PAGE = await Deno.readTextFile(new URL("docs/backend.md", ROOT));

/** The text between a heading and the next one. */
function section(heading: string): string {
  const text = PAGE.split(`\n${heading}\n`)[1];
  ok(text !== undefined, `no ${heading}`);
  return text.split(/\n#+ /)[0]!;
}

/** The rows of a section's table, without its head. */
function rowsOf(text: string): string[][] {
  return text.split("\n").filter((line) => line.startsWith("| "))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim())).slice(2);
}

Deno.test("code on the page on backends is the text of its file", async (t) => {
  const blocks = [...PAGE.matchAll(/<!-- (examples\/\S+) -->\n\n```\w+\n([^]*?)\n```\n/g)];
  const named = new Set(blocks.map(([, file]) => file));
  deepStrictEqual([...named], [
    "examples/signature.php",
    "examples/backend.php",
    "examples/backend.py",
    "examples/backend.ts",
  ]);
  for (const [, file = "", code = ""] of blocks) {
    await t.step(file, async () => {
      const text = await Deno.readTextFile(new URL(file, ROOT));
      // The formatter sets a part of a file to the left.
      if (file.endsWith(".ts")) ok(unindented(text).includes(unindented(code)), code);
      else if (file.includes("signature")) ok(text.includes(code), code);
      else strictEqual(code, text.trimEnd());
    });
  }
});

function unindented(code: string): string {
  return code.replaceAll(/^ +/gm, "");
}

Deno.test("the signature on the page on backends is that of the outcome on it", () => {
  const [, key = ""] = /with the key `whsec_(\S+)`/.exec(PAGE) ?? [];
  const [, shown = ""] = /```text\n(Webhook-Id: [^]*?)```/.exec(PAGE) ?? [];
  const result = /```http\nPOST (\/result\/\S+) [^]*?\nWebhook-Id: (\S+)\n[^]*?\n\n(.*)\n```/;
  const [, path = "", webhookId = "", body = ""] = result.exec(PAGE) ?? [];
  const seconds = Number(/Timestamp: (\d+)/.exec(shown)?.[1]);
  const headers = webhookHeaders(
    { webhookId, path, body },
    [Uint8Array.fromBase64(key)],
    1000 * seconds,
  );
  const lines = headers.map(([name, value]) => `${name}: ${value}\n`);
  strictEqual(shown, lines.slice(0, 3).join(""));
});

/** What differs with each run. */
function settled(http: string): string {
  return http.replaceAll("\r\n", "\n")
    .replace(/^(Host: 127\.0\.0\.1):\d+$/m, "$1")
    .replace(/^(User-Agent: ws2api)\/\S+$/m, "$1")
    .replace(/^(X-Ws2api-Connection): \S+$/m, "$1")
    .replace(/^(Webhook-Id): [0-9a-f-]{36}$/m, "$1")
    .replaceAll(/^(?:Date|Connection|Keep-Alive): .*\n/gm, "");
}

/** Sends one request as it stands and reads the whole response. */
async function exchange(gatewayUrl: string, request: string): Promise<string> {
  const port = Number(new URL(gatewayUrl).port);
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(4096);
  for (let text = "";;) {
    const length = await inTime(conn.read(buffer), "a response");
    if (length === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, length));
    const [head = "", body] = text.split("\r\n\r\n");
    const expected = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    if (body?.length === expected) return text;
  }
}

Deno.test("the HTTP on the page on backends is what the gateway sends, takes and answers", async () => {
  const blocks = [...PAGE.matchAll(/```http\n([^]*?)```\n/g)].map(([, text = ""]) =>
    // A block ends with a line feed of its own, a body does not.
    text.includes("\n\n") ? text.trimEnd() : `${text}\n`
  );
  strictEqual(blocks.length, 10);
  const [call, answer, reset, accepted, result, error, waiting, waited, refused, connect] = blocks;
  const wire = (block = ""): string => block.replaceAll("\n", "\r\n");
  await using backend = new RawBackend((conn, request) =>
    write(conn, request.startsWith("POST /call/") ? wire(answer) : "HTTP/1.1 204 OK\r\n\r\n")
  );
  await using gateway = await TestGateway.start(backend.url, ["--connect-hook", "--trust-proxy"]);
  const headers = {
    "x-forwarded-for": "192.0.2.7",
    "x-forwarded-proto": "https",
    authorization: "Basic Q1A6eA==",
  };
  const client = await connected(gateway, "CP%201", { headers });
  strictEqual(
    await client.ask('[2,"7","Heartbeat",{}]'),
    '[3,"7",{"currentTime":"2026-11-24T08:02:37Z"}]',
  );

  strictEqual(settled(await exchange(gateway.url, wire(reset))), accepted);
  strictEqual(await client.next("[2,"), '[2,"r1","Reset",{"type":"Soft"}]');
  client.send('[3,"r1",{"status":"Accepted"}]');
  // Then the MessageId is free again.
  await handled(client);
  strictEqual(settled(await exchange(gateway.url, wire(reset))), accepted);
  await client.next("[2,");
  client.send('[4,"r1","NotSupported","no",{}]');
  await handled(client);

  for (
    const [frame, response] of [
      ['[3,"r3",{"status":"Accepted"}]', waited],
      ['[4,"r3","NotSupported","no",{}]', refused],
    ] as const
  ) {
    const got = exchange(gateway.url, wire(waiting));
    got.catch(() => {});
    await client.next('[2,"r3","Reset",{"type":"Soft"}]');
    client.send(frame);
    strictEqual(settled(await got), response);
  }
  await gateway.shutdown();
  deepStrictEqual(
    backend.requests.map(settled),
    [connect, call, result, error].map((block = "") => settled(block)),
  );
});

/** `status outcome retry-after`, with a dash for none. */
function sayingOf({ status, headers }: Pick<Response, "status" | "headers">): string {
  return [status, headers.get("ws2api-outcome"), headers.get("retry-after")]
    .map((value) => value ?? "–").join(" ");
}

/** What the API answers when the clients say this. */
async function callSaying(
  reply: ClientReply,
  { path = ["Reset", "CP1", "r1"], body = "{}", wait = false, key = "" } = {},
  once: AskedOnce = { kind: "asked", reply },
): Promise<string> {
  const request = new Request("http://gateway/", {
    method: "POST",
    body,
    headers: {
      ...(wait && { prefer: "wait=5" }),
      ...(key !== "" && { "idempotency-key": key }),
    },
  });
  const clients = {
    ask: () => Promise.resolve(reply),
    askOnce: () => Promise.resolve(once),
  } as unknown as Clients;
  const deps = {
    clients,
    keys: knowingNothing(systemClock).keys,
    maxMessageBytes: 100,
    bodies: new BodyRoom(1e6),
    isShuttingDown: () => false,
    ids: { next: () => "01a220b0-0622-749a-a29b-4e24c008f1af" },
  };
  const token = { name: "backend", sha256: "", role: "command" } as const;
  return sayingOf(await handleCall(request, path, deps, token));
}

Deno.test("the page on backends names each status of POST /call with its outcome, and no other", async () => {
  const refusals: Record<Refusal, true> = {
    gone: true,
    duplicate: true,
    full: true,
    overloaded: true,
    no_room: true,
    not_kept: true,
    shutting_down: true,
    no_send: true,
    unavailable: true,
    too_large: true,
    lost: true,
  };
  const texts = { codeText: '"C"', descriptionText: '""', details: "{}" };
  const reason = "the client disconnected";
  const accepted: ClientReply = { kind: "accepted" };
  const said = new Set([
    await callSaying(accepted),
    await callSaying(accepted, { path: ["Reset", "CP1", "x".repeat(37)] }),
    await callSaying(accepted, { body: "[]" }),
    await callSaying(accepted, { body: `{"a":"${"x".repeat(100)}"}` }),
    await callSaying({
      kind: "invalid",
      violation: { meaning: "bad_payload", pointer: "", text: "t" },
    }),
  ]);
  for (const reason of Object.keys(refusals) as Refusal[]) {
    said.add(await callSaying({ kind: "refused", reason }));
    said.add(await callSaying({ kind: "refused", reason }, { wait: true }));
  }
  for (
    const outcome of [
      { kind: "result", payload: "{}" },
      { kind: "error", ...texts },
      { kind: "timeout" },
      { kind: "gone", wasSent: true, reason },
      { kind: "gone", wasSent: false, reason },
    ] as const
  ) said.add(await callSaying({ kind: "outcome", outcome }, { wait: true }));
  said.add(await callSaying(accepted, { key: "two words" }));
  for (const kind of ["under_way", "other_request", "full", "unavailable", "too_large"] as const) {
    said.add(await callSaying(accepted, { key: "k" }, { kind }));
  }
  for (const wasSent of [true, false]) {
    said.add(await callSaying({ kind: "no_answer", wasSent }, { wait: true }));
  }

  const post = { method: "POST", body: "{}" };
  await using backend = new RawBackend(() => {});
  await using gateway = await TestGateway.start(backend.url, ["--api-token=t0ken"]);
  const headers = { authorization: "Bearer t0ken" };
  said.add(sayingOf(await gateway.api("/call/Reset/CP1/r1", post)));
  said.add(sayingOf(await gateway.api("/call/Reset/CP1", { ...post, headers })));
  said.add(sayingOf(await gateway.api("/call/Reset/CP1/r1", { headers, method: "PUT" })));
  await using open = await TestGateway.start(backend.url);
  const foreign = { ...post, headers: { origin: "http://elsewhere.example" } };
  said.add(sayingOf(await open.api("/call/Reset/CP1/r1", foreign)));
  said.add(sayingOf(await whenItFails()));

  const rows = rowsOf(section("### Statuses of POST /call"));
  const named = rows.map((row) => row.slice(0, 3).join(" ").replaceAll("`", ""));
  deepStrictEqual([...new Set(named)].sort(), [...said].sort());
});

/** The answer when the gateway itself fails. */
async function whenItFails(): Promise<Response> {
  const options = {
    ...{ tls: undefined, tcpBacklog: 1, isShared: false, hasRoom: () => true },
    ...{ log: silentLog, metrics: new MetricSet([]).metrics, clock: systemClock },
  };
  const listener = await listen({ host: "127.0.0.1", port: 0 }, options, () => {
    throw new Error("planted");
  });
  const response = await fetch(listener.url);
  await response.body?.cancel();
  await listener.stop(1000);
  return response;
}

Deno.test("the page on backends says what each status becomes for the client, for each version", async (t) => {
  const rows = rowsOf(section("## A client calls"));
  const codes = new Map<number, [v16: string, v2: string]>();
  for (const [answers = "", v16 = "", other = ""] of rows) {
    const v2 = other === "the same" ? v16 : other;
    for (const status of answers.match(/\b\d{3}\b/g) ?? []) codes.set(Number(status), [v16, v2]);
  }
  ok(codes.size > 10);
  const become = (status: number, dialect: Dialect): string => {
    const [type, , what] = JSON.parse(replyText('"1"', status, "", dialect));
    return type === 3 ? `CALLRESULT with \`${JSON.stringify(what)}\`` : `CALLERROR \`${what}\``;
  };
  for (let status = 200; status <= 599; status++) {
    const row = codes.get(status < 300 ? 204 : codes.has(status) ? status : 500);
    const told = [become(status, "ocpp1.6"), become(status, "ocpp2.0.1")];
    if (told.join() === row?.join()) continue;
    await t.step(String(status), () => deepStrictEqual(row, told));
  }
});
