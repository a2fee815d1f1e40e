/**
 * The flags of the load generator.
 *
 * @module
 */

import { Command, InvalidArgumentError } from "commander";
import { parseFlags, type Unfit } from "./command.ts";
import type { Target } from "./client.ts";

/** What to run. */
export interface Settings {
  readonly clients: number;
  readonly seconds: number;
  readonly rampSeconds: number;
  /** Null for the closed loop. */
  readonly periodSeconds: number | null;
  readonly processes: number;
  readonly payloadBytes: number;
  /** A gateway that runs already; null to start one. */
  readonly target: Target | null;
  readonly gatewayFlags: readonly string[];
  readonly jsonFile: string | null;
}

export type ReadSettings = { readonly kind: "run"; readonly settings: Settings } | Unfit;

/** A process may have 20,000 open files on the machines that this runs on. */
const MAX_CLIENTS_PER_PROCESS = 15_000;
const MAX_PAYLOAD_BYTES = 16 * 1024 ** 2;

/**
 * Reads the command line. Pure; never throws for bad input.
 *
 * @param args The arguments behind the program's name.
 */
export function readSettings(args: readonly string[]): ReadSettings {
  const command = new Command("bench:load")
    .description("Load on a gateway: clients that send CALLs, and how long their answers take.")
    .option("--clients <n>", "WebSocket clients", integer(1, 1_000_000), 64)
    .option("--seconds <n>", "how long to send, after the ramp", number(0.1, 86_400), 10)
    .option("--ramp <seconds>", "time in which the clients connect", number(0, 3600), 1)
    .option(
      "--period <seconds>",
      "each client sends a CALL that often (open loop); without it the next CALL goes out when the " +
        "answer to the last one is there (closed loop)",
      number(0.001, 86_400),
    )
    .option("--processes <n>", "generator processes", integer(1, 64), 1)
    .option("--payload <bytes>", "length of the payload's string", integer(0, MAX_PAYLOAD_BYTES), 0)
    .option("--url <url>", "a gateway that runs already, such as ws://127.0.0.1:4000/", target)
    .option(
      "--gateway-flag <flag>",
      "a flag for the gateway, such as --gateway-flag=--max-queue=4; repeatable",
      (flag: string, flags: readonly string[]) => [...flags, flag],
      [] as readonly string[],
    )
    .option("--json <file>", "writes the results there; needs --allow-write");
  const unfit = parseFlags(command, args);
  if (unfit !== null) return unfit;
  const given = command.opts<{
    clients: number;
    seconds: number;
    ramp: number;
    period?: number;
    processes: number;
    payload: number;
    url?: Target;
    gatewayFlag: readonly string[];
    json?: string;
  }>();
  if (given.clients > given.processes * MAX_CLIENTS_PER_PROCESS) {
    return {
      kind: "refuse",
      message: `--processes: a process holds at most ${MAX_CLIENTS_PER_PROCESS} clients; ` +
        `${given.clients} need ${Math.ceil(given.clients / MAX_CLIENTS_PER_PROCESS)} or more`,
    };
  }
  if (given.url !== undefined && given.gatewayFlag.length > 0) {
    return { kind: "refuse", message: "--gateway-flag: --url is a gateway that runs already" };
  }
  return {
    kind: "run",
    settings: {
      clients: given.clients,
      seconds: given.seconds,
      rampSeconds: given.ramp,
      periodSeconds: given.period ?? null,
      processes: Math.min(given.processes, given.clients),
      payloadBytes: given.payload,
      target: given.url ?? null,
      gatewayFlags: given.gatewayFlag,
      jsonFile: given.json ?? null,
    },
  };
}

/** A reader of numbers in a range. */
export function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Allowed is a number from ${min} to ${max}.`);
  };
}

/** A reader of whole numbers in a range. */
export function integer(min: number, max: number): (text: string) => number {
  const read = number(min, max);
  return (text) => {
    const value = read(text);
    if (Number.isInteger(value)) return value;
    throw new InvalidArgumentError("Allowed is a whole number.");
  };
}

/**
 * A gateway's WebSocket URL. Only this machine: a load generator pointed at someone else's is a
 * weapon.
 */
export function target(text: string): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLoopback = url !== undefined && /^(?:127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url?.protocol !== "ws:" || !isLoopback || url.search !== "" || url.hash !== "") {
    throw new InvalidArgumentError("Allowed is ws://127.x.y.z:PORT/ or ws://[::1]:PORT/.");
  }
  return {
    hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port || 80),
    path: url.pathname.endsWith("/") ? url.pathname : `${url.pathname}/`,
  };
}
