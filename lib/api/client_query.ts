/**
 * What is asked of the list of clients: `?sort=&filter=&search=&limit=&after=`.
 *
 * @module
 */

import {
  type ListCursor,
  type ListFilter,
  type ListQuery,
  type Sort,
  SORTS,
} from "../cluster/list.ts";
import { duration } from "../config/value.ts";

/** No ClientId is longer, and no other value either. */
const MAX_CHARS = 255;
const MAX_FILTER_CHARS = 4 * MAX_CHARS;
/** Ten years. */
const readSilence = duration(0, 87_600);

/** A query, or what is wrong with it, for people. */
export type ReadQuery = { readonly query: ListQuery } | { readonly wrong: string };

/**
 * Reads it.
 *
 * @param limits How long a page is when nothing is said of it, and at most.
 */
export function readClientQuery(
  asked: URLSearchParams,
  limits: { readonly normal: number; readonly most: number },
): ReadQuery {
  const limitText = asked.get("limit") ?? String(limits.normal);
  const limit = /^\d{1,4}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > limits.most) {
    return { wrong: `limit must be a whole number from 1 to ${limits.most}` };
  }
  const search = asked.get("search") ?? undefined;
  if (search !== undefined && search.length > MAX_CHARS) {
    return { wrong: `search must not be longer than ${MAX_CHARS} characters` };
  }
  const sortText = asked.get("sort") || "id";
  const isDescending = sortText.startsWith("-");
  const name = isDescending ? sortText.slice(1) : sortText;
  const sort = SORTS.find((each) => each === name);
  if (sort === undefined) {
    return {
      wrong: `sort must be one of ${SORTS.join(", ")}, with a - before it for the greatest first`,
    };
  }
  // What ended least is not kept.
  if (sort === "ends" && !isDescending) return { wrong: "ends are sorted as -ends only" };
  const filter = readFilter(asked.get("filter") ?? "");
  if (typeof filter === "string") return { wrong: filter };
  const after = readCursor(asked.get("after"), sort);
  if (after === undefined) {
    return { wrong: "after must be the next of a page in the same order" };
  }
  return { query: { sort, isDescending, filter, search, after, limit } };
}

/** Whether it is the plain list: by ClientId, all that the search finds. */
export function isPlain({ sort, isDescending, filter }: ListQuery): boolean {
  return sort === "id" && !isDescending && Object.keys(filter).length === 0;
}

/** What the next page is asked for by. */
export function cursorText(cursor: ListCursor | null, sort: Sort): string | null {
  if (cursor === null) return null;
  return sort === "id" ? cursor.id : `${cursor.rank}~${cursor.id}`;
}

/** @returns Undefined for what no page said. */
function readCursor(text: string | null, sort: Sort): ListCursor | null | undefined {
  if (text === null) return null;
  if (sort === "id") return { rank: 0, id: text };
  const [, rank, id] = /^(-?\d{1,16}(?:\.\d{1,3})?)~(.*)$/s.exec(text) ?? [];
  return rank === undefined || id === undefined ? undefined : { rank: Number(rank), id };
}

/** @returns The filter, or what is wrong with it. */
function readFilter(text: string): ListFilter | string {
  if (text.length > MAX_FILTER_CHARS) {
    return `filter must not be longer than ${MAX_FILTER_CHARS} characters`;
  }
  let filter: ListFilter = {};
  for (const part of text === "" ? [] : text.split(",")) {
    const [, name = "", rawValue] = /^([^:]*)(?::(.*))?$/s.exec(part) ?? [];
    const read = readPart(name, rawValue === undefined ? undefined : decoded(rawValue));
    if (read === undefined) return FILTER_WORDS;
    if (Object.keys(read).some((key) => Object.hasOwn(filter, key))) {
      return `filter names ${name} twice`;
    }
    filter = { ...filter, ...read };
  }
  return filter;
}

const FILTER_WORDS = "filter must be a list, separated by commas, of protocol:NAME (none for " +
  "clients without one), address:BEGINNING, instance:NAME, silent:DURATION such as 90s, 10m or 2h, " +
  "and errors; NAME and BEGINNING percent-encoded";

/** @param value Null for one that cannot be read. */
function readPart(name: string, value: string | null | undefined): ListFilter | undefined {
  if (name === "errors") return value === undefined ? { hasErrors: true } : undefined;
  if (value === undefined || value === null || value === "" || value.length > MAX_CHARS) {
    return undefined;
  }
  switch (name) {
    case "protocol":
      return { protocol: value === "none" ? null : value };
    case "address":
      return { address: value };
    case "instance":
      return { instance: value };
    case "silent": {
      const silence = readSilence(value);
      return silence.ok ? { silentMs: silence.value } : undefined;
    }
    default:
      return undefined;
  }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
