/**
 * What can happen to the gateway, as plain data: random sequences of it can be shortened and shown.
 *
 * @module
 */

import fc from "fast-check";
import { REPLIES, type ReplyName } from "./backend.ts";

export const CLIENTS = ["CP1", "CP2", "CP3"];
export const MESSAGE_IDS = ["m0", "m1", "m2", "m3", "m4", "m5"];

/** Which of a client's connections; "closing" is one whose close event is still to come. */
export type Which = "open" | "opening" | "closing";

/**
 * One event. Things are named by position ("the second try under way"), so that a command means
 * something in any state; where it does not, it does nothing.
 *
 * `stalled`: the client takes nothing of what is sent to it because of this event.
 */
export type Command =
  | { do: "connect"; client: string; opensLater: boolean }
  | { do: "open"; client: string }
  | { do: "hang up"; client: string; which: Which; isClean: boolean; twice: boolean }
  | { do: "operator"; client: string; cuts: boolean }
  /** From now on nothing reaches the client, and nobody knows yet. */
  | { do: "break"; client: string }
  /** `many`: one under each MessageId, beginning with this one. */
  | {
    do: "api";
    client: string;
    id: string;
    many: boolean;
    seconds: number | undefined;
    stalled: boolean;
  }
  /** Without `id` to the oldest CALL outstanding. */
  | {
    do: "answer";
    client: string;
    which: Which;
    id: string | undefined;
    /** `broken`: a CALLRESULT that is no valid one. */
    kind: "result" | "error" | "broken";
    times: number;
    stalled: boolean;
  }
  /** `repeated`: the same CALL once more in the same moment. */
  | {
    do: "call";
    client: string;
    which: Which;
    id: string;
    many: boolean;
    repeated: boolean;
    stalled: boolean;
  }
  /** A CALLRESULTERROR; without `id` to the latest CALLRESULT. */
  | { do: "refuse"; client: string; which: Which; id: string | undefined; times: number }
  /** `many`: three tries in the same moment. `thenGoes`: the client vanishes in that moment too. */
  | {
    do: "backend";
    nth: number;
    reply: ReplyName;
    many: boolean;
    stalled: boolean;
    thenGoes: boolean;
  }
  /** Every try ends like this for a while. */
  | { do: "outage"; reply: ReplyName; ms: number }
  | { do: "tick"; ms: number };

/** A fast-check arbitrary of its share. */
function often<T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.WeightedArbitrary<T> {
  return { weight, arbitrary };
}

function only<const T>(value: T): fc.Arbitrary<T> {
  return fc.constant(value);
}

/** One of them is busier: things must come together to meet. */
const client = fc.oneof(often(2, fc.constant(CLIENTS[0]!)), often(1, fc.constantFrom(...CLIENTS)));
const id = fc.constantFrom(...MESSAGE_IDS);
const rarely = fc.nat(9).map((n) => n === 9);
const many = rarely;
const seldom = fc.nat(39).map((n) => n === 39);
const stalled = seldom;
const which = rarely.map((isLate): Which => isLate ? "closing" : "open");

const command: fc.Arbitrary<Command> = fc.oneof(
  often(3, fc.record({ do: only("connect"), client, opensLater: rarely })),
  often(1, fc.record({ do: only("open"), client })),
  often(
    2,
    fc.record({
      do: only("hang up"),
      client,
      which: fc.constantFrom<Which[]>("open", "opening", "closing"),
      isClean: fc.boolean(),
      twice: rarely,
    }),
  ),
  often(1, fc.record({ do: only("operator"), client, cuts: fc.boolean() })),
  often(1, fc.record({ do: only("break"), client })),
  often(
    12,
    fc.record({
      do: only("api"),
      client,
      id,
      many,
      seconds: fc.constantFrom(undefined, undefined, undefined, 1, 2, 3, 5),
      stalled,
    }),
  ),
  often(
    14,
    fc.record({
      do: only("answer"),
      client,
      which,
      id: fc.oneof(often(3, fc.constant(undefined)), often(1, id)),
      kind: fc.constantFrom("result", "error", "result", "error", "broken"),
      times: fc.constantFrom(1, 1, 1, 2),
      stalled,
    }),
  ),
  often(9, fc.record({ do: only("call"), client, which, id, many, repeated: rarely, stalled })),
  often(
    5,
    fc.record({
      do: only("refuse"),
      client,
      which,
      id: fc.oneof(often(3, fc.constant(undefined)), often(1, id)),
      times: fc.constantFrom(1, 1, 1, 2),
    }),
  ),
  often(
    14,
    fc.record({
      do: only("backend"),
      nth: fc.nat(5),
      reply: fc.oneof(
        often(1, fc.constant<ReplyName>(200)),
        often(1, fc.constantFrom<ReplyName[]>(...REPLIES)),
      ),
      many,
      stalled,
      thenGoes: seldom,
    }),
  ),
  often(
    2,
    fc.record({
      do: only("outage"),
      reply: fc.constantFrom<ReplyName[]>("unreachable", "broken", "timeout", 502),
      ms: fc.constantFrom(100, 2000, 6000),
    }),
  ),
  often(8, fc.record({ do: only("tick"), ms: fc.constantFrom(100, 400, 1200, 3000) })),
);

/** Sequences of up to 60 events, as many long ones as short ones. */
export const commands: fc.Arbitrary<Command[]> = fc.noBias(
  fc.array(command, { maxLength: 60, size: "max" }),
);
