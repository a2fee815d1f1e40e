/**
 * What is lost in a round.
 *
 * @module
 */

import type { Cable, Way } from "./cable.ts";
import { SERVERS } from "./nats.ts";
import { between, oneOf } from "./stations.ts";
import type { World } from "./world.ts";

export const KINDS = ["gateway", "server", "cut", "hang", "stop"] as const;
export type Kind = typeof KINDS[number];

const CUT_MS = [3000, 20_000] as const;
const PLACES = [0, 1, 2];

/** Something that is about to be lost; the world's `mend` ends what lasts. */
export interface Loss {
  /** In words. */
  readonly what: string;
  /** For so long, in milliseconds; 0: for the rest of the round. */
  readonly lastsMs: number;
  happen(): Promise<void> | void;
}

/** A loss of a kind, at random. @param maxMs The longest cut. */
export function lossOf(kind: Kind, world: World, maxMs: number = CUT_MS[1]): Loss {
  const place = oneOf(PLACES)!;
  if (kind === "gateway") {
    const what = `kill -9 of ${world.nameOf(place)}`;
    return { what, lastsMs: 0, happen: () => world.killGateway(place) };
  }
  if (kind === "server") {
    return { what: `kill -9 of n${place}`, lastsMs: 0, happen: () => world.servers.kill(place) };
  }
  if (kind === "stop") {
    const what = `${world.nameOf(place)} is stopped with care`;
    return { what, lastsMs: 0, happen: () => world.stopGateway(place) };
  }
  const lastsMs = Math.round(Math.min(maxMs, between(CUT_MS)));
  const seconds = (lastsMs / 1000).toFixed(1);
  if (kind === "hang") {
    const isGateway = Math.random() < 0.5;
    const what = `${isGateway ? world.nameOf(place) : `n${place}`} hangs for ${seconds} s`;
    const pid = isGateway ? world.pidOf(place) : world.servers.pidOf(place);
    return { what, lastsMs, happen: () => world.hang(pid) };
  }
  const { what, cables } = oneOf(CUTS)!(world, place);
  const how = oneOf(HOWS)!;
  return {
    what: `${what} cut for ${seconds} s, ${how.name}`,
    lastsMs,
    happen() {
      for (const [cable, there] of cables) how.cut(cable, there);
    },
  };
}

/** Cables, each with the way that leads to whoever is cut off. */
type Cut = (world: World, place: number) => {
  readonly what: string;
  readonly cables: readonly (readonly [Cable, Way])[];
};

const CUTS: readonly Cut[] = [
  (world, place) => ({
    what: `${world.nameOf(place)} and all of NATS`,
    cables: world.cablesOf(place).map((cable) => [cable, "back"]),
  }),
  (world, place) => {
    const cables = world.cablesOf(place);
    const used = cables.map(({ connections }) => connections);
    const server = used.indexOf(Math.max(...used));
    return {
      what: `${world.nameOf(place)} and its server n${server}`,
      cables: [[cables[server]!, "back"]],
    };
  },
  (world, place) => {
    const other = (place + 1) % SERVERS;
    return { what: `n${place} and n${other}`, cables: routes(world, place, other) };
  },
  (world, place) => ({
    what: `n${place} and both others`,
    cables: PLACES.filter((other) => other !== place)
      .flatMap((other) => routes(world, place, other)),
  }),
];

/** Both cables between two servers, with the ways to the first. */
function routes(world: World, a: number, b: number): [Cable, Way][] {
  const { fromA, fromB } = world.servers.between(a, b);
  return [[fromA, "back"], [fromB, "there"]];
}

const HOWS: readonly { readonly name: string; cut(cable: Cable, way: Way): void }[] = [
  { name: "with resets", cut: (cable) => cable.cut() },
  {
    name: "without a word",
    cut(cable) {
      cable.hold("there");
      cable.hold("back");
    },
  },
  { name: "without a word to the first", cut: (cable, way) => cable.hold(way) },
  {
    name: "without a word from the first",
    cut: (cable, way) => cable.hold(way === "there" ? "back" : "there"),
  },
];
