import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { closedPort, json, RecordingBackend } from "../support/backend.ts";
import { connected, handled } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { counted, scrape } from "../support/metrics.ts";

const TOO_LARGE = `[2,"1","A",{"a":"${"x".repeat(2000)}"}]`;

Deno.test("/metrics is Prometheus text, and needs the token", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--api-token=secret"]);
  strictEqual((await gateway.api("/metrics")).status, 401);
  const headers = { authorization: "Bearer secret" };
  const { status, headers: answered, text } = await gateway.api("/metrics", { headers });
  strictEqual(status, 200);
  match(answered.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  match(text, /^# HELP ws2api_connections .+\n# TYPE ws2api_connections gauge\n/m);
  match(text, /^ws2api_build_info\{version="0\.0\.0-test",deno="\d+\.\d+\.\d+"\} 1$/m);
  match(text, /^ws2api_api_requests_total\{status="401"\} 1$/m);
});

Deno.test("connections are counted by subprotocol, and by how they ended", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--max-message=1KiB"]);
  const v21 = await connected(gateway, "CP1", { protocols: ["ocpp2.1"] });
  const plain = await connected(gateway, "CP2", { protocols: [] });
  const binary = await connected(gateway, "CP3");
  const large = await connected(gateway, "CP4");
  const operated = await connected(gateway, "CP5");
  const replaced = await connected(gateway, "CP6");
  deepStrictEqual(counted(await scrape(gateway), "ws2api_connections"), {
    'ws2api_connections{protocol="ocpp2.1"}': 1,
    'ws2api_connections{protocol="ocpp1.6"}': 4,
    'ws2api_connections{protocol="none"}': 1,
    ws2api_connections_opened_total: 6,
  });
  await v21.close();
  binary.socket.send(new Uint8Array([1]));
  await binary.whenClosed();
  large.send(TOO_LARGE);
  await large.whenClosed();
  strictEqual((await gateway.api("/clients/CP5", { method: "DELETE" })).status, 204);
  await operated.whenClosed();
  const newer = await connected(gateway, "CP6");
  await replaced.whenClosed();
  await handled(plain);
  await handled(newer);
  const series = await scrape(gateway);
  deepStrictEqual(counted(series, "ws2api_connections_closed_total"), {
    'ws2api_connections_closed_total{reason="client"}': 1,
    'ws2api_connections_closed_total{reason="binary"}': 1,
    'ws2api_connections_closed_total{reason="too_large"}': 1,
    'ws2api_connections_closed_total{reason="operator"}': 1,
    'ws2api_connections_closed_total{reason="replaced"}': 1,
  });
  deepStrictEqual(counted(series, "ws2api_connections{"), {
    'ws2api_connections{protocol="ocpp1.6"}': 1,
    'ws2api_connections{protocol="none"}': 1,
  });
  strictEqual(series.get("ws2api_sockets"), 2);
});

Deno.test("upgrades that are refused are counted by reason", async () => {
  await using backend = new RecordingBackend();
  backend.answer = ({ path }) => new Response(null, { status: path.endsWith("No") ? 403 : 200 });
  await using gateway = await TestGateway.start(backend.url, [
    ...["--ws-path=/ocpp/", "--connect-hook", "--max-connections=1", "--require-protocol"],
  ]);
  const refused = async (path: string, protocols = ["ocpp1.6"]): Promise<void> => {
    const client = gateway.begin(path, { protocols });
    await client.opened.then(() => ok(false, `${path} was let in`), () => {});
  };
  await refused("elsewhere/CP1");
  await refused("ocpp/a%2Fb");
  await refused("ocpp/CP1", []);
  await refused("ocpp/No");
  await connected(gateway, "ocpp/CP1");
  await refused("ocpp/CP2");
  deepStrictEqual(counted(await scrape(gateway), "ws2api_upgrades_refused_total"), {
    'ws2api_upgrades_refused_total{reason="path"}': 1,
    'ws2api_upgrades_refused_total{reason="client_id"}': 1,
    'ws2api_upgrades_refused_total{reason="protocol"}': 1,
    'ws2api_upgrades_refused_total{reason="denied"}': 1,
    'ws2api_upgrades_refused_total{reason="connections"}': 1,
  });
});

