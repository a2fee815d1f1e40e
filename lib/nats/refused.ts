/**
 * What NATS refuses on a connection.
 *
 * @module
 */

import type { NatsConnection } from "@nats-io/transport-node";

/**
 * Notes the server's words for each thing that it refuses, until the connection is closed. What was refused
 * is told before the answer to a `flush` that comes after it. Never rejects.
 */
export async function watchRefused(
  connection: NatsConnection,
  refused: Set<string>,
): Promise<void> {
  try {
    for await (const status of connection.status()) {
      if (status.type === "error") refused.add(status.error.message);
    }
  } catch {
    // It was closed.
  }
}
