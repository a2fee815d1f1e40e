/**
 * What the configuration keeps in files.
 *
 * @module
 */

import { isMismatched } from "./certificate.ts";
import { type ClientCaFiles, readAuthorities } from "./client_ca.ts";
import type { Config } from "./config.ts";
import { shownFile } from "./shown.ts";
import { readSignKeys } from "./sign_keys.ts";
import { readTokens, type Token } from "./token.ts";
import { bearerToken } from "./value.ts";

/** A certificate chain and its key, PEM. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
  /** Who may sign certificates of clients; undefined when clients are asked for none. */
  readonly clients?: ClientCaFiles | undefined;
}

/** The contents of the files that the flags name. */
export interface Secrets {
  readonly apiToken: string | undefined;
  /** One, or two of which both sign. */
  readonly signKeys: readonly Uint8Array[] | undefined;
  /** Undefined without `--api-tokens-file`. */
  readonly tokens: readonly Token[] | undefined;
  readonly tls: TlsPair | undefined;
  readonly natsCredentials: Uint8Array | undefined;
  readonly natsCa: string | undefined;
}

/** For a configuration that names neither files nor a token. */
export const NO_SECRETS: Secrets = {
  apiToken: undefined,
  signKeys: undefined,
  tokens: undefined,
  tls: undefined,
  natsCredentials: undefined,
  natsCa: undefined,
};

export type ReadSecrets =
  | { readonly ok: true; readonly secrets: Secrets }
  /** One line that names the flag and the file, never what is in it. */
  | { readonly ok: false; readonly message: string };

/** Reads one file; its throw is the file's fault. */
export type ReadFile = (name: string) => Uint8Array;

/**
 * Reads all the files. A line feed at the end of a token or key does not count.
 */
export function readSecrets(config: Config, readFile: ReadFile): ReadSecrets {
  const reader = new Reader(readFile);
  const apiToken = readToken(config, reader);
  const signKeys = reader.signKeys(config.signKeyFile);
  const tokens = readTokenList(config, reader);
  const pair = readPair(config, reader);
  const clients = readClientCa(config, reader);
  const tls = pair && clients ? { ...pair, clients } : pair;
  const natsCredentials = reader.bytes("nats-creds", config.natsCredsFile);
  const natsCa = reader.text("nats-ca", config.natsCaFile);
  if (reader.message !== undefined) return { ok: false, message: reader.message };
  return { ok: true, secrets: { apiToken, tokens, signKeys, tls, natsCredentials, natsCa } };
}

/**
 * Reads the certificate and its key again, without who may sign those of clients.
 *
 * @returns Undefined without TLS.
 * @throws With one line that names the flag and the file.
 */
export function readTlsPair(config: Config, readFile: ReadFile): TlsPair | undefined {
  const reader = new Reader(readFile);
  const pair = readPair(config, reader);
  if (reader.message !== undefined) throw new Error(reader.message);
  return pair;
}

/**
 * Reads again who may sign certificates of clients, and which are revoked.
 *
 * @returns Undefined without `--client-ca`.
 * @throws With one line that names the flag and the file.
 */
export function readClientCaAgain(config: Config, readFile: ReadFile): ClientCaFiles | undefined {
  const reader = new Reader(readFile);
  const files = readClientCa(config, reader);
  if (reader.message !== undefined) throw new Error(reader.message);
  return files;
}

/**
 * Reads the file of tokens again.
 *
 * @returns Undefined without one.
 * @throws With one line that names the flag and the file, and the entry.
 */
export function readTokensAgain(config: Config, readFile: ReadFile): readonly Token[] | undefined {
  const reader = new Reader(readFile);
  const tokens = readTokenList(config, reader);
  if (reader.message !== undefined) throw new Error(reader.message);
  return tokens;
}

/**
 * Reads the file of the API's token again.
 *
 * @returns The flag's own, where that is given; undefined without any.
 * @throws With one line that names the flag and the file.
 */
export function readOwnToken(config: Config, readFile: ReadFile): string | undefined {
  const reader = new Reader(readFile);
  const token = readToken(config, reader);
  if (reader.message !== undefined) throw new Error(reader.message);
  return token;
}