Deno.test("frames are counted by direction and type, faults by code", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const v16 = await gateway.connect("CP1");
  const v21 = await gateway.connect("CP2", { protocols: ["ocpp2.1"] });
  await v16.ask('[2,"1","Heartbeat",{}]');
  await v16.ask("no frame");
  await v21.ask("no frame");
  await v21.ask('[2,"1","A",[]]');
  v21.send('[6,"2","Event",{}]');
  v21.send('[3,"nothing",{}]');
  v21.send('[9,"3",{}]');
  await backend.next("/send");
  await handled(v21);
  const called = v16.next("[2");
  const outcome = gateway.call("Reset/CP1/m1", "{}", { prefer: "wait=10" });
  await called;
  v16.send('[3,"m1",{}]');
  strictEqual((await outcome).status, 200);
  const refused = gateway.call("Reset/CP1/m2");
  await v16.next("[2");
  v16.send('[4,"m2","NotSupported","",{}]');
  await refused;
  await backend.next("/error");
  const series = await scrape(gateway);
  deepStrictEqual(counted(series, "ws2api_frames_total"), {
    'ws2api_frames_total{direction="in",type="call"}': 1,
    'ws2api_frames_total{direction="in",type="result"}': 2,
    'ws2api_frames_total{direction="in",type="error"}': 1,
    'ws2api_frames_total{direction="in",type="send"}': 1,
    'ws2api_frames_total{direction="out",type="call"}': 2,
    'ws2api_frames_total{direction="out",type="result"}': 1,
    'ws2api_frames_total{direction="out",type="error"}': 4,
  });
  deepStrictEqual(counted(series, "ws2api_faults_total"), {
    'ws2api_faults_total{code="FormationViolation"}': 1,
    'ws2api_faults_total{code="RpcFrameworkError"}': 2,
    'ws2api_faults_total{code="FormatViolation"}': 1,
    'ws2api_faults_total{code="MessageTypeNotSupported"}': 1,
    'ws2api_faults_total{code="unmatched"}': 1,
  });
  strictEqual(series.get("ws2api_call_seconds_count"), 1);
  strictEqual(series.get("ws2api_api_call_seconds_count"), 2);
  ok((series.get("ws2api_call_seconds_sum") ?? 0) > 0);
});

Deno.test("requests to the backend are counted by kind and outcome", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--backend-timeout=1s"]);
  const client = await gateway.connect("CP1");
  const answers: (() => Response | Promise<Response>)[] = [
    () => json("{}"),
    () => json("no object"),
    () => json("{}", 404),
    () => json("{}", 503),
    () => json("{}", 501),
    () => json('{"code":"NotSupported"}', 500),
    () => new Promise(() => {}),
  ];
  backend.answer = () => answers.shift()?.() ?? json("{}");
  for (let i = 0; answers.length > 0; i++) await client.ask(`[2,"${i}","A",{}]`);
  const series = await scrape(gateway);
  deepStrictEqual(counted(series, "ws2api_backend_requests_total"), {
    'ws2api_backend_requests_total{kind="call",outcome="2xx"}': 1,
    'ws2api_backend_requests_total{kind="call",outcome="invalid"}': 1,
    'ws2api_backend_requests_total{kind="call",outcome="4xx"}': 1,
    'ws2api_backend_requests_total{kind="call",outcome="5xx"}': 1,
    // What the backend means: an Action that it does not know, an error of its own.
    'ws2api_backend_requests_total{kind="call",outcome="refused"}': 2,
    'ws2api_backend_requests_total{kind="call",outcome="timeout"}': 1,
  });
  strictEqual(series.get("ws2api_backend_request_seconds_count"), 7);
  // Those that failed have no latency.
  strictEqual(series.get("ws2api_call_seconds_count"), 4);
  deepStrictEqual(counted(series, "ws2api_calls_failed_total"), {
    'ws2api_calls_failed_total{cause="backend"}': 3,
  });
  deepStrictEqual(counted(series, "ws2api_requests"), {
    ws2api_requests_started_total: 7,
    // An error that the backend means is no failure: a status of its own, an Action it does not know.
    ws2api_requests_succeeded_total: 4,
    ws2api_requests_failed_total: 3,
  });
});

