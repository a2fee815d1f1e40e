import { programOf } from "./needs.ts";
import { Program } from "./program.ts";

/** PHP's own server, which gives each request to one script. */
export class PhpServer implements AsyncDisposable {
  readonly url: string;
  readonly #php: Program;

  private constructor(url: string, php: Program) {
    this.url = url;
    this.#php = php;
  }

  /**
   * Starts it.
   *
   * @param port It cannot tell a port that it has chosen itself.
   * @param script From the project's folder.
   * @throws What PHP says, such as "Address already in use".
   */
  static async start(
    port: number,
    script: string,
    env: Record<string, string> = {},
  ): Promise<PhpServer> {
    const url = `http://127.0.0.1:${port}`;
    // In a process group of its own: it leaves its processes behind when it alone is ended.
    const php = new Program("setsid", [programOf("php"), "-S", `127.0.0.1:${port}`, script], {
      // A request that calls a client holds a process while the gateway's requests come in.
      PHP_CLI_SERVER_WORKERS: "3",
      ...env,
    });
    const server = new PhpServer(url, php);
    try {
      // A connection would not tell whose port it is.
      await server.logged(`(${url}) started`);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Waits for this in PHP's log. */
  async logged(part: string): Promise<void> {
    await this.#php.logged(part);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      Deno.kill(-this.#php.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#php.ended();
  }
}
