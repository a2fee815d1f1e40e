/**
 * What is known of each CALL, from both of its ends.
 *
 * @module
 */

/** One connection of a station. */
export interface Link {
  readonly clientId: string;
  /** The gateway's name. */
  readonly gateway: string;
  readonly openedAt: number;
  endedAt: number;
}

/** One request to the backend with a CALL's outcome. */
export interface Try {
  readonly at: number;
  /** The gateway that it came from. */
  readonly by: string;
  readonly kind: string;
  readonly webhookId: string | null;
  readonly body: string;
  /** What the backend answers. */
  readonly status: number;
}

/** What came of a request to the API; status 0: no answer, so that nothing is known. */
export interface Answer {
  readonly at: number;
  readonly status: number;
  /** `Ws2api-Outcome` */
  readonly outcome: string;
  readonly text: string;
}

/** A CALL that was asked for. Times are milliseconds since 1970. */
export interface Call {
  readonly messageId: string;
  readonly clientId: string;
  /** The gateway that was asked. */
  readonly via: string;
  readonly requestedAt: number;
  answer?: Answer;
  /** When the station got it. */
  readonly received: { readonly at: number; readonly link: Link }[];
  /** What the station answered; none: nothing yet, or never. */
  answered?: { readonly at: number; readonly kind: "result" | "error" };
  readonly tries: Try[];
}

/** The CALLs of a round, and the connections that stations have and had. */
export class Books {
  readonly calls = new Map<string, Call>();
  /** Those of earlier rounds, of which something may come late. */
  readonly earlier = new Map<string, Call>();
  /** By ClientId, the oldest first. */
  readonly links = new Map<string, Link[]>();
  /** Requests to the backend that belong to no CALL. */
  readonly strays: string[] = [];

  ask(messageId: string, clientId: string, via: string, at: number): Call {
    const call: Call = { messageId, clientId, via, requestedAt: at, received: [], tries: [] };
    this.calls.set(messageId, call);
    return call;
  }

  open(clientId: string, gateway: string, at: number): Link {
    const link = { clientId, gateway, openedAt: at, endedAt: Infinity };
    const links = this.links.get(clientId);
    if (links === undefined) this.links.set(clientId, [link]);
    else links.push(link);
    return link;
  }

  /** A CALL of this round, or of an earlier one. */
  find(messageId: string): Call | undefined {
    return this.calls.get(messageId) ?? this.earlier.get(messageId);
  }

  /** Begins a round: what was asked for before is over. */
  clear(): void {
    for (const [messageId, call] of this.calls) this.earlier.set(messageId, call);
    this.calls.clear();
    this.strays.length = 0;
    for (const links of this.links.values()) links.splice(0, links.length - 1);
  }
}

/** When a CALL was accepted; undefined when it was not, or nobody knows. */
export function acceptedAt({ answer }: Call): number | undefined {
  return answer?.status === 202 ? answer.at : undefined;
}

/** The first outcome that the backend took. */
export function takenOf(call: Call): Try | undefined {
  return call.tries.find(({ status }) => status < 300);
}

/** The connection that a CALL went to, as far as the station can tell. */
export function linkOf(call: Call, links: readonly Link[]): Link | undefined {
  if (call.received[0] !== undefined) return call.received[0].link;
  const accepted = acceptedAt(call);
  if (accepted === undefined) return undefined;
  return links.find(({ openedAt, endedAt }) => openedAt < call.requestedAt && accepted < endedAt);
}
