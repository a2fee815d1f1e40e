/**
 * Programs whose outbox is one ledger in JetStream, and what can be seen of it.
 *
 * @module
 */

import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { isObject } from "../../lib/codec/json.ts";
import { readEntry } from "../../lib/outbox/jetstream/entry_text.ts";
import { readSign, type Sign } from "../../lib/outbox/jetstream/sign_text.ts";
import { streamNames } from "../../lib/outbox/jetstream/subject.ts";
import type { Entry } from "../../lib/outbox/entry.ts";
import { closedPort, json, type Recorded, RecordingBackend } from "./backend.ts";
import { TestClient } from "./client.ts";
import { inTime, until } from "./deadline.ts";
import type { ApiAnswer } from "./gateway.ts";
import { NatsServer, withJetStream } from "./nats.ts";
import { type Program, startProgram, urlOf } from "./program.ts";

const STREAMS = streamNames("ws2api");

/** What a CALL came to, as the backend was told. */
export interface Outcome {
  readonly id: string | null;
  /** `<kind> <MessageId>`, and of an error its description. */
  readonly text: string;
}

/** A client that answers what it is told to. */
export class Station extends TestClient {
  readonly clientId: string;

  constructor(url: string, clientId: string) {
    super(new URL(clientId, url.replace("http", "ws")).href);
    this.clientId = clientId;
  }

  /** Answers a CALL that has come or will. */
  async answer(
    messageId: string,
    frame = `[3,"${messageId}",{"of":"${messageId}"}]`,
  ): Promise<void> {
    await this.next(`[2,"${messageId}"`);
    this.send(frame);
  }

  /** Answers each CALL from now on. */
  answerAll(): void {
    this.socket.addEventListener("message", ({ data }) => {
      const [type, id] = JSON.parse(String(data));
      if (type === 2) this.send(`[3,"${id}",{"of":"${id}"}]`);
    });
  }
}

/** The API of a gateway, and its clients. */
export class GatewayApi implements AsyncDisposable {
  readonly url: string;
  readonly #http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  readonly #stations: Station[] = [];

  constructor(url: string) {
    this.url = url;
  }

