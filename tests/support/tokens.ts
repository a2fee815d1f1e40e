import { createHash } from "node:crypto";
import type { Token } from "../../lib/config/token.ts";
import type { TempDir } from "./program.ts";

/** Tokens for a file; the text of each is its name. */
export function tokensText(tokens: readonly Omit<Token, "sha256">[]): string {
  return JSON.stringify(tokens.map((token) => ({
    ...token,
    sha256: createHash("sha256").update(token.name).digest("hex"),
  })));
}

/** Writes such a file. @returns Its path. */
export function tokensFile(dir: TempDir, tokens: readonly Omit<Token, "sha256">[]): string {
  return dir.file("tokens.json", tokensText(tokens));
}