Deno.test("CALLs of clients that fail are counted by cause, once each", async (t) => {
  const failed = async (gateway: TestGateway): Promise<Record<string, number>> => {
    const series = await scrape(gateway);
    return Object.fromEntries(
      ["refused", "backend", "unreachable", "away"].map((cause) => [
        cause,
        series.get(`ws2api_calls_failed_total{cause="${cause}"}`) ?? NaN,
      ]),
    );
  };
  const none = { refused: 0, backend: 0, unreachable: 0, away: 0 };
  await t.step("what the gateway does not take", async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url, ["--max-queue=1"]);
    const client = await connected(gateway);
    // No CALL, and none that got an answer of its own.
    client.send("[3,2]");
    client.send('[6,"1","A",{}]');
    await handled(client);
    deepStrictEqual(await failed(gateway), none);
    await client.ask('[2,"f","A"]');
    await client.ask('[2,"g","A",[]]');
    deepStrictEqual(await failed(gateway), { ...none, refused: 2 });
    let answer = (): void => {};
    backend.answer = () => new Promise((resolve) => answer = () => resolve(json("{}")));
    client.send('[2,"1","A",{}]');
    await backend.next();
    client.send('[2,"1","A",{}]');
    client.send('[2,"1","Other",{}]');
    await client.next('[4,"1"');
    client.send('[2,"2","A",{}]');
    await client.ask('[2,"3","A",{}]');
    deepStrictEqual(await failed(gateway), { ...none, refused: 4 });
    backend.answer = () => json("{}");
    answer();
    await client.next('[3,"2"');
    // What the backend means is no failure.
    backend.answer = () => json("{}", 422);
    await client.ask('[2,"4","A",{}]');
    deepStrictEqual(await failed(gateway), { ...none, refused: 4 });
    strictEqual((await scrape(gateway)).get("ws2api_call_seconds_count"), 3);
  });
  await t.step("what finds all queues full", async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url, ["--max-waiting=1"]);
    const client = await connected(gateway);
    backend.answer = () => new Promise(() => {});
    client.send('[2,"1","A",{}]');
    await backend.next();
    await client.ask('[2,"2","A",{}]');
    deepStrictEqual(await failed(gateway), { ...none, refused: 1 });
  });
  for (const [mode, counts] of [["answer", { away: 1 }], ["close", { away: 1 }]] as const) {
    await t.step(`a backend that is away, --backend-away ${mode}`, async () => {
      const url = `http://127.0.0.1:${closedPort()}`;
      const flags = ["--away-hold=200ms", `--backend-away=${mode}`, "--retries=0"];
      await using gateway = await TestGateway.start(url, flags);
      const [first, second] = [await connected(gateway, "CP1"), await connected(gateway, "CP2")];
      first.send('[2,"1","A",{}]');
      if (mode === "close") await first.whenClosed();
      else await first.next('[4,"1"');
      // The first one was held in vain.
      deepStrictEqual(await failed(gateway), { ...none, unreachable: 1 });
      second.send('[2,"2","A",{}]');
      if (mode === "close") await second.whenClosed();
      else await second.next('[4,"2"');
      deepStrictEqual(await failed(gateway), { ...none, unreachable: 1, ...counts });
      strictEqual((await scrape(gateway)).get("ws2api_call_seconds_count"), 0);
    });
  }
});

