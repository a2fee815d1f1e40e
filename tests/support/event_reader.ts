import { Inbox, inTime } from "./deadline.ts";

/** Reads Server-Sent Events; disposing of it hangs up. */
export class EventReader implements AsyncDisposable {
  readonly #inbox = new Inbox<{ event: string; data: unknown }>();
  // Hung up by this: the signal of a fetch does not always reach one that waits for more.
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #ended: Promise<void>;

  private constructor(response: Response) {
    this.#reader = response.body!.getReader();
    this.#ended = this.#read();
  }

  /** @throws When the answer is no stream. */
  static async open(
    url: string,
    init: RequestInit & { client?: Deno.HttpClient } = {},
  ): Promise<EventReader> {
    const response = await inTime(fetch(url, init), url);
    if (response.status === 200) return new EventReader(response);
    throw new Error(`${response.status} ${await response.text()}`);
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = blocks.pop()!;
      for (const block of blocks) {
        const [, event = "", data = ""] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
        this.#inbox.put({ event, data: JSON.parse(data) });
      }
    }
  }

  /** Takes the data of the next event of this name, and of those that fit. */
  // deno-lint-ignore no-explicit-any
  async next(name: string, fits: (data: any) => boolean = () => true): Promise<any> {
    return (await this.#inbox.take(
      `an event ${name}`,
      ({ event, data }) => event === name && fits(data),
    )).data;
  }

  /** Resolves when the stream has ended. */
  whenEnded(): Promise<void> {
    return inTime(this.#ended, "the end of a stream of events");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
    await this.whenEnded();
  }
}
