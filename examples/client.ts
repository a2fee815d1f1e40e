/**
 * An example client: one simulated charging station that speaks ocpp1.6.
 *
 * Runs by itself against a gateway on its default address, goes through one charging session, and
 * stays connected to answer CALLs of the backend until Ctrl+C:
 *
 *     deno run --allow-net=127.0.0.1 examples/client.ts [ws://127.0.0.1:4000/CP1]
 *
 * @module
 */

/** The payload of a CALL or CALLRESULT. */
export type Payload = Record<string, unknown>;

/** The payload that answers a CALL of the backend; undefined for an Action not known. */
export type Answer = (
  action: string,
  payload: Payload,
) => Payload | undefined | Promise<Payload | undefined>;

export interface ClientOptions {
  /** `ws://HOST:PORT/<ClientId>` */
  readonly url: string;
  /** Told of each frame, as it is on the wire. */
  readonly onFrame?: (direction: "sent" | "received", text: string) => void;
  /** `answerCall` unless given. */
  readonly answer?: Answer;
}

interface Waiter {
  resolve(payload: Payload): void;
  reject(error: Error): void;
}

const CALL = 2;
const CALLRESULT = 3;
const CALLERROR = 4;

const OPEN_TIMEOUT_MS = 10_000;
/** A bit more than the gateway's own time-out for its backend, whose error is worth waiting for. */
const ANSWER_TIMEOUT_MS = 35_000;
const CLOSE_TIMEOUT_MS = 5000;

/** What this station does when the backend calls it. */
export function answerCall(action: string): Payload | undefined {
  switch (action) {
    case "Reset":
      return { status: "Accepted" };
    case "UnlockConnector":
      return { status: "Unlocked" };
  }
}

/** A station's connection to the gateway. */
export class Client {
  /** Comes when the connection ends, whoever ended it. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #socket: WebSocket;
  readonly #onFrame: (direction: "sent" | "received", text: string) => void;
  readonly #answer: Answer;
  /** CALLs of this station that have no answer yet, by MessageId. */
  readonly #waiters = new Map<string, Waiter>();
  #lastMessageId = 0;

  private constructor({ url, onFrame = () => {}, answer = answerCall }: ClientOptions) {
    this.#onFrame = onFrame;
    this.#answer = answer;
    this.#socket = new WebSocket(url, "ocpp1.6");
    this.#socket.addEventListener("message", ({ data }) => this.#receive(data));
    this.closed = new Promise((resolve) => {
      this.#socket.addEventListener("close", ({ code, reason }) => {
        for (const { reject } of this.#waiters.values()) {
          reject(new Error(`the connection was closed with ${code} ${reason}`.trimEnd()));
        }
        resolve({ code, reason });
      }, { once: true });
    });
  }

  /**
   * Connects to the gateway.
   *
   * @throws {Error} When that is refused or takes too long.
   */
  static async connect(options: ClientOptions): Promise<Client> {
    const client = new Client(options);
    const opened = new Promise<void>((resolve, reject) => {
      client.#socket.addEventListener("open", () => resolve(), { once: true });
      client.#socket.addEventListener(
        "error",
        (event) => reject(new Error(`cannot connect to ${options.url}: ${messageOf(event)}`)),
        { once: true },
      );
    });
    try {
      await inTime(opened, OPEN_TIMEOUT_MS, "connection");
    } catch (error) {
      client.#socket.close();
      throw error;
    }
    return client;
  }

  /**
   * Sends a CALL.
   *
   * @returns The payload of the backend's CALLRESULT.
   * @throws {Error} For a CALLERROR, no answer in time, or a connection that closed.
   */
  async call(action: string, payload: Payload): Promise<Payload> {
    // Unique in this connection, which is all that OCPP-J asks of ocpp1.6.
    const messageId = String(++this.#lastMessageId);
    const answered = new Promise<Payload>((resolve, reject) => {
      this.#waiters.set(messageId, { resolve, reject });
    });
    try {
      this.#send([CALL, messageId, action, payload]);
      return await inTime(answered, ANSWER_TIMEOUT_MS, `answer to ${action}`);
    } finally {
      this.#waiters.delete(messageId);
    }
  }

  /** Closes the connection and waits until it is. */
  async close(): Promise<void> {
    this.#socket.close(1000);
    await inTime(this.closed, CLOSE_TIMEOUT_MS, "close of the connection");
  }

  #send(frame: readonly unknown[]): void {
    if (this.#socket.readyState !== WebSocket.OPEN) throw new Error("the connection is closed");
    const text = JSON.stringify(frame);
    this.#onFrame("sent", text);
    this.#socket.send(text);
  }

  #receive(data: unknown): void {
    const frame = readFrame(data);
    // The gateway sends nothing else; an example need not do more.
    if (frame === undefined) return;
    this.#onFrame("received", String(data));
    const [type, messageId, ...rest] = frame;
    switch (type) {
      case CALL:
        void this.#answerCall(messageId, String(rest[0]), rest[1] as Payload);
        break;
      case CALLRESULT:
        this.#waiters.get(messageId)?.resolve(rest[0] as Payload);
        break;
      case CALLERROR:
        this.#waiters.get(messageId)?.reject(new Error(`${rest[0]}: ${rest[1]}`));
        break;
    }
  }

  /** Never rejects. */
  async #answerCall(messageId: string, action: string, payload: Payload): Promise<void> {
    let answer: readonly unknown[];
    try {
      const result = await this.#answer(action, payload);
      answer = result === undefined
        ? [CALLERROR, messageId, "NotImplemented", `${action} is not known here`, {}]
        : [CALLRESULT, messageId, result];
    } catch {
      answer = [CALLERROR, messageId, "InternalError", `${action} failed`, {}];
    }
    if (this.#socket.readyState === WebSocket.OPEN) this.#send(answer);
  }
}