  /** A request to the API, on a connection of its own, so that any worker may get it. */
  async api(path: string, init: RequestInit = {}): Promise<ApiAnswer> {
    const asking = fetch(this.url + path, { ...init, client: this.#http });
    const response = await inTime(asking, path, 20_000);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  call(path: string, headers: Record<string, string> = {}, body = "{}"): Promise<ApiAnswer> {
    return this.api(`/call/Reset/${path}`, { method: "POST", body, headers });
  }

  /** Tries until a CALL is accepted. */
  async accepted(path: string, headers: Record<string, string> = {}): Promise<void> {
    let last: ApiAnswer | undefined;
    await until(`a 202 for ${path}`, async () => {
      last = await this.call(path, headers);
      return last.status === 202;
    }, 20_000).catch((error) => {
      throw new Error(`${error.message}: ${last?.status} ${last?.text}`);
    });
  }

  /** A client that is connected and listed; tried again while a dead worker's port is still dealt out. */
  async station(clientId: string): Promise<Station> {
    let station: Station | undefined;
    await until(`${clientId} to be let in`, async () => {
      station = new Station(this.url, clientId);
      return await inTime(station.opened, `the upgrade of ${clientId}`).then(
        () => true,
        () => false,
      );
    });
    const answer = station!.next('[4,"-1"');
    station!.send("no frame");
    await answer;
    this.#stations.push(station!);
    return station!;
  }

  /** Reports that were not delivered, the oldest first. */
  async reports(query = ""): Promise<{ id: string; messageId: string; state: string }[]> {
    return JSON.parse((await this.api(`/outbox${query}`)).text).reports;
  }

  /** No report waits for its next try any longer. */
  async retryAll(): Promise<void> {
    for (const { id } of await this.reports("?state=waiting&limit=1000")) {
      await this.api(`/outbox/${id}/retry`, { method: "POST" });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const station of this.#stations) {
      station.socket.close();
      await station.whenClosed();
    }
    this.#http.close();
  }
}

/** One gateway as a program. */
export class RunningGateway extends GatewayApi {
  readonly program: Program;

  constructor(program: Program, url: string) {
    super(url);
    this.program = program;
  }

  /** `kill -9`, and waits for its end. */
  async kill(): Promise<void> {
    this.program.signal("SIGKILL");
    await this.program.ended();
  }

  /** Asks it to end. @returns How long it took from its own word that it does. */
  async stop(): Promise<{ code: number; stderr: string; ms: number }> {
    this.program.signal("SIGTERM");
    await this.program.logged("shutting down");
    const since = performance.now();
    const { code, stderr } = await this.program.ended();
    return { code, stderr, ms: performance.now() - since };
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    await super[Symbol.asyncDispose]();
  }
}

interface WorldOptions {
  /** More of the NATS server's JetStream. */
  readonly jetStream?: string;
  /** More of its configuration. */
  readonly config?: string;
}

/** A NATS server, a place for a backend, and gateways. */
export class LedgerWorld implements AsyncDisposable {
  readonly nats: NatsServer;
  readonly backendPort = closedPort();
  readonly #stack = new AsyncDisposableStack();
  backend: RecordingBackend | undefined;

  private constructor(nats: NatsServer) {
    this.nats = this.#stack.use(nats);
  }

  /** The backend is away at first. */
  static async start({ jetStream, config = "" }: WorldOptions = {}): Promise<LedgerWorld> {
    return new LedgerWorld(
      await NatsServer.startToRestart((dir) => `${withJetStream(dir, jetStream)}\n${config}`),
    );
  }

  /** The flags of each gateway. */
  flags(more: readonly string[] = []): string[] {
    const all = [
      "--listen=127.0.0.1:0",
      `--backend=http://127.0.0.1:${this.backendPort}/`,
      `--nats=${this.nats.url}`,
      "--outbox=nats",
      "--outbox-max-bytes=64MiB",
      "--drain-timeout=500ms",
      ...more,
    ];
    // The last of each counts.
    const byName = new Map(all.map((flag) => [flag.split("=")[0], flag]));
    return [...byName.values()].filter((flag) => !flag.endsWith("=none"));
  }

  async gateway(flags: readonly string[] = []): Promise<RunningGateway> {
    const program = this.#stack.use(startProgram(this.flags(flags)));
    return this.#stack.use(new RunningGateway(program, await urlOf(program)));
  }

  async backendComes(): Promise<RecordingBackend> {
    const backend = await RecordingBackend.again(this.backendPort);
    backend.answer = () => json("{}");
    this.backend = this.#stack.use(backend);
    return backend;
  }

  /** What the backend was told of one client, in order. */
  outcomes(clientId: string): Outcome[] {
    return (this.backend?.requests ?? [])
      .filter(({ path }) =>
        /^\/(?:result|error|resulterror)\//.test(path) && path.split("/").at(-2) === clientId
      )
      .map(outcomeOf);
  }

  /** What stands in the ledger, oldest first. */
  ledger(): Promise<Entry[]> {
    return this.#messages(STREAMS.entries, (text) => readEntry(text)?.entry);
  }

  /** The last signs of life of all owners that are there, and of those that have no heir yet. */
  async owners(): Promise<Sign[]> {
    const all = await this.#messages(STREAMS.owners, readSign);
    return all.filter(({ heir }) => heir === null);
  }

  /** @param what Of JetStream, for an operator's deed. */
  async jetStream<T>(
    what: (
      jsm: Awaited<ReturnType<typeof jetstreamManager>>,
      streams: typeof STREAMS,
    ) => Promise<T>,
  ): Promise<T> {
    const connection = await connect({ servers: this.nats.host });
    try {
      return await what(await jetstreamManager(connection, { checkAPI: false }), STREAMS);
    } finally {
      await connection.close();
    }
  }

  #messages<T>(stream: string, read: (text: string) => T | undefined): Promise<T[]> {
    return this.jetStream(async (jsm) => {
      const info = await jsm.streams.info(stream, { subjects_filter: ">" });
      const all: { seq: number; said: T }[] = [];
      for (const last_by_subj of Object.keys(info.state.subjects ?? {})) {
        const message = await jsm.streams.getMessage(stream, { last_by_subj });
        const said = message === null ? undefined : read(message.string());
        if (message !== null && said !== undefined) all.push({ seq: message.seq, said });
      }
      return all.sort((one, other) => one.seq - other.seq).map(({ said }) => said);
    });
  }

  /** Resolves when nothing is owed to the backend any more. */
  async whenEmpty(ms = 15_000): Promise<void> {
    let left: Entry[] = [];
    await until("an empty ledger", async () => (left = await this.ledger()).length === 0, ms)
      .catch((error) => {
        throw new Error(`${error.message}: ${JSON.stringify(left)}`);
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

function outcomeOf({ path, headers, body }: Recorded): Outcome {
  const [kind, , , messageId] = path.slice(1).split("/");
  const said: unknown = JSON.parse(body);
  const description = kind === "error" && isObject(said) ? ` ${said.description}` : "";
  return { id: headers.get("webhook-id"), text: `${kind} ${messageId}${description}` };
}
