/**
 * The kinds of flags: with a default, unset without a value, a list, on or off.
 *
 * @module
 */

import { toggle, type ValueReader } from "./value.ts";

/** One flag. */
export interface Flag<T> {
  /** Stands for the value in the help; a flag without one is a switch. */
  readonly placeholder?: string;
  /** The default as it would be written on the command line; without one the flag is unset. */
  readonly default?: string;
  readonly help: string;
  readonly read: ValueReader<T>;
  /** Whether its value stays out of error messages. */
  readonly isSecret?: true;
  /** Whether its text is a list with commas; a file may have it as a list. */
  readonly isList?: true;
}

/** One with a default. */
export function flag<T>(
  read: ValueReader<T>,
  placeholder: string,
  defaultText: string,
  help: string,
): Flag<T> & { readonly default: string } {
  return { read, placeholder, default: defaultText, help };
}

/** One that is unset unless it is given. */
export function unset<T>(read: ValueReader<T>, placeholder: string, help: string): Flag<T> {
  return { read, placeholder, help };
}

/** One whose text is a list with commas between. */
export function list<F extends Flag<unknown>>(flag: F): F & { readonly isList: true } {
  return { ...flag, isList: true };
}

/** A switch, off unless it is given. */
export function onOff(help: string): Flag<boolean> & { readonly default: string } {
  return { read: toggle, default: "false", help };
}
