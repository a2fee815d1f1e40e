/** A station's day behind a strict gateway, told as the station and the backend see it. */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import type { ClientOptions, TestClient } from "../support/client.ts";
import { inTime } from "../support/deadline.ts";
import type { ApiAnswer, TestGateway } from "../support/gateway.ts";
import { strictGateway } from "../support/strict_gateway.ts";

/** Of a CALLERROR, as JSON texts behind the MessageId. */
export interface ErrorTexts {
  readonly code: string;
  readonly description: string;
  readonly details: string;
}

/** An example that answers in the place of the backend, which goes on recording. */
export interface AnsweringExample {
  readonly url: string;
  /**
   * What it is expected to answer to a CALL, as a value. A `currentTime` or `transactionId` of its own
   * is taken out of its answer first.
   */
  says(action: string, asked: Record<string, unknown>): unknown;
}

/** The station's end of its connection. */
export type StationEnd = Pick<TestClient, "next" | "left" | "send" | "whenClosed"> & {
  readonly socket: Pick<WebSocket, "protocol"> & { close(code: number, reason: string): void };
};

/** How a station comes. */
export interface Way {
  readonly flags: readonly string[];
  /** What the backend hears of it when the station connects. */
  readonly told: { readonly tls: boolean; readonly clientCertificate: unknown };
  connect(gateway: TestGateway, path: string, options: ClientOptions): Promise<StationEnd>;
  /** For the backend's requests; undefined where none is needed. */
  readonly http?: Deno.HttpClient;
}

const PLAIN: Way = {
  flags: [],
  told: { tls: false, clientCertificate: null },
  connect: (gateway, path, options) => gateway.connect(path, options),
};

const AUTHORIZATION = `Basic ${btoa("user:password")}`;

/**
 * One station and one backend. Each step takes what both hear next and compares it, texts byte for
 * byte; `ends` says that nothing else came. Both count their MessageIds from 1: the two directions
 * have MessageIds of their own.
 */
export class Day implements AsyncDisposable {
  readonly #protocol: string;
  readonly #path: string;
  readonly #backend: RecordingBackend;
  readonly #gateway: TestGateway;
  readonly #example: AnsweringExample | undefined;
  readonly #way: Way;
  #station: StationEnd | undefined;
  /** The connection's id, as the backend heard it when it let the station in. */
  #connectionId: string | null = null;
  #lastStationId = 0;
  #lastBackendId = 0;
  #requests = 0;
  /** CALLs that the station has not answered. */
  #open: { readonly action: string; readonly messageId: string }[] = [];
  /** What the backend answers to a CALL. */
  #answer = { status: 200, body: "" };

  private constructor(
    protocol: string,
    clientId: string,
    backend: RecordingBackend,
    gateway: TestGateway,
    example: AnsweringExample | undefined,
    way: Way,
  ) {
    this.#way = way;
    this.#protocol = protocol;
    this.#path = encodeURIComponent(clientId);
    this.#backend = backend;
    this.#gateway = gateway;
    this.#example = example;
    this.#backend.answer = async ({ path, headers, body }) => {
      const isHook = /^\/(?:dis)?connect\//.test(path);
      if (example !== undefined && !isHook) {
        const url = new URL(path, example.url);
        const response = await fetch(url, { method: "POST", headers, body });
        this.#answer = { status: response.status, body: await response.text() };
        const { status, body: text } = this.#answer;
        return new Response(text === "" ? null : text, { status });
      }
      if (!path.startsWith("/call/")) return new Response(null, { status: 204 });
      return new Response(this.#answer.body, { status: this.#answer.status });
    };
  }

  /**
   * A new day.
   *
   * @param protocol The station's subprotocol.
   * @param clientId The station's name.
   * @param example Answers what the station says; without one each step says what the backend does.
   */
  static async begin(
    protocol: string,
    clientId: string,
    example?: AnsweringExample,
    way = PLAIN,
  ): Promise<Day> {
    const backend = new RecordingBackend();
    const flags = ["--connect-hook", "--disconnect-hook", "--require-protocol", ...way.flags];
    const gateway = await strictGateway(backend.url, flags);
    return new Day(protocol, clientId, backend, gateway, example, way);
  }

