import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { rawRequest, upgradeHead } from "../support/client.ts";
import { inTime } from "../support/deadline.ts";
import { NatsServer } from "../support/nats.ts";
import { type Need, stepWith } from "../support/needs.ts";
import {
  makeCertificate,
  Program,
  ROOT,
  SecureClient,
  startExportLimits,
  startProgram,
  TempDir,
  urlOf,
} from "../support/program.ts";
import { ByteSocket, frameBytes } from "../support/websocket_bytes.ts";
import { testEachWebSocket as test, websocketFlags } from "../support/websockets.ts";

const DRAIN_MS = 500;
/** What the program promises beyond its drain time-out. */
const FAREWELL_MS = 2000;

/** A backend, a program, and what hangs on both. */
class Setup implements AsyncDisposable {
  readonly stack = new AsyncDisposableStack();
  readonly dir = this.stack.use(new TempDir());
  readonly backend = this.stack.use(new RecordingBackend());
  drainMs = DRAIN_MS;
  program!: Program;
  url = "";

  async start(flags: readonly string[] = [], env: Record<string, string> = {}): Promise<void> {
    const drain = `--drain-timeout=${this.drainMs}ms`;
    const all = ["--listen=127.0.0.1:0", `--backend=${this.backend.url}`, drain, ...flags];
    this.program = this.stack.use(startProgram(all, env));
    this.url = await urlOf(this.program);
  }

  /** The backend answers nothing from now on. */
  hang(): void {
    this.backend.answer = () => new Promise(() => {});
  }

  /** A client that answers nothing by itself, not even a close frame. */
  async mute(id: string): Promise<ByteSocket> {
    return this.stack.use(await ByteSocket.upgrade(this.url, `/${id}`));
  }

  /** `POST /call/<path>`, whose response nobody waits for. */
  request(path: string, init: RequestInit = {}): Promise<Response | undefined> {
    return fetch(`${this.url}${path}`, { method: "POST", ...init }).catch(() => undefined);
  }

  /** The backend hangs with a client's CALL, and the client with one of the backend's. */
  async busyClient(id: string): Promise<void> {
    this.hang();
    const client = await this.mute(id);
    await client.write(frameBytes('[2,"c1","Heartbeat",{}]'));
    await this.backend.next("/call/");
    const accepted = await this.request(`/call/Reset/${id}/r1`);
    strictEqual(accepted?.status, 202);
    await accepted.body?.cancel();
    await client.text();
  }

  /**
   * Asks the program to end.
   *
   * @returns How long it took from its own word that it does; the machine may have been busy before.
   */
  async end(): Promise<{ code: number; ms: number; stderr: string }> {
    this.program.signal("SIGTERM");
    await this.program.logged("shutting down");
    const since = performance.now();
    const { code, stderr } = await this.program.ended();
    return { code, ms: performance.now() - since, stderr };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stack.disposeAsync();
  }
}

interface Case {
  readonly name: string;
  readonly needs?: Need;
  /** Reports that the backend has not taken by then. */
  readonly undelivered?: number;
  readonly prepare: (setup: Setup) => Promise<void>;
}

async function withFrozenNats(
  setup: Setup,
  end: (nats: NatsServer) => Promise<void> | void,
): Promise<void> {
  const nats = setup.stack.use(await NatsServer.start());
  await setup.start([`--nats=nats://127.0.0.1:${nats.port}`]);
  await setup.program.logged("nats connected");
  await setup.busyClient("CP1");
  await end(nats);
}

