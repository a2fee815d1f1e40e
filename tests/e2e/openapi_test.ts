import { Validator } from "@seriousme/openapi-schema-validator";
import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { DOCUMENT } from "../../lib/api/openapi/document.ts";
import { systemClock } from "../../lib/clock.ts";
import { alone } from "../../lib/cluster/alone.ts";
import { type Bus, refused } from "../../lib/cluster/bus.ts";
import type { KeyAnswer, Question } from "../../lib/cluster/survey.ts";
import { REQUEST_KINDS } from "../../lib/codec/route.ts";
import { readInvocation } from "../../lib/config/config.ts";
import { NO_SECRETS } from "../../lib/config/secret.ts";
import type { GatewayDeps } from "../../lib/gateway/deps.ts";
import { type Gateway, startGateway } from "../../lib/gateway/gateway.ts";
import { silentLog } from "../../lib/log/log.ts";
import { API_STATUSES } from "../../lib/metrics/labels.ts";
import { MemoryStore } from "../../lib/outbox/memory.ts";
import { systemRandom } from "../../lib/random.ts";
import { ApiAsker, NO_ID, pathOf } from "../support/api_asker.ts";
import { json, RecordingBackend, write } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { inTime, until } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { OpenApi } from "../support/openapi.ts";
import { assertProblem } from "../support/problem.ts";
import { TempDir } from "../support/program.ts";
import { strictGateway } from "../support/strict_gateway.ts";
import { tokensFile } from "../support/tokens.ts";

const WAIT = { prefer: "wait=20" };
/** Nothing but a fault of the gateway's own leads there. */
const FAULTS = [
  "POST /call/{action}/{clientId}/{messageId} 500",
  "POST /send/{action}/{clientId}/{messageId} 500",
];

/** A gateway with parts that a flag does not bring. */
async function gatewayWith(
  backendUrl: string,
  deps: Partial<GatewayDeps>,
  flags: readonly string[] = [],
): Promise<Gateway> {
  const always = ["--listen=127.0.0.1:0", `--backend=${backendUrl}`, "--drain-timeout=0s"];
  const invocation = readInvocation([...always, ...flags], () => undefined, "0.0.0-test");
  if (invocation.kind !== "run") throw new Error(JSON.stringify(invocation));
  return await startGateway(invocation.config, {
    ...{ secrets: NO_SECRETS, log: silentLog, random: systemRandom, clock: systemClock },
    ...{ version: "0.0.0-test", startedAt: 0, store: new MemoryStore(), ...deps },
  });
}

/** A store whose disk is full. */
class FullStore extends MemoryStore {
  override accept(_: unknown, done: (isKept: boolean) => void): void {
    done(false);
  }
}

Deno.test("the document is valid OpenAPI 3.1, for a validator that others use", async () => {
  const validator = new Validator();
  deepStrictEqual(await validator.validate(structuredClone(DOCUMENT)), { valid: true });
  strictEqual(validator.version, "3.1");
  const bad = { ...structuredClone(DOCUMENT), info: { title: "no version" } };
  strictEqual((await new Validator().validate(bad)).valid, false);
});

