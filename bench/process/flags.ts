/**
 * Readers of flags' values, for commander: each gives the value, or says what is allowed.
 *
 * @module
 */

import { InvalidArgumentError } from "commander";
import type { Target } from "../load/part.ts";

/** Of numbers in a range. */
export function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Allowed is a number from ${min} to ${max}.`);
  };
}

/** Of whole numbers in a range. */
export function integer(min: number, max: number): (text: string) => number {
  const read = number(min, max);
  return (text) => {
    const value = read(text);
    if (Number.isInteger(value)) return value;
    throw new InvalidArgumentError("Allowed is a whole number.");
  };
}

/** Of some of these names, with commas between them. */
export function listOf(names: readonly string[]): (text: string) => readonly string[] {
  return (text) => {
    const list = text.split(",");
    if (list.every((name) => names.includes(name))) return list;
    throw new InvalidArgumentError(`Allowed are ${names.join(", ")}, with commas between them.`);
  };
}

/** Of a flag that may be given several times. */
export function repeatable(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/**
 * Of a gateway's WebSocket URL. Only this machine: a load generator pointed at someone else's is a
 * weapon.
 */
export function target(text: string): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLoopback = url !== undefined && /^127(?:\.\d{1,3}){3}$/.test(url.hostname);
  if (url?.protocol !== "ws:" || !isLoopback || url.search !== "" || url.hash !== "") {
    throw new InvalidArgumentError("Allowed is ws://127.x.y.z:PORT/.");
  }
  return {
    hostname: url.hostname,
    port: Number(url.port || 80),
    path: url.pathname.endsWith("/") ? url.pathname : `${url.pathname}/`,
  };
}
