/**
 * Questions for a list of clients and their answers over NATS, read as outside text. Pure; nothing here
 * throws.
 *
 * @module
 */

import { isObject } from "../../codec/json.ts";
import {
  type ClientList,
  type ListCursor,
  type ListedClient,
  type ListFilter,
  type ListQuery,
  MAX_LIST,
  SORTS,
} from "../list.ts";
import { isNumber, isText, isTime } from "./checks.ts";
import { readClient, readState } from "./read_answer.ts";

/** The longest text of a query; a ClientId is no longer. */
const MAX_UNITS = 255;

/**
 * Reads what is asked for.
 *
 * @returns Undefined for what no instance asks.
 */
export function readListQuery(value: unknown): ListQuery | undefined {
  if (!isObject(value)) return undefined;
  const { isDescending, search, limit } = value;
  const sort = SORTS.find((each) => each === value["sort"]);
  const filter = readFilter(value["filter"]);
  const after = value["after"] === null ? null : readCursor(value["after"]);
  return sort !== undefined && typeof isDescending === "boolean" && filter !== undefined &&
      (search === undefined || isText(search, MAX_UNITS)) && after !== undefined &&
      isNumber(limit) && limit >= 1 && limit <= MAX_LIST
    ? { sort, isDescending, filter, search, after, limit }
    : undefined;
}

function readFilter(value: unknown): ListFilter | undefined {
  if (!isObject(value)) return undefined;
  const { protocol, address, instance, silentMs, hasErrors } = value;
  return (protocol === undefined || protocol === null || isText(protocol, MAX_UNITS)) &&
      (address === undefined || isText(address, MAX_UNITS)) &&
      (instance === undefined || isText(instance, MAX_UNITS)) &&
      (silentMs === undefined || isNumber(silentMs)) &&
      (hasErrors === undefined || hasErrors === true)
    ? {
      ...(protocol !== undefined && { protocol }),
      ...(address !== undefined && { address }),
      ...(instance !== undefined && { instance }),
      ...(silentMs !== undefined && { silentMs }),
      ...(hasErrors !== undefined && { hasErrors }),
    }
    : undefined;
}

function readCursor(value: unknown): ListCursor | undefined {
  if (!isObject(value)) return undefined;
  const { rank, id } = value;
  return isRank(rank) && typeof id === "string" ? { rank, id } : undefined;
}

function isRank(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/**
 * Reads one instance's part of a list.
 *
 * @returns Undefined for what no instance answers to that.
 */
export function readList(value: unknown, { sort, limit }: ListQuery): ClientList | undefined {
  if (!isObject(value)) return undefined;
  const { total, rows, hasMore } = value;
  if (!isNumber(total) || typeof hasMore !== "boolean" || !Array.isArray(rows)) return undefined;
  // Of those that come and go each tells all that it knows.
  if (rows.length > (sort === "ends" ? MAX_LIST : limit)) return undefined;
  const read = rows.map(readRow).filter((row) => row !== undefined);
  return read.length === rows.length ? { total, rows: read, hasMore } : undefined;
}

function readRow(value: unknown): ListedClient | undefined {
  if (!isObject(value)) return undefined;
  const { endedAt, instance, rank } = value;
  const client = readClient(value["client"]);
  const state = value["state"] === null ? null : readState(value["state"]);
  return client !== undefined && state !== undefined && (endedAt === null || isTime(endedAt)) &&
      (instance === null || isText(instance, MAX_UNITS)) && isRank(rank)
    ? { client, state, endedAt, instance, rank }
    : undefined;
}
