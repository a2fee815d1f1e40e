import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { type ClientOptions, TestClient } from "../support/client.ts";
import { inTime, until } from "../support/deadline.ts";
import { lastOfEach } from "../support/flags.ts";
import { scrape } from "../support/metrics.ts";
import { aSecondLater, type Program, startProgram, TempDir, urlOf } from "../support/program.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

/** So many that all workers get some: 2 to the power of -29 is never. */
const CLIENTS = 30;

/** A program with workers, asked over a new connection each time, so that any of them may answer. */
class Workers implements AsyncDisposable {
  readonly program: Program;
  url = "";
  readonly #http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  readonly clients: TestClient[] = [];

  private constructor(program: Program) {
    this.program = program;
  }

  static async start(
    backend: RecordingBackend,
    flags: readonly string[] = ["--workers=2"],
  ): Promise<Workers> {
    const workers = new Workers(startProgram(lastOfEach([
      ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--drain-timeout=1s"],
      ...["--log-level=debug", ...flags],
    ])));
    workers.url = await urlOf(workers.program);
    return workers;
  }

  async connect(id: string, options?: ClientOptions): Promise<TestClient> {
    const client = new TestClient(`${this.url.replace("http", "ws")}/${id}`, options);
    this.clients.push(client);
    await inTime(client.opened, `the upgrade of ${id}`);
    return client;
  }

  /** Clients `CP0`, `CP1`, … that their workers have listed. */
  async connectMany(count = CLIENTS): Promise<TestClient[]> {
    const all: TestClient[] = [];
    for (let i = 0; i < count; i++) {
      const client = await this.connect(`CP${i}`);
      await client.ask("no frame");
      all.push(client);
    }
    return all;
  }

