import { fileURLToPath } from "node:url";
import { TestGateway } from "./gateway.ts";
import { programOf } from "./needs.ts";
import { replaced, Server, startOnFreePort, UserDir } from "./web_server.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/php-fpm/", import.meta.url));

/** The paths in the example's files. */
const SOCKET = "/run/php/ws2api.sock";
const FOLDER = "/var/www/ws2api";

/** Which web server passes requests on to php-fpm. */
export type WebServer = "nginx" | "apache2";

/** What a main configuration of that server has around the example's site, and what says it is ready. */
const MAIN: Record<WebServer, { text: string; ready: string; args: string[] }> = {
  nginx: {
    text: `
daemon off;
pid nginx.pid;
error_log stderr notice;
events {}
http {
  client_body_temp_path temp_body;
  proxy_temp_path temp_proxy;
  fastcgi_temp_path temp_fastcgi;
  scgi_temp_path temp_scgi;
  uwsgi_temp_path temp_uwsgi;
  include site.conf;
}
`,
    ready: "start worker process ",
    args: ["-p", "DIR", "-c", "main.conf"],
  },
  apache2: {
    text: `
PidFile apache.pid
ServerName localhost
ErrorLog "|$cat >&2"
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule reqtimeout_module /usr/lib/apache2/modules/mod_reqtimeout.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_fcgi_module /usr/lib/apache2/modules/mod_proxy_fcgi.so
Include site.conf
`,
    ready: "resuming normal operations",
    args: ["-d", "DIR", "-f", "main.conf", "-DFOREGROUND"],
  },
};

/** A gateway, behind it a web server with the example's site, and php-fpm with the example's pool. */
export class PhpFpm implements AsyncDisposable {
  readonly gateway: TestGateway;
  readonly #dir: UserDir;
  readonly #stack: AsyncDisposableStack;
  readonly #port: number;
  readonly #pool: string;
  #fpm: Server;

  private constructor(
    gateway: TestGateway,
    dir: UserDir,
    stack: AsyncDisposableStack,
    port: number,
    pool: string,
    fpm: Server,
  ) {
    this.gateway = gateway;
    this.#dir = dir;
    this.#stack = stack;
    this.#port = port;
    this.#pool = pool;
    this.#fpm = fpm;
  }

  /**
   * Starts all three.
   *
   * @param app The PHP file that gets every request.
   * @param flags The gateway's.
   */
  static async start(server: WebServer, app: string, flags: string[] = []): Promise<PhpFpm> {
    const dir = new UserDir();
    await using stack = new AsyncDisposableStack();
    stack.defer(() => dir[Symbol.dispose]());
    const read = (file: string): string => Deno.readTextFileSync(EXAMPLE + file);
    const socket = dir.path("php.sock");
    const { text, ready, args } = MAIN[server];
    dir.file("index.php", app);
    dir.file("main.conf", text);
    const site = read(server === "nginx" ? "nginx.conf" : "apache.conf")
      .replaceAll(FOLDER, dir.path(".")).replaceAll(SOCKET, socket);
    const web = await startOnFreePort((port) => {
      dir.file("site.conf", site.replaceAll("127.0.0.1:8080", `127.0.0.1:${port}`));
      return new Server(programOf(server), args.map((arg) => arg === "DIR" ? dir.path(".") : arg));
    }, ready);
    stack.use(web.server);
    const gateway = stack.use(await TestGateway.start(`http://127.0.0.1:${web.port}/`, flags));
    let pool = replaced(read("pool.conf"), `listen = ${SOCKET}`, `listen = ${socket}`);
    pool = replaced(pool, "http://127.0.0.1:4000", gateway.url)
      // Only root can give a socket to another user.
      .replaceAll(/^(?:listen\.)?(?:user|owner|group) = .*\n/gm, "");
    const fpm = await startPool(dir, pool);
    return new PhpFpm(gateway, dir, stack.move(), web.port, pool, fpm);
  }

  /** Where the web server listens. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** What php-fpm has said, as soon as this part of it is there. */
  logged(part: string): Promise<string> {
    return this.#fpm.program.logged(part);
  }

  async stopPool(): Promise<void> {
    await this.#fpm[Symbol.asyncDispose]();
  }

  async startPool(): Promise<void> {
    this.#fpm = await startPool(this.#dir, this.#pool);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The gateway's last requests go to PHP.
    await this.gateway[Symbol.asyncDispose]();
    await this.stopPool();
    await this.#stack[Symbol.asyncDispose]();
  }
}

/** Starts php-fpm with a pool. */
async function startPool(dir: UserDir, pool: string): Promise<Server> {
  const file = dir.file("pool.conf", `[global]\nerror_log = ${dir.path("php-fpm.log")}\n${pool}`);
  // In the foreground, with its log on standard error too, whatever that is.
  const fpm = new Server(programOf("php-fpm"), ["-F", "-O", "-y", file]);
  try {
    await fpm.ready("ready to handle connections");
  } catch (error) {
    await fpm[Symbol.asyncDispose]();
    throw error;
  }
  return fpm;
}
