/**
 * What `--validate` does about payloads: it says so, counts them, and in `strict` they are refused.
 *
 * Unlike `validator.ts` this loads nothing.
 *
 * @module
 */

import type { Log } from "../log/log.ts";
import type { Direction } from "./direction.ts";
import type { PayloadFrame } from "./schemas.ts";
import type { Validator } from "./validator.ts";
import { describeViolation, type Violation } from "./violation.ts";

/** A frame as far as it is inspected. */
export interface Inspected {
  readonly direction: Direction;
  readonly type: PayloadFrame;
  /** Of a CALLRESULT, the one of the CALL that it answers. */
  readonly action: string;
  readonly messageId: string;
  /** The payload's JSON text. */
  readonly payload: string;
  /** Parses it, on the account of who sent it; `parseJson` without. */
  readonly parse?: (text: string) => unknown;
}

/** The connection that a frame came on, or goes to. */
export interface ConnectionNames {
  readonly clientId: string;
  readonly connectionId: string;
  readonly protocol: string | null;
}

/**
 * Inspects one payload. Never throws.
 *
 * @returns Why the frame is refused; undefined when it passes, which in `warn` is always.
 */
export type Inspect = (connection: ConnectionNames, frame: Inspected) => Violation | undefined;

export interface InspectorDeps {
  readonly validator: Validator;
  readonly mode: "warn" | "strict";
  readonly log: Log;
  /** Counts a payload that is not valid. */
  readonly count: (direction: Direction, type: PayloadFrame) => void;
}

/** Makes the inspector of a gateway. */
export function createInspector({ validator, mode, log, count }: InspectorDeps): Inspect {
  function inspect(
    { clientId, connectionId, protocol }: ConnectionNames,
    { direction, type, action, messageId, payload, parse }: Inspected,
  ): Violation | undefined {
    const violation = validator.check(protocol, direction, type, action, payload, parse);
    if (violation === undefined) return undefined;
    count(direction, type);
    const reason = describeViolation(violation);
    const fields = { clientId, connectionId, direction, type, action, messageId, reason };
    if (mode === "warn") {
      log.warn("payload not valid", fields);
      return undefined;
    }
    log.warn("payload refused", fields);
    return violation;
  }

  return inspect;
}
