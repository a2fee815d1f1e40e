/**
 * What the rounds came to, for people.
 *
 * @module
 */

import { digits, markdownTable, ms } from "../report/markdown.ts";
import type { Call } from "./books.ts";
import { timeOf } from "./journal.ts";
import type { Broken } from "./judge.ts";
import type { Kind } from "./losses.ts";
import type { Round } from "./round.ts";

const HEADING = [
  ["lost", "rounds", "CALLs", "accepted", "outcomes"],
  ["outcome after: worst", "p99", "twice", "in two ways", "late", "missing", "other rules"],
  ["no 202 for: worst", "median"],
].flat();

/** A row for each kind of loss, and one for all. */
export function tableOf(rounds: readonly (Round & { readonly kind: Kind })[]): string {
  const kinds = [...new Set(rounds.map(({ kind }) => kind))];
  const rows = kinds.map((kind) => rowOf(kind, rounds.filter((round) => round.kind === kind)));
  return markdownTable([HEADING, ...rows, ...kinds.length > 1 ? [rowOf("all", rounds)] : []]);
}

function rowOf(name: string, rounds: readonly Round[]): string[] {
  const verdicts = rounds.map(({ verdict }) => verdict);
  const sum = (key: "asked" | "accepted" | "outcomes" | "twice" | "twoWays" | "late" | "missing") =>
    verdicts.reduce((all, verdict) => all + verdict[key], 0);
  const times = verdicts.flatMap(({ times }) => times).sort((a, b) => a - b);
  const refusals = verdicts.map(({ refusedMs }) => refusedMs).sort((a, b) => a - b);
  const broken = verdicts.reduce((all, verdict) => all + verdict.broken.length, 0);
  return [
    name,
    digits(rounds.length),
    ...[sum("asked"), sum("accepted"), sum("outcomes")].map((value) => digits(value)),
    ms(times.at(-1) ?? NaN),
    ms(times[Math.ceil(times.length * 0.99) - 1] ?? NaN),
    ...[sum("twice"), sum("twoWays"), sum("late"), sum("missing")].map((value) => digits(value)),
    digits(broken - sum("late") - sum("missing")),
    ...[refusals.at(-1)!, refusals[refusals.length >> 1]!].map((value) => ms(value)),
  ];
}

/** One round in a line. */
export function lineOf({ what, verdict }: Round): string {
  const { asked, accepted, outcomes, times, twice, twoWays, late, missing, refusedMs } = verdict;
  const worst = ms(times.reduce((most, time) => Math.max(most, time), 0));
  return `${what}: ${asked} CALLs, ${accepted} accepted, ${outcomes} outcomes, worst ${worst}, ` +
    `${twice} twice, ${twoWays} in two ways, ${late} late, ${missing} missing, ` +
    `no 202 for ${ms(refusedMs)}`;
}

/** A broken rule with all that is known of its CALLs. */
export function storyOf({ rule, calls }: Broken): string {
  return [rule, ...calls.map(historyOf)].join("\n  ");
}

/** All that is known of a CALL, in the order of time. */
export function historyOf(call: Call): string {
  const { answer } = call;
  const parts: [at: number, text: string][] = [
    [call.requestedAt, `asked of ${call.via}`],
    ...call.received.map(({ at, link }): [number, string] => [at, `got from ${link.gateway}`]),
    ...call.tries.map(({ at, by, kind, status, body, webhookId }): [number, string] => [
      at,
      `${kind} by ${by}, ${status}, ${webhookId}, ${body.slice(0, 120)}`,
    ]),
  ];
  for (const { link } of call.received) {
    if (link.endedAt < Infinity) parts.push([link.endedAt, `${link.gateway} lost`]);
  }
  if (answer !== undefined) {
    const { status, outcome, text } = answer;
    parts.push([answer.at, `${status} ${outcome} ${text.slice(0, 120)}`.trim()]);
  }
  if (call.answered !== undefined) parts.push([call.answered.at, `station: ${call.answered.kind}`]);
  const history = parts.sort(([a], [b]) => a - b).map(([at, text]) => `${timeOf(at)} ${text}`);
  return `${call.messageId} to ${call.clientId}: ${history.join("; ")}`;
}