Deno.test("each answer of the API is as the document says, and each that it names comes", async (t) => {
  await using backend = new RecordingBackend();
  const openApi = new OpenApi(structuredClone(DOCUMENT));

  await t.step("with a token", async () => {
    await using gateway = await TestGateway.start(backend.url, ["--api-token=t0ken"]);
    const { ask } = asked(openApi, gateway);
    const read = JSON.parse(await ask(200, "GET", "/openapi.json"));
    deepStrictEqual(read, JSON.parse(JSON.stringify(DOCUMENT)));
    await ask(200, "GET", "/healthz");
    for (const path of ["/readyz", "/readyz?strict"]) await ask(200, "GET", path);
    for (const { method, path, isOpen } of openApi.operations) {
      if (!isOpen) await ask(401, method, pathOf(path));
    }
  });

  await t.step("a token that may read alone", async () => {
    using dir = new TempDir();
    const file = tokensFile(dir, [{ name: "reader", role: "read" }]);
    await using gateway = await TestGateway.start(backend.url, [`--api-tokens-file=${file}`]);
    const { ask } = asked(openApi, gateway);
    const headers = { authorization: "Bearer reader" };
    for (const { method, path, isOpen } of openApi.operations) {
      if (isOpen) continue;
      const mayNot = method !== "GET" || /^\/(?:outbox|recordings)/.test(path);
      const status = mayNot ? 403 : path.includes("{clientId}") ? 404 : 200;
      await ask(status, method, pathOf(path), { headers });
    }
  });

  await t.step("methods that a path does not have, and paths that there are not", async () => {
    await using gateway = await TestGateway.start(backend.url);
    const paths = new Set(openApi.operations.map(({ path }) => path));
    for (const path of paths) {
      const known = openApi.operations.filter((each) => each.path === path)
        .flatMap(({ method }) => method === "GET" ? ["GET", "HEAD"] : [method]);
      for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
        if (known.includes(method)) continue;
        const answer = await gateway.api(pathOf(path), { method });
        const what = `${method} ${path}`;
        strictEqual(answer.status, 405, what);
        if (method !== "HEAD") assertProblem(answer, 405);
        const allow = answer.headers.get("allow")?.split(", ").toSorted();
        deepStrictEqual(allow, known.toSorted(), what);
      }
    }
    for (const path of ["/call/Act/CP1", "/send/Act/CP1/1/2", "/outbox/retry/1/2", "/status"]) {
      const answer = await gateway.api(path, { method: "POST" });
      assertProblem(answer, 404);
      const said = answer.headers.get("ws2api-outcome");
      strictEqual(said, /^\/(?:call|send)/.test(path) ? "not-sent" : null, path);
    }
  });

  await t.step("pages of another origin", async () => {
    await using gateway = await TestGateway.start(backend.url);
    const { ask } = asked(openApi, gateway);
    const headers = { origin: "http://elsewhere.example" };
    for (const { method, path, isOpen } of openApi.operations) {
      if (!isOpen) await ask(403, method, pathOf(path), { headers });
    }
  });

  await t.step("a client, and what is refused", async () => {
    const flags = ["--max-queue=1", "--max-message=2KiB", "--call-timeout=20s"];
    await using gateway = await TestGateway.start(backend.url, flags);
    const asker = asked(openApi, gateway);
    const { ask } = asker;
    const client = await connected(gateway, "CP1", { protocols: ["ocpp2.1"] });
    await connected(gateway, "CP2", { protocols: ["ocpp1.6"] });
    await connected(gateway, "CP3");
    for (const path of ["/metrics", "/", "/clients/CP1", "/clients/CP3"]) {
      await ask(200, "GET", path);
    }
    await ask(200, "GET", "/clients?limit=1&after=CP1&search=cp");
    await ask(200, "GET", "/clients?sort=-messages&filter=errors,silent:0s");
    await ask(200, "GET", "/clients?sort=-ends");
    await ask(400, "GET", "/clients?limit=0");
    await ask(400, "GET", "/call/Act/%ff/1");
    await ask(404, "GET", "/call/Act/CP1/1");
    for (const method of ["GET", "DELETE"]) {
      await ask(400, method, "/clients/%ff");
      await ask(404, method, "/clients/nobody");
    }
    const body = "{}";
    await ask(202, "POST", "/send/Act/CP1/s1", { body });
    await ask(409, "POST", "/send/Act/CP2/s1", { body });
    for (const kind of ["call", "send"]) {
      const post = (status: number, path: string, body: string) =>
        ask(status, "POST", `/${kind}/${path}`, { body });
      await post(400, "Act/CP1/1", "[]");
      await post(404, "Act/nobody/1", "{}");
      await post(413, "Act/CP1/1", `{"a":"${"x".repeat(3000)}"}`);
    }
    for (const [answer, status] of [['[3,"w",{}]', 200], ['[4,"w","C","d",{}]', 422]] as const) {
      const waiting = asker.call(status, "Act/CP1/w", "{}", WAIT);
      await client.next('[2,"w"');
      client.send(answer);
      await waiting;
    }
    const late = asker.call(504, "Act/CP1/late", "{}", { prefer: "wait=1" });
    await client.next('[2,"late"');
    await late;
    await asker.call(409, "Act/CP1/late");
    client.send('[3,"late",{}]');
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await asker.call(202, "Act/CP1/1", "{}", { traceparent });
    await client.next('[2,"1"');
    await asker.call(202, "Act/CP1/2");
    await asker.call(429, "Act/CP1/3");
    await ask(204, "DELETE", "/clients/CP2");
    const other = await connected(gateway, "CP4");
    const gone = asker.call(410, "Act/CP4/1", "{}", WAIT);
    await other.next('[2,"1"');
    await other.close();
    await gone;
  });

  await t.step("large bodies that come in at once", async () => {
    await using gateway = await TestGateway.start(backend.url, ["--max-message=64KiB"]);
    const { ask } = asked(openApi, gateway);
    const { hostname, port } = new URL(gateway.url);
    // As many as there is room for, none of them whole.
    const halves = await Promise.all(Array.from({ length: 21 }, async () => {
      const conn = await Deno.connect({ hostname, port: Number(port) });
      const head =
        "POST /send/Act/CP1/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65536\r\n\r\n";
      await write(conn, `${head}{"a":"${"x".repeat(65_000)}`);
      return conn;
    }));
    const body = `{"a":"${"x".repeat(64_000)}"}`;
    const path = "/send/Act/CP1/1";
    await until("all of them to be read", async () => {
      return (await gateway.api(path, { method: "POST", body })).status === 429;
    });
    await ask(429, "POST", path, { body });
    for (const conn of halves) conn.close();
  });

  await t.step("payloads that are not valid", async () => {
    await using gateway = await strictGateway(backend.url);
    const { ask } = asked(openApi, gateway);
    await connected(gateway, "CP1", { protocols: ["ocpp2.1"] });
    for (const kind of ["call", "send"]) {
      await ask(422, "POST", `/${kind}/Reset/CP1/1`, { body: '{"type":1}' });
    }
  });

  await t.step("requests that come again under their Idempotency-Key", async () => {
    await using gateway = await TestGateway.start(backend.url);
    const asker = asked(openApi, gateway);
    const client = await connected(gateway);
    const rows: [id: string, status: number, prefer: string | null, answer: string | null][] = [
      ["accepted", 202, null, '[3,"accepted",{}]'],
      ["result", 200, WAIT.prefer, '[3,"result",{"a":1.0}]'],
      ["error", 422, WAIT.prefer, '[4,"error","C","d",{}]'],
      ["late", 504, "wait=1", null],
      ["gone", 410, WAIT.prefer, null],
    ];
    for (const [id, status, prefer, answer] of rows) {
      const headers = { "idempotency-key": id, ...(prefer && { prefer }) };
      const call = (status: number, body = "{}") =>
        asker.call(status, `Act/CP1/${id}`, body, headers);
      const first = call(status);
      await client.next(`[2,"${id}"`);
      // One that waits a second only may be over before the next request.
      if (prefer === WAIT.prefer) await call(409);
      if (answer !== null) client.send(answer);
      if (id === "gone") await client.close();
      await first;
      await call(status);
      await call(422, '{"other":1}');
      if (id === "late") client.send(`[3,"late",{}]`);
    }
    await asker.call(400, "Act/CP1/1", "{}", { "idempotency-key": "two words" });
  });

  await t.step("how far CALLs have got, and what the backend has not taken", async () => {
    await using gateway = await TestGateway.start(backend.url, ["--disconnect-hook"]);
    const asker = asked(openApi, gateway);
    const { ask } = asker;
    const client = await connected(gateway, "CP1", { protocols: ["ocpp2.1"] });
    let status = 200;
    backend.answer = () => json("{}", status);
    /** Asks until it says so. */
    const told = async (path: string, text: string): Promise<void> => {
      await until(`${path}: ${text}`, async () => (await ask(200, "GET", path)).includes(text));
    };
    client.send('[2,"c","Beat",{}]');
    await client.next('[3,"c"');
    await asker.call(202, "Act/CP1/r");
    await client.next('[2,"r"');
    await asker.call(202, "Act/CP1/e");
    await told("/call/Act/CP1/r", '"state":"sent"');
    await told("/call/Act/CP1/e", '"state":"queued"');
    client.send('[3,"r",{"a":1.0}]');
    await told("/call/Act/CP1/r", '"delivery":"delivered"');
    status = 400;
    await client.next('[2,"e"');
    client.send('[4,"e","C","d",{}]');
    await told("/call/Act/CP1/e", '"delivery":"parked"');
    const late = asker.call(504, "Act/CP1/w", "{}", { prefer: "wait=1" });
    await client.next('[2,"w"');
    await late;
    client.send('[3,"w",{}]');
    await told("/call/Act/CP1/w", '"state":"ended"');
    client.send('[5,"c","C","d",{}]');
    await client.close();
    await told("/outbox", '"total":3');
    const parked = "/outbox?state=parked&client=CP1";
    const { reports, next } = JSON.parse(await ask(200, "GET", `${parked}&limit=2`));
    deepStrictEqual(
      reports.map(({ kind }: { kind: string }) => kind),
      ["error", "resulterror"],
    );
    await told(`${parked}&after=${next}`, '"kind":"disconnect"');
    const [{ id }] = reports;
    const one: [method: string, path: string][] = [
      ["GET", "/outbox/ID"],
      ["DELETE", "/outbox/ID"],
      ["POST", "/outbox/ID/retry"],
    ];
    for (const [method, path] of one) {
      await ask(400, method, `${path.replace("ID", id)}?x=1`);
      await ask(404, method, path.replace("ID", NO_ID));
    }
    await ask(400, "GET", "/outbox?state=gone");
    await ask(400, "POST", "/outbox/retry");
    await ask(200, "GET", `/outbox/${id}`);
    status = 503;
    await ask(202, "POST", `/outbox/${id}/retry`);
    await told("/outbox?state=waiting", '"lastFailure":"status 503"');
    await told("/call/Act/CP1/e", '"delivery":"waiting"');
    await ask(204, "DELETE", `/outbox/${id}`);
    await ask(404, "GET", `/outbox/${id}`);
    status = 200;
    await ask(202, "POST", "/outbox/retry?state=parked&since=2026-01-01T00:00:00Z");
    await told("/outbox", '"total":0');
  });

  await t.step("recordings", async () => {
    await using gateway = await TestGateway.start(backend.url);
    const { ask } = asked(openApi, gateway);
    const { id } = JSON.parse(await ask(202, "POST", "/recordings?client=CP1"));
    await ask(409, "POST", "/recordings?client=CP1");
    for (const name of ["a", "b", "c"]) await ask(202, "POST", `/recordings?client=${name}`);
    await ask(503, "POST", "/recordings?client=d");
    await ask(400, "POST", "/recordings");
    await ask(400, "GET", "/recordings?x=1");
    await ask(200, "GET", `/recordings/${id}`);
    await ask(204, "POST", `/recordings/${id}/end`);
    await ask(200, "GET", "/recordings");
    for (
      const [method, path] of [["GET", "ID"], ["DELETE", "ID"], ["POST", "ID/end"]] as const
    ) {
      await ask(400, method, `/recordings/${path.replace("ID", id)}?x=1`);
      await ask(404, method, `/recordings/${path.replace("ID", NO_ID)}`);
    }
    await ask(204, "DELETE", `/recordings/${id}`);
  });

  await t.step("no room for one more report, and an outbox that cannot be written", async () => {
    await using gateway = await TestGateway.start(backend.url, ["--max-reports=1"]);
    const client = await connected(gateway);
    const asker = asked(openApi, gateway);
    await asker.call(202, "Act/CP1/1");
    match(await asker.call(503, "Act/CP1/2"), /no room for one more report/);
    await client.next('[2,"1"');
    const full = await gatewayWith(backend.url, { store: new FullStore() });
    const station = new TestClient(`${full.url.replace("http", "ws")}/CP1`);
    await inTime(station.opened, "the upgrade");
    await station.ask("no frame");
    const said = await new ApiAsker(openApi, full.url).call(503, "Act/CP1/1");
    match(said, /the outbox cannot be written/);
    await station.close();
    await full.shutdown();
  });

  await t.step("others that cannot be reached, or give no answer", async () => {
    let reply = refused("unavailable");
    let knownOfKey: Partial<KeyAnswer> | null = null;
    const survey: Bus["survey"] = (asked) => {
      const question: Question = asked;
      const known = question.kind === "key" && knownOfKey !== null
        ? [{ ...knownOfKey, fingerprint: question.key.fingerprint }]
        : [];
      return Promise.resolve({ answers: known as never[], isComplete: false });
    };
    const ask = () => Promise.resolve(reply);
    const gateway = await gatewayWith(backend.url, {
      createBus: () => ({ ...alone, isAvailable: false, ask, survey }),
    });
    const asker = new ApiAsker(openApi, gateway.url);
    const key = { "idempotency-key": "k" };
    const [call, send] = ["/call/Act/CP1/1", "/send/Act/CP1/1"];
    const rows: [method: string, path: string][] = [
      ...[["GET", "/clients/CP1"], ["DELETE", "/clients/CP1"]] as [string, string][],
      ...[["POST", call], ["POST", send], ["GET", call]] as [string, string][],
      ...[["GET", `/outbox/${NO_ID}`], ["DELETE", `/outbox/${NO_ID}`]] as [string, string][],
      ["POST", `/outbox/${NO_ID}/retry`],
      ...["GET", "DELETE"].map((each): [string, string] => [each, `/recordings/${NO_ID}`]),
      ["POST", `/recordings/${NO_ID}/end`],
      ["POST", "/outbox/retry?state=parked"],
    ];
    for (const [method, path] of rows) await asker.ask(503, method, path);
    for (const path of ["/clients", "/outbox", "/recordings"]) await asker.ask(200, "GET", path);
    await asker.call(503, "Act/CP1/1", "{}", key);
    knownOfKey = { state: "decided", reply: null };
    match(await asker.call(503, "Act/CP1/1", "{}", key), /larger than the way/);
    reply = refused("lost");
    for (const path of [call, send]) await asker.ask(503, "POST", path);
    await asker.call(410, "Act/CP1/1", "{}", WAIT);
    await gateway.shutdown();
  });

  await t.step("a shutdown", async () => {
    const gateway = await TestGateway.start(backend.url, ["--drain-timeout=20s"]);
    const asker = asked(openApi, gateway);
    const client = await connected(gateway);
    await gateway.call("Act/CP1/1");
    await client.next('[2,"1"');
    const ended = gateway.shutdown();
    await asker.ask(503, "GET", "/readyz");
    // Whoever commands is told to go elsewhere; whoever looks is shown what there is.
    for (const path of ["/call/Act/CP1/2", "/send/Act/CP1/2", "/outbox/retry?state=parked"]) {
      await asker.ask(503, "POST", path);
    }
    await asker.ask(503, "DELETE", "/clients/CP1");
    await asker.ask(200, "GET", "/clients/CP1");
    client.send('[3,"1",{}]');
    await ended;
  });

  await t.step("and nothing else is named", () => {
    const unseen = openApi.documented.filter((each) =>
      !openApi.seen.has(each) && !each.startsWith("webhook ") &&
      !FAULTS.some((fault) => each.startsWith(fault))
    );
    deepStrictEqual(unseen, []);
    const statuses = openApi.documented.flatMap((each) => / (\d{3})$/.exec(each)?.[1] ?? []);
    deepStrictEqual(
      [...new Set([...statuses, "405"])].toSorted(),
      API_STATUSES.toSorted(),
    );
  });
});