const CASES: readonly Case[] = [
  {
    name: "nothing is under way",
    async prepare(setup) {
      await setup.start();
    },
  },
  {
    name: "the backend hangs, and a client does not answer the close frame",
    undelivered: 2,
    async prepare(setup) {
      await setup.start(["--disconnect-hook"]);
      await setup.busyClient("CP1");
    },
  },
  {
    name: "the same with two workers",
    undelivered: 12,
    async prepare(setup) {
      await setup.start(["--workers=2", "--disconnect-hook"]);
      for (let i = 0; i < 6; i++) await setup.busyClient(`CP${i}`);
    },
  },
  {
    name: "the same behind TLS",
    needs: "openssl",
    async prepare(setup) {
      const { cert, key } = await makeCertificate(setup.dir);
      const files = [setup.dir.file("tls.crt", cert), setup.dir.file("tls.key", key)];
      await setup.start([`--tls-cert=${files[0]}`, `--tls-key=${files[1]}`]);
      setup.hang();
      const client = await SecureClient.connect(`${setup.url.replace("http", "ws")}/CP1`, cert);
      setup.stack.use(client);
      client.send('[2,"c1","Heartbeat",{}]');
      await setup.backend.next("/call/");
      // A handshake that never ends, and one that ends with half of a request.
      const port = Number(new URL(setup.url).port);
      setup.stack.use(await Deno.connect({ hostname: "127.0.0.1", port }));
      const conn = await Deno.connectTls({ hostname: "127.0.0.1", port, caCerts: [cert] });
      setup.stack.use(conn);
      await conn.write(new TextEncoder().encode("POST /call/Reset/CP1/r1 HTTP/1.1\r\nHost: a"));
    },
  },
  {
    name: "clients do not read what is sent to them",
    async prepare(setup) {
      await setup.start();
      const answer = JSON.stringify({ text: "x".repeat(4 << 20) });
      setup.backend.answer = () => new Response(answer);
      for (let i = 0; i < 5; i++) {
        const client = await setup.mute(`CP${i}`);
        for (let j = 0; j < 4; j++) {
          await client.write(frameBytes(`[2,"c${j}","Heartbeat",{}]`));
          await setup.backend.next("/call/");
        }
      }
    },
  },
  {
    name: "streams of the status page are open, read and unread",
    async prepare(setup) {
      await setup.start();
      for (let i = 0; i < 4; i++) {
        const text = "GET /status/stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
        const { conn, status } = await rawRequest(setup.url, text);
        setup.stack.use(conn);
        strictEqual(status, 200);
      }
    },
  },
  {
    name: "requests have come in half",
    async prepare(setup) {
      await setup.start();
      await setup.mute("CP1");
      const half = [
        "",
        "POST /call/Reset/CP1/r1 HT",
        "POST /call/Reset/CP1/r1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{",
      ];
      for (const text of half) {
        const socket = setup.stack.use(await ByteSocket.connect(setup.url));
        await socket.write(text);
      }
    },
  },
  {
    name: "a request to the API waits for its client",
    async prepare(setup) {
      await setup.start();
      const client = await setup.mute("CP1");
      const answer = setup.request("/call/Reset/CP1/r1", { headers: { prefer: "wait=300" } });
      setup.stack.defer(async () => {
        const response = await inTime(answer, "the API's answer");
        strictEqual(response?.status, 410);
        strictEqual((await response.json()).detail, "the gateway is shutting down");
      });
      await client.text();
    },
  },
  {
    name: "a connect hook is under way",
    async prepare(setup) {
      await setup.start(["--connect-hook"]);
      setup.hang();
      const socket = setup.stack.use(await ByteSocket.connect(setup.url));
      await socket.write(upgradeHead("/CP1"));
      await setup.backend.next("/connect/");
    },
  },
  {
    name: "NATS is frozen",
    needs: "nats-server",
    prepare: (setup) => withFrozenNats(setup, (nats) => nats.freeze()),
  },
  {
    name: "NATS has gone",
    needs: "nats-server",
    prepare: (setup) => withFrozenNats(setup, (nats) => nats.kill()),
  },
  {
    name: "NATS has never been there",
    async prepare(setup) {
      await setup.start(["--nats=nats://127.0.0.1:9"]);
      await setup.busyClient("CP1");
    },
  },
  {
    name: "profiles are written",
    async prepare(setup) {
      const files = [
        `--cpuprofile=${setup.dir.path("cpu")}`,
        `--memprofile=${setup.dir.path("mem")}`,
      ];
      await setup.start(files);
      await setup.busyClient("CP1");
    },
  },
  {
    name: "profiles are written by two workers",
    async prepare(setup) {
      const files = [
        `--cpuprofile=${setup.dir.path("cpu")}`,
        `--memprofile=${setup.dir.path("mem")}`,
      ];
      await setup.start(["--workers=2", ...files]);
      await setup.busyClient("CP1");
    },
  },
  {
    name: "spans go to a collector that hangs",
    async prepare(setup) {
      const collector = setup.stack.use(new RecordingBackend());
      collector.answer = () => new Promise(() => {});
      await setup.start([], {
        OTEL_DENO: "true",
        OTEL_DENO_CONSOLE: "ignore",
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.slice(0, -1),
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        ...startExportLimits(),
      });
      await setup.busyClient("CP1");
    },
  },
];

