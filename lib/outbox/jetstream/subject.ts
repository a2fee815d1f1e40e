/**
 * Names of subjects and streams of the ledger (pure).
 *
 * @module
 */

import { tokenOf } from "../../nats/subject.ts";

/** The two streams. A dot cannot stand in the name of a stream, `=` in no prefix. */
export function streamNames(prefix: string): { entries: string; owners: string } {
  const name = prefix.replaceAll(".", "=");
  return { entries: `${name}=ledger`, owners: `${name}=owners` };
}

/** What an owner owes of one client under one id. @param owner A token. */
export function entrySubject(prefix: string, owner: string, clientId: string, id: string): string {
  return `${prefix}.led.${owner}.${tokenOf(clientId)}.${tokenOf(id)}`;
}

/** All that an owner owes. */
export function entriesOf(prefix: string, owner: string): string {
  return `${prefix}.led.${owner}.>`;
}

/** An owner's signs of life. */
export function ownerSubject(prefix: string, owner: string): string {
  return `${prefix}.own.${owner}`;
}

/** The owner that a subject of signs of life, or of an entry, names; undefined when it names none. */
export function ownerOf(prefix: string, subject: string): string | undefined {
  const rest = [`${prefix}.own.`, `${prefix}.led.`].find((start) => subject.startsWith(start));
  return rest === undefined ? undefined : subject.slice(rest.length).split(".", 1)[0];
}