function asked(openApi: OpenApi, gateway: TestGateway): ApiAsker {
  return new ApiAsker(openApi, gateway.url);
}

Deno.test("each request to the backend is a webhook of the document, and each webhook comes", async (t) => {
  for (const flags of [[], ["signed"]]) {
    await t.step(flags.join() || "unsigned", async () => {
      const openApi = new OpenApi(structuredClone(DOCUMENT));
      await using backend = new RecordingBackend();
      const key = await Deno.makeTempFile();
      await Deno.writeTextFile(key, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
      await using gateway = await TestGateway.start(backend.url, [
        ...["--connect-hook", "--disconnect-hook"],
        ...(flags.length > 0 ? [`--sign-key-file=${key}`] : []),
      ]);
      await Deno.remove(key);
      const client = await connected(gateway, "CP1", {
        protocols: ["ocpp2.1"],
        headers: { authorization: "Basic eDp5" },
      });
      client.send('[2,"1","Beat",{"n":1.0}]');
      client.send('[6,"2","Notify",{}]');
      for (const [id, answer] of [["3", '[3,"3",{}]'], ["4", '[4,"4","C","d",{}]']]) {
        strictEqual((await gateway.call(`Act/CP1/${id}`)).status, 202);
        await client.next(`[2,"${id}"`);
        client.send(answer!);
      }
      await backend.next("/error/");
      client.send('[5,"1","C","d",{}]');
      await backend.next("/resulterror/");
      await client.close();
      await backend.next("/disconnect/");
      for (const { path, headers, body } of backend.requests) {
        openApi.checkWebhook(path, { headers, body });
      }
      deepStrictEqual(
        [...openApi.seen].toSorted(),
        REQUEST_KINDS.map((kind) => `webhook ${kind}`).toSorted(),
      );
    });
  }
});

Deno.test("what is not as the document says is found", () => {
  const openApi = new OpenApi(structuredClone(DOCUMENT));
  const headers = { "ws2api-outcome": "not-sent", "content-type": "application/problem+json" };
  const body = '{"type":"about:blank","title":"Gone","status":410,"detail":"d"}';
  const check = (status: number, more: Record<string, string>, text = body): void =>
    openApi.checkAnswer("POST", "/call/A/C/1", status, {
      headers: new Headers({ ...headers, ...more }),
      body: text,
    });
  check(404, {});
  throws(() => check(402, {}), /402 is not in the document/);
  throws(() => check(404, { "retry-after": "1" }), /retry-after is not documented/);
  throws(() => check(404, { "ws2api-outcome": "maybe" }), /Ws2api-Outcome: maybe/);
  throws(() => check(503, {}), /no Retry-After/);
  throws(() => check(404, {}, '{"type":"about:blank"}'), /required/);
  throws(() => check(404, { "content-type": "text/html" }), /text\/html is not documented/);
  throws(() => openApi.checkAnswer("GET", "/nowhere", 200, { headers: new Headers(), body: "" }));
  const head = { headers: new Headers({ "content-type": "text/plain" }), body: "ok" };
  throws(() => openApi.checkAnswer("HEAD", "/healthz", 200, head));
  const asked = (method: string, path: string, more: Record<string, string> = {}): void =>
    openApi.checkRequest(method, path, new Headers(more));
  asked("GET", "/outbox?state=parked&limit=7");
  throws(() => asked("GET", "/outbox?colour=red"), /colour in the query is not documented/);
  throws(() => asked("GET", "/outbox?limit=1001"), /limit: 1001/);
  throws(() => asked("GET", "/outbox?state=gone"), /state: gone/);
  throws(() => asked("POST", "/outbox/retry"), /no state/);
  throws(() => asked("POST", "/call/A/C/1", { "idempotency-key": "two words" }), /two words/);
  const told = { headers: new Headers({ "content-type": "application/json" }), body: "[]" };
  throws(() => openApi.checkWebhook("/result/A/C/1", told), /no X-Ws2api-Connection/);
  throws(() => openApi.checkWebhook("/elsewhere/A/C/1", told), /no webhook elsewhere/);
  ok(openApi.documented.length > 50);
  match(openApi.documented[0]!, /^GET|^POST/);
});
