/**
 * Joining other instances, as the configuration says.
 *
 * @module
 */

import type { Clock } from "../../clock.ts";
import type { Config } from "../../config/config.ts";
import type { Secrets } from "../../config/secret.ts";
import type { Log } from "../../log/log.ts";
import { type Random, randomUuid } from "../../random.ts";
import type { Bus, Peer } from "../bus.ts";

/**
 * What ties an instance to others over NATS; its code is loaded only when it is asked for.
 *
 * @returns Undefined without `--nats`.
 */
export async function natsOf(
  config: Config,
  secrets: Secrets,
  deps: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): Promise<((local: Peer) => Bus) | undefined> {
  const { nats, natsSubject, maxMessageBytes } = config;
  const { clock, random, log } = deps;
  if (nats === undefined) return undefined;
  const { NatsBus } = await import("./bus.ts");
  const { connectNats } = await import("./connect.ts");
  const files = { credentials: secrets.natsCredentials, ca: secrets.natsCa };
  return (local) =>
    new NatsBus({
      prefix: natsSubject,
      peerId: randomUuid(random),
      local,
      maxMessageBytes,
      connect: () => connectNats(nats, files, natsSubject),
      clock,
      log,
    });
}
