/**
 * What a flag was set to, and where.
 *
 * @module
 */

import { type FlagName, FLAGS } from "./flag.ts";
import type { Flag } from "./flag_kind.ts";
import type { NatsAddress } from "./nats_address.ts";
import { shownValue } from "./shown.ts";

/** Where a setting comes from. */
export type Source = "flag" | "variable" | "file" | "default";

/** One flag's setting. */
export interface Setting {
  /** As the flag's reader gives it; may be a secret. */
  readonly value: unknown;
  /** As it may be printed: a secret as `set`. */
  readonly shown: string;
  readonly source: Source;
  /** Whether it is what it would be anyway. */
  readonly isDefault: boolean;
}

/** Those that have a value. */
export type Settings = ReadonlyMap<FlagName, Setting>;

/** The setting that a flag's text gives. */
export function settingOf(name: FlagName, text: string, value: unknown, source: Source): Setting {
  const flag: Flag<unknown> = FLAGS[name];
  const byDefault = flag.default === undefined ? undefined : flag.read(flag.default);
  const isDefault = byDefault?.ok === true && isSame(byDefault.value, value);
  return { value, shown: shownText(name, text, value), source, isDefault };
}

/** Whether two values, as a flag's reader gives them, are the same setting. */
export function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** A secret that others of the machine can read in the list of processes, where it is no variable or file. */
export function isExposedSecret(name: FlagName, { value, source }: Setting): boolean {
  if (source !== "flag" || !("isSecret" in FLAGS[name])) return false;
  if (name !== "nats") return true;
  const { password, token } = value as NatsAddress;
  return password !== undefined || token !== undefined;
}

function shownText(name: FlagName, text: string, value: unknown): string {
  if (name === "nats") {
    const { servers, isTls } = value as NatsAddress;
    return `${isTls ? "tls" : "nats"}://${servers.join(",")}`;
  }
  if ("isSecret" in FLAGS[name]) return "set";
  // Without its quotes; what is not to be seen stays out.
  const shown = shownValue(text);
  return shown.startsWith('"') ? text : shown;
}
