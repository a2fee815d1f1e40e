/**
 * What others said over NATS, read as outside text: whoever may publish on the subjects may say
 * anything. Pure; nothing here throws.
 *
 * @module
 */

import { isAction, isMessageId } from "../../codec/name.ts";
import { isObject } from "../../codec/json.ts";
import { MAX_WAIT_SECONDS } from "../../codec/prefer.ts";
import { isObjectText } from "../../codec/scan.ts";
import { readTraceContext } from "../../codec/trace_context.ts";
import type { ClientRequest } from "../bus.ts";
import { isUuid } from "../../ids.ts";
import { isWithin } from "../../nats/messages.ts";
import {
  type Fields,
  fieldsOf,
  isClientId,
  isNumber,
  isNumbers,
  isText,
  isToken,
} from "./checks.ts";
import type { AllNote, ClientNote, PeerNote, PresenceNote } from "./note.ts";
import { readKey, readQuestion } from "./read_survey.ts";

/**
 * Reads what was said to one instance. A request is checked as the API checks one.
 *
 * @param text The message.
 * @param maxMessageBytes The longest payload, in bytes of UTF-8.
 * @returns Undefined for what no instance says.
 */
export function readPeerNote(text: string, maxMessageBytes: number): PeerNote | undefined {
  const note = fieldsOf(text);
  switch (note["kind"]) {
    case "ask": {
      const { from, number } = note;
      const request = readRequest(note["request"], maxMessageBytes);
      return isToken(from) && (number === null || isNumber(number)) && request !== undefined
        ? { kind: "ask", from, number, request }
        : undefined;
    }
    case "ended":
      return isNumber(note["number"]) ? { kind: "ended", number: note["number"] } : undefined;
    case "attached": {
      const { clientId, connectionId } = note;
      return isClientId(clientId) && isToken(connectionId)
        ? { kind: "attached", clientId, connectionId }
        : undefined;
    }
    case "alive":
      return readPresence("alive", note);
    case "claim": {
      const { peerId, number } = note;
      return isToken(peerId) && isNumber(number) ? { kind: "claim", peerId, number } : undefined;
    }
    case "ping": {
      const { peerId, numbers } = note;
      return isToken(peerId) && isNumbers(numbers) ? { kind: "ping", peerId, numbers } : undefined;
    }
    default:
      return undefined;
  }
}

/**
 * Reads what was said to whoever holds a client.
 *
 * @returns Undefined for what no instance says.
 */
export function readClientNote(text: string): ClientNote | undefined {
  const note = fieldsOf(text);
  if (note["kind"] === "find") return { kind: "find" };
  const { peerId, connectionId } = note;
  return note["kind"] === "attached" && isToken(peerId) && isToken(connectionId)
    ? { kind: "attached", peerId, connectionId }
    : undefined;
}

/** The longest page that is made: as long as the API's. */
const MAX_PAGE = 1000;
/** The longest search; a ClientId is no longer. */
const MAX_SEARCH_UNITS = 255;

/**
 * Reads what was said to all.
 *
 * @returns Undefined for what no instance says.
 */
export function readAllNote(text: string): AllNote | undefined {
  const note = fieldsOf(text);
  const { kind, clientId, after, limit, search } = note;
  switch (kind) {
    case "hello":
    case "alive":
    case "bye":
      return readPresence(kind, note);
    case "forget":
      return clientId === null || isClientId(clientId) ? { kind, clientId } : undefined;
    case "page":
      return (after === null || typeof after === "string") &&
          isNumber(limit) && limit >= 1 && limit <= MAX_PAGE &&
          (search === undefined || isText(search, MAX_SEARCH_UNITS))
        ? { kind, after, limit, search }
        : undefined;
    case "question": {
      const question = readQuestion(note["question"]);
      return question && { kind, question };
    }
    default:
      return undefined;
  }
}

/** The longest place: an address and what its process listens on. */
const MAX_PLACE_UNITS = 400;

function readPresence<K extends PresenceNote["kind"]>(
  kind: K,
  { peerId, time, place, isRoll }: Fields,
): (PresenceNote & { kind: K }) | undefined {
  const isOne = isToken(peerId) && (time === undefined || isNumber(time)) &&
    (place === undefined || isText(place, MAX_PLACE_UNITS)) &&
    (isRoll === undefined || typeof isRoll === "boolean");
  return isOne ? { kind, peerId, time, place, isRoll } : undefined;
}

function readRequest(value: unknown, maxMessageBytes: number): ClientRequest | undefined {
  if (!isObject(value)) return undefined;
  const { kind, clientId } = value;
  if (!isClientId(clientId)) return undefined;
  switch (kind) {
    case "call":
    case "send": {
      const { action, messageId, payload, waitSeconds = null } = value;
      if (typeof action !== "string" || !isAction(action)) return undefined;
      if (typeof messageId !== "string" || !isMessageId(messageId)) return undefined;
      if (!isPayload(payload, maxMessageBytes)) return undefined;
      const names = { clientId, action, messageId, payload };
      if (kind === "send") return { kind, ...names };
      if (waitSeconds !== null && !isWait(waitSeconds)) return undefined;
      const { id } = value;
      const key = readKey(value["key"]);
      const trace = readTrace(value["trace"]);
      return {
        ...{ kind, ...names, waitSeconds },
        ...(isUuid(id) && { id }),
        ...(key !== undefined && { key }),
        ...(trace !== undefined && { trace }),
      };
    }
    case "describe":
    case "close":
      return { kind, clientId };
    default:
      return undefined;
  }
}

/** One that cannot stand in a request's head is left out: the CALL does not depend on it. */
function readTrace(value: unknown): ReturnType<typeof readTraceContext> {
  if (!isObject(value)) return undefined;
  const { traceparent, tracestate = null } = value;
  if (typeof traceparent !== "string") return undefined;
  return readTraceContext(traceparent, typeof tracestate === "string" ? tracestate : null);
}

/** A payload as the API takes it: its text is passed on as it stands. */
function isPayload(value: unknown, maxBytes: number): value is string {
  return typeof value === "string" && isWithin(value, maxBytes) && value.isWellFormed() &&
    isObjectText(value);
}

function isWait(value: unknown): value is number {
  return isNumber(value) && value >= 1 && value <= MAX_WAIT_SECONDS;
}
