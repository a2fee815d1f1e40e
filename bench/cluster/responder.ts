/**
 * Clients that answer each CALL at once.
 *
 * @module
 */

/** One client; it stays connected until `close`. */
export class Responder {
  readonly id: string;
  readonly #socket: WebSocket;

  private constructor(id: string, socket: WebSocket) {
    this.id = id;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const [, messageId] = JSON.parse(data);
      socket.send(`[3,"${messageId}",{}]`);
    });
  }

  /** @throws When the gateway does not let it in. */
  static async connect(port: number, id: string): Promise<Responder> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/${id}`, "ocpp1.6");
    const opened = Promise.withResolvers<void>();
    socket.addEventListener("open", () => opened.resolve());
    socket.addEventListener("error", () => opened.reject(new Error(`${id} was not let in`)));
    await opened.promise;
    return new Responder(id, socket);
  }

  close(): void {
    this.#socket.close();
  }
}
