import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../lib/clock.ts";
import { readInvocation } from "../../lib/config/config.ts";
import { NO_SECRETS } from "../../lib/config/secret.ts";
import { type Log, type LogFields, silentLog } from "../../lib/log/log.ts";
import { Supervisor } from "../../lib/worker/supervisor.ts";
import { json, RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { Inbox, inTime, until } from "../support/deadline.ts";
import { lastOfEach } from "../support/flags.ts";
import { Program } from "../support/program.ts";
import { systemRandom } from "../../lib/random.ts";

const START = fileURLToPath(new URL("../support/start_workers.ts", import.meta.url));
/** So many that both workers get some. */
const CLIENTS = 24;

/** A gateway of two workers in this process, each of which can be killed. */
class Mortals implements AsyncDisposable {
  readonly log = new Inbox<{ event: string; fields: LogFields }>();
  readonly workers: Worker[] = [];
  readonly clients: TestClient[] = [];
  supervisor!: Supervisor;
  readonly #http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  readonly #flags: readonly string[];

  constructor(backend: RecordingBackend, flags: readonly string[] = []) {
    this.#flags = lastOfEach([
      ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--drain-timeout=300ms"],
      ...["--log-level=error", ...flags],
    ]);
  }

  async start(): Promise<this> {
    const invocation = readInvocation(this.#flags, () => undefined, "0.0.0-test");
    if (invocation.kind !== "run") throw new Error(JSON.stringify(invocation));
    const put = (event: string, fields: LogFields = {}) => this.log.put({ event, fields });
    const log: Log = { ...silentLog, info: put, error: put };
    this.supervisor = await Supervisor.start(invocation.config, 2, {
      log,
      random: systemRandom,
      clock: systemClock,
      version: "0.0.0-test",
      startedAt: 0,
      secrets: NO_SECRETS,
      createWorker: () => {
        const worker = new Worker(new URL("../support/mortal_worker.ts", import.meta.url), {
          type: "module",
        });
        this.workers.push(worker);
        return worker;
      },
    });
    return this;
  }

  /** The next log line of this event. */
  async logged(event: string): Promise<LogFields> {
    return (await this.log.take(event, (line) => line.event === event)).fields;
  }

  /** A client that its worker has listed. */
  async connect(id: string): Promise<TestClient> {
    const client = new TestClient(`${this.supervisor.url.replace("http", "ws")}/${id}`);
    this.clients.push(client);
    await inTime(client.opened, `the upgrade of ${id}`);
    await client.ask("no frame");
    return client;
  }

  /**
   * The same for one whose worker has died, as often as it is cut: what the kernel had dealt out to the
   * dead worker's listener is reset when that closes, which the runtime does a little later.
   */
  async connectAgain(id: string): Promise<void> {
    await until(`${id} to be let in again`, async () => {
      try {
        await this.connect(id);
        return true;
      } catch (error) {
        if (/connection error/.test(String(error))) return false;
        throw error;
      }
    });
  }

  async connectMany(): Promise<TestClient[]> {
    const all: TestClient[] = [];
    for (let i = 0; i < CLIENTS; i++) all.push(await this.connect(`CP${i}`));
    return all;
  }

  /** A request over a connection of its own. */
  async api(path: string, init: RequestInit = {}) {
    const options = { ...init, client: this.#http };
    const response = await inTime(fetch(this.supervisor.url + path, options), path);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  call(path: string, headers: Record<string, string> = {}) {
    return this.api(`/call/${path}`, { method: "POST", headers });
  }

  /** @param number From 1. */
  kill(number: number): void {
    this.workers[number - 1]!.postMessage("die");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await inTime(this.supervisor.shutdown(), "the shutdown", 30_000);
    for (const client of this.clients) await client.whenClosed();
    this.#http.close();
  }
}

/** Numbers of the clients whose sockets have ended, as soon as there are this many. */
async function ended(clients: readonly TestClient[], count: number): Promise<number[]> {
  const numbers: number[] = [];
  const all = Promise.withResolvers<void>();
  for (const [i, client] of clients.entries()) {
    void client.closed.then(() => {
      numbers.push(i);
      if (numbers.length === count) all.resolve();
    });
  }
  await inTime(all.promise, `${count} closed sockets`);
  return numbers.toSorted((a, b) => a - b);
}

Deno.test("a worker that dies ends its CALLs and its clients, harms no other, and is started again", async (t) => {
  await using backend = new RecordingBackend();
  await using mortals = await new Mortals(backend, ["--disconnect-hook"]).start();
  const clients = await mortals.connectMany();
  // Answered ones are finished, whatever happens later.
  for (const [i, client] of clients.entries()) {
    const frame = client.next('[2,"');
    strictEqual((await mortals.call(`Act/CP${i}/answered`)).status, 202);
    await frame;
    client.send('[3,"answered",{}]');
    await backend.next("/result/");
  }
  for (const [i, client] of clients.entries()) {
    const frame = client.next('[2,"');
    strictEqual((await mortals.call(`Act/CP${i}/open`)).status, 202);
    strictEqual((await mortals.call(`Act/CP${i}/queued`)).status, 202);
    await frame;
  }
  mortals.kill(1);
  const { worker, error, clients: lost, calls } = await mortals.logged("a worker died");
  const dead = await ended(clients, Number(lost));
  const alive = clients.keys().toArray().filter((i) => !dead.includes(i));

  await t.step(
    "each of its clients has a line in the log, as one that goes by itself",
    async () => {
      const gone: string[] = [];
      for (const _ of dead) {
        const { clientId, connectionId, ...ending } = await mortals.logged("client disconnected");
        match(String(connectionId), /^[0-9a-f-]{36}$/);
        deepStrictEqual(ending, { cause: "worker_died", closeCode: 1006, reason: "" });
        gone.push(String(clientId));
      }
      deepStrictEqual(gone.toSorted(), dead.map((i) => `CP${i}`).toSorted());
    },
  );
  await t.step("it is one line in the log", () => {
    strictEqual(worker, 1);
    match(String(error), /killed by a test/);
    strictEqual(calls, 2 * dead.length);
    ok(dead.length > 0 && alive.length > 0);
  });
  await t.step(
    "its CALLs end in /error, once, and its clients in /disconnect, behind them",
    async () => {
      for (let n = 0; n < 2 * dead.length; n++) {
        const { body } = await backend.next("/error/");
        deepStrictEqual(JSON.parse(body), {
          code: "GenericError",
          description: "the gateway lost the client",
          details: {},
        });
      }
      for (const _ of dead) {
        strictEqual((await backend.next("/disconnect/")).body, '{"code":1006,"reason":""}');
      }
      const expected = (paths: (i: number) => string[]) => dead.flatMap(paths).toSorted();
      deepStrictEqual(
        backend.paths("/error/").toSorted(),
        expected((i) => [`/error/Act/CP${i}/open`, `/error/Act/CP${i}/queued`]),
      );
      deepStrictEqual(
        backend.paths("/disconnect/").toSorted(),
        expected((i) => [`/disconnect/CP${i}`]),
      );
      for (const i of dead) {
        const paths = backend.paths("/").filter((path) => /\/CP(\d+)/.exec(path)![1] === `${i}`);
        strictEqual(paths.at(-1), `/disconnect/CP${i}`);
      }
    },
  );
  await t.step("it is started again, and takes its part of the clients", async () => {
    strictEqual((await mortals.logged("a worker was started again"))["worker"], 1);
    for (const i of dead) {
      const client = await mortals.connect(`CP${i}`);
      const frame = client.next('[2,"');
      strictEqual((await mortals.call(`Act/CP${i}/again`)).status, 202);
      await frame;
      client.send('[3,"again",{}]');
      strictEqual((await backend.next("/result/")).path, `/result/Act/CP${i}/again`);
    }
    strictEqual(JSON.parse((await mortals.api("/clients")).text).total, CLIENTS);
    mortals.kill(3);
    strictEqual((await mortals.logged("a worker died"))["worker"], 1);
  });
  await t.step("the clients of the others did not notice", async () => {
    for (const i of alive) {
      const frame = clients[i]!.next('[2,"queued"');
      clients[i]!.send('[3,"open",{}]');
      strictEqual((await backend.next("/result/")).path, `/result/Act/CP${i}/open`);
      await frame;
      clients[i]!.send('[3,"queued",{}]');
      strictEqual((await backend.next("/result/")).path, `/result/Act/CP${i}/queued`);
    }
  });
});

Deno.test("who waits for a client of a worker that dies is told, and what it held is free again", async () => {
  await using backend = new RecordingBackend();
  const flags = [`--max-connections=${CLIENTS}`, "--max-waiting=4"];
  await using mortals = await new Mortals(backend, flags).start();
  const clients = await mortals.connectMany();
  backend.answer = ({ path }) => path.startsWith("/call/") ? new Promise(() => {}) : json("{}");
  const waits = clients.map(async (client, i) => {
    const frame = client.next('[2,"');
    const answer = mortals.call(`Act/CP${i}/w`, { prefer: "wait=60" }).catch(() => undefined);
    await frame;
    return { i, answer };
  });
  const asked = await Promise.all(waits);
  mortals.kill(1);
  const dead = await ended(clients, Number((await mortals.logged("a worker died"))["clients"]));
  await mortals.logged("a worker was started again");
  for (const { i, answer } of asked) {
    if (!dead.includes(i)) clients[i]!.send('[3,"w",{"n":1}]');
    const got = await answer;
    // The connection to a worker that dies is cut; the answer comes from the one that lives.
    if (got === undefined) continue;
    strictEqual(got.status, dead.includes(i) ? 410 : 200, got.text);
    strictEqual(got.headers.get("ws2api-outcome"), dead.includes(i) ? "sent" : "answered");
  }
  deepStrictEqual(backend.paths("/error/"), []);
  for (const i of dead) await mortals.connectAgain(`CP${i}`);
  const late = new TestClient(`${mortals.supervisor.url.replace("http", "ws")}/late`);
  await late.opened.then(() => ok(false, "let in"), () => {});
  await late.whenClosed();
  const counters = (await mortals.api("/")).text;
  match(counters, new RegExp(`^connections_opened ${CLIENTS + dead.length}$`, "m"));
  match(counters, new RegExp(`^connections_closed ${dead.length}$`, "m"));
});

Deno.test("a worker that cannot be loaded ends the start, and leaves nothing running", async (t) => {
  const rows: [entry: string, told: RegExp][] = [
    ["no_such_worker.ts", /no_such_worker\.ts/],
    ["broken_worker.ts", /broken for a test/],
  ];
  for (const [entry, told] of rows) {
    await t.step(entry, async () => {
      const args = ["run", "--no-check", "--allow-net=127.0.0.1", "--allow-read", START, entry];
      await using program = new Program(Deno.execPath(), args);
      // That it ends by itself shows that nothing is left.
      const { code, stdout, stderr } = await program.ended();
      deepStrictEqual([code, stdout], [0, "WorkerDied\n"], stderr);
      match(stderr, told);
    });
  }
});

Deno.test("a worker that dies during the shutdown does not hold it up, and owes nothing after it", async () => {
  await using backend = new RecordingBackend();
  const mortals = await new Mortals(backend, ["--drain-timeout=20s"]).start();
  const clients = await mortals.connectMany();
  for (const [i, client] of clients.entries()) {
    const frame = client.next('[2,"');
    strictEqual((await mortals.call(`Act/CP${i}/open`)).status, 202);
    await frame;
  }
  const disposed = mortals[Symbol.asyncDispose]();
  mortals.kill(1);
  mortals.kill(2);
  await disposed;
  strictEqual(backend.paths("/error/").length, CLIENTS);
  strictEqual(new Set(backend.paths("/error/")).size, CLIENTS);
});
