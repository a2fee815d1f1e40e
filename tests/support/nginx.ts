import { fileURLToPath } from "node:url";
import { type Certificate, makeCertificate, SecureClient } from "./program.ts";
import { type TlsAnswer, tlsRequest } from "./tls_request.ts";
import { programOf } from "./needs.ts";
import { replaced, Server, startOnFreePort, UserDir } from "./web_server.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/nginx/", import.meta.url));

/** What a test changes of the example. */
export interface NginxOptions {
  /** The authority whose clients alone are let in, PEM: security profile 3. */
  readonly clientCa?: string;
  /** In seconds; that of the example unless given. */
  readonly readTimeout?: number;
}

/** nginx in front of a gateway, with the example's configuration. */
export class NginxProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #dir: UserDir;
  readonly certificate: Certificate;
  readonly port: number;

  private constructor(server: Server, dir: UserDir, certificate: Certificate, port: number) {
    this.#server = server;
    this.#dir = dir;
    this.certificate = certificate;
    this.port = port;
  }

  /**
   * Starts it.
   *
   * @param gateway Where the clients' requests go.
   */
  static async start(gateway: string, options: NginxOptions = {}): Promise<NginxProxy> {
    const dir = new UserDir();
    try {
      const certificate = await makeCertificate(dir);
      dir.file("ws2api.crt", certificate.cert);
      dir.file("ws2api.key", certificate.key);
      let site = Deno.readTextFileSync(`${EXAMPLE}ws2api.conf`);
      if (options.clientCa !== undefined) {
        dir.file("stations-ca.crt", options.clientCa);
        site = site.replaceAll("#3 ", "");
      }
      site = replaced(site, "server 127.0.0.1:4000", `server ${new URL(gateway).host}`);
      if (options.readTimeout !== undefined) {
        const line = "proxy_read_timeout    75s;";
        site = replaced(site, line, `proxy_read_timeout ${options.readTimeout}s;`);
      }
      const main = Deno.readTextFileSync(`${EXAMPLE}nginx.conf`);
      // It says when it is ready.
      dir.file("nginx.conf", replaced(main, "error_log stderr;", "error_log stderr notice;"));
      const { server, port } = await startOnFreePort((port) => {
        dir.file("ws2api.conf", replaced(site, "listen 8443 ", `listen 127.0.0.1:${port} `));
        return new Server(programOf("nginx"), ["-p", dir.path("."), "-c", "nginx.conf"]);
      }, "start worker process ");
      return new NginxProxy(server, dir, certificate, port);
    } catch (error) {
      dir[Symbol.dispose]();
      throw error;
    }
  }

  connect(path: string, headers: Record<string, string> = {}): Promise<SecureClient> {
    const url = `wss://127.0.0.1:${this.port}${path}`;
    return SecureClient.connect(url, this.certificate.cert, headers);
  }

  /** Sends raw text and reads the head of the answer. */
  ask(text: string): Promise<TlsAnswer> {
    return tlsRequest(this.port, this.certificate.cert, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    this.#dir[Symbol.dispose]();
  }
}
