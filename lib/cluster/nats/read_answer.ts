/**
 * What others answered over NATS, read as outside text: whoever may subscribe to a question's subject
 * may answer anything. Pure; nothing here throws.
 *
 * @module
 */

import { isObject, parseJson } from "../../codec/json.ts";
import { isObjectText } from "../../codec/scan.ts";
import type { ConnectionState } from "../../client/connection_state.ts";
import type { CallOutcome } from "../../report/outcome.ts";
import type { Violation } from "../../validate/violation.ts";
import {
  type Client,
  type ClientPage,
  type ClientReply,
  type ClientRequest,
  identityOf,
  type Refusal,
  refused,
} from "../bus.ts";
import { fieldsOf, isClientId, isNumber, isNumbers, isText, isTime, isToken } from "./checks.ts";
import type { Answer, Holder, Pong } from "./note.ts";

/** The longest text that tells people something. */
const MAX_WORDS_UNITS = 4096;
const MAX_POINTER_UNITS = 65_536;

/**
 * Reads the answer to `find`.
 *
 * @param clientId Who was looked for.
 * @returns Null when the client has just gone, undefined for what no instance answers.
 */
export function readHolder(text: string, clientId: string): Holder | null | undefined {
  const value = parseJson(text);
  if (value === null) return null;
  if (!isObject(value)) return undefined;
  const { peerId } = value;
  const client = readClient(value["client"]);
  return isToken(peerId) && client?.clientId === clientId ? { peerId, client } : undefined;
}

/** What may be answered to what, beside a refusal. */
const REPLIES: Readonly<Record<ClientRequest["kind"], readonly ClientReply["kind"][]>> = {
  call: ["accepted", "outcome", "no_answer", "invalid"],
  send: ["accepted", "invalid"],
  close: ["accepted"],
  describe: ["client"],
};

/**
 * Reads the answer to `ask`.
 *
 * @param kind What was asked.
 * @returns Undefined for what no instance answers to that. A refusal for a reason that this version does
 *   not know counts as `unavailable`: nothing was done.
 */
export function readAnswer(text: string, kind: ClientRequest["kind"]): Answer | undefined {
  const { epoch, reply } = fieldsOf(text);
  if (!isNumber(epoch)) return undefined;
  if (reply === undefined) return { epoch };
  const read = isObject(reply) ? readReply(reply) : undefined;
  const isFit = read?.kind === "refused" || (read && REPLIES[kind].includes(read.kind));
  return isFit ? { epoch, reply: read } : undefined;
}

/**
 * Reads the answer to `ping`.
 *
 * @returns Undefined for what no instance answers.
 */
export function readPong(text: string): Pong | undefined {
  const { epoch, ended } = fieldsOf(text);
  return isNumber(epoch) && isNumbers(ended) ? { epoch, ended } : undefined;
}

/**
 * Reads the answer to `claim`.
 *
 * @returns Undefined for what no instance answers.
 */
export function readClaimed(text: string): boolean | undefined {
  const { isOwed } = fieldsOf(text);
  return typeof isOwed === "boolean" ? isOwed : undefined;
}

/**
 * Reads one instance's part of a list.
 *
 * @param limit How many clients were asked for.
 * @returns Undefined for what no instance answers.
 */
export function readPage(text: string, limit: number): ClientPage | undefined {
  const { total, clients, hasMore } = fieldsOf(text);
  if (!isNumber(total) || typeof hasMore !== "boolean") return undefined;
  if (!Array.isArray(clients) || clients.length > limit) return undefined;
  const read = clients.map(readClient).filter((client) => client !== undefined);
  return read.length === clients.length ? { total, clients: read, hasMore } : undefined;
}

/** Its parts become a URL and headers of requests to the backend. */
export function readClient(value: unknown): Client | undefined {
  if (!isObject(value)) return undefined;
  const { clientId, connectionId, protocol, remoteAddress, connectedAt } = value;
  const isOne = isClientId(clientId) && isToken(connectionId) &&
    (protocol === null || isVisible(protocol)) && isVisible(remoteAddress) &&
    isTime(connectedAt);
  return isOne ? identityOf(value as unknown as Client) : undefined;
}

