/**
 * Reports as requests to the backend.
 *
 * @module
 */

import { backendPath, hookPath } from "../codec/route.ts";
import type { BackendRequest } from "../forwarder/forwarder.ts";
import type { Tracked } from "./tracked.ts";

/**
 * The request that carries a report.
 *
 * @throws When a name of it can stand in no URL.
 */
export function requestOf({ id, client, report }: Tracked): BackendRequest {
  const { kind, body, trace } = report;
  const encodedId = encodeURIComponent(client.clientId);
  const path = report.kind === "disconnect"
    ? hookPath(report.kind, encodedId)
    : backendPath(report.kind, report.action, encodedId, report.messageId);
  return { kind, path, body, origin: client, webhookId: id, trace };
}