test("the program ends with 0 within the drain time-out and 2 s, whatever hangs", async (t) => {
  for (const { name, needs = [], undelivered, prepare } of CASES) {
    await stepWith(t, needs, name, async () => {
      await using setup = new Setup();
      await prepare(setup);
      const { code, ms, stderr } = await setup.end();
      strictEqual(code, 0);
      ok(ms < DRAIN_MS + FAREWELL_MS, `${Math.round(ms)} ms`);
      if (undelivered !== undefined) {
        const lines = stderr.split("\n").filter((line) => line.includes("reports undelivered"));
        match(lines.join("\n"), new RegExp(`^[^\n]* reports=${undelivered}$`));
      }
    });
  }
});

test("a worker that hangs in a busy loop is ended on time, and what it owed is reported or told of", async () => {
  await using setup = new Setup();
  const file = `${ROOT}tests/support/hanging_workers.ts`;
  const flags = ["--listen=127.0.0.1:0", `--backend=${setup.backend.url}`, ...websocketFlags()];
  setup.program = setup.stack.use(
    new Program(Deno.execPath(), [
      ...["run", "--allow-all", `--config=${ROOT}deno.json`, file, ...flags],
      `--drain-timeout=${DRAIN_MS}ms`,
    ]),
  );
  setup.url = await urlOf(setup.program);
  // So many that the worker has some of them: 2 to the power of -23 is never.
  const ids = Array.from({ length: 24 }, (_, i) => `CP${i}`);
  for (const id of ids) {
    const client = await setup.mute(id);
    await client.write(frameBytes("no frame"));
    await client.text();
    const accepted = await setup.request(`/call/Reset/${id}/r1`);
    strictEqual(accepted?.status, 202);
    await accepted.body?.cancel();
  }
  setup.program.signal("SIGUSR2");
  strictEqual((await setup.program.lines(2))[1], "hangs");
  const { code, ms, stderr } = await setup.end();
  strictEqual(code, 0);
  ok(ms < DRAIN_MS + FAREWELL_MS, `${Math.round(ms)} ms`);
  match(stderr, /workers did not end in time workers="?1"?/);
  // Of what it owed, a busy machine may leave some for which there is no time: that is told.
  const ends = ids.map((id) => `/error/Reset/${id}/r1`);
  const came = setup.backend.paths("/error/");
  const [, untold = "0"] = /reports undelivered at the shutdown reports="?(\d+)/.exec(stderr) ?? [];
  deepStrictEqual(came.filter((path) => !ends.includes(path)), []);
  // One may have come whose answer came too late: it is told of as well.
  const told = new Set(came).size + Number(untold);
  ok(told >= ends.length && Number(untold) <= ends.length, `${told} of ${ends.length}`);
});

test("workers that have more than 1,000 clients together spread their closes", async () => {
  await using setup = new Setup();
  setup.drainMs = 4000;
  await setup.start(["--workers=2"]);
  const clients: ByteSocket[] = [];
  for (let i = 0; i < 1200; i++) clients.push(await setup.mute(`CP${i}`));
  const closedAt = clients.map(async (client) => {
    await client.untilEnd();
    return performance.now();
  });
  setup.program.signal("SIGTERM");
  const times = (await Promise.all(closedAt)).sort((a, b) => a - b);
  // Two seconds for all of them; who is busy here sees them come closer together.
  const ms = times[1100]! - times[100]!;
  ok(ms > 500, `${Math.round(ms)} ms`);
  strictEqual((await setup.program.ended()).code, 0);
});
