/**
 * What the configuration keeps in files.
 *
 * @module
 */

import type { TlsPair } from "../listener/tls.ts";
import type { Config } from "./config.ts";
import { bearerToken } from "./value.ts";

/** The contents of the files that the flags name. */
export interface Secrets {
  readonly apiToken: string | undefined;
  readonly signKey: Uint8Array | undefined;
  readonly tls: TlsPair | undefined;
}

/** For a configuration that names neither files nor a token. */
export const NO_SECRETS: Secrets = { apiToken: undefined, signKey: undefined, tls: undefined };

export type ReadSecrets =
  | { readonly ok: true; readonly secrets: Secrets }
  /** One line that names the flag and the file, never what is in it. */
  | { readonly ok: false; readonly message: string };

/**
 * Reads the files. A line feed at the end of a token or key does not count.
 *
 * @param readFile Reads one file; its throw is the file's fault.
 */
export function readSecrets(
  config: Config,
  readFile: (name: string) => Uint8Array,
): ReadSecrets {
  let message: string | undefined;

  function read(flag: string, name: string | undefined): Uint8Array | undefined {
    if (name === undefined) return undefined;
    try {
      const bytes = withoutLineEnd(readFile(name));
      if (bytes.length > 0) return bytes;
      message ??= `--${flag}: ${JSON.stringify(name)} is empty`;
    } catch (error) {
      const reason = error instanceof Error ? error.name : "unknown";
      message ??= `--${flag}: ${JSON.stringify(name)} cannot be read (${reason}); ` +
        "allowed is a readable file";
    }
    return undefined;
  }

  function text(flag: string, name: string | undefined): string | undefined {
    const bytes = read(flag, name);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  const fileToken = text("api-token-file", config.apiTokenFile);
  if (fileToken !== undefined) {
    const token = bearerToken(fileToken);
    if (!token.ok) message ??= `--api-token-file: the token must be ${token.allowed}`;
  }
  const signKey = read("sign-key-file", config.signKeyFile);
  const cert = text("tls-cert", config.tls?.certFile);
  const key = text("tls-key", config.tls?.keyFile);
  if (message !== undefined) return { ok: false, message };
  return {
    ok: true,
    secrets: {
      apiToken: config.apiToken ?? fileToken,
      signKey,
      tls: cert === undefined || key === undefined ? undefined : { cert, key },
    },
  };
}

/** Editors and `echo` end a file with a line feed that belongs to no secret; PEM does not mind. */
function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}
