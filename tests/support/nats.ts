/**
 * NATS servers, cut cables, and gateways that are tied together by them.
 *
 * @module
 */

import { nkeys } from "@nats-io/transport-node";
import { systemClock } from "../../lib/clock.ts";
import { MemoryStore } from "../../lib/outbox/memory.ts";
import { NatsBus } from "../../lib/cluster/nats/bus.ts";
import { connectNats } from "../../lib/nats/connect.ts";
import { nameOfInstance } from "../../lib/cluster/nats/join.ts";
import { readInvocation } from "../../lib/config/config.ts";
import { readSecrets } from "../../lib/config/secret.ts";
import { type Gateway, startGateway } from "../../lib/gateway/gateway.ts";
import { type Log, silentLog } from "../../lib/log/log.ts";
import { closedPort, isPortTaken, onClosedPort } from "./backend.ts";
import { TestClient } from "./client.ts";
import { inTime, until } from "./deadline.ts";
import { lastOfEach } from "./flags.ts";
import type { ApiAnswer } from "./gateway.ts";
import { programOf, testWith } from "./needs.ts";
import { Program, TempDir } from "./program.ts";
import { systemRandom } from "../../lib/random.ts";

/** Registers a test that is left out where there is no nats-server. */
export function testWithNats(name: string, fn: (t: Deno.TestContext) => Promise<void>): void {
  testWith("nats-server", name, fn);
}

/** What the test's log kept: the events and their fields, level first. */
export class KeptLog implements Log {
  readonly isDebug = false;
  readonly lines: string[] = [];

  debug(): void {}

  info(event: string, fields: object = {}): void {
    this.lines.push(`info ${event} ${JSON.stringify(fields)}`);
  }

  audit(event: string, fields: object = {}): void {
    this.info(event, fields);
  }

  warn(event: string, fields: object = {}): void {
    this.lines.push(`warn ${event} ${JSON.stringify(fields)}`);
  }

  error(event: string, fields: object = {}): void {
    this.lines.push(`error ${event} ${JSON.stringify(fields)}`);
  }

  count(part: string): number {
    return this.lines.filter((line) => line.includes(part)).length;
  }
}

/** What a server logs of the ports that it has chosen. */
const CHOSEN = {
  clients: "Listening for client connections on 127.0.0.1:",
  routes: "Listening for route connections on 127.0.0.1:",
  monitor: "Starting http monitor on 127.0.0.1:",
};

interface NatsOptions {
  /** More lines of its configuration; files that they name go into the folder. */
  readonly config?: string | ((dir: TempDir) => string);
  /** Where it listens for clients; unless given, it chooses. */
  readonly port?: number;
  /** Whether it is one of a cluster: then it is ready when it listens for routes too. */
  readonly isClustered?: boolean;
}

/** JetStream on, with its files in the server's own folder; for `NatsServer.start`. */
export function withJetStream(dir: TempDir, more = "max_file_store: 1GB"): string {
  return `jetstream { store_dir: "${dir.path("jetstream")}", max_memory_store: 64MB, ${more} }`;
}

/** A nats-server on ports of 127.0.0.1, killed when it is disposed of. */
export class NatsServer implements AsyncDisposable {
  readonly #dir = new TempDir();
  readonly #isClustered: boolean;
  readonly #more: string;
  #port: number | undefined;
  #program: Program | undefined;
  #log = "";

  private constructor({ config = "", port, isClustered = false }: NatsOptions) {
    this.#isClustered = isClustered;
    this.#port = port;
    this.#more = typeof config === "string" ? config : config(this.#dir);
  }