  async api(path: string, init: RequestInit = {}): Promise<{ status: number; text: string }> {
    const response = await inTime(fetch(this.url + path, { ...init, client: this.#http }), path);
    return { status: response.status, text: await response.text() };
  }

  call(path: string, headers: Record<string, string> = {}) {
    return this.api(`/call/${path}`, { method: "POST", body: '{"a":1.0}', headers });
  }

  /** Resolves when all workers list this many: they hear of each other's clients a moment later. */
  async listed(count: number): Promise<void> {
    for (let inARow = 0; inARow < 10; inARow++) {
      if (JSON.parse((await this.api("/clients")).text).total !== count) inARow = -1;
    }
  }

  /** The numbers of the workers that the connections of this client came to, in their order. */
  async workersOf(id: string, times = 1): Promise<string[]> {
    const part = `clientId="${id}"`;
    const log = await this.program.logged("client connected", this.clients.length);
    const lines = (text: string) =>
      text.split("\n").filter((line) => line.includes("client connected") && line.includes(part));
    const all = lines(log);
    strictEqual(all.length, times);
    return all.map((line) => /worker=(\d+)/.exec(line)![1]!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    for (const client of this.clients) await client.whenClosed();
    this.#http.close();
  }
}

test("CALLs go both ways, whichever worker holds the client and whichever is asked", async (t) => {
  for (const count of [2, 3]) {
    await t.step(`${count} workers`, async () => {
      await using backend = new RecordingBackend();
      await using workers = await Workers.start(backend, [`--workers=${count}`]);
      const clients = await workers.connectMany();
      const numbers = new Set<string>();
      for (let i = 0; i < CLIENTS; i++) numbers.add((await workers.workersOf(`CP${i}`))[0]!);
      strictEqual(numbers.size, count);
      backend.answer = ({ path }) => json(JSON.stringify({ path }));
      for (const [i, client] of clients.entries()) {
        strictEqual(
          await client.ask(`[2,"c${i}","Heartbeat",{}]`),
          `[3,"c${i}",{"path":"/call/Heartbeat/CP${i}/c${i}"}]`,
        );
      }
      for (const [i, client] of clients.entries()) {
        const frame = client.next('[2,"r');
        strictEqual((await workers.call(`Reset/CP${i}/r${i}`)).status, 202);
        strictEqual(await frame, `[2,"r${i}","Reset",{"a":1.0}]`);
        strictEqual((await workers.call(`Reset/CP${i}/r${i}`)).status, 409);
        client.send(`[3,"r${i}",{"b":2.0}]`);
        const { path, body } = await backend.next("/result/");
        deepStrictEqual([path, body], [`/result/Reset/CP${i}/r${i}`, '{"b":2.0}']);
      }
      for (const [i, client] of clients.entries()) {
        const frame = client.next('[2,"w');
        const answer = workers.call(`Reset/CP${i}/w${i}`, { prefer: "wait=10" });
        await frame;
        client.send(`[3,"w${i}",{"c":3.0}]`);
        deepStrictEqual(await answer, { status: 200, text: '{"c":3.0}' });
      }
      deepStrictEqual(backend.paths("/error/"), []);
      strictEqual(backend.paths("/result/").length, CLIENTS);
      for (let i = 0; i < 10; i++) strictEqual((await workers.call("Reset/nobody/1")).status, 404);
    });
  }
});

test("a newer connection takes over from one on another worker", async () => {
  await using backend = new RecordingBackend();
  await using workers = await Workers.start(backend, ["--workers=2", "--disconnect-hook"]);
  let client = await workers.connect("CP1");
  await client.ask("no frame");
  let times = 1;
  // Until it has come from one to the other and back.
  for (;; times++) {
    const all = await workers.workersOf("CP1", times);
    if (all.join("").includes("12") && all.join("").includes("21")) break;
    const newer = await workers.connect("CP1");
    deepStrictEqual(await client.whenClosed(), { code: 1008, reason: "replaced" });
    const { path, body } = await backend.next("/disconnect/");
    deepStrictEqual([path, body], ["/disconnect/CP1", '{"code":1008,"reason":"replaced"}']);
    await newer.ask("no frame");
    client = newer;
  }
  for (let i = 0; i < 10; i++) {
    const frame = client.next('[2,"');
    strictEqual((await workers.call(`Reset/CP1/r${i}`)).status, 202);
    strictEqual(await frame, `[2,"r${i}","Reset",{"a":1.0}]`);
    client.send(`[3,"r${i}",{}]`);
    await backend.next("/result/");
  }
  await workers.listed(1);
  strictEqual(backend.paths("/disconnect/").length, times - 1);
});

test("each worker lists, shows and disconnects the clients of all", async () => {
  await using backend = new RecordingBackend();
  await using workers = await Workers.start(backend);
  await workers.connectMany();
  await workers.listed(CLIENTS);
  const ids = Array.from({ length: CLIENTS }, (_, i) => `CP${i}`).toSorted();
  for (const limit of [1, 7, CLIENTS - 1, CLIENTS, 1000]) {
    const seen: string[] = [];
    for (let next: string | null = ""; next !== null;) {
      const { text } = await workers.api(`/clients?limit=${limit}&after=${next}`);
      const page = JSON.parse(text);
      strictEqual(page.total, CLIENTS);
      seen.push(...page.clients.map(({ id }: { id: string }) => id));
      next = page.next;
    }
    deepStrictEqual(seen, ids);
  }
  for (const [i, client] of workers.clients.entries()) {
    strictEqual(JSON.parse((await workers.api(`/clients/CP${i}`)).text).id, `CP${i}`);
    strictEqual((await workers.api(`/clients/CP${i}`, { method: "DELETE" })).status, 204);
    const { code, reason } = await client.whenClosed();
    deepStrictEqual([code, reason], [1000, "closed by the operator"]);
  }
  await workers.listed(0);
  for (let i = 0; i < 10; i++) {
    strictEqual((await workers.api("/clients/CP0", { method: "DELETE" })).status, 404);
  }
});

test("the client in trouble is found over all workers, whichever is asked", async () => {
  await using backend = new RecordingBackend();
  await using workers = await Workers.start(backend);
  const clients = await workers.connectMany();
  for (const i of [3, 17, 17]) await clients[i]!.ask("no frame");
  for (let i = 0; i < 10; i++) {
    const { text } = await workers.api("/clients?sort=-errors&limit=3");
    const { total, clients, next, incomplete } = JSON.parse(text);
    deepStrictEqual(
      clients.map(({ id, errors }: { id: string; errors: number }) => `${id} ${errors}`),
      ["CP17 3", "CP3 2", "CP0 1"],
    );
    deepStrictEqual([total, next, incomplete], [CLIENTS, "1~CP0", undefined]);
  }
  // Its connections end on any worker, and it is connected on any.
  for (let i = 0; i < 8; i++) await (await workers.connect("flapping")).close();
  const ends = async () => JSON.parse((await workers.api("/clients?sort=-ends")).text).clients;
  await until("its ends", async () => (await ends())[0]?.ends === 8);
  for (let i = 0; i < 5; i++) strictEqual(typeof (await ends())[0].endedAt, "string");
  await (await workers.connect("flapping")).ask("no frame");
  for (let i = 0; i < 5; i++) {
    const [{ ends: count, endedAt, errors }] = await ends();
    deepStrictEqual([count, endedAt, errors], [8, undefined, 1]);
  }
});

test("limits hold for the sum of all workers, and counters are sums", async () => {
  await using backend = new RecordingBackend();
  await using workers = await Workers.start(backend, ["--workers=2", "--max-connections=12"]);
  await workers.connectMany(12);
  for (let i = 0; i < 20; i++) {
    const late = new TestClient(`${workers.url.replace("http", "ws")}/late${i}`);
    await late.opened.then(() => ok(false, "let in"), () => {});
    await late.whenClosed();
  }
  const texts = new Set<string>();
  for (let i = 0; i < 20; i++) texts.add((await workers.api("/")).text);
  deepStrictEqual([...texts], [
    "connections_opened 12\nconnections_closed 0\nrequests_started 0\nrequests_failed 0\n" +
    "requests_succeeded 0\nfaults 12\n",
  ]);
  for (let i = 0; i < 10; i++) {
    const series = await scrape(workers);
    strictEqual(series.get('ws2api_connections{protocol="ocpp1.6"}'), 12);
    strictEqual(series.get("ws2api_connections_opened_total"), 12);
    strictEqual(series.get('ws2api_upgrades_refused_total{reason="connections"}'), 20);
    strictEqual(series.get("ws2api_workers"), 2);
  }
});

test("--connect-rate is divided among the workers", async () => {
  await using backend = new RecordingBackend();
  await using workers = await Workers.start(backend, ["--workers=2", "--connect-rate=8"]);
  const begun = performance.now();
  let letIn = 0;
  for (let i = 0; i < 50; i++) {
    const client = new TestClient(`${workers.url.replace("http", "ws")}/CP${i}`);
    workers.clients.push(client);
    await client.opened.then(() => letIn++, () => {});
  }
  const seconds = (performance.now() - begun) / 1000;
  ok(letIn >= 8 && letIn <= 8 + 8 * seconds, `${letIn} in ${seconds} s`);
});

// With `ws` it is not read until there is room (held_back_test.ts).
Deno.test("what waits is bounded for the sum of all workers", async () => {
  await using backend = new RecordingBackend();
  await using workers = await Workers.start(backend, ["--workers=2", "--max-waiting=10"]);
  const clients = await workers.connectMany(20);
  backend.answer = () => new Promise(() => {});
  for (const [i, client] of clients.entries()) {
    client.send(`[2,"c${i}","Act",{}]`);
    if (i < 10) await backend.next("/call/");
    else match(await client.next(), /^\[4,"c\d+","InternalError","gateway overloaded",/);
  }
  strictEqual(backend.paths("/call/").length, 10);
});

test("at SIGTERM all workers end their clients and their CALLs, after one ready line", async () => {
  await using backend = new RecordingBackend();
  await using workers = await Workers.start(backend, ["--workers=3"]);
  const { program, url } = workers;
  const clients = await workers.connectMany();
  for (let i = 0; i < CLIENTS; i++) {
    const frame = clients[i]!.next('[2,"');
    strictEqual((await workers.call(`Reset/CP${i}/r${i}`)).status, 202);
    await frame;
  }
  const patient = await workers.connect("patient");
  const asked = patient.next('[2,"w"');
  const waiting = workers.call("Reset/patient/w", { prefer: "wait=60" });
  await asked;
  program.signal("SIGTERM");
  await program.logged("shutting down", 3);
  for (let i = 0; i < 10; i++) strictEqual((await workers.api("/readyz")).status, 503);
  // These answer in time, the others never do.
  for (const i of [1, 2]) clients[i]!.send(`[3,"r${i}",{}]`);
  for (const client of clients) {
    deepStrictEqual(await client.whenClosed(), { code: 1001, reason: "shutting down" });
  }
  strictEqual((await waiting).status, 410);
  const { code, stdout, stderr } = await program.ended();
  strictEqual(code, 0);
  strictEqual(stdout, `ws2api listening on ${url}\n`);
  deepStrictEqual(
    backend.paths("/result/").toSorted(),
    [1, 2].map((i) => `/result/Reset/CP${i}/r${i}`),
  );
  deepStrictEqual(
    backend.paths("/error/").toSorted(),
    Array.from({ length: CLIENTS }, (_, i) => `/error/Reset/CP${i}/r${i}`)
      .filter((_, i) => i !== 1 && i !== 2).toSorted(),
  );
  ok(!/ ERROR /.test(stderr), stderr);
});

test("at SIGTERM a worker without clients waits for answers of the others' clients", async () => {
  await using backend = new RecordingBackend();
  const flags = ["--workers=2", "--call-concurrency=20", "--drain-timeout=20s"];
  await using workers = await Workers.start(backend, flags);
  const client = await workers.connect("CP1");
  const answers: Promise<{ status: number }>[] = [];
  for (let i = 0; i < 20; i++) {
    const frame = client.next(`[2,"w${i}"`);
    answers.push(workers.call(`Reset/CP1/w${i}`, { prefer: "wait=60" }));
    await frame;
  }
  workers.program.signal("SIGTERM");
  await workers.program.logged("shutting down", 2);
  // Only an answer that comes too soon could be waited for.
  const early = new Promise((resolve) => setTimeout(resolve, 300, "none"));
  strictEqual(await Promise.race([early, ...answers]), "none");
  for (let i = 0; i < 20; i++) client.send(`[3,"w${i}",{}]`);
  for (const answer of answers) strictEqual((await answer).status, 200);
  strictEqual((await workers.program.ended()).code, 0);
});

test("a second signal, a second later, ends all workers at once with 1", async () => {
  await using backend = new RecordingBackend();
  await using workers = await Workers.start(backend, ["--workers=2", "--drain-timeout=60s"]);
  const [client] = await workers.connectMany(1);
  backend.answer = () => new Promise(() => {});
  client!.send('[2,"c1","Heartbeat",{}]');
  await backend.next("/call/");
  workers.program.signal("SIGTERM");
  await workers.program.logged("shutting down", 2);
  await aSecondLater();
  workers.program.signal("SIGTERM");
  strictEqual((await workers.program.ended()).code, 1);
});

test("workers do not share a port with another program", async (t) => {
  await using backend = new RecordingBackend();
  await using first = await Workers.start(backend);
  const taken = new URL(first.url).host;
  for (const flags of [["--workers=2"], ["--workers=1"]]) {
    await t.step(`with ${flags}, another gateway's`, async () => {
      await using program = startProgram([`--listen=${taken}`, ...flags]);
      const { code, stdout, stderr } = await program.ended();
      deepStrictEqual([code, stdout], [1, ""]);
      match(stderr, /^ws2api: cannot listen on \S+: the port is in use\n$/);
    });
  }
  await t.step("the API's", async () => {
    const args = ["--listen=127.0.0.1:0", `--api-listen=${taken}`, "--workers=2"];
    await using program = startProgram(args);
    const { code, stdout, stderr } = await program.ended();
    deepStrictEqual([code, stdout], [1, ""]);
    match(stderr, /^ws2api: cannot listen on \S+ or \S+: the port is in use\n$/);
  });
  await t.step("and the one who has it serves on", async () => {
    strictEqual((await first.api("/healthz")).text, "ok");
  });
});

test("workers listen on every interface, and for the API apart", async () => {
  const args = ["--listen=:0", "--api-listen=127.0.0.1:0", "--workers=2"];
  await using program = startProgram(args);
  const [first = "", second = ""] = await program.lines(2);
  match(first, /^ws2api listening on http:\/\/(?:\[::\]|0\.0\.0\.0):[1-9]\d*$/);
  const api = /^ws2api api on (http:\/\/127\.0\.0\.1:[1-9]\d*)$/.exec(second)![1]!;
  strictEqual(await (await fetch(`${api}/healthz`)).text(), "ok");
  const port = /:(\d+)$/.exec(first)![1];
  const client = new TestClient(`ws://127.0.0.1:${port}/CP1`);
  await client.opened;
  await client.ask("no frame");
  strictEqual(JSON.parse(await (await fetch(`${api}/clients`)).text()).total, 1);
  program.signal("SIGTERM");
  await client.whenClosed();
  strictEqual((await program.ended()).code, 0);
});

test("each worker writes profiles of its own", async () => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  const flags = [
    "--workers=2",
    `--cpuprofile=${dir.path("cpu")}`,
    `--memprofile=${dir.path("mem")}`,
  ];
  await using workers = await Workers.start(backend, flags);
  const { program } = workers;
  const names = () => [...Deno.readDirSync(dir.path("."))].map(({ name }) => name).toSorted();
  program.signal("SIGUSR2");
  await program.logged("profile written", 4);
  deepStrictEqual(names(), ["cpu.1", "cpu.2", "mem.1", "mem.2"]);
  for (const name of names()) Deno.removeSync(dir.path(name));
  program.signal("SIGTERM");
  strictEqual((await program.ended()).code, 0);
  deepStrictEqual(names(), ["cpu.1", "cpu.2", "mem.1", "mem.2"]);
});

test("what a worker cannot start with ends the program, with one line", async () => {
  using dir = new TempDir();
  const args = ["--listen=127.0.0.1:0", "--workers=2", `--cpuprofile=${dir.path("no/cpu")}`];
  await using program = startProgram(args);
  const { code, stdout, stderr } = await program.ended();
  deepStrictEqual([code, stdout], [2, ""]);
  match(stderr, /^ws2api: --cpuprofile: "\S+no\/cpu\.[12]" cannot be written \(NotFound\); .*\n$/);
});

test("--workers auto is one for each core", async () => {
  await using backend = new RecordingBackend();
  await using workers = await Workers.start(backend, ["--workers=auto"]);
  workers.program.signal("SIGTERM");
  const { code, stderr } = await workers.program.ended();
  strictEqual(code, 0);
  strictEqual(stderr.split("shutting down").length - 1, navigator.hardwareConcurrency);
});
