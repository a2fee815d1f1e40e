/**
 * The outboxes that are compared.
 *
 * @module
 */

import { join } from "node:path";
import type { Processes } from "../process/processes.ts";
import { type NatsServers, startServers } from "./nats.ts";

/** One of them. */
export interface Kind {
  readonly label: string;
  readonly holds: "memory" | "sqlite" | "nats";
  /** How many NATS servers there are; 0 for none. */
  readonly servers: number;
}

export const KINDS: readonly Kind[] = [
  { label: "memory", holds: "memory", servers: 0 },
  { label: "`--outbox DIR`", holds: "sqlite", servers: 0 },
  { label: "`--outbox nats`, 1 server", holds: "nats", servers: 1 },
  { label: "`--outbox nats`, 3 servers", holds: "nats", servers: 3 },
];

/** Where one turn's outbox is. */
export interface Place {
  /** Of an outbox on disk. */
  readonly folder: string;
  readonly nats: NatsServers | undefined;
}

/** Runs a turn with a folder of its own, which is removed behind it, and the NATS servers it needs. */
export async function withPlace<T>(
  processes: Processes,
  { servers }: Kind,
  parent: string,
  turn: (processes: Processes, place: Place) => Promise<T>,
): Promise<T> {
  const dir = await Deno.makeTempDir({ dir: parent, prefix: "bench-outbox-" });
  try {
    return await processes.with(async (own) => {
      const nats = servers === 0 ? undefined : await startServers(own, dir, servers);
      return await turn(own, { folder: join(dir, "outbox"), nats });
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
