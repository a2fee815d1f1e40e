/**
 * Programs as processes: the gateway as `deno task start` runs it, and what stands beside it.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import denoJson from "../../deno.json" with { type: "json" };
import { SAME_REQUEST_MS } from "../../lib/program/stop_request.ts";
import { TestClient } from "./client.ts";
import { inTime } from "./deadline.ts";
import { openssl } from "./openssl.ts";
import { websocketFlags } from "./websockets.ts";

/** The project's folder. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What a process writes to one of its outputs. */
class Output {
  text = "";
  readonly #done: Promise<void>;
  #isDone = false;
  #more = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#done = this.#read(stream);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.text += decoder.decode(chunk, { stream: true });
      this.#wake();
    }
    this.#isDone = true;
    this.#wake();
  }

  #wake(): void {
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }

  /** The text as soon as it fits, or all of it when the process has closed this output. */
  async until(what: string, fits: (text: string) => boolean): Promise<string> {
    while (!this.#isDone && !fits(this.text)) await inTime(this.#more.promise, what);
    return this.text;
  }

  whole(): Promise<void> {
    return inTime(this.#done, "the end of a program's output", 20_000);
  }
}

/** A running process; killed when it is disposed of. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdout: Output;
  readonly #stderr: Output;

  constructor(file: string, args: readonly string[], env: Record<string, string> = {}) {
    this.#child = new Deno.Command(file, {
      args: [...args],
      env,
      cwd: ROOT,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdout = new Output(this.#child.stdout);
    this.#stderr = new Output(this.#child.stderr);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The whole lines of standard output, as soon as there are this many or the process has ended. */
  async lines(count: number): Promise<string[]> {
    const text = await this.#stdout.until(
      `${count} lines of output`,
      (so) => so.split("\n").length > count,
    );
    return text.split("\n").slice(0, -1);
  }

  /** All of standard error as soon as this part of it has come `times` times. */
  async logged(part: string, times = 1): Promise<string> {
    const text = await this.#stderr.until(
      `${JSON.stringify(part)} on standard error`,
      (so) => so.split(part).length > times,
    );
    if (text.split(part).length <= times) throw new Error(`ended without ${part}: ${text}`);
    return text;
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** The exit code and all output. */
  async ended(): Promise<{ code: number; stdout: string; stderr: string }> {
    const { code } = await inTime(this.#child.status, "a program's end", 20_000);
    await Promise.all([this.#stdout.whole(), this.#stderr.whole()]);
    return { code, stdout: this.#stdout.text, stderr: this.#stderr.text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.ended();
  }
}

/** When a further signal counts as a second request to stop: nothing but time makes it one. */
export function aSecondLater(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SAME_REQUEST_MS + 100));
}

/**
 * What `deno task start` gives to `deno`.
 *
 * @param task The task's command, as the deno.json of some checkout of the project has it.
 */
export function startCommand(task: string = denoJson.tasks.start.command): string[] {
  const [, command = ""] = task.split(" deno ");
  return command.replaceAll("'", "").split(" ");
}

/**
 * The variables of OpenTelemetry that `deno task start` sets where nobody has.
 *
 * @param task As for `startCommand`.
 */
export function startExportLimits(
  task: string = denoJson.tasks.start.command,
): Record<string, string> {
  const all = task.matchAll(/(OTEL_\w+)=\$\(sh -c 'echo \$\{\1:-(\d+)\}'\)/g);
  return Object.fromEntries([...all].map(([, name, value]) => [name, value]));
}

/** Runs the gateway with the permissions of `deno task start`. */
export function startProgram(args: readonly string[], env: Record<string, string> = {}): Program {
  return new Program(Deno.execPath(), [...startCommand(), ...websocketFlags(), ...args], env);
}

/** The address in a program's ready line. */
export async function urlOf(program: Program): Promise<string> {
  const [line = ""] = await program.lines(1);
  const url = /^ws2api listening on (https?:\/\/\S+)$/.exec(line)?.[1];
  if (url === undefined) throw new Error(`no ready line: ${(await program.ended()).stderr}`);
  return url;
}

/** Resolves when a program takes connections on a port of 127.0.0.1. @throws When it ends instead. */
export async function whenListening(program: Program, port: number): Promise<void> {
  const listening = async (): Promise<void> => {
    for (;;) {
      try {
        return (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const ended = program.ended().then(({ stderr }) => Promise.reject(new Error(stderr)));
  ended.catch(() => {});
  await inTime(Promise.race([listening(), ended]), `a program on port ${port}`);
}

/** A folder that goes away with all that is in it. */
export class TempDir implements Disposable {
  readonly #path = Deno.makeTempDirSync({ prefix: "ws2api-test-" });

  /** Writes a file and gives its path. */
  file(name: string, content: string | Uint8Array): string {
    const path = this.path(name);
    Deno.writeFileSync(
      path,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    return path;
  }

  /** The path of a file of that name. */
  path(name: string): string {
    return `${this.#path}/${name}`;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#path, { recursive: true });
  }
}

/** A certificate and its key, PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate for localhost that nobody but the test trusts. */
export async function makeCertificate(
  dir: TempDir,
  kind: "ec" | "rsa" = "ec",
): Promise<Certificate> {
  const [certFile, keyFile] = [dir.path("made.crt"), dir.path("made.key")];
  const key = kind === "ec" ? "ec -pkeyopt ec_paramgen_curve:prime256v1" : "rsa:2048";
  const request = `req -x509 -newkey ${key} -nodes -days 2`;
  await openssl([
    ...request.split(" "),
    ...["-keyout", keyFile, "-out", certFile, "-subj", "/CN=localhost"],
    ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
    ...["-addext", "basicConstraints=critical,CA:FALSE"],
  ]);
  return { cert: await Deno.readTextFile(certFile), key: await Deno.readTextFile(keyFile) };
}

/** A WebSocket client over TLS that trusts one certificate. */
export class SecureClient extends TestClient implements AsyncDisposable {
  readonly #http: Deno.HttpClient;

  private constructor(url: string, http: Deno.HttpClient, headers: Record<string, string>) {
    super(url, { headers, client: http });
    this.#http = http;
  }

  /**
   * Connects.
   *
   * @param url `wss://…/<ClientId>`
   * @throws When it is not let in.
   */
  static async connect(
    url: string,
    cert: string,
    headers: Record<string, string> = {},
  ): Promise<SecureClient> {
    const client = new SecureClient(url, Deno.createHttpClient({ caCerts: [cert] }), headers);
    try {
      await inTime(client.opened, `the upgrade of ${url}`);
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState !== WebSocket.CLOSED) await this.close();
    this.#http.close();
  }
}
