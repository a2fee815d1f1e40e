/**
 * Whether NATS is there, takes the login, and grants it what instances need.
 *
 * @module
 */

import type { NatsConnection } from "@nats-io/transport-node";
import { allSubject, clientSubject, peerSubject } from "./subject.ts";

export type NatsFinding =
  | {
    readonly ok: true;
    readonly server: string;
    readonly version: string;
    readonly maxBytes: number;
  }
  /** In the server's or the system's words. */
  | { readonly ok: false; readonly fault: string };

const ANSWER_MS = 3000;

/**
 * Connects twice, and sends a request from the one to the other over subjects of their own: no instance
 * notices.
 *
 * @param connect Connects once; rejects when it cannot.
 * @param prefix Begins each subject.
 * @param id Makes the subjects nobody else's.
 * @returns Never rejects.
 */
export async function probeNats(
  connect: () => Promise<NatsConnection>,
  prefix: string,
  id: string,
): Promise<NatsFinding> {
  const connections: NatsConnection[] = [];
  const refused = new Set<string>();
  try {
    for (let i = 0; i < 2; i++) {
      const connection = await connect();
      connections.push(connection);
      void watchErrors(connection, refused);
    }
    const [holder, asker] = connections as [NatsConnection, NatsConnection];
    const subjects = [peerSubject(prefix, id), clientSubject(prefix, id)];
    for (const subject of [...subjects, allSubject(prefix)]) {
      holder.subscribe(subject, {
        callback(error, message) {
          if (error !== null) refused.add(error.message);
          else if (subject !== allSubject(prefix)) message.respond();
        },
      });
    }
    await holder.flush();
    for (const subject of subjects) {
      await asker.request(subject, new Uint8Array(), { timeout: ANSWER_MS });
    }
    // What was refused is told before the answer to this.
    await Promise.all([holder.flush(), asker.flush()]);
    if (refused.size > 0) return { ok: false, fault: [...refused].join("; ") };
    const { version = "", max_payload = 0 } = asker.info ?? {};
    return { ok: true, server: asker.getServer(), version, maxBytes: max_payload };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, fault: refused.size > 0 ? [...refused].join("; ") : reason };
  } finally {
    await Promise.all(connections.map((connection) => connection.close().catch(() => {})));
  }
}

async function watchErrors(connection: NatsConnection, refused: Set<string>): Promise<void> {
  try {
    for await (const status of connection.status()) {
      if (status.type === "error") refused.add(status.error.message);
    }
  } catch {
    // It was closed.
  }
}
