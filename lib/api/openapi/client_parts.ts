/**
 * Clients, and lists of them, as OpenAPI has them.
 *
 * @module
 */

import { SORTS } from "../../cluster/list.ts";
import { asked, COUNT, NEXT, object, orNull, ref, TEXT, TIME } from "./schema.ts";

const CLIENT = {
  id: { type: "string", description: "The ClientId." },
  protocol: { ...orNull(TEXT), description: "The subprotocol, null without one." },
  remoteAddress: TEXT,
  connectedAt: TIME,
  connection: { type: "string", format: "uuid", description: "A UUIDv7." },
};
const CLIENT_STATE = {
  lastActivityAt: TIME,
  heardAt: {
    ...orNull(TIME),
    description: "When its last valid frame came, null before the first. An instance of an older " +
      "version does not tell it, nor `errors`.",
  },
  framesIn: COUNT,
  framesOut: COUNT,
  waiting: COUNT,
  outstanding: COUNT,
  errors: {
    ...COUNT,
    description:
      "CALLERRORs and CALLRESULTERRORs that passed, either way, and texts that were no " +
      "frame.",
  },
};
const UNTOLD = ["heardAt", "errors"];
/** What only some clients of some lists have. */
const LISTED = {
  instance: {
    type: "string",
    description: "With `--nats`: the name of the instance that holds it.",
  },
  messagesPerSecond: {
    type: "number",
    minimum: 0,
    description: "With `sort=messages`: measured over some seconds.",
  },
  ends: { ...COUNT, description: "With `sort=-ends`: connections that ended in the last hour." },
  endedAt: { ...TIME, description: "With `sort=-ends`: it is not connected since then." },
};

/** Bodies. */
export const CLIENT_SCHEMAS = {
  Client: object(CLIENT),
  ClientState: object({ ...CLIENT, ...CLIENT_STATE }, UNTOLD),
  ListedClient: {
    ...object(
      { ...CLIENT, ...CLIENT_STATE, ...LISTED },
      [...Object.keys(CLIENT_STATE), ...Object.keys(LISTED)],
    ),
    description: "The state comes with `sort` and `filter`, for clients that are connected.",
  },
  ClientPage: object({
    total: { ...COUNT, description: "Clients in all that the query finds." },
    clients: { type: "array", items: ref("schemas", "ListedClient") },
    next: NEXT,
    incomplete: {
      const: true,
      description:
        "Not all instances have answered, or not all threads; there may be more clients.",
    },
  }, ["incomplete"]),
} as const;

/** What is asked of a list. */
export const CLIENT_PARAMETERS = {
  Sort: asked(
    "sort",
    "query",
    "What it is sorted by, the least first; with `-` before it the greatest. `activity`: when the " +
      "last frame came or went; `messages`: a second; `connected`: since when; `-ends`: connections " +
      "that ended in the last hour.",
    {
      type: "string",
      pattern: `^(?:-?(?:${SORTS.filter((sort) => sort !== "ends").join("|")})|-ends)$`,
      default: "id",
    },
  ),
  Filter: asked(
    "filter",
    "query",
    "A list, separated by commas: `protocol:NAME` (`none` for clients without one), " +
      "`address:BEGINNING`, `instance:NAME`, `silent:DURATION` (no valid frame came for so long: " +
      "`90s`, `10m`, `2h`), `errors` (more than none). All of it has to fit. NAME and BEGINNING are " +
      "percent-encoded.",
    TEXT,
  ),
} as const;
