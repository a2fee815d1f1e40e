import { fileURLToPath } from "node:url";
import { closedPort } from "./backend.ts";
import { type Certificate, makeCertificate } from "./program.ts";
import { programOf } from "./needs.ts";
import { Server, startOnFreePort, UserDir } from "./web_server.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/haproxy/haproxy.cfg", import.meta.url));

/** What a test changes of the example. */
export interface HaproxyOptions {
  /** The authority whose clients alone are let in, PEM: the lines for security profile 3. */
  readonly clientCa?: string;
  /** The O that their certificates must have. */
  readonly operator?: string;
  /** The lines by which CN must be the ClientId. */
  readonly isBoundToClientId?: boolean;
  /** A certificate for RSA, beside the one for ECDSA. */
  readonly second?: Certificate;
}

/** The example with the lines that begin so. */
function turnedOn(config: string, mark: string): string {
  if (!config.includes(mark)) throw new Error(`not in the example: ${mark}`);
  return config.replaceAll(mark, "");
}

function pemOf({ cert, key }: Certificate): string {
  return cert + key;
}

/** HAProxy in front of a gateway, with the example's configuration. */
export class HaproxyWithCertificates implements AsyncDisposable {
  readonly #server: Server;
  readonly #dir: UserDir;
  readonly certificate: Certificate;
  /** Where clients show a certificate. */
  readonly port: number;
  /** Where they show none. */
  readonly plainPort: number;

  private constructor(
    server: Server,
    dir: UserDir,
    certificate: Certificate,
    port: number,
    plainPort: number,
  ) {
    this.#server = server;
    this.#dir = dir;
    this.certificate = certificate;
    this.port = port;
    this.plainPort = plainPort;
  }

  /**
   * Starts it.
   *
   * @param gateway Where the clients' requests go.
   * @param apiUrl Where the health is asked for.
   */
  static async start(
    gateway: string,
    apiUrl: string,
    { clientCa, operator, isBoundToClientId = false, second }: HaproxyOptions,
  ): Promise<HaproxyWithCertificates> {
    const dir = new UserDir();
    try {
      const certificate = await makeCertificate(dir);
      let config = Deno.readTextFileSync(EXAMPLE);
      if (clientCa !== undefined) config = turnedOn(config, "#3 ");
      if (isBoundToClientId) config = turnedOn(config, "#cn ");
      const file = dir.file("haproxy.cfg", config);
      const pem = dir.path("proxy.pem");
      dir.file(second === undefined ? "proxy.pem" : "proxy.pem.ecdsa", pemOf(certificate));
      if (second !== undefined) dir.file("proxy.pem.rsa", pemOf(second));
      const ca = dir.file("stations-ca.pem", clientCa ?? "");
      let plainPort = 0;
      const { server, port } = await startOnFreePort((port) => {
        plainPort = closedPort();
        return new Server("env", [
          `PROXY_LISTEN=127.0.0.1:${plainPort}`,
          `PROXY_LISTEN_3=127.0.0.1:${port}`,
          `PROXY_CERT=${pem}`,
          `PROXY_CLIENT_CA=${ca}`,
          ...(operator === undefined ? [] : [`PROXY_CLIENT_O=${operator}`]),
          `GATEWAY_ADDRESS=${new URL(gateway).host}`,
          `GATEWAY_API_PORT=${new URL(apiUrl).port}`,
          ...[programOf("haproxy"), "-W", "-f", file],
        ]);
      }, "Loading success");
      return new HaproxyWithCertificates(server, dir, certificate, port, plainPort);
    } catch (error) {
      dir[Symbol.dispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    this.#dir[Symbol.dispose]();
  }
}
