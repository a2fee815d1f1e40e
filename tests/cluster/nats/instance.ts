import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, systemClock } from "../../../lib/clock.ts";
import type {
  CallNames,
  Client,
  ClientPage,
  ClientReply,
  ClientRequest,
  Peer,
} from "../../../lib/cluster/bus.ts";
import type {
  Answer,
  Answers,
  Question,
  QuestionKind,
  QuestionOf,
} from "../../../lib/cluster/survey.ts";
import { NatsBus } from "../../../lib/cluster/nats/bus.ts";
import { connectNats } from "../../../lib/nats/connect.ts";
import type { Errand } from "../../../lib/client/outgoing.ts";
import { SharedTime } from "../../../lib/ids.ts";
import { MetricSet } from "../../../lib/metrics/metrics.ts";
import { until } from "../../support/deadline.ts";
import { KeptLog } from "../../support/nats.ts";

/** One instance on a real NATS, with clients that exist only in its list. */
export class Instance implements Peer, AsyncDisposable {
  readonly peerId = crypto.randomUUID();
  readonly time: SharedTime;
  readonly clients = new Map<string, Client>();
  readonly log = new KeptLog();
  readonly bus: NatsBus;
  /** The bus's connection, when it has one. */
  connection: NatsConnection | undefined;
  /** Connections that were closed because there is a newer one. */
  readonly closed: string[] = [];
  /** Of whom something was to be forgotten; null for all. */
  readonly forgotten: (string | null)[] = [];
  /** MessageIds of CALLs that this instance reported because another one went. */
  readonly lostCalls: string[] = [];
  /** Answers what others ask. */
  answer: (request: ClientRequest, errand?: Errand) => ClientReply | Promise<ClientReply> = () => ({
    kind: "accepted",
  });

  /** @param servers `host:port` each. */
  constructor(
    servers: readonly string[],
    prefix = "test",
    maxMessageBytes = 1024 ** 2,
    port?: string,
    clock: Clock = systemClock,
  ) {
    this.time = new SharedTime(clock);
    this.bus = new NatsBus({
      prefix,
      peerId: this.peerId,
      local: this,
      time: this.time,
      metrics: new MetricSet([]).metrics,
      port,
      maxMessageBytes,
      connect: async () =>
        this.connection = await connectNats({ servers, isTls: false }, {}, prefix),
      clock: systemClock,
      log: this.log,
    });
  }

  /** One that can reach the others. */
  static async ready(
    servers: readonly string[],
    prefix = "test",
    maxMessageBytes?: number,
    port?: string,
    clock?: Clock,
  ): Promise<Instance> {
    const instance = new Instance(servers, prefix, maxMessageBytes, port, clock);
    await until("a bus that is available", () => instance.bus.isAvailable);
    return instance;
  }

  /** A client connects here; as a gateway does, it keeps the newer of two. */
  connect(clientId: string, connectionId: string): void {
    const other = this.clients.get(clientId);
    if (other !== undefined && other.connectionId > connectionId) {
      this.closed.push(connectionId);
      return;
    }
    const client: Client = {
      clientId,
      connectionId,
      protocol: "ocpp1.6",
      remoteAddress: "127.0.0.1",
      connectedAt: 0,
    };
    this.clients.set(clientId, client);
    if (other !== undefined) this.#ended(other);
    this.bus.attach(client);
  }

  forget(clientId: string | null): void {
    this.forgotten.push(clientId);
  }

  /** A connection ends, perhaps late. */
  disconnect(client: Client): void {
    if (this.clients.get(client.clientId) === client) this.clients.delete(client.clientId);
    this.bus.detach(client);
  }

  #ended(client: Client): void {
    this.closed.push(client.connectionId);
    this.disconnect(client);
  }

  find(clientId: string): Client | undefined {
    return this.clients.get(clientId);
  }

  replaced(clientId: string, connectionId: string): void {
    const client = this.clients.get(clientId);
    if (client !== undefined && client.connectionId < connectionId) this.#ended(client);
  }

  async serve(request: ClientRequest, errand?: Errand): Promise<ClientReply> {
    const client = this.clients.get(request.clientId);
    if (client === undefined) return { kind: "refused", reason: "gone" };
    if (request.kind === "describe") return { kind: "client", client };
    return await this.answer(request, errand);
  }

  page(after: string | null, limit: number): ClientPage {
    const all = [...this.clients.values()].sort((a, b) => (a.clientId < b.clientId ? -1 : 1));
    const left = all.filter(({ clientId }) => after === null || clientId > after);
    return { total: all.length, clients: left.slice(0, limit), hasMore: left.length > limit };
  }

  /** Answers what all are asked beside pages. */
  know: (question: Question) => Answer = () => null;

  answerTo<K extends QuestionKind>(question: QuestionOf<K>): Answers[K] {
    const asked: Question = question;
    const answer: Answer = asked.kind === "page"
      ? this.page(asked.after, asked.limit)
      : this.know(asked);
    return answer as Answers[K];
  }

  lost(_client: Client, { messageId }: CallNames): void {
    this.lostCalls.push(messageId);
  }

  /** Who is found under this ClientId from here; undefined when nobody is. */
  async whoIs(clientId: string): Promise<string | undefined> {
    const reply = await this.bus.ask({ kind: "describe", clientId });
    if (reply.kind === "client") return reply.client.connectionId;
    if (reply.kind === "refused" && reply.reason === "gone") return undefined;
    throw new Error(JSON.stringify(reply));
  }

  call(clientId: string, messageId: string, waitSeconds: number | null = null, payload = "{}") {
    const call = { clientId, action: "Act", messageId, payload, waitSeconds };
    return this.bus.ask({ kind: "call", ...call });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bus.close(5000);
  }
}
