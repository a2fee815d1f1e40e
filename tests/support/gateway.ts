import { systemClock } from "../../lib/clock.ts";
import { MemoryStore } from "../../lib/outbox/memory.ts";
import { readInvocation } from "../../lib/config/config.ts";
import { readSecrets } from "../../lib/config/secret.ts";
import { type Gateway, startGateway } from "../../lib/gateway/gateway.ts";
import { type Log, silentLog } from "../../lib/log/log.ts";
import type { RecentFaults } from "../../lib/log/recent_faults.ts";
import type { Validator } from "../../lib/validate/validator.ts";
import { type ClientOptions, TestClient } from "./client.ts";
import { inTime } from "./deadline.ts";
import { lastOfEach } from "./flags.ts";
import { testEachWebSocket, websocketFlags } from "./websockets.ts";
import { systemRandom } from "../../lib/random.ts";

/** What an API request came to. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A gateway on a free port, started with flags as from the command line. */
export class TestGateway implements AsyncDisposable {
  readonly gateway: Gateway;
  readonly #clients: TestClient[] = [];
  #isShutDown = false;

  protected constructor(gateway: Gateway) {
    this.gateway = gateway;
  }

  /** Starts one. */
  static async start(
    backendUrl: string,
    flags: readonly string[] = [],
    log: Log = silentLog,
    validator?: Validator,
    faults?: RecentFaults,
    instance?: string,
  ): Promise<TestGateway> {
    const args = lastOfEach([
      "--listen=127.0.0.1:0",
      `--backend=${backendUrl}`,
      "--drain-timeout=500ms",
      ...websocketFlags(),
      ...flags,
    ]);
    const invocation = readInvocation(args, () => undefined, "0.0.0-test");
    if (invocation.kind !== "run") throw new Error(JSON.stringify(invocation));
    const read = readSecrets(invocation.config, Deno.readFileSync);
    if (!read.ok) throw new Error(read.message);
    const gateway = await startGateway(invocation.config, {
      secrets: read.secrets,
      log,
      faults,
      random: systemRandom,
      clock: systemClock,
      version: "0.0.0-test",
      startedAt: 0,
      instance,
      store: new MemoryStore(),
      validator,
    });
    return new TestGateway(gateway);
  }

  get url(): string {
    return this.gateway.url;
  }

  /** A client that is connected. */
  async connect(path: string, options?: ClientOptions): Promise<TestClient> {
    const client = this.begin(path, options);
    await inTime(client.opened, `the upgrade of ${path}`);
    return client;
  }

  /** A client that has begun to connect. */
  begin(path: string, options?: ClientOptions): TestClient {
    const client = new TestClient(`${this.url.replace("http", "ws")}/${path}`, options);
    this.#clients.push(client);
    return client;
  }

  /** A request to the API. */
  async api(path: string, init: RequestInit = {}): Promise<ApiAnswer> {
    const response = await inTime(fetch(`${this.gateway.apiUrl ?? this.url}${path}`, init), path);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** `POST /call/<path>` */
  call(path: string, body = "{}", headers: Record<string, string> = {}): Promise<ApiAnswer> {
    return this.api(`/call/${path}`, { method: "POST", body, headers });
  }

  shutdown(): Promise<void> {
    this.#isShutDown = true;
    return inTime(this.gateway.shutdown(), "the gateway's shutdown", 30_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isShutDown) await this.shutdown();
    await Promise.all(this.#clients.map((client) => client.whenClosed()));
  }
}

/** What a test gets that is run with each forwarder. */
export interface ForwarderTest {
  readonly forwarder: "fetch" | "tcp";
  /** Gateways that use it. */
  readonly TestGateway: Pick<typeof TestGateway, "start">;
  readonly t: Deno.TestContext;
}

/** Registers a test twice: with gateways that forward by `fetch`, and by connections of their own. */
export function testEachForwarder(
  name: string,
  run: (test: ForwarderTest) => Promise<void>,
  register: (name: string, fn: (t: Deno.TestContext) => Promise<void>) => void = Deno.test,
): void {
  for (const forwarder of ["fetch", "tcp"] as const) {
    const withForwarder: Pick<typeof TestGateway, "start"> = {
      start: (backendUrl, flags = [], ...rest) =>
        TestGateway.start(backendUrl, [`--forwarder=${forwarder}`, ...flags], ...rest),
    };
    register(`${forwarder}: ${name}`, (t) => run({ forwarder, TestGateway: withForwarder, t }));
  }
}

/** The same with each implementation of WebSockets: four times. */
export function testEachWay(name: string, run: (test: ForwarderTest) => Promise<void>): void {
  testEachForwarder(name, run, testEachWebSocket);
}
