/**
 * Whether what is known of CALLs keeps to the rules (pure).
 *
 * @module
 */

import { acceptedAt, type Books, type Call, type Link, linkOf, takenOf } from "./books.ts";

/** What time has to do with it, in milliseconds. */
export interface Bounds {
  /** `--call-timeout` of the gateways. */
  readonly callTimeoutMs: number;
  /** An outcome must be there so long after it can be known, and after the loss. */
  readonly boundMs: number;
}

/** A rule that was broken. */
export interface Broken {
  readonly rule: string;
  readonly calls: readonly Call[];
}

/** What became of the CALLs of a round. */
export interface Verdict {
  readonly asked: number;
  readonly accepted: number;
  readonly outcomes: number;
  /** Milliseconds from the loss, the 202 or the end of the CALL, whichever is last, to the outcome. */
  readonly times: readonly number[];
  /** CALLs whose outcome the backend took more than once … */
  readonly twice: number;
  /** … as a result and as an error. */
  readonly twoWays: number;
  readonly late: number;
  readonly missing: number;
  /** The longest time after the loss in which CALLs were asked for and none was accepted, milliseconds. */
  readonly refusedMs: number;
  readonly broken: readonly Broken[];
}

/**
 * When the outcome of each accepted CALL can be known: the station has answered, its time is over, or its
 * connection has ended. One that never reached its station has its turn when those before it are over.
 *
 * @param calls All of one client.
 */
function knowableOf(
  calls: readonly Call[],
  links: readonly Link[],
  callTimeoutMs: number,
): Map<Call, number> {
  const known = new Map<Call, number>();
  let before = -Infinity;
  const accepted = calls.filter((call) => acceptedAt(call) !== undefined)
    .sort((a, b) => acceptedAt(a)! - acceptedAt(b)!);
  for (const call of accepted) {
    const received = call.received[0]?.at ?? Math.max(acceptedAt(call)!, before);
    const at = Math.min(
      call.answered?.at ?? Infinity,
      received + callTimeoutMs,
      linkOf(call, links)?.endedAt ?? Infinity,
    );
    known.set(call, at);
    before = Math.max(before, at);
  }
  return known;
}

/**
 * What became of a round, when nothing more is waited for.
 *
 * @param lossAt When something was lost.
 */
export function judge(
  books: Books,
  lossAt: number,
  { callTimeoutMs, boundMs }: Bounds,
): Verdict {
  const broken: Broken[] = [];
  const breaks = (rule: string, ...calls: Call[]): void => void broken.push({ rule, calls });
  const times: number[] = [];
  const counts = { accepted: 0, outcomes: 0, twice: 0, twoWays: 0, late: 0, missing: 0 };
  for (const [clientId, calls] of byClient(books)) {
    const links = books.links.get(clientId) ?? [];
    const knowable = knowableOf(calls, links, callTimeoutMs);
    for (const call of calls) {
      for (const rule of alwaysBroken(call)) breaks(rule, call);
      const taken = call.tries.filter(({ status }) => status < 300);
      if (taken.length > 1) counts.twice++;
      if (new Set(taken.map(({ kind }) => kind)).size > 1) counts.twoWays++;
      const accepted = acceptedAt(call);
      if (accepted === undefined) continue;
      counts.accepted++;
      const [first] = taken;
      if (first === undefined) {
        counts.missing++;
        breaks("a CALL has no outcome", call);
        continue;
      }
      counts.outcomes++;
      const ms = first.at - Math.max(lossAt, accepted, knowable.get(call)!);
      if (first.at >= lossAt) times.push(Math.max(0, ms));
      if (ms <= boundMs) continue;
      counts.late++;
      breaks(`an outcome came after ${Math.round(ms)} ms`, call);
    }
    for (const pair of swapped(calls, links)) breaks("outcomes came out of order", ...pair);
  }
  for (const call of books.earlier.values()) {
    if ((call.tries.at(-1)?.at ?? 0) < lossAt) continue;
    for (const rule of alwaysBroken(call)) breaks(rule, call);
  }
  for (const stray of books.strays) breaks(`nobody asked for ${stray}`);
  const refusedMs = longestRefusal([...books.calls.values()], lossAt);
  return { asked: books.calls.size, ...counts, refusedMs, times, broken };
}

