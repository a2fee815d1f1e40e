/**
 * What SIGHUP reads again.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { ClientCaFiles } from "../config/client_ca.ts";
import type { Config } from "../config/config.ts";
import { type FlagName, FLAGS } from "../config/flag.ts";
import { LIMIT_FLAGS, type Limits, limitsOf } from "../config/live.ts";
import { clientsThatFit } from "../config/open_files.ts";
import {
  readClientCaAgain,
  type ReadFile,
  readNatsFiles,
  readOwnToken,
  readSignKeysAgain,
  readTlsPair,
  readTokensAgain,
  type Secrets,
  type TlsPair,
} from "../config/secret.ts";
import { isSame, type Setting, type Settings } from "../config/setting.ts";
import type { Told } from "../config/command_line.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { Log, LogOutput } from "../log/log.ts";
import type { CertificateWatch } from "./certificate.ts";
import { tellStaleList } from "./client_ca.ts";
import type { Configuration } from "./configuration.ts";
import type { MemorySense } from "./memory.ts";

export interface ReloadDeps {
  readonly gateway: Pick<Gateway, "reloadTls" | "reloadTokens" | "forgetVerdicts" | "change">;
  /** Reads the configuration as at the start. */
  readonly read: () => Promise<Configuration | Told>;
  readonly readFile: ReadFile;
  /** Judges `--max-memory` as at the start. */
  readonly judgeMemory: (maxMemoryBytes: number) => MemorySense;
  /** Told of each certificate that is served. */
  readonly certificate: Pick<CertificateWatch, "serve">;
  readonly clock: Pick<Clock, "wallNow">;
  readonly log: Log;
  /** This thread's; workers have their own. */
  readonly output: LogOutput;
  /** Threads. */
  readonly workers: number;
}

/** Names of files, and a token: others count at once where there was one before. */
const READ_AGAIN: readonly FlagName[] = [
  "api-token",
  "api-token-file",
  "api-tokens-file",
  "sign-key-file",
  "tls-cert",
  "tls-key",
  "client-ca",
  "client-crl",
];

/**
 * Owns what counts of the configuration while the gateway runs. Each file is for itself: one that is bad
 * leaves what it had said as it was, in one line of the log at `error`. What was changed and cannot change
 * before a restart is said each time.
 */
export class Reload {
  readonly #deps: ReloadDeps;
  #config: Config;
  #settings: Settings;
  #secrets: Secrets;
  #last: Promise<void> = Promise.resolve();

  /** @param secrets What the files held at the start. */
  constructor({ config, settings }: Configuration, secrets: Secrets, deps: ReloadDeps) {
    this.#config = config;
    this.#settings = settings;
    this.#secrets = secrets;
    this.#deps = deps;
  }

  /** Reads all of it again, after what is being read. Never rejects. */
  again(): Promise<void> {
    this.#last = this.#last.then(() => this.#all());
    return this.#last;
  }

