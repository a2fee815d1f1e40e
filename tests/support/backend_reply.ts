import type { RequestKind } from "../../lib/codec/route.ts";
import type { BackendFault, BackendReply, BackendRequest } from "../../lib/forwarder/forwarder.ts";

/** No answer, for this reason. */
export function failed(fault: BackendFault): BackendReply {
  return { ok: false, fault };
}

/** An answer with this status and no body. */
export function status(code: number): BackendReply {
  return { ok: true, status: code, body: "" };
}

/** Any request of this kind. */
export function request(kind: RequestKind): BackendRequest {
  const origin = { clientId: "CP1", connectionId: "c", protocol: null, remoteAddress: "127.0.0.1" };
  return { kind, path: `${kind}/A/CP1/7`, body: "{}", origin };
}
