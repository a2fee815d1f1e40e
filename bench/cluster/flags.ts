/**
 * The flags of the headline.
 *
 * @module
 */

import { Command, InvalidArgumentError } from "commander";
import { parseFlags, type Unfit } from "../load/command.ts";
import { integer, number } from "../load/flags.ts";
import { type Scenario, SCENARIOS } from "./scenario.ts";

/** What to run. */
export interface Settings {
  readonly scenarios: readonly Scenario[];
  readonly clients: number;
  readonly holdSeconds: number;
  /** Processes, and as many generators. */
  readonly gateways: number;
  /** Whether the gateways share one port; otherwise each has its own, and a generator. */
  readonly sharesPort: boolean;
  readonly isProfiled: boolean;
  readonly gatewayFlags: readonly string[];
  /** Whether RESULTS.md and the chart are written: only the whole may replace the whole. */
  readonly isWritten: boolean;
  readonly jsonFile: string | null;
}

export type ReadSettings = { readonly kind: "run"; readonly settings: Settings } | Unfit;

const CLIENTS = 120_000;
const HOLD_SECONDS = 60;
const GATEWAYS = 7;

/**
 * Reads the command line. Pure; never throws for bad input.
 *
 * @param args The arguments behind the program's name.
 */
export function readSettings(args: readonly string[]): ReadSettings {
  const names = SCENARIOS.map(({ name }) => name);
  const command = new Command("bench:120k")
    .description("120,000 clients on several gateways, which share a port and NATS.")
    .option("--clients <n>", "WebSocket clients", integer(1, 1_000_000), CLIENTS)
    .option("--hold <seconds>", "how long all of them stay", number(1, 3600), HOLD_SECONDS)
    .option("--gateways <n>", "gateways, and as many generators", integer(1, 64), GATEWAYS)
    .option("--only <name>", `one scenario, of ${names}`, nameOf(names))
    .option("--ramp <seconds>", "in place of the scenario's", number(0.1, 3600))
    .option("--period <seconds>", "in place of the scenario's", number(0.1, 3600))
    .option("--no-reuse-port", "a port for each gateway")
    .option("--profile", "shows what the first gateway does while all are connected")
    .option(
      "--gateway-flag <flag>",
      "a flag for the gateways, such as --gateway-flag=--ping-interval=0s; repeatable",
      (flag: string, flags: readonly string[]) => [...flags, flag],
      [] as readonly string[],
    )
    .option("--json <file>", "writes the numbers there")
    .option(
      "--no-write",
      "leaves bench/RESULTS.md and the chart alone, as anything but the whole as it is does",
    );
  const unfit = parseFlags(command, args);
  if (unfit !== null) return unfit;
  const given = command.opts<{
    clients: number;
    hold: number;
    gateways: number;
    only?: string;
    ramp?: number;
    period?: number;
    reusePort: boolean;
    profile?: true;
    gatewayFlag: readonly string[];
    json?: string;
    write: boolean;
  }>();
  const scenarios = SCENARIOS.filter(({ name }) => (given.only ?? name) === name)
    .map((each) => ({
      name: each.name,
      rampSeconds: given.ramp ?? each.rampSeconds,
      periodSeconds: given.period ?? each.periodSeconds,
    }));
  const isWhole = given.clients === CLIENTS && given.hold === HOLD_SECONDS &&
    given.gateways === GATEWAYS && given.only === undefined && given.ramp === undefined &&
    given.period === undefined && given.reusePort && given.profile === undefined &&
    given.gatewayFlag.length === 0;
  return {
    kind: "run",
    settings: {
      // With both numbers given the scenarios are the same one.
      scenarios: given.ramp === undefined || given.period === undefined
        ? scenarios
        : [{ ...scenarios[0]!, name: "own" }],
      clients: given.clients,
      holdSeconds: given.hold,
      gateways: Math.min(given.gateways, given.clients),
      sharesPort: given.reusePort,
      isProfiled: given.profile === true,
      gatewayFlags: given.gatewayFlag,
      isWritten: given.write && isWhole,
      jsonFile: given.json ?? null,
    },
  };
}

function nameOf(names: readonly string[]): (text: string) => string {
  return (text) => {
    if (names.includes(text)) return text;
    throw new InvalidArgumentError(`Allowed is ${names.join(" or ")}.`);
  };
}