/**
 * Reads the signing keys again.
 *
 * @returns Undefined without any.
 * @throws With one line that names the flag and the file.
 */
export function readSignKeysAgain(
  config: Config,
  readFile: ReadFile,
): readonly Uint8Array[] | undefined {
  const reader = new Reader(readFile);
  const keys = reader.signKeys(config.signKeyFile);
  if (reader.message !== undefined) throw new Error(reader.message);
  return keys;
}

/** What is in the files for NATS now; undefined for what cannot be read. */
export function readNatsFiles(
  config: Config,
  readFile: ReadFile,
): Pick<Secrets, "natsCredentials" | "natsCa"> {
  const reader = new Reader(readFile);
  const natsCredentials = reader.bytes("nats-creds", config.natsCredsFile);
  return { natsCredentials, natsCa: reader.text("nats-ca", config.natsCaFile) };
}

function readToken({ apiToken, apiTokenFile }: Config, reader: Reader): string | undefined {
  const text = reader.text("api-token-file", apiTokenFile);
  if (text === undefined) return apiToken;
  const token = bearerToken(text);
  if (!token.ok) reader.message ??= `--api-token-file: the token must be ${token.allowed}`;
  return apiToken ?? text;
}

function readTokenList(
  { apiTokensFile: name }: Config,
  reader: Reader,
): readonly Token[] | undefined {
  const text = reader.text("api-tokens-file", name);
  if (text === undefined) return undefined;
  const read = readTokens(text);
  if (read.ok) return read.tokens;
  reader.message ??= `--api-tokens-file: ${JSON.stringify(name)} ${read.fault}`;
  return undefined;
}

function readPair({ tls }: Config, reader: Reader): TlsPair | undefined {
  const cert = reader.text("tls-cert", tls?.certFile);
  const key = reader.text("tls-key", tls?.keyFile);
  if (tls === undefined || cert === undefined || key === undefined) return undefined;
  if (isMismatched(cert, key)) {
    reader.message ??=
      `--tls-key: ${shownFile(tls.keyFile)} is not the key of the certificate in ` +
      `--tls-cert ${shownFile(tls.certFile)}`;
  }
  return { cert, key };
}

function readClientCa(config: Config, reader: Reader): ClientCaFiles | undefined {
  const ca = reader.text("client-ca", config.clientCaFile);
  const crl = reader.text("client-crl", config.clientCrlFile);
  if (ca === undefined || (config.clientCrlFile !== undefined && crl === undefined)) {
    return undefined;
  }
  const read = readAuthorities({ ca, crl });
  if (read.ok) return { ca, crl };
  const name = read.flag === "client-ca" ? config.clientCaFile : config.clientCrlFile;
  reader.message ??= `--${read.flag}: ${shownFile(name ?? "")}: ${read.fault}`;
  return undefined;
}

/** Reads files until the first fault, which it keeps. */
class Reader {
  message: string | undefined;
  readonly #readFile: ReadFile;

  constructor(readFile: ReadFile) {
    this.#readFile = readFile;
  }

  bytes(flag: string, name: string | undefined): Uint8Array | undefined {
    if (name === undefined) return undefined;
    try {
      const bytes = withoutLineEnd(this.#readFile(name));
      if (bytes.length > 0) return bytes;
      this.message ??= `--${flag}: ${shownFile(name)} is empty`;
    } catch (error) {
      const reason = error instanceof Error ? error.name : "unknown";
      this.message ??= `--${flag}: ${shownFile(name)} cannot be read (${reason}); ` +
        "allowed is a readable file";
    }
    return undefined;
  }

  signKeys(name: string | undefined): readonly Uint8Array[] | undefined {
    const bytes = this.bytes("sign-key-file", name);
    if (bytes === undefined) return undefined;
    const keys = readSignKeys(bytes);
    if (keys.ok) return keys.value;
    this.message ??= `--sign-key-file: ${
      JSON.stringify(name)
    } holds no keys; allowed is ${keys.allowed}`;
    return undefined;
  }

  text(flag: string, name: string | undefined): string | undefined {
    const bytes = this.bytes(flag, name);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }
}

/** Editors and `echo` end a file with a line feed that belongs to no secret; PEM does not mind. */
function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}