function readFrame(data: unknown): [number, string, ...unknown[]] | undefined {
  try {
    const frame: unknown = JSON.parse(String(data));
    return Array.isArray(frame) && typeof frame[1] === "string"
      ? frame as [number, string, ...unknown[]]
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * One charging session, from power-on to the heartbeat after it. One CALL at a time, as OCPP-J asks.
 *
 * @returns How many seconds the backend wants between two heartbeats.
 * @throws {Error} When the backend does not accept the station, or a CALL fails.
 */
export async function chargeOnce(client: Client): Promise<number> {
  const now = (): string => new Date().toISOString();
  const connectorId = 1;
  const idTag = "TAG1";

  const boot = await client.call("BootNotification", {
    chargePointVendor: "Example",
    chargePointModel: "One",
  });
  if (boot["status"] !== "Accepted") throw new Error("the backend did not accept this station");
  await client.call("StatusNotification", {
    connectorId,
    errorCode: "NoError",
    status: "Available",
  });
  await client.call("Authorize", { idTag });
  const { transactionId } = await client.call("StartTransaction", {
    connectorId,
    idTag,
    meterStart: 0,
    timestamp: now(),
  });
  await client.call("MeterValues", {
    connectorId,
    transactionId,
    meterValue: [{ timestamp: now(), sampledValue: [{ value: "750" }] }],
  });
  await client.call("StopTransaction", { transactionId, meterStop: 1500, timestamp: now() });
  await client.call("Heartbeat", {});
  return Number(boot["interval"]);
}

/**
 * Waits for `promise`, but no longer than `ms`; leaves no timer behind.
 *
 * @param what Names the thing waited for, in the error.
 * @throws {Error} When it does not come in time, and what `promise` rejects with.
 */
export async function inTime<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no ${what} within ${ms / 1000} s`)), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function messageOf(event: Event): string {
  return event instanceof ErrorEvent ? event.message : "it failed";
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

async function main(url: string): Promise<void> {
  const client = await Client.connect({
    url,
    onFrame: (direction, text) => print(`${direction === "sent" ? "->" : "<-"} ${text}`),
  });
  const heartbeatSeconds = await chargeOnce(client);
  print("session over; answering the backend's CALLs until Ctrl+C");
  const heartbeat = setInterval(() => {
    // One that fails shows in the frames printed.
    client.call("Heartbeat", {}).catch(() => {});
  }, Math.max(1, heartbeatSeconds) * 1000);
  const { code, reason } = await client.closed;
  clearInterval(heartbeat);
  print(`closed with ${code} ${reason}`.trimEnd());
}

if (import.meta.main) {
  try {
    await main(Deno.args[0] ?? "ws://127.0.0.1:4000/CP1");
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    Deno.exit(1);
  }
}
