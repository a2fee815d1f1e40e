import { Validator } from "@seriousme/openapi-schema-validator";
import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { DOCUMENT } from "../../lib/api/openapi/document.ts";
import { systemClock } from "../../lib/clock.ts";
import { alone } from "../../lib/cluster/alone.ts";
import { refused } from "../../lib/cluster/bus.ts";
import { REQUEST_KINDS } from "../../lib/codec/route.ts";
import { readInvocation } from "../../lib/config/config.ts";
import { NO_SECRETS } from "../../lib/config/secret.ts";
import { startGateway } from "../../lib/gateway/gateway.ts";
import { silentLog } from "../../lib/log/log.ts";
import { API_STATUSES } from "../../lib/metrics/labels.ts";
import { MemoryStore } from "../../lib/outbox/memory.ts";
import { systemRandom } from "../../lib/random.ts";
import { RecordingBackend, write } from "../support/backend.ts";
import { connected } from "../support/connected.ts";
import { inTime, until } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { OpenApi } from "../support/openapi.ts";
import { strictGateway } from "../support/strict_gateway.ts";

/** What this gateway answers goes through the document. */
class Asker {
  readonly #openApi: OpenApi;
  readonly #url: string;

  constructor(openApi: OpenApi, url: string) {
    this.#openApi = openApi;
    this.#url = url;
  }

  /** Sends a request whose status is known. */
  readonly ask = async (
    status: number,
    method: string,
    path: string,
    init: RequestInit = {},
  ): Promise<string> => {
    const answer = await inTime(fetch(this.#url + path, { method, ...init }), path);
    const body = await answer.text();
    strictEqual(answer.status, status, `${method} ${path}: ${body}`);
    this.#openApi.checkAnswer(method, path, status, { headers: answer.headers, body });
    return body;
  };

  call(status: number, path: string, body = "{}", headers: Record<string, string> = {}) {
    return this.ask(status, "POST", `/call/${path}`, { body, headers });
  }
}

const WAIT = { prefer: "wait=20" };
/** What the document names and the gateway does not serve yet. */
const LATER = { answers: / \/outbox|^GET \/call\//, headers: ["Location"] };
/** Nothing but a fault of the gateway's own leads there. */
const FAULTS = [
  "POST /call/{action}/{clientId}/{messageId} 500",
  "POST /send/{action}/{clientId}/{messageId} 500",
];

/** A gateway that knows of others which it cannot reach. */
async function cutOff(backendUrl: string) {
  const args = ["--listen=127.0.0.1:0", `--backend=${backendUrl}`, "--drain-timeout=0s"];
  const invocation = readInvocation(args, () => undefined, "0.0.0-test");
  if (invocation.kind !== "run") throw new Error(JSON.stringify(invocation));
  const ask = () => Promise.resolve(refused("unavailable"));
  return await startGateway(invocation.config, {
    ...{ secrets: NO_SECRETS, log: silentLog, random: systemRandom, clock: systemClock },
    ...{ version: "0.0.0-test", startedAt: 0, store: new MemoryStore() },
    createBus: () => ({ ...alone, isAvailable: false, ask }),
  });
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
  const openApi = new OpenApi(structuredClone(DOCUMENT), LATER.headers);

  await t.step("with a token", async () => {
    await using gateway = await TestGateway.start(backend.url, ["--api-token=t0ken"]);
    const { ask } = asked(openApi, gateway);
    const read = JSON.parse(await ask(200, "GET", "/openapi.json"));
    deepStrictEqual(read, JSON.parse(JSON.stringify(DOCUMENT)));
    await ask(200, "GET", "/healthz");
    await ask(200, "GET", "/readyz");
    for (const path of ["/metrics", "/", "/clients", "/clients/CP1"]) await ask(401, "GET", path);
    await ask(401, "DELETE", "/clients/CP1");
    for (const kind of ["call", "send"]) await ask(401, "POST", `/${kind}/Act/CP1/1`);
  });

  await t.step("pages of another origin", async () => {
    await using gateway = await TestGateway.start(backend.url);
    const { ask } = asked(openApi, gateway);
    const headers = { origin: "http://elsewhere.example" };
    for (const path of ["/metrics", "/", "/clients", "/clients/CP1"]) {
      await ask(403, "GET", path, { headers });
    }
    await ask(403, "DELETE", "/clients/CP1", { headers });
    for (const kind of ["call", "send"]) await ask(403, "POST", `/${kind}/Act/CP1/1`, { headers });
  });

  await t.step("a client, and what is refused", async () => {
    const flags = ["--max-queue=1", "--max-message=2KiB", "--call-timeout=20s"];
    await using gateway = await TestGateway.start(backend.url, flags);
    const asker = asked(openApi, gateway);
    const { ask } = asker;
    const client = await connected(gateway, "CP1", { protocols: ["ocpp2.1"] });
    await connected(gateway, "CP2", { protocols: ["ocpp1.6"] });
    await connected(gateway, "CP3");
    for (const path of ["/metrics", "/", "/clients?limit=1", "/clients/CP1", "/clients/CP3"]) {
      await ask(200, "GET", path);
    }
    await ask(400, "GET", "/clients?limit=0");
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
    await asker.call(202, "Act/CP1/1");
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

  await t.step("others that cannot be reached", async () => {
    const gateway = await cutOff(backend.url);
    const { ask } = new Asker(openApi, gateway.url);
    for (const method of ["GET", "DELETE"]) await ask(503, method, "/clients/CP1");
    for (const kind of ["call", "send"]) {
      await ask(503, "POST", `/${kind}/Act/CP1/1`, { body: "{}" });
    }
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
    client.send('[3,"1",{}]');
    await ended;
  });

  await t.step("and nothing else is named", () => {
    const unseen = openApi.documented.filter((each) =>
      !openApi.seen.has(each) && !each.startsWith("webhook ") && !FAULTS.includes(each)
    );
    deepStrictEqual(unseen.filter((each) => !LATER.answers.test(each)), []);
    const statuses = openApi.documented.filter((each) => !each.startsWith("webhook "))
      .map((each) => each.split(" ").at(-1)!);
    deepStrictEqual(
      [...new Set([...statuses, "405"])].toSorted(),
      API_STATUSES.toSorted(),
    );
  });
});

function asked(openApi: OpenApi, gateway: TestGateway): Asker {
  return new Asker(openApi, gateway.url);
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
  const told = { headers: new Headers({ "content-type": "application/json" }), body: "[]" };
  throws(() => openApi.checkWebhook("/result/A/C/1", told), /no X-Ws2api-Connection/);
  throws(() => openApi.checkWebhook("/elsewhere/A/C/1", told), /no webhook elsewhere/);
  ok(openApi.documented.length > 50);
  match(openApi.documented[0]!, /^GET|^POST/);
});