/** Visible ASCII, as subprotocols and addresses are. */
function isVisible(value: unknown): value is string {
  return isText(value, 255) && /^[!-~]*$/.test(value);
}

/** All of them, so that the compiler tells of one that is missing here. */
const REFUSALS: Readonly<Record<Refusal, true>> = {
  gone: true,
  duplicate: true,
  full: true,
  overloaded: true,
  no_room: true,
  not_kept: true,
  shutting_down: true,
  no_send: true,
  unavailable: true,
  too_large: true,
  lost: true,
};

/** Reads a reply to any request. @returns Undefined for what no instance replies. */
export function readReply(reply: Record<string, unknown>): ClientReply | undefined {
  const { kind } = reply;
  switch (kind) {
    case "accepted":
      return { kind };
    case "refused": {
      const { reason } = reply;
      if (typeof reason !== "string") return undefined;
      return refused(Object.hasOwn(REFUSALS, reason) ? reason as Refusal : "unavailable");
    }
    case "invalid": {
      const violation = readViolation(reply["violation"]);
      return violation && { kind, violation };
    }
    case "outcome": {
      const outcome = readOutcome(reply["outcome"]);
      return outcome && { kind, outcome };
    }
    case "no_answer": {
      const { wasSent } = reply;
      return typeof wasSent === "boolean" ? { kind, wasSent } : undefined;
    }
    case "client": {
      const client = readClient(reply["client"]);
      const { state } = reply;
      if (client === undefined) return undefined;
      if (state === undefined) return { kind, client };
      const read = readState(state);
      return read && { kind, client, state: read };
    }
    default:
      return undefined;
  }
}

/** Its texts become a response of the API, or a report. */
function readOutcome(value: unknown): CallOutcome | undefined {
  if (!isObject(value)) return undefined;
  const { kind, payload, codeText, descriptionText, details, wasSent, reason } = value;
  switch (kind) {
    case "result":
      return isJsonObject(payload) ? { kind, payload } : undefined;
    case "error":
      return isJsonString(codeText) && isJsonString(descriptionText) && isJsonObject(details)
        ? { kind, codeText, descriptionText, details }
        : undefined;
    case "timeout":
      return { kind };
    case "gone":
      return typeof wasSent === "boolean" && isText(reason, MAX_WORDS_UNITS)
        ? { kind, wasSent, reason }
        : undefined;
    default:
      return undefined;
  }
}

function isJsonObject(value: unknown): value is string {
  return typeof value === "string" && isObjectText(value);
}

function isJsonString(value: unknown): value is string {
  return typeof value === "string" && typeof parseJson(value) === "string";
}

const MEANINGS: Readonly<Record<Violation["meaning"], true>> = {
  not_implemented: true,
  not_supported: true,
  bad_payload: true,
  property_constraint: true,
  occurrence_constraint: true,
  type_constraint: true,
};

function readViolation(value: unknown): Violation | undefined {
  if (!isObject(value)) return undefined;
  const { meaning, pointer, text } = value;
  return typeof meaning === "string" && Object.hasOwn(MEANINGS, meaning) &&
      isText(pointer, MAX_POINTER_UNITS) && isText(text, MAX_WORDS_UNITS)
    ? { meaning: meaning as Violation["meaning"], pointer, text }
    : undefined;
}

/** Reads a client's state. @returns Undefined for what is none. */
export function readState(value: unknown): ConnectionState | undefined {
  if (!isObject(value)) return undefined;
  const { lastActivityAt, heardAt, framesIn, framesOut, waiting, outstanding, errors } = value;
  // An instance of an older version does not tell all of it.
  return isTime(lastActivityAt) && isNumber(framesIn) && isNumber(framesOut) && isNumber(waiting) &&
      isNumber(outstanding) && (heardAt === undefined || heardAt === null || isTime(heardAt)) &&
      (errors === undefined || isNumber(errors))
    ? {
      ...{ lastActivityAt, framesIn, framesOut, waiting, outstanding },
      ...(heardAt !== undefined && { heardAt }),
      ...(errors !== undefined && { errors }),
    }
    : undefined;
}