  /** Starts one; leaves nothing behind when it fails. */
  static async start(
    config: NatsOptions["config"] = "",
    options: Omit<NatsOptions, "config"> = {},
  ): Promise<NatsServer> {
    const server = new NatsServer({ ...options, config });
    try {
      await server.#run();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts one on a port that nobody gets by chance while it is down. */
  static startToRestart(config: NatsOptions["config"] = ""): Promise<NatsServer> {
    return onClosedPort((port) => NatsServer.start(config, { port }));
  }

  /** Where clients connect. */
  get port(): number {
    return this.#port!;
  }

  get isRunning(): boolean {
    return this.#program !== undefined;
  }

  /** Where other servers connect. */
  get routePort(): number {
    return this.#chosen("routes");
  }

  /** Where it is asked what goes on. */
  get monitorPort(): number {
    return this.#chosen("monitor");
  }

  /** With this at its end, `user:password@` may stand before. */
  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  get url(): string {
    return `nats://${this.host}`;
  }

  /** Starts it again on the same port, as soon as nobody else has it. */
  async restart(): Promise<void> {
    let fault: unknown;
    await until("a NATS server on its port again", async () => {
      fault = await this.#run().catch((error) => error);
      return !isPortTaken(fault);
    });
    if (fault !== undefined) throw fault;
  }

  async #run(): Promise<void> {
    const listen = `listen: "127.0.0.1:${this.#port ?? -1}"`;
    const config = this.#dir.file("nats.conf", `${listen}\n${this.#more}\n`);
    this.#program = new Program(programOf("nats-server"), ["-c", config]);
    this.#log = await this.#program.logged("Server is ready");
    // It ends when that port is taken, after it was ready.
    if (this.#isClustered) this.#log = await this.#program.logged(CHOSEN.routes);
    this.#port = this.#chosen("clients");
  }

  #chosen(which: keyof typeof CHOSEN): number {
    const after = this.#log.split(CHOSEN[which])[1];
    if (after === undefined) throw new Error(`it does not listen for ${which}: ${this.#log}`);
    return parseInt(after);
  }

  /** It does nothing any more, and its connections stay. */
  freeze(): void {
    this.#program?.signal("SIGSTOP");
  }

  /** It goes on where it was. */
  thaw(): void {
    this.#program?.signal("SIGCONT");
  }

  /** `kill -9`, and waits for its end. */
  async kill(): Promise<void> {
    await this.#program?.[Symbol.asyncDispose]();
    this.#program = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#dir[Symbol.dispose]();
  }
}

/** Three NATS servers that know each other. */
export class NatsCluster implements AsyncDisposable {
  readonly servers: readonly NatsServer[];

  private constructor(servers: readonly NatsServer[]) {
    this.servers = servers;
  }

  /**
   * Starts them; leaves nothing behind when it fails.
   *
   * @param hasJetStream Then one of them leads JetStream when this resolves.
   */
  static async start(hasJetStream = false): Promise<NatsCluster> {
    // Each names the others, so their ports must be known before, and are kept over a restart.
    const cluster = await onClosedPort((first) =>
      NatsCluster.#startOn([first, closedPort(), closedPort()], hasJetStream)
    );
    try {
      for (const { monitorPort } of cluster.servers) {
        await until("two routes of each NATS server", async () => {
          const response = await fetch(`http://127.0.0.1:${monitorPort}/routez`);
          return (await response.json()).num_routes >= 2;
        });
      }
      if (hasJetStream) await cluster.whenLed();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @param ports Of their routes. */
  static async #startOn(ports: readonly number[], hasJetStream: boolean): Promise<NatsCluster> {
    const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
    const starting = await Promise.allSettled(ports.map((port, k) => {
      const config = `server_name: n${k}\nhttp: "127.0.0.1:-1"\n` +
        `cluster { name: c, listen: "127.0.0.1:${port}", routes: [${routes}] }\n`;
      return NatsServer.start(
        (dir) => hasJetStream ? config + withJetStream(dir) : config,
        { port: closedPort(), isClustered: true },
      );
    }));
    const cluster = new NatsCluster(
      starting.flatMap((start) => start.status === "fulfilled" ? [start.value] : []),
    );
    const failed = starting.find((start) => start.status === "rejected");
    if (failed === undefined) return cluster;
    await cluster[Symbol.asyncDispose]();
    throw failed.reason;
  }

  /** All that are alive know of each other's JetStream, and of one that leads it. */
  async whenLed(): Promise<void> {
    const { servers } = this;
    const alive = servers.filter((server) => server.isRunning);
    await until("a leader of JetStream, and all that follow", async () => {
      const answers = await Promise.all(alive.map(async ({ monitorPort }) => {
        const response = await fetch(`http://127.0.0.1:${monitorPort}/jsz`);
        return (await response.json()).meta_cluster ?? {};
      }));
      const leader = answers.find(({ leader, replicas = [] }) =>
        leader && replicas.filter((one: { offline?: boolean }) => !one.offline).length >=
          alive.length - 1
      );
      return leader !== undefined && answers.every((answer) => answer.leader === leader.leader);
    }, 30_000);
  }

  /** All three, this one first. */
  urlsFrom(first: number): string {
    const { servers } = this;
    return servers.map((_, k) => servers[(first + k) % servers.length]!.url).join(",");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => server[Symbol.asyncDispose]()));
  }
}