  /** The station connects, while an older connection of its may still be open. */
  async connects(): Promise<void> {
    const older = this.#station;
    const olderId = this.#connectionId;
    this.#station = await this.#way.connect(this.#gateway, this.#path, {
      protocols: ["ocpp9.9", this.#protocol],
      headers: { authorization: AUTHORIZATION },
    });
    strictEqual(this.#station.socket.protocol, this.#protocol);
    const asked = await this.#backend.next();
    this.#requests++;
    this.#connectionId = asked.headers.get("x-ws2api-connection");
    deepStrictEqual([asked.path, JSON.parse(asked.body)], [`/connect/${this.#path}`, {
      protocols: ["ocpp9.9", this.#protocol],
      remoteAddress: "127.0.0.1",
      authorization: AUTHORIZATION,
      ...this.#way.told,
    }]);
    if (older === undefined) return;
    deepStrictEqual(await older.whenClosed(), { code: 1008, reason: "replaced" });
    deepStrictEqual(older.left, []);
    await this.#isTold(
      olderId,
      '{"code":1008,"reason":"replaced"}',
      "the client was replaced by a newer connection",
    );
  }

  /** The station goes, and the backend hears what became of the CALLs that it has not answered. */
  async disconnects(): Promise<void> {
    const station = this.#connected;
    station.socket.close(1000, "restarting");
    await station.whenClosed();
    deepStrictEqual(station.left, []);
    this.#station = undefined;
    await this.#isTold(
      this.#connectionId,
      '{"code":1000,"reason":"restarting"}',
      "the client disconnected",
    );
    // What a restart forgets.
    this.#lastStationId = 0;
    const gone = await this.#post(`Heartbeat/${this.#path}/1`);
    deepStrictEqual([gone.status, gone.headers.get("ws2api-outcome")], [404, "not-sent"]);
  }

  async #isTold(connectionId: string | null, body: string, description: string): Promise<void> {
    for (const { action, messageId } of this.#open) {
      const error = { code: "GenericError", description, details: {} };
      await this.#backendGets("error", action, messageId, JSON.stringify(error), connectionId);
    }
    this.#open = [];
    await this.#backendGetsAt(`/disconnect/${this.#path}`, body, connectionId);
  }

  /** Whether an example answers: then nothing that a step says of the backend's answer counts. */
  get hasExample(): boolean {
    return this.#example !== undefined;
  }

  /** The station calls, and the backend's answer is its CALLRESULT. */
  async calls(action: string, payload: string, result = "{}"): Promise<void> {
    this.#answer = { status: 200, body: result };
    const messageId = await this.#call(action, payload);
    const frame = await this.#connected.next();
    strictEqual(frame, `[3,"${messageId}",${this.#answer.body}]`);
    if (this.#example === undefined) return;
    const { currentTime: _, transactionId: __, ...said } = JSON.parse(this.#answer.body);
    deepStrictEqual(said, this.#example.says(action, JSON.parse(payload)), action);
  }

  /** The station calls, and gets a CALLERROR of the backend. */
  async callsInVain(
    action: string,
    payload: string,
    answer: { readonly status: number; readonly body: string },
    { code, description, details }: ErrorTexts,
  ): Promise<void> {
    this.#answer = answer;
    const messageId = await this.#call(action, payload);
    const error = `[4,"${messageId}",${code},${description},${details}]`;
    strictEqual(await this.#connected.next(), error);
  }

  /** The station calls with a payload that is not valid: it gets a CALLERROR, the backend nothing. */
  async callsWrongly(
    action: string,
    payload: string,
    { code, description, details }: ErrorTexts,
  ): Promise<void> {
    const messageId = String(++this.#lastStationId);
    this.#connected.send(`[2,"${messageId}","${action}",${payload}]`);
    const error = `[4,"${messageId}",${code},${description},${details}]`;
    strictEqual(await this.#connected.next(), error);
  }

  async #call(action: string, payload: string): Promise<string> {
    const messageId = String(++this.#lastStationId);
    this.#connected.send(`[2,"${messageId}","${action}",${payload}]`);
    await this.#backendGets("call", action, messageId, payload);
    return messageId;
  }

  /** The station calls, and cannot use the CALLRESULT. */
  async callsForNothing(
    action: string,
    payload: string,
    result: string,
    { code, description, details }: ErrorTexts,
  ): Promise<void> {
    await this.calls(action, payload, result);
    const messageId = String(this.#lastStationId);
    this.#connected.send(`[5,"${messageId}",${code},${description},${details}]`);
    const body = `{"code":${code},"description":${description},"details":${details}}`;
    await this.#backendGets("resulterror", action, messageId, body);
  }

  /** The station sends what nobody answers. */
  async sends(action: string, payload: string): Promise<void> {
    const messageId = String(++this.#lastStationId);
    this.#connected.send(`[6,"${messageId}","${action}",${payload}]`);
    await this.#backendGets("send", action, messageId, payload);
  }

  /**
   * The backend calls the station, and gets its CALLRESULT.
   *
   * @param meanwhile What else happens before the station answers.
   */
  async isCalled(
    action: string,
    payload: string,
    result: string,
    meanwhile = (): Promise<void> => Promise.resolve(),
  ): Promise<void> {
    const messageId = await this.#callOfBackend(action, payload);
    strictEqual(await this.#connected.next(), `[2,"${messageId}","${action}",${payload}]`);
    await meanwhile();
    this.#connected.send(`[3,"${messageId}",${result}]`);
    await this.#backendGets("result", action, messageId, result);
  }

  /** The backend calls the station, and gets its CALLERROR. */
  async isCalledInVain(
    action: string,
    payload: string,
    { code, description, details }: ErrorTexts,
  ): Promise<void> {
    const messageId = await this.#callOfBackend(action, payload);
    strictEqual(await this.#connected.next(), `[2,"${messageId}","${action}",${payload}]`);
    this.#connected.send(`[4,"${messageId}",${code},${description},${details}]`);
    const body = `{"code":${code},"description":${description},"details":${details}}`;
    await this.#backendGets("error", action, messageId, body);
  }

  /**
   * The station's answer is not valid: the backend gets an error, and the station is told, if its
   * version can say it.
   */
  async answersWrongly(
    action: string,
    payload: string,
    result: string,
    { code, description, details }: ErrorTexts,
  ): Promise<void> {
    const messageId = await this.#callOfBackend(action, payload);
    strictEqual(await this.#connected.next(), `[2,"${messageId}","${action}",${payload}]`);
    this.#connected.send(`[3,"${messageId}",${result}]`);
    const refused = {
      code: "GenericError",
      description: `the client's answer was refused: ${JSON.parse(description)}`,
      details: {},
    };
    await this.#backendGets("error", action, messageId, JSON.stringify(refused));
    if (this.#protocol !== "ocpp2.1") return;
    const error = `[5,"${messageId}",${code},${description},${details}]`;
    strictEqual(await this.#connected.next(), error);
  }

  /** The backend calls with a payload that is not valid: the station gets nothing. */
  async isCalledWrongly(action: string, payload: string): Promise<void> {
    const messageId = String(++this.#lastBackendId);
    const { status, headers } = await this.#post(
      `${action}/${this.#path}/${messageId}`,
      payload,
    );
    deepStrictEqual([status, headers.get("ws2api-outcome")], [422, "not-sent"]);
  }

  /** The backend calls the station, which does not answer: the CALLs behind it have to wait. */
  async isSilent(action: string, payload: string): Promise<void> {
    const isFirst = this.#open.length === 0;
    const messageId = await this.#callOfBackend(action, payload);
    this.#open.push({ action, messageId });
    if (!isFirst) return;
    strictEqual(await this.#connected.next(), `[2,"${messageId}","${action}",${payload}]`);
  }

  /** The station answers a CALL that has ended: nobody hears of it. */
  answersLate(): void {
    this.#connected.send(`[3,"${this.#lastBackendId}",{}]`);
  }

  async #callOfBackend(action: string, payload: string): Promise<string> {
    const messageId = String(++this.#lastBackendId);
    const { status } = await this.#post(`${action}/${this.#path}/${messageId}`, payload);
    strictEqual(status, 202);
    return messageId;
  }

  /** The gateway shuts down, and nothing came but what the steps have said. */
  async ends(): Promise<void> {
    const station = this.#connected;
    await this.#gateway.shutdown();
    deepStrictEqual(await station.whenClosed(), { code: 1001, reason: "shutting down" });
    await this.#isTold(this.#connectionId, '{"code":1001,"reason":"shutting down"}', "");
    deepStrictEqual(station.left, []);
    strictEqual(this.#backend.requests.length, this.#requests);
  }

  /** The backend calls. */
  #post(path: string, body = "{}"): Promise<ApiAnswer> {
    const { http: client } = this.#way;
    const init = { method: "POST", body, ...client && { client } };
    return this.#gateway.api(`/call/${path}`, init);
  }

  get #connected(): StationEnd {
    if (this.#station === undefined) throw new TypeError("the station is not connected");
    return this.#station;
  }

  async #backendGets(
    kind: string,
    action: string,
    messageId: string,
    body: string,
    connectionId = this.#connectionId,
  ): Promise<void> {
    await this.#backendGetsAt(`/${kind}/${action}/${this.#path}/${messageId}`, body, connectionId);
  }

  async #backendGetsAt(path: string, body: string, connectionId: string | null): Promise<void> {
    const got = await this.#backend.next();
    this.#requests++;
    deepStrictEqual([got.method, got.path, got.body], ["POST", path, body]);
    deepStrictEqual(
      [got.headers.get("x-ws2api-protocol"), got.headers.get("x-ws2api-connection")],
      [this.#protocol, connectionId],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway[Symbol.asyncDispose]();
    await inTime(this.#backend[Symbol.asyncDispose](), "the backend's end");
  }
}
