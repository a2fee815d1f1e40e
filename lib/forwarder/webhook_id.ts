/**
 * Which request it is, however often it is tried.
 *
 * @module
 */

import { type Random, randomUuid } from "../random.ts";
import { type BackendRequest, type Forwarder, isReport } from "./forwarder.ts";

/**
 * A forwarder that gives requests their `webhookId`: to be put around the tries, for it is the same in
 * all of them. Reports get one, and when requests are signed all do, since the signature covers it.
 */
export function identifyForwarder(
  inner: Forwarder,
  isSigned: boolean,
  random: Pick<Random, "bytes">,
): Forwarder {
  function forward(request: BackendRequest) {
    if (request.webhookId !== undefined || !(isSigned || isReport(request))) {
      return inner.forward(request);
    }
    return inner.forward({ ...request, webhookId: randomUuid(random) });
  }
  return { forward, close: () => inner.close() };
}