/** A TCP way to a port that can be cut and mended. */
export class Cable implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #port: number;
  readonly #ends = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>;
  readonly #pipes: Promise<void>[] = [];
  #state: "whole" | "cut" | "silent" = "whole";

  constructor(port: number) {
    this.#port = port;
    this.#running = this.#accept();
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Closes what is connected, and lets nothing through until it is mended. */
  cut(): void {
    this.#state = "cut";
    this.#closeAll();
  }

  /** Swallows everything from now on and closes nothing, as a broken network does. */
  silence(): void {
    this.#state = "silent";
  }

  /** New connections get through again; what was silent is closed. */
  mend(): void {
    if (this.#state === "silent") this.#closeAll();
    this.#state = "whole";
  }

  async #accept(): Promise<void> {
    for await (const near of this.#listener) {
      if (this.#state === "cut") {
        near.close();
        continue;
      }
      this.#ends.add(near);
      try {
        const far = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
        this.#ends.add(far);
        this.#pipes.push(this.#pipe(near, far), this.#pipe(far, near));
      } catch {
        this.#close(near);
      }
    }
  }

  async #pipe(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65536);
    try {
      for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
        if (this.#state !== "whole") continue;
        let bytes = buffer.subarray(0, n);
        while (bytes.length > 0) bytes = bytes.subarray(await to.write(bytes));
      }
    } catch {
      // Cut.
    }
    this.#close(from);
    this.#close(to);
  }

  #close(end: Deno.TcpConn): void {
    if (this.#ends.delete(end)) end.close();
  }

  #closeAll(): void {
    for (const end of [...this.#ends]) this.#close(end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#closeAll();
    await this.#running;
    await Promise.all(this.#pipes);
  }
}

/** A gateway in this process that is one of many. */
export class NatsGateway implements AsyncDisposable {
  readonly gateway: Gateway;
  readonly #clients: TestClient[] = [];
  #isShutDown = false;

  private constructor(gateway: Gateway) {
    this.gateway = gateway;
  }

  static async #start(
    backendUrl: string,
    flags: readonly string[],
    log: Log,
  ): Promise<NatsGateway> {
    const args = ["--listen=127.0.0.1:0", `--backend=${backendUrl}`, "--drain-timeout=500ms"];
    const invocation = readInvocation(
      lastOfEach([...args, ...flags]),
      () => undefined,
      "0.0.0-test",
    );
    if (invocation.kind !== "run") throw new Error(JSON.stringify(invocation));
    const { config } = invocation;
    const read = readSecrets(config, Deno.readFileSync);
    if (!read.ok) throw new Error(read.message);
    const { natsCredentials: credentials, natsCa: ca } = read.secrets;
    const instance = nameOfInstance(systemRandom);
    const gateway = await startGateway(config, {
      instance,
      secrets: read.secrets,
      log,
      random: systemRandom,
      clock: systemClock,
      version: "0.0.0-test",
      startedAt: 0,
      store: new MemoryStore(),
      createBus: (local, { time, metrics }) =>
        new NatsBus({
          prefix: config.natsSubject,
          peerId: instance,
          ...{ local, time, metrics },
          port: undefined,
          maxMessageBytes: config.maxMessageBytes,
          connect: () => connectNats(config.nats!, { credentials, ca }, config.natsSubject),
          clock: systemClock,
          log,
        }),
    });
    return new NatsGateway(gateway);
  }

  /** Starts one, and does not wait for NATS. */
  static start(
    backendUrl: string,
    nats: string,
    flags: readonly string[] = [],
    log: Log = silentLog,
  ): Promise<NatsGateway> {
    return NatsGateway.#start(backendUrl, [`--nats=${nats}`, ...flags], log);
  }

  /** Starts one that others can reach. */
  static async ready(
    backendUrl: string,
    nats: string,
    flags: readonly string[] = [],
    log: Log = silentLog,
  ): Promise<NatsGateway> {
    const gateway = await NatsGateway.start(backendUrl, nats, flags, log);
    try {
      await gateway.whenReady();
    } catch (error) {
      await gateway[Symbol.asyncDispose]();
      throw error;
    }
    return gateway;
  }

  get url(): string {
    return this.gateway.url;
  }

  async whenReady(isReady = true): Promise<void> {
    await until(
      isReady ? "a gateway that reaches NATS" : "a gateway that knows NATS is away",
      async () => (await this.api("/readyz?strict")).status === (isReady ? 200 : 503),
    );
  }

  /** A client that is connected and listed here. */
  async connect(path: string, protocol = "ocpp1.6"): Promise<TestClient> {
    const client = this.begin(path, protocol);
    await inTime(client.opened, `the upgrade of ${path}`);
    const answer = client.next('[4,"-1"');
    client.send("no frame");
    await answer;
    return client;
  }

  /** A client that has begun to connect. */
  begin(path: string, protocol = "ocpp1.6"): TestClient {
    const url = `${this.url.replace("http", "ws")}/${path}`;
    const client = new TestClient(url, { protocols: [protocol] });
    this.#clients.push(client);
    return client;
  }

  /** A request to the API. */
  async api(path: string, init: RequestInit = {}): Promise<ApiAnswer> {
    const response = await inTime(fetch(`${this.url}${path}`, init), path, 30_000);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** `POST /call/<path>` */
  call(path: string, body = "{}", headers: Record<string, string> = {}): Promise<ApiAnswer> {
    return this.api(`/call/${path}`, { method: "POST", body, headers });
  }

  /** The ClientIds on one page, and the rest of it. */
  async list(query = ""): Promise<{ total: number; ids: string[]; next: string | null }> {
    const { total, clients, next } = JSON.parse((await this.api(`/clients${query}`)).text);
    return { total, ids: clients.map(({ id }: { id: string }) => id), next };
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

/** Keys and claims of NATS's operator mode, as its tool `nsc` makes them. */
export function makeCredentials(): { config: string; credentials: string } {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  const user = nkeys.createUser();
  const operatorJwt = jwt(operator, operator, "operator", { type: "operator", version: 2 });
  const unlimited = {
    subs: -1,
    data: -1,
    payload: -1,
    imports: -1,
    exports: -1,
    conn: -1,
    leaf: -1,
  };
  const accountJwt = jwt(operator, account, "account", {
    limits: { ...unlimited, wildcards: true },
    type: "account",
    version: 2,
  });
  const userJwt = jwt(account, user, "user", {
    pub: {},
    sub: {},
    subs: -1,
    data: -1,
    payload: -1,
    type: "user",
    version: 2,
  });
  return {
    config: `operator: "${operatorJwt}"\nresolver: MEMORY\n` +
      `resolver_preload: { ${account.getPublicKey()}: "${accountJwt}" }`,
    credentials: `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n\n` +
      "-----BEGIN USER NKEY SEED-----\n" +
      `${new TextDecoder().decode(user.getSeed())}\n------END USER NKEY SEED------\n`,
  };
}

type KeyPair = ReturnType<typeof nkeys.createUser>;

function jwt(issuer: KeyPair, subject: KeyPair, name: string, claims: object): string {
  const head = { typ: "JWT", alg: "ed25519-nkey" };
  const body = {
    jti: crypto.randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name,
    nats: claims,
  };
  const encoder = new TextEncoder();
  const signed = [head, body].map((part) => base64Url(encoder.encode(JSON.stringify(part))))
    .join(".");
  return `${signed}.${base64Url(issuer.sign(encoder.encode(signed)))}`;
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_")
    .replaceAll("=", "");
}