Deno.test("each try of an outcome is counted, and an outcome that the backend does not take", async () => {
  await using backend = new RecordingBackend();
  let tries = 0;
  backend.answer = ({ path }) => json("{}", !path.endsWith("m1") ? 200 : ++tries === 1 ? 503 : 400);
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  for (const id of ["m1", "m2"]) strictEqual((await gateway.call(`Reset/CP1/${id}`)).status, 202);
  await client.next('[2,"m1"');
  client.send('[3,"m1",{}]');
  await client.next('[2,"m2"');
  client.send('[3,"m2",{}]');
  // The second outcome comes when the first one has been parked.
  await backend.next("/result/Reset/CP1/m2");
  const series = await scrape(gateway);
  strictEqual(series.get('ws2api_backend_retries_total{kind="result"}'), 1);
  strictEqual(series.get('ws2api_reports_parked_total{kind="result"}'), 1);
  strictEqual(series.get('ws2api_reports_lost_total{kind="result"}'), 0);
  strictEqual(series.get('ws2api_outbox{state="parked"}'), 1);
  strictEqual(series.get('ws2api_outbox_bytes{state="parked"}'), 2);
  strictEqual(series.get('ws2api_backend_requests_total{kind="result",outcome="5xx"}'), 1);
  strictEqual(series.get('ws2api_backend_requests_total{kind="result",outcome="4xx"}'), 1);
});

Deno.test("a backend that cannot be reached is counted, and so are the tries", async () => {
  await using gateway = await TestGateway.start(`http://127.0.0.1:${closedPort()}/`, [
    "--retries=1",
    "--away-hold=0s",
    "--backend-away=answer",
  ]);
  const client = await gateway.connect("CP1", { protocols: ["ocpp2.1"] });
  client.send('[6,"s","A",{}]');
  match(await client.ask('[2,"1","A",{}]'), /^\[4,"1","InternalError","the backend is away"/);
  const series = await scrape(gateway);
  // That nobody is there is known by then: the CALL finds it out without a try.
  deepStrictEqual(counted(series, "ws2api_backend_requests_total"), {
    'ws2api_backend_requests_total{kind="send",outcome="unreachable"}': 2,
  });
  deepStrictEqual(counted(series, "ws2api_backend_retries_total"), {
    'ws2api_backend_retries_total{kind="send"}': 1,
  });
  strictEqual(series.get("ws2api_backend_away"), 1);
});

Deno.test("what is under way shows in gauges, and goes down again", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--backend-connections=1"]);
  const client = await connected(gateway);
  const other = await connected(gateway, "CP2");
  let release = (_: Response): void => {};
  backend.answer = () => new Promise((resolve) => release = resolve);
  client.send('[2,"1","A",{"a":1}]');
  await backend.next("/call");
  other.send('[2,"1","A",{}]');
  await handled(other);
  for (const id of ["m1", "m2", "m3"]) strictEqual((await gateway.call(`A/CP1/${id}`)).status, 202);
  const gauges = async (): Promise<(number | undefined)[]> => {
    const series = await scrape(gateway);
    return [
      ...["waiting", "waiting_chars", "backend_connections", "backend_requests_waiting"],
      ...["outstanding_calls", "queued_calls"],
    ].map((name) => series.get(`ws2api_${name}`));
  };
  deepStrictEqual(await gauges(), [2, 9, 1, 1, 1, 2]);
  backend.answer = () => json("{}");
  release(json("{}"));
  await client.next("[3");
  await other.next("[3");
  for (const id of ["m1", "m2", "m3"]) {
    await client.next(`[2,"${id}"`);
    client.send(`[3,"${id}",{}]`);
    await backend.next(`/result/A/CP1/${id}`);
  }
  await handled(client);
  deepStrictEqual(await gauges(), [0, 0, 0, 0, 0, 0]);
});

Deno.test("API requests are counted by status", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  await gateway.api("/nowhere/at/all");
  await gateway.api("/nowhere/at/all");
  await gateway.api("/clients", { method: "POST" });
  await gateway.call("A/nobody/m1");
  await gateway.api("/healthz");
  deepStrictEqual(counted(await scrape(gateway), "ws2api_api_requests_total"), {
    'ws2api_api_requests_total{status="404"}': 3,
    'ws2api_api_requests_total{status="405"}': 1,
    'ws2api_api_requests_total{status="200"}': 1,
  });
});
