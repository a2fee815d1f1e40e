/**
 * How the clients come and how often they speak.
 *
 * @module
 */

export interface Scenario {
  /** As `--only` has it. */
  readonly name: string;
  /** All clients connect evenly in this time. */
  readonly rampSeconds: number;
  /** Between two CALLs of a client. */
  readonly periodSeconds: number;
}

export const SCENARIOS: readonly Scenario[] = [
  { name: "calm", rampSeconds: 60, periodSeconds: 20 },
  { name: "full", rampSeconds: 30, periodSeconds: 10 },
];

/** For headings. */
export function titleOf({ rampSeconds, periodSeconds }: Scenario): string {
  return `all in ${rampSeconds} s, a CALL every ${periodSeconds} s`;
}