/**
 * Until when the outcomes that are not there may come, and are not late; undefined when all are there.
 *
 * @param lossAt As for `judge`.
 */
export function openUntil(books: Books, lossAt: number, bounds: Bounds): number | undefined {
  let last: number | undefined;
  for (const [clientId, calls] of byClient(books)) {
    const knowable = knowableOf(calls, books.links.get(clientId) ?? [], bounds.callTimeoutMs);
    for (const [call, at] of knowable) {
      if (takenOf(call) !== undefined) continue;
      last = Math.max(last ?? 0, lossAt, acceptedAt(call)!, at);
    }
  }
  return last === undefined ? undefined : last + bounds.boundMs;
}

function byClient(books: Books): Map<string, Call[]> {
  const all = new Map<string, Call[]>();
  for (const call of books.calls.values()) {
    all.set(call.clientId, [...all.get(call.clientId) ?? [], call]);
  }
  return all;
}

function longestRefusal(calls: readonly Call[], lossAt: number): number {
  const answered = calls.flatMap(({ answer }) => answer === undefined ? [] : [answer]);
  const after = answered.filter(({ at }) => at >= lossAt).sort((a, b) => a.at - b.at);
  let longest = 0;
  let since = lossAt;
  for (const { at, status } of after) {
    longest = Math.max(longest, at - since);
    if (status === 202) since = at;
  }
  return longest;
}

/** CALLs whose outcome the backend took more than once. */
export function twiceOf(books: Books): Call[] {
  return [...books.calls.values()].filter(({ tries }) =>
    tries.filter(({ status }) => status < 300).length > 1
  );
}

/** What is wrong with one CALL, accepted or not. */
function alwaysBroken(call: Call): string[] {
  const { tries, answer, answered, received, messageId } = call;
  const rules: string[] = [];
  const ids = new Set(tries.map(({ webhookId }) => webhookId));
  if (ids.has(null) || ids.size > 1) rules.push("an outcome came under several Webhook-Ids");
  if (answer?.outcome === "not-sent") {
    if (tries.length > 0) rules.push("a CALL that was refused has an outcome");
    if (received.length > 0) rules.push("a CALL that was refused reached its station");
  }
  if (received.length > 1) rules.push("a CALL reached its station twice");
  for (const { kind, body } of tries) {
    const isTrue = kind === "error" ||
      kind === "result" && answered?.kind === "result" && body === resultOf(messageId);
    if (!isTrue) rules.push("an outcome is not what the station said");
  }
  return rules;
}

/** What a station answers. */
export function resultOf(messageId: string): string {
  return JSON.stringify({ status: "Accepted", answers: messageId });
}

/** CALLs, each with one after it on the same gateway whose outcome came first. */
function swapped(calls: readonly Call[], links: readonly Link[]): [Call, Call][] {
  const all = calls.flatMap((call) => {
    const gateway = linkOf(call, links)?.gateway;
    const at = takenOf(call)?.at;
    return gateway === undefined || at === undefined ? [] : [{ call, gateway, at }];
  });
  return all.flatMap((a) => {
    const overtook = (b: typeof a): boolean =>
      a.gateway === b.gateway && b.at < a.at && isBefore(a.call, b.call);
    // One of them is enough.
    const first = all.find(overtook);
    return first === undefined ? [] : [[a.call, first.call]];
  });
}

/** Whether one was accepted before the other one for sure. */
function isBefore(a: Call, b: Call): boolean {
  const accepted = acceptedAt(a);
  if (accepted !== undefined && accepted < b.requestedAt) return true;
  const [one, other] = [a.received[0]?.at, b.received[0]?.at];
  return one !== undefined && other !== undefined && one < other;
}
