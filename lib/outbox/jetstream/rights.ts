/**
 * What a login needs for the ledger, beyond the gateway's own subjects.
 *
 * @module
 */

import type { NatsConnection } from "@nats-io/transport-node";
import { inboxPrefix } from "../../nats/subject.ts";
import { streamNames } from "./subject.ts";

/** A message that changes nothing, on a subject that must be allowed. */
export interface Trial {
  readonly subject: string;
  readonly text: string;
}

/** JetStream's API, as NATS names it. */
const API = "$JS.API";
/** No consumer, owner, client and id has this name. */
const NONE = "-";

/** Subjects of signs of life, to be listened to. */
export function ownersSubjects(prefix: string): string {
  return `${prefix}.own.*`;
}

/** A subject of each stream on which nothing is ever kept. */
export function trialSubjects(prefix: string): { entries: string; owners: string } {
  return { entries: `${prefix}.led.${NONE}.${NONE}.${NONE}`, owners: `${prefix}.own.${NONE}` };
}

/**
 * Tries all rights out. What is refused the connection's status tells, and what is answered nobody hears.
 *
 * @throws When the connection is being closed.
 */
export function tryRights(connection: NatsConnection, prefix: string): void {
  const reply = `${inboxPrefix(prefix)}.none`;
  for (const { subject, text } of trialsOf(prefix)) connection.publish(subject, text, { reply });
}

/** What a login may not do, in words. */
export function rightText(operation: unknown, subject: unknown): string {
  return `${operation === "publish" ? "publish to" : "subscribe to"} ${subject}`;
}

/**
 * One message for each right. NATS tells of what is forbidden only when it is tried; what is allowed
 * here is refused by JetStream, or does nothing.
 */
export function trialsOf(prefix: string): Trial[] {
  const { entries, owners } = streamNames(prefix);
  const subjects = trialSubjects(prefix);
  const all = [[entries, subjects.entries], [owners, subjects.owners]] as const;
  return all.flatMap(([stream, subject]) => [
    { subject: `${API}.STREAM.INFO.${stream}`, text: "" },
    // Of another stream than the subject says.
    { subject: `${API}.STREAM.CREATE.${stream}`, text: "{}" },
    { subject: `${API}.STREAM.UPDATE.${stream}`, text: "{}" },
    // No message has this number.
    { subject: `${API}.STREAM.MSG.DELETE.${stream}`, text: '{"seq":0,"no_erase":true}' },
    { subject: `${API}.STREAM.MSG.GET.${stream}`, text: '{"seq":0}' },
    { subject: `${API}.CONSUMER.CREATE.${stream}.${NONE}.${subject}`, text: "{}" },
    { subject: `${API}.CONSUMER.INFO.${stream}.${NONE}`, text: "" },
    { subject: `${API}.CONSUMER.MSG.NEXT.${stream}.${NONE}`, text: "" },
    { subject: `${API}.CONSUMER.DELETE.${stream}.${NONE}`, text: "" },
  ]);
}
