/**
 * The way over which instances speak to each other.
 *
 * @module
 */

import type { Link } from "../../nats/link.ts";
import type { Note } from "./note.ts";

/** A connection to NATS that carries notes. */
export type BusLink = Link<Note>;
