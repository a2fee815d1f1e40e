import { Inbox, inTime } from "./deadline.ts";

/** Reads Server-Sent Events; disposing of it hangs up. */
export class EventReader implements AsyncDisposable {
  readonly headers: Headers;
  /** Resolves when the stream has ended. */
  readonly ended: Promise<void>;
  readonly #inbox = new Inbox<{ event: string; data: unknown }>();
  readonly #controller: AbortController;

  private constructor(response: Response, controller: AbortController) {
    this.headers = response.headers;
    this.#controller = controller;
    this.ended = this.#read(response.body!);
  }

  /** @throws When the answer is no stream. */
  static async open(
    url: string,
    init: RequestInit & { client?: Deno.HttpClient } = {},
  ): Promise<EventReader> {
    const controller = new AbortController();
    const { signal } = controller;
    const response = await inTime(fetch(url, { ...init, signal }), url);
    if (response.status === 200) return new EventReader(response, controller);
    throw new Error(`${response.status} ${await response.text()}`);
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    try {
      for await (const bytes of body) {
        const blocks = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
        rest = blocks.pop()!;
        for (const block of blocks) {
          const [, event = "", data = ""] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
          this.#inbox.put({ event, data: JSON.parse(data) });
        }
      }
    } catch (error) {
      if (!this.#controller.signal.aborted) throw error;
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

  whenEnded(): Promise<void> {
    return inTime(this.ended, "the end of a stream of events");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort();
    await this.whenEnded();
  }
}