  async #all(): Promise<void> {
    const { gateway, log } = this.#deps;
    if (this.#config.connectHook) {
      gateway.forgetVerdicts();
      log.info("answers to the connect hook forgotten");
    }
    await this.#configuration();
    await this.#certificate();
    await this.#tokens();
    await this.#ownToken();
    await this.#signKeys();
    this.#natsFiles();
  }

  async #configuration(): Promise<void> {
    if (this.#config.configFile === undefined) return;
    const { log, gateway, output } = this.#deps;
    try {
      const read = await this.#deps.read();
      if (read.kind !== "run") throw new Error(read.kind === "refuse" ? read.message : read.text);
      const memory = this.#deps.judgeMemory(read.config.maxMemoryBytes);
      if (memory.kind === "refuse") throw new Error(memory.message);
      const limits = this.#limitsOf(read.config);
      const isChanged = this.#takeSettings(read.settings);
      this.#config = { ...this.#config, ...this.#namesOf(read.config) };
      if (isChanged) await gateway.change({ limits });
      log.info("configuration read again");
      output.setLevel(limits.logLevel);
    } catch (error) {
      log.error("configuration not read again, the old one stays", { error: messageOf(error) });
    }
  }

  /** As at the start: no more clients than open files. */
  #limitsOf(config: Config): Limits {
    const maxConnections = clientsThatFit(config, this.#deps.workers);
    return { ...limitsOf(config), maxConnections };
  }

  /** Files that were there and are there: under their new names. */
  #namesOf(next: Config): Partial<Config> {
    const { apiTokensFile, signKeyFile, tls, clientCaFile, clientCrlFile } = this.#config;
    const hasToken = this.#secrets.apiToken !== undefined &&
      (next.apiToken ?? next.apiTokenFile) !== undefined;
    return {
      ...(hasToken && { apiToken: next.apiToken, apiTokenFile: next.apiTokenFile }),
      ...(apiTokensFile !== undefined && next.apiTokensFile !== undefined &&
        { apiTokensFile: next.apiTokensFile }),
      ...(signKeyFile !== undefined && next.signKeyFile !== undefined &&
        { signKeyFile: next.signKeyFile }),
      ...(tls !== undefined && next.tls !== undefined && { tls: next.tls }),
      ...(clientCaFile !== undefined && next.clientCaFile !== undefined &&
        { clientCaFile: next.clientCaFile }),
      ...(clientCrlFile !== undefined && next.clientCrlFile !== undefined &&
        { clientCrlFile: next.clientCrlFile }),
    };
  }

  /** Says what is new. @returns Whether a limit is. */
  #takeSettings(next: Settings): boolean {
    const { log } = this.#deps;
    const kept = new Map(this.#settings);
    let isLimit = false;
    for (const flag of Object.keys(FLAGS) as FlagName[]) {
      const [before, after] = [this.#settings.get(flag), next.get(flag)];
      if (isSame(before?.value, after?.value)) continue;
      const fields = { flag: `--${flag}`, from: shownOf(before), to: shownOf(after) };
      const isLimitFlag = LIMIT_FLAGS.includes(flag);
      const isBoth = before !== undefined && after !== undefined;
      if (!isLimitFlag && !(READ_AGAIN.includes(flag) && isBoth)) {
        log.warn("setting changed, which counts after a restart only", fields);
        continue;
      }
      log.info("setting changed", fields);
      if (after === undefined) kept.delete(flag);
      else kept.set(flag, after);
      isLimit ||= isLimitFlag;
    }
    this.#settings = kept;
    return isLimit;
  }

  async #certificate(): Promise<void> {
    const { certificate, log, readFile } = this.#deps;
    // Who may sign is read even when the certificate is bad: a revoked client must not stay for that.
    const clients = this.#clientCa();
    try {
      const pair = readTlsPair(this.#config, readFile);
      if (pair === undefined) return;
      await this.#serve({ ...pair, clients });
      log.info("certificate read again");
      certificate.serve(pair);
      return;
    } catch (error) {
      log.error("certificate not read again, the old one stays", { error: messageOf(error) });
    }
    const { tls } = this.#secrets;
    if (tls === undefined || clients === tls.clients) return;
    await this.#serve({ ...tls, clients }).catch((error) => {
      log.error("client CA not read again, the old one stays", { error: messageOf(error) });
    });
  }

  async #serve(pair: TlsPair): Promise<void> {
    const before = this.#secrets.tls?.clients;
    await this.#deps.gateway.reloadTls(pair);
    this.#secrets = { ...this.#secrets, tls: pair };
    // It may be the old one, for a file that is bad.
    if (pair.clients === undefined || pair.clients === before) return;
    const { log, clock } = this.#deps;
    log.info("client CA read again");
    tellStaleList(pair.clients, clock, log);
  }

  /** What the files say now; what they said before, when they are bad. */
  #clientCa(): ClientCaFiles | undefined {
    const { log, readFile } = this.#deps;
    try {
      return readClientCaAgain(this.#config, readFile);
    } catch (error) {
      log.error("client CA not read again, the old one stays", { error: messageOf(error) });
      return this.#secrets.tls?.clients;
    }
  }

  async #tokens(): Promise<void> {
    const { gateway, log, readFile } = this.#deps;
    try {
      const tokens = readTokensAgain(this.#config, readFile);
      if (tokens === undefined) return;
      await gateway.reloadTokens(tokens);
      log.info("tokens read again", { tokens: tokens.length });
    } catch (error) {
      log.error("tokens not read again, the old ones stay", { error: messageOf(error) });
    }
  }

  /** Of `--api-token-file`, or of the configuration's file. Who has it open is not disturbed for nothing. */
  async #ownToken(): Promise<void> {
    const { gateway, log, readFile } = this.#deps;
    try {
      const apiToken = readOwnToken(this.#config, readFile);
      if (apiToken === undefined || apiToken === this.#secrets.apiToken) return;
      await gateway.change({ apiToken });
      this.#secrets = { ...this.#secrets, apiToken };
      log.info("API token read again");
    } catch (error) {
      log.error("API token not read again, the old one stays", { error: messageOf(error) });
    }
  }

  async #signKeys(): Promise<void> {
    const { gateway, log, readFile } = this.#deps;
    try {
      const signKeys = readSignKeysAgain(this.#config, readFile);
      if (signKeys === undefined) return;
      await gateway.change({ signKeys });
      log.info("signing keys read again", { count: signKeys.length });
    } catch (error) {
      log.error("signing keys not read again, the old ones stay", { error: messageOf(error) });
    }
  }

  /** The connections to NATS were made with them. */
  #natsFiles(): void {
    const { log, readFile } = this.#deps;
    const { natsCredentials, natsCa } = readNatsFiles(this.#config, readFile);
    const was = this.#secrets;
    const flags: readonly (readonly [FlagName, boolean])[] = [
      ["nats-creds", !isSame(natsCredentials?.toBase64(), was.natsCredentials?.toBase64())],
      ["nats-ca", natsCa !== was.natsCa],
    ];
    for (const [flag, isChanged] of flags) {
      if (isChanged) {
        log.warn("file changed, which counts after a restart only", { flag: `--${flag}` });
      }
    }
  }
}

function shownOf(setting: Setting | undefined): string {
  return setting?.shown ?? "none";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
