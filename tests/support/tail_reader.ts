import type { FrameRow } from "../../lib/client/tap_row.ts";
import type { FollowedRow, Told } from "../../lib/cluster/followed.ts";
import { EventReader } from "./event_reader.ts";

interface TailOptions {
  /** Whether the texts of frames are asked for. */
  readonly payloads?: boolean;
  readonly headers?: HeadersInit;
  readonly client?: Deno.HttpClient;
}

/** Looks at one client; disposing of it hangs up. */
export class TailReader implements AsyncDisposable {
  readonly #events: EventReader;

  private constructor(events: EventReader) {
    this.#events = events;
  }

  /** Where a gateway shows a client. */
  static url(gateway: string, clientId: string, payloads = false): string {
    const query = `tail=${encodeURIComponent(clientId)}${payloads ? "&payloads=1" : ""}`;
    return `${gateway}/status/stream?${query}`;
  }

  /** Begins; the client is looked at when this resolves. @throws When the answer is no stream. */
  static async open(
    gateway: string,
    clientId: string,
    { payloads, ...init }: TailOptions = {},
  ): Promise<TailReader> {
    const url = TailReader.url(gateway, clientId, payloads);
    const reader = new TailReader(await EventReader.open(url, init));
    await reader.#events.next("tail-frames", ({ isFirst }) => isFirst);
    return reader;
  }

  /** Where the client is, when that has changed. */
  connection(
    fits: (data: Omit<Told, "rows">) => boolean = () => true,
  ): Promise<Omit<Told, "rows">> {
    return this.#events.next("tail-connection", fits);
  }

  /** The next rows, at least so many of those that fit. */
  async rows(
    count: number,
    fits: (row: FollowedRow) => boolean = () => true,
  ): Promise<FollowedRow[]> {
    const rows: FollowedRow[] = [];
    while (rows.length < count) {
      rows.push(...(await this.#events.next("tail-frames")).rows.filter(fits));
    }
    return rows;
  }

  /** The same, of frames alone. */
  async frames(count: number): Promise<FrameRow[]> {
    return await this.rows(count, ({ kind }) => kind === "frame") as FrameRow[];
  }

  whenEnded(): Promise<void> {
    return this.#events.whenEnded();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#events[Symbol.asyncDispose]();
  }
}
