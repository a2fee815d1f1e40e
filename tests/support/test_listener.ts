import type { TlsPair } from "../../lib/config/secret.ts";
import type { Handler } from "../../lib/listener/http_server.ts";
import { listen, type Listener } from "../../lib/listener/listener.ts";
import { type Metrics, MetricSet } from "../../lib/metrics/metrics.ts";
import { respond } from "../../lib/problem.ts";
import { FakeClock } from "./fake_clock.ts";
import { RecordedLog } from "./recorded_log.ts";

/** A listener whose time stands still, and what it logs and counts. */
export class TestListener implements AsyncDisposable {
  /** An hour ahead, so that certificates count that the test makes. */
  readonly clock = new FakeClock(Date.now() + 3_600_000);
  readonly logged = new RecordedLog();
  readonly metrics: Metrics = new MetricSet([]).metrics;
  #listener: Listener | undefined;

  /** Starts one. @param handler Answers 200 unless given. */
  static async start(
    tls?: TlsPair,
    handler: Handler = () => respond("ok", 200),
    websocket: "deno" | "ws" = "deno",
  ): Promise<TestListener> {
    const listener = new TestListener();
    listener.#listener = await listen({ host: "127.0.0.1", port: 0 }, {
      ...{ tls, websocket, tcpBacklog: 100, isShared: false, hasRoom: () => true },
      ...{ log: listener.logged.log, metrics: listener.metrics, clock: listener.clock },
    }, handler);
    return listener;
  }

  get url(): string {
    return this.#listener!.url;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** @throws When the pair cannot be used. */
  reload(pair: TlsPair): void {
    this.#listener!.reload(pair);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener?.stop(0);
  }
}
