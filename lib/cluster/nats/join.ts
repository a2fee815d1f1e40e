/**
 * Joining other instances, as the configuration says.
 *
 * @module
 */

import type { Clock } from "../../clock.ts";
import type { Config } from "../../config/config.ts";
import { ownPlace } from "../../config/place.ts";
import type { Secrets } from "../../config/secret.ts";
import type { SharedTime } from "../../ids.ts";
import type { Log } from "../../log/log.ts";
import type { Metrics } from "../../metrics/metrics.ts";
import { type Random, randomUuid } from "../../random.ts";
import type { Bus, Peer } from "../bus.ts";

/** A name for a process among others: short, for people read it, and nobody else's. */
export function nameOfInstance(random: Pick<Random, "bytes">): string {
  return randomUuid(random).slice(-12);
}

interface Shared {
  readonly time: SharedTime;
  readonly metrics: Metrics;
}

/**
 * What ties an instance to others over NATS; its code is loaded only when it is asked for.
 *
 * @param instance The process's name.
 * @param worker The number of this thread among those of its process.
 * @returns Undefined without `--nats`.
 */
export async function natsOf(
  config: Config,
  secrets: Secrets,
  deps: { readonly clock: Clock; readonly random: Random; readonly log: Log },
  instance = nameOfInstance(deps.random),
  worker = 0,
): Promise<((local: Peer, shared: Shared) => Bus) | undefined> {
  const { nats, natsSubject, maxMessageBytes } = config;
  const { clock, random, log } = deps;
  if (nats === undefined) return undefined;
  const { NatsBus } = await import("./bus.ts");
  const { connectNats } = await import("../../nats/connect.ts");
  const place = ownPlace(config);
  const files = { credentials: secrets.natsCredentials, ca: secrets.natsCa };
  return (local, { time, metrics }) =>
    new NatsBus({
      prefix: natsSubject,
      // A worker that is started again is another one: what it owed before it owes no more.
      peerId: worker === 0 ? instance : `${instance}-${worker}-${nameOfInstance(random)}`,
      local,
      time,
      metrics,
      port: place && `${place} ${worker}`,
      maxMessageBytes,
      connect: () => connectNats(nats, files, natsSubject),
      clock,
      log,
    });
}
