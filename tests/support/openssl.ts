/**
 * Certificates are made by OpenSSL.
 *
 * @module
 */

import { programOf } from "./needs.ts";

/** Runs it to its end. @throws With what it says when it fails. */
export async function openssl(args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(programOf("openssl"), {
    args: [...args],
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** A time of a certificate, as GeneralizedTime: `20260101000000Z`. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-T:]/g, "")}Z`;
}
